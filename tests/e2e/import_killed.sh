#!/usr/bin/env bash
# An import is killed at both ends and started again: every row is there once.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
district_with "$A"
# Long enough to be killed in the middle also where the disk is fast.
ROWS=24000
{
    echo 'nama;jk;kode_kec'
    seq -f "Warga %.0f;P;$A" "$ROWS"
} >"$W/orang.csv"
node "$A" import orang "$W/orang.csv" >/dev/null 2>&1 &
import=$!
# Rows that were stored, answered or not.
stored() { node "$A" --json status | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["queued"] + d["accepted"])'; }
some() { [ "$(stored)" -gt 200 ]; }
until_true 30 some || fail "the import does not begin"
stop "$A" KILL
wait "$import" && fail "the import did not notice that the node was killed"
start_node "$A"
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock
before=$(stored)
[ "$before" -lt "$ROWS" ] || fail "nothing was left to import after the kill: make the file longer"
node "$A" import orang "$W/orang.csv" || fail "import again"
is "rows at the node" "$(stored)" "$ROWS"
wait_sent 120 "$A"
is "records at the hub" "$(hub_count orang)" "$ROWS"
names=$(hub --json query 'SELECT count(DISTINCT nama) FROM orang' | json rows.0.cells.0)
is "names at the hub" "$names" "$ROWS"
node "$A" import orang "$W/orang.csv" >/dev/null || fail "a third time"
is "rows after a third import" "$(stored)" "$ROWS"
