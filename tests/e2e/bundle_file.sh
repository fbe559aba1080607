#!/usr/bin/env bash
# The link is never up: entries travel as files, in parts, in the wrong order and twice; the answer
# travels back; then the wire comes up and nothing is doubled. What is altered on the way is
# refused.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
C=$DISTRICT
district_with "$A" "$C"
shared=$(node "$A" --json isi orang nama=Siti jk=P kode_kec="$A" | json id)
wait_sent 30 "$A"
until_true 30 node "$C" show "$shared" || fail "the record does not reach the district's office"

# The hub listens where no office looks for it.
endpoint=$(cat "$W/hub/state/endpoint")
listen() {
    stop hub
    rm "$W/hub/state/endpoint" # else it comes back to the port that offices know
    sed -i "s|^listen.*|listen = '$1'|" "$W/hub/hub.conf"
    start_hub
}
listen 'tcp://127.0.0.2:*'

X=$W/carry
mkdir "$X"
sum() { /usr/bin/python3 -c 'import json, sys
print(sum(lane[sys.argv[1]] for lane in json.load(sys.stdin)["offices"][0]["lanes"]))' "$1"; }
for file in 1 2 3 4 5; do
    /usr/bin/python3 -c 'import random, string, sys
text = lambda n: "".join(random.choices(string.ascii_letters, k=n))
print("nama,jk,kode_kec,nama_ibu_kandung,ciri")
for i in range(60):
    print(f"Orang {i},P,{sys.argv[1]},{text(100)},{text(300)}")' "$A" >"$X/people$file.csv"
    node "$A" import orang "$X/people$file.csv" >/dev/null || fail import
done
ids=()
for i in $(seq 1 10); do
    id=$(node "$A" --json isi orang nama="Orang $i" jk=P kode_kec="$A" | json id)
    [ -n "$id" ] || fail "no id for record $i"
    ids+=("$id")
done
node "$C" ubah "$shared" status_hidup=pindah >/dev/null || fail "edit at $C"
is "queued before" "$(node "$A" --json status | json queued)" 310

# --- out: parts of 64 KiB at most, 0600, nothing replaced, nothing marked as sent
node "$A" bundle export "$X/out.tksk" --part-size 64K >/dev/null || fail "export"
[ -e "$X/out.tksk" ] && fail "one file, although it is more than a part"
parts=("$X"/out.tksk.*)
[ "${#parts[@]}" -ge 2 ] || fail "${#parts[@]} parts"
for part in "${parts[@]}"; do
    [ "$(stat -c %s "$part")" -le 65536 ] || fail "$part is larger than a part may be"
    is "mode of $part" "$(stat -c %a "$part")" 600
    head -n 1 "$part" | grep -qx 'tksk-sync carry 1' || fail "$part does not say what it is"
    grep -qa 'Orang' "$part" && fail "$part shows names"
done
is "queued after export" "$(node "$A" --json status | json queued)" 310
refused exists 1 node "$A" --json bundle export "$X/out.tksk" --part-size 64K
entries=$(node "$A" --json bundle export "$X/out.tksk" --part-size 64K --force | json entries)
[ "$entries" -ge 15 ] || fail "export --force: $entries entries"
refused usage 2 node "$A" --json bundle export "$X/small" --part-size 1K

# --- in: the wrong place, and what was altered or cut off
refused carry_place 1 node "$C" --json bundle import "${parts[0]}"
last=${parts[-1]}
damage() { # damage FILE POSITION: a copy with one byte turned
    /usr/bin/python3 -c 'import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2]) % len(data)] ^= 1
open(sys.argv[3], "wb").write(data)' "$1" "$2" "$X/damaged"
}
size=$(stat -c %s "$X/out.tksk.1")
for at in 3 40 600 $((size / 2)) $((size - 3)); do
    damage "$X/out.tksk.1" "$at"
    out=$(hub --json bundle import "$X/damaged" 2>&1) && fail "a byte altered at $at was taken"
    case $out in *'"carry"'*) ;; *) fail "altered at $at: $out" ;; esac
done
head -c 30000 "$X/out.tksk.1" >"$X/damaged"
refused carry 1 hub --json bundle import "$X/damaged"
: >"$X/damaged"
refused carry 1 hub --json bundle import "$X/damaged"
printf 'nama,jk\nAni,P\n' >"$X/damaged"
refused carry 1 hub --json bundle import "$X/damaged"
is "records after damaged files" "$(hub_count orang)" 1

# --- in the wrong order: the part that is needed is named; then all, and all again
out=$(hub --lang en bundle import "$last" 2>&1) && fail "the last part alone was taken"
case $out in *"part 1 of ${#parts[@]} is needed first"*) ;; *) fail "order: $out" ;; esac
reversed=()
for part in "${parts[@]}"; do reversed=("$part" "${reversed[@]}"); done
node "$C" bundle export "$X/district.tksk" >/dev/null || fail "export at $C"
hub bundle import "$X/district.tksk" >/dev/null || fail "import from $C"
receipt=$(hub --json bundle import "${reversed[@]}" -o "$X/answer.tksk") || fail "import: $receipt"
is "entries that came" "$(sum new <<<"$receipt")" "$entries"
is "accepted" "$(json offices.0.changes.accepted <<<"$receipt")" 310
is "records at the hub" "$(hub_count orang)" 311
receipt=$(hub --json bundle import "${parts[@]}") || fail "import again: $receipt"
is "entries that came again" "$(sum new <<<"$receipt")" 0
is "entries that were known" "$(sum known <<<"$receipt")" "$entries"
is "records after a repeat" "$(hub_count orang)" 311
refused exists 1 hub --json bundle import "${parts[0]}" -o "$X/answer.tksk"

# --- the answer, carried back: another office and the district refuse it
refused carry_place 1 node "$C" --json bundle import "$X/answer.tksk"
refused carry_place 1 hub --json bundle import "$X/answer.tksk"
grep -qa 'Orang' "$X/answer.tksk" && fail "the answer shows names"
node "$A" lock >/dev/null
refused locked 4 node "$A" --json bundle import "$X/answer.tksk"
is "answered while locked" "$(node "$A" --json status | json queued)" 0
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock
shown() { node "$A" --json show "$shared" | /usr/bin/python3 -c 'import json,sys
print([f["value"] for f in json.load(sys.stdin)["fields"] if f["name"] == "status_hidup"][0])'; }
before=$(shown)
for round in 1 2; do
    node "$A" bundle import "$X/answer.tksk" >/dev/null || fail "import of the answer, round $round"
    is "queued after the answer" "$(node "$A" --json status | json queued)" 0
    is "accepted at the office" "$(node "$A" --json status | json accepted)" 311
done
[ "$(shown)" != "$before" ] || fail "the district's edit did not come with the file"
is "disposition" "$(node "$A" --json show "${ids[7]}" | json history.0.disposition)" accepted

# --- a backup makes it safe, and the office learns that from a file too
mkdir "$W/backup"
hub backup "$W/backup" >/dev/null || fail backup
node "$A" isi orang nama='Satu lagi' jk=L kode_kec="$A" >/dev/null || fail isi
node "$A" bundle export "$X/second.tksk" >/dev/null || fail "second export"
hub bundle import "$X/second.tksk" -o "$X/second.answer" >/dev/null || fail "second import"
node "$A" bundle import "$X/second.answer" >/dev/null || fail "second answer"
# Of the lane that was answered since; an import's lane learns it with its next answer.
is "safe" "$(node "$A" --json status | json safe)" 11
# An older answer after a newer one is harmless.
node "$A" bundle import "$X/answer.tksk" >/dev/null || fail "an old answer"
is "queued after an old answer" "$(node "$A" --json status | json queued)" 0

# --- policy goes by file as well: an export at any time, without anything from the office
version=$(hub --json status | json trust_version)
hub operator renew 1 --sk 2/2026 --until 2031-12-31 --key "$W/officer.key" \
    --passphrase-file "$PASS" >/dev/null || fail renew
hub bundle export "$A" "$X/policy.tksk" >/dev/null || fail "export at the hub"
node "$A" bundle import "$X/policy.tksk" >/dev/null || fail "policy by file"
is "trust version at the office" "$(node "$A" --json status | json trust_version)" $((version + 1))
refused not_found 1 hub --json bundle export 36.04.99 "$X/nobody"

# --- the wire comes up: nothing is doubled, both sides agree
listen "$endpoint"
node "$A" isi orang nama='Lewat kabel' jk=P kode_kec="$A" >/dev/null || fail isi
node "$C" unlock --as "Petugas $C" --passphrase-file "$PASS" >/dev/null || fail "unlock of $C"
wait_sent 60 "$A"
wait_sent 60 "$C"
is "records in the end" "$(hub_count orang)" 313
is "accepted in the end" "$(node "$A" --json status | json accepted)" 313
# A file that is older than what the wire brought: known, and the link goes on.
receipt=$(hub --json bundle import "$X/second.tksk") || fail "an old file: $receipt"
is "entries of an old file" "$(sum new <<<"$receipt")" 0
node "$A" ubah "${ids[0]}" nama='Nama Baru' >/dev/null || fail edit
wait_sent 60 "$A"
is "edited over the wire" "$(hub_count "orang WHERE nama = 'Nama Baru'")" 1
is "standing" "$(node "$A" --json status | json standing)" active

# --- a machine whose right has ended
listen 'tcp://127.0.0.2:*'
node "$C" ubah "$shared" status_hidup=hidup >/dev/null || fail edit
node "$C" bundle export "$X/ended.tksk" >/dev/null || fail "export at $C"
hub node revoke "$C" --reason ended --yes --key "$W/officer.key" --passphrase-file "$PASS" \
    >/dev/null || fail revoke
refused denied 1 hub --json bundle import "$X/ended.tksk"
hub verify >/dev/null || fail verify
