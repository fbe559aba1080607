#!/usr/bin/env bash
# A day at the office: two people at one netbook, a file of 3,672 recipients with the defects that
# auditors counted, typing in between, a power cut, a cut link, a lost passphrase, a bundle carried
# by hand. In the end every row of the file and every entry is accounted for, at node and hub.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
ROWS=3672
TKSK="Petugas $A"

start_link
district_with "$A"
add_operator "$A" Rudi operator_kec
tksk() { node "$A" --as "$TKSK" "$@"; }
rudi() { node "$A" --as Rudi "$@"; }
unlock() { # unlock WHO [PASSPHRASE_FILE]
    node "$A" unlock --as "$1" --passphrase-file "${2:-$PASS}" >/dev/null || fail "unlock $1"
}
figure() { node "$A" --json status | json "$1"; }
typed=0
type_one() { # type_one WHO NAME: one entry by hand
    [ -n "$("$1" --json isi orang nama="$2" jk=P kode_kec="$A" | json id)" ] || fail "$1 types $2"
    typed=$((typed + 1))
}

echo "-- 08.00 the file of recipients, and typing while it runs; then the power goes"
"$B/tests/gen/people" --seed 36 --count "$ROWS" --area "$A" --profile register \
    --out-dir "$W/people" || fail people
file=$W/people/orang.csv
tksk import orang "$file" >"$W/import.out" 2>&1 &
import=$!
begun() { [ "$(figure queued)" -gt 0 ] || [ "$(figure accepted)" -gt 0 ]; }
until_true 30 begun || fail "the import does not begin"
type_one tksk "Ibu di meja"
type_one rudi "Bapak di pintu"
stop "$A" KILL
wait "$import"
start_node "$A"
unlock "$TKSK"
unlock Rudi
tksk import orang "$file" >"$W/import.out" 2>&1
code=$?
[ "$code" = 1 ] || { cat "$W/import.out"; fail "the import ends with $code, not with refusals"; }
refused_rows=$(/usr/bin/python3 -c 'import csv, sys
print(sum(1 for _ in csv.reader(open(sys.argv[1], encoding="utf-8", newline=""))) - 1)' \
    "${file%.csv}.rejected.csv")
known=$(grep -c ',ditolak' "$W/people/orang.truth.csv")
is "refused rows, as the generator made them" "$refused_rows" "$known"

echo "-- 10.00 the link is cut; both go on, one entry is not fit to be sent"
link cut
for i in 1 2 3; do type_one rudi "Tamu $i"; done
type_one tksk "Tanpa sinyal"
out=$(tksk isi orang nama='Salah Tanggal' jk=L tgl_lahir='27 s/d 40 Maret 2018' \
    kode_kec="$A" --draf 2>&1)
draft=$(tksk --json draf | json rows.0.draft)
[ -n "$draft" ] || fail "no draft was kept: $out"

echo "-- 11.00 the TKSK signs what Rudi entered, in one go"
is "waiting for the signature" "$(figure to_countersign)" 4
tksk tandatangan --all --yes >"$W/signed" 2>&1 || fail "countersign"
is "waiting after it" "$(figure to_countersign)" 0
queued=$(figure queued)
[ "$queued" -ge 4 ] || fail "only $queued wait for the link"

echo "-- 13.00 still no link: a bundle is carried to the district, its answer back"
node "$A" bundle export "$W/out.tksk" >/dev/null || fail "bundle export"
hub bundle import "$W/out.tksk" -o "$W/answer.tksk" >/dev/null || fail "bundle import at the hub"
node "$A" bundle import "$W/answer.tksk" >/dev/null || fail "bundle import at the node"
is "queued after the answer" "$(figure queued)" 0

echo "-- 14.00 the draft is mended"
tksk draf kirim "$draft" tgl_lahir=2018-03-27 >/dev/null || fail "draft send"
typed=$((typed + 1))

echo "-- 15.00 the link is back; the TKSK has forgotten the passphrase"
link open
wait_sent 120 "$A"
node "$A" lock --all >/dev/null
unlock Rudi
printf 'kuda lain sama sekali\n' >"$W/second"
words=$(rudi --json operator reset "$TKSK" --yes --passphrase-file "$W/second" | json words)
[ -n "$words" ] || fail "no words after the reset"
until_true 60 hub operator approve "$A" "$TKSK" --role tksk --sk SK/2/2026 --from 2026-01-01 \
    --until 2030-12-31 --words "$words" --key "$W/officer.key" --passphrase-file "$PASS" ||
    fail "approval of the new key"
wait_status 60 "$A" trust_version "$(hub --json status | json trust_version)"
refused passphrase 1 tksk unlock --passphrase-file "$PASS"
unlock "$TKSK" "$W/second"
type_one tksk "Sesudah semua"
wait_sent 60 "$A"

echo "-- 17.00 every row is accounted for"
wanted=$((ROWS - refused_rows + typed))
is "records at the hub" "$(hub_count orang)" "$wanted"
is "accepted at the node" "$(figure accepted)" "$wanted"
for state in queued rejected held quarantined parked to_countersign drafts; do
    is "$state at the node" "$(figure "$state")" 0
done
all_here() { [ "$(figure records)" = "$wanted" ]; }
until_true 60 all_here || fail "records at the node: $(figure records) of $wanted"
hub snapshot "$W/district.db" >/dev/null || fail snapshot
# Each row of the file is a record with its values, or a refused row with its reason: none twice.
/usr/bin/python3 - "$file" "${file%.csv}.rejected.csv" "$W/district.db" <<'END' ||
import collections, csv, sqlite3, sys
read = lambda path: list(csv.DictReader(open(path, encoding="utf-8", newline="")))
rows, refused = read(sys.argv[1]), read(sys.argv[2])
columns = list(rows[0])
key = lambda row: tuple((row[c] or "").strip() for c in columns)
left = collections.Counter(map(key, rows))
for row in refused:
    assert row["alasan"], row
    left[key(row)] -= 1
assert min(left.values()) >= 0, "a refused row that is not in the file"
db = sqlite3.connect(sys.argv[3])
names = [c for c in columns if c in ("nik", "nama", "kode_desa")]
shown = ", ".join("coalesce(%s, '')" % n for n in names)
here = collections.Counter(db.execute("SELECT %s FROM orang" % shown))
for row, count in left.items():
    if count > 0:
        short = tuple(row[columns.index(n)] for n in names)
        here[short] -= count
        assert here[short] >= 0, ("not at the hub as often as in the file", row)
print("   %d rows: %d at the hub, %d refused with a reason"
      % (len(rows), sum(left.values()), len(refused)))
END
    fail "the rows do not add up"
hub verify >/dev/null || fail "verify"
node "$A" status
