#!/usr/bin/env bash
# Who looked at what (UU 27/2022 art. 31): lists and questions are masked, who wants all of it says
# why, every look stands in a chain, and the chain tells when somebody touched it.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
NIK=3604290107800001
district_with "$A"
export LC_ALL=C.UTF-8
first() { json rows.0."$1"; }
last_row() { "$@" --json audit list --max 1 | json rows.0."$FIELD"; }
last() { # last HUB|NODE FIELD WANTED: the newest row of the log
    local FIELD=$2 got
    if [ "$1" = hub ]; then got=$(last_row hub); else got=$(last_row node "$1"); fi
    is "the log's last $2" "$got" "$3"
}

echo "-- at the office: masked lists, one record, all of it with a reason"
node "$A" isi orang nama=Siti jk=P kode_kec="$A" nik="$NIK" nama_ibu_kandung=Rahayu \
    >/dev/null || fail isi
last "$A" op change
is "the list" "$(node "$A" --json cari orang nik="$NIK" | first fields.nik)" "3604••••••••0001"
last "$A" op list
last "$A" count 1
id=$(node "$A" --json cari orang nama=Siti | first id)
shown() { node "$A" --json lihat "$id" "$@" | /usr/bin/python3 -c 'import json, sys
for f in json.load(sys.stdin)["fields"]:
    if f["name"] in ("nik", "nama_ibu_kandung"): print(f["name"], f["value"], f["masked"])'; }
is "one record" "$(shown)" "nik $NIK False
nama_ibu_kandung ••• True"
is "all of it" "$(shown --full --reason 'cocokkan KTP')" "nik $NIK False
nama_ibu_kandung Rahayu False"
last "$A" op look
last "$A" id "$id"
last "$A" reason 'cocokkan KTP'
last "$A" name "Petugas $A"
refused --reason 2 node "$A" lihat "$id" --full
refused --reason 2 node "$A" lihat "$id" --full --reason 123
node "$A" ekspor orang "$W/orang.csv" --reason 'laporan bulanan' >/dev/null || fail export
grep -q "$NIK" "$W/orang.csv" || fail "an export is not what went in"
last "$A" op export
last "$A" count 1
last "$A" reason 'laporan bulanan'

echo "-- whose role does not see it"
add_operator "$A" Rudi operator_kec
node "$A" --as Rudi unlock --passphrase-file "$PASS" >/dev/null 2>&1
refused 'not allowed' 1 node "$A" --as Rudi lihat "$id" --full --reason 'ingin tahu'
is "what Rudi sees" "$(node "$A" --as Rudi --json lihat "$id" | json id)" "$id"
is "who looked" "$(node "$A" --as Rudi --json audit list --max 1 | json rows.0.name)" Rudi
node "$A" --as Rudi lock >/dev/null

echo "-- at the district: questions"
wait_sent 30 "$A"
ask() { hub --json query "$@" | json rows.0.cells.0; }
is "a name" "$(ask 'SELECT nama FROM orang')" Siti
is "a number" "$(ask 'SELECT nik FROM orang')" "3604••••••••0001"
is "a specific value" "$(ask 'SELECT nama_ibu_kandung IS NULL FROM orang')" 1
is "its view" "$(ask 'SELECT nik FROM v_orang')" "3604••••••••0001"
is "by the number" "$(ask "SELECT count(*) FROM orang WHERE nik = '$NIK'")" 0
refused 'only read with --full' 1 hub query 'SELECT nik FROM main.orang'
refused 'only read with --full' 1 hub query \
    'WITH orang AS (SELECT nik FROM main.orang) SELECT nik FROM orang'
refused --reason 2 hub query 'SELECT nik FROM orang' --full
is "all of it" "$(ask 'SELECT nik FROM orang' --full --reason 'pemadanan DTSEN')" "$NIK"
last hub op query
last hub reason 'pemadanan DTSEN'
last hub name "$(id -un)"
hub query 'SELECT nama FROM orang' 2>&1 | grep -q Masked && fail "nothing there is masked"
hub query 'SELECT nik FROM orang' 2>&1 | grep -q 'Masked: orang.nik' || fail "no word of the mask"
hub show "$id" >/dev/null || fail "hub show"
last hub id "$id"
hub snapshot "$W/s.db" --reason 'untuk BI' >/dev/null || fail snapshot
last hub op snapshot

echo "-- the chains"
for side in hub "node $A"; do
    $side audit verify >/dev/null || fail "$side: the log is whole"
done
node "$A" audit list "$id" | grep -q 'cocokkan KTP' || fail "the record's own rows"
node "$A" lock --all >/dev/null
node "$A" audit verify >/dev/null || fail "a locked office checks its log"
node "$A" audit list | grep -q 'cocokkan' && fail "a locked office tells reasons"
grep -aE "$NIK|cocokkan|Rahayu|pemadanan" "$W/hub/log" "$W/$A/log" && fail "values in a log"
stop_all
touch_up() { # touch_up FILE SQL
    /usr/bin/python3 - "$@" <<'END' || fail "python"
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute(sys.argv[2])
db.commit()
END
}
touch_up "$W/$A/state/node.db" 'UPDATE access SET count = 7 WHERE number = 3'
touch_up "$W/hub/state/access.db" 'DELETE FROM access WHERE number = 2'
start_hub
start_node "$A"
out=$(node "$A" audit verify) && fail "an altered row was not found"
grep -q 'row 3 was altered' <<<"$out" || fail "which row: $out"
out=$(hub audit verify) && fail "a removed row was not found"
grep -q 'row 2 is missing' <<<"$out" || fail "which row: $out"
