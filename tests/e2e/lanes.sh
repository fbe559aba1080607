#!/usr/bin/env bash
# Lanes: what a person types overtakes an import of 10,000 rows, in the middle of a bundle too, and
# what is urgent by the policy overtakes both. The order is the hub's journal's.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
ROWS=10000
POLICY=$W/policy
cp -r hub/policy "$POLICY"
sed -i 's/^collection psks {/&\n    lane = urgent/' "$POLICY/40-psks.conf"
start_link
district_with "$A"

typed() { # typed NAME: its id
    node "$A" --json isi orang nama="$1" jk=P kode_kec="$A" | json id
}
urgent() { # urgent NAME: of a collection that this policy calls urgent; its id
    node "$A" --json isi psks nama="$1" jenis=KT kontak=081200000000 kode_kec="$A" | json id
}
lane_of() { node "$A" --json show "$1" | json history.0.lane; }
# Numbers of the journal: of a record's first entry; of the import's first and last one.
number_of() {
    hub --json query "SELECT number FROM tksk_txn WHERE number = (SELECT min(txn) FROM tksk_change
        WHERE lower(hex(record)) = '${1//-/}')" | json rows.0.cells.0
}
of_import() { hub --json query "SELECT $1 FROM tksk_txn WHERE lane = 2" | json rows.0.cells.0; }

# --- the link is cut, an import is queued, then a person types, then something urgent
link cut
import_people "$A" "$ROWS"
entry=$(typed 'Diketik Sesudahnya')
first=$(urgent Satu)
is "lane of a typed entry" "$(lane_of "$entry")" normal
is "lane of an urgent one" "$(lane_of "$first")" urgent
link open
wait_sent 120 "$A"
[ "$(number_of "$first")" -lt "$(number_of "$entry")" ] || fail "the urgent one was not first"
[ "$(number_of "$entry")" -lt "$(of_import 'min(number)')" ] || fail "the import was before it"
is "records at the hub" "$(hub_count orang)" $((ROWS + 1))

# --- typed while an import is under way: it is taken before the import's remainder
link cut
last=$(of_import 'max(number)')
sed 's/Warga Nomor/Warga Kedua/' "$W/orang.csv" >"$W/kedua.csv"
node "$A" import orang "$W/kedua.csv" >/dev/null || fail "second import"
stop "$A" KILL
link up 150000
start_node "$A"
link_held
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock
entry=$(typed 'Diketik Sementara Itu')
first=$(urgent Dua)
link open
wait_sent 120 "$A"
number=$(number_of "$entry")
[ "$(number_of "$first")" -lt "$number" ] || fail "the urgent one was not first"
before=$(hub --json query "SELECT count(*) FROM tksk_txn WHERE lane = 2 AND number > $last AND
    number < $number" | json rows.0.cells.0)
behind=$(hub --json query "SELECT count(*) FROM tksk_txn WHERE lane = 2 AND number > $number" |
    json rows.0.cells.0)
[ "$before" -gt 0 ] || fail "nothing of the import had been taken: the link was held too early"
[ "$behind" -gt "$before" ] || fail "$before entries of the import before it, $behind behind it"

# --- what builds on pending work of another lane goes behind it, and nothing is refused
link cut
head -n 20 "$W/orang.csv" | sed 's/Warga Nomor/Warga Ketiga/' >"$W/ketiga.csv"
node "$A" import orang "$W/ketiga.csv" >/dev/null || fail "third import"
pending=$(node "$A" --json list orang nama='Warga Ketiga 1' | json rows.0.id)
head=$(node "$A" --json isi orang nama='Kepala' jk=L kode_kec="$A" --lane urgent | json id)
family=$(node "$A" --json isi keluarga kepala="$head" alamat='Kp. Baru' rt=001 rw=001 \
    kode_kec="$A" | json id)
is "lane of what refers to an urgent one" "$(lane_of "$family")" normal
is "lane of what touches the import" \
    "$(node "$A" --json edit "$pending" keluarga="$family" | json lane)" bulk
is "lane of the next" "$(node "$A" --json edit "$pending" ciri=Tinggi | json lane)" bulk
link open
wait_sent 120 "$A"
for what in rejected held quarantined parked; do
    is "$what at the hub" "$(hub --json status | json $what)" 0
done
is "families named" "$(hub_count "orang WHERE keluarga IS NOT NULL AND ciri = 'Tinggi'")" 1
hub verify >/dev/null || fail verify
