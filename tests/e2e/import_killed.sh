#!/usr/bin/env bash
# An import is killed at both ends and started again: every row is there once.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
district_with "$A"
{
    echo 'nama;jk;kode_kec'
    for i in $(seq 1 3000); do echo "Warga $i;P;$A"; done
} >"$W/orang.csv"
node "$A" import orang "$W/orang.csv" >/dev/null 2>&1 &
import=$!
some() { [ "$(node "$A" --json status | json records)" -gt 200 ]; }
until_true 30 some || fail "the import does not begin"
stop "$A" KILL
wait "$import" && fail "the import did not notice that the node was killed"
start_node "$A"
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock
before=$(node "$A" --json status | json records)
[ "$before" -lt 3000 ] || fail "nothing was left to import after the kill: make the file longer"
node "$A" import orang "$W/orang.csv" >/dev/null || fail "import again"
is "records at the node" "$(node "$A" --json status | json records)" 3000
wait_sent 120 "$A"
is "records at the hub" "$(hub_count orang)" 3000
is "names at the hub" "$(hub --json query 'SELECT count(DISTINCT nama) FROM orang' | json rows.0.cells.0)" 3000
node "$A" import orang "$W/orang.csv" >/dev/null || fail "a third time"
is "records after a third import" "$(node "$A" --json status | json records)" 3000
