#!/usr/bin/env bash
# One field edited on both sides while cut off: held, both values kept, a person decides, both
# sides agree.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
O=$DISTRICT
district_with "$O" "$A"
id=$(node "$A" --json isi orang nama=Siti jk=P kode_kec="$A" | json id)
wait_sent 60 "$A"
until_true 60 node "$O" show "$id" || fail "the record does not reach the district's office"
stop hub
node "$A" ubah "$id" status_hidup=pindah >/dev/null || fail "edit at the office"
node "$O" ubah "$id" status_hidup=meninggal tgl_meninggal=2026-11-01 2>/dev/null >/dev/null ||
    node "$O" ubah "$id" status_hidup=meninggal >/dev/null || fail "edit at the district"
start_hub
wait_sent 90 "$A"
wait_sent 90 "$O"
wait_status 30 hub conflicts 1
listed() { [ -n "$(node "$A" --json conflict list | json rows.0.conflict)" ]; }
until_true 60 listed || fail "the office does not see the conflict"
conflict=$(node "$A" --json conflict list | json rows.0.conflict)
held=$(node "$A" --json conflict list | json rows.0.value_b)
node "$A" conflict resolve "$conflict" --choose b >/dev/null || fail resolve
wait_sent 60 "$A"
wait_status 60 hub conflicts 0
at_hub() { hub --json query "SELECT status_hidup FROM orang" | json rows.0.cells.0; }
shown() { node "$1" --json show "$id" | /usr/bin/python3 -c 'import json,sys
print([f["value"] for f in json.load(sys.stdin)["fields"] if f["name"] == "status_hidup"][0])'; }
case $held in
*"$(at_hub)"*) ;;
*) fail "the hub has $(at_hub), chosen was $held" ;;
esac
same() { [ "$(shown "$O")" = "$(shown "$A")" ]; }
until_true 60 same || fail "office shows $(shown "$A"), district $(shown "$O")"
# Each side tells who decided, and what.
decided() { "$@" --json show "$id" | /usr/bin/python3 -c 'import json,sys
sys.exit(not any(h["op"] == "resolve" and h["node"] == sys.argv[1] and h["operator_name"] and
                 list(h["fields"]) == ["status_hidup"]
             for h in json.load(sys.stdin)["history"]))' "$A"; }
decided hub || fail "the hub does not tell who decided"
until_true 60 decided node "$O" || fail "the district's office does not learn who decided"
hub verify >/dev/null || fail verify
