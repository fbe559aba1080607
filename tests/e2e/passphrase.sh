#!/usr/bin/env bash
# Passphrases are lost: beside a colleague nothing is lost; without one the queue still gets sent
# and answered, and the records come back under the new passphrase.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
ROWS=1200
start_link
district_with "$A"
import_people "$A" "$ROWS"
wait_sent 60 "$A"
unlock() { node "$A" unlock --as "$1" --passphrase-file "$2" >/dev/null || fail "unlock as $1"; }

# --- a lost passphrase, and a colleague who can open: nothing is lost
add_operator "$A" Kedua tksk --acting
printf 'another horse altogether\n' >"$W/second"
reset_words() { # reset_words NAME PASSPHRASE_FILE
    node "$A" --json operator reset "$1" --yes --passphrase-file "$2" | json words
}
approve() { # approve NAME WORDS
    until_true 60 hub operator approve "$A" "$1" --role tksk --sk "SK/$A/2028" --from 2026-01-01 \
        --until 2030-12-31 --acting --words "$2" --key "$W/officer.key" --passphrase-file "$PASS" ||
        fail "operator approve $1"
}
node "$A" lock >/dev/null
unlock Kedua "$PASS"
words=$(reset_words "Petugas $A" "$W/second")
[ -n "$words" ] || fail "no words after the reset"
approve "Petugas $A" "$words"
wait_status 60 "$A" trust_version "$(hub --json status | json trust_version)"
node "$A" lock >/dev/null
unlock "Petugas $A" "$W/second"
is "records after a reset beside a colleague" "$(node "$A" --json status | json records)" "$ROWS"
is "load after a reset beside a colleague" "$(node "$A" --json status | json load)" ""

# --- nobody can open: the queue goes on, the records come back
link cut
for i in 1 2 3; do
    node "$A" isi orang nama="Sebelum Lupa $i" jk=P kode_kec="$A" >/dev/null || fail "entry $i"
done
node "$A" lock >/dev/null
refused yes 1 node "$A" operator reset Kedua --passphrase-file "$W/second"
is "records before a refused reset" "$(node "$A" --json status | json records)" "$ROWS"
words=$(reset_words Kedua "$W/second")
[ -n "$words" ] || fail "no words after the second reset"
is "queued after the reset" "$(node "$A" --json status | json queued)" 3
is "records after the reset" "$(node "$A" --json status | json records)" 0
link open
wait_sent 60 "$A" # before any approval
is "answers" "$(node "$A" --json status | json accepted)" $((ROWS + 3))
unlock Kedua "$W/second" # there is nothing to read yet
link down 12000 # the approval passes, and the beginning of the records
approve Kedua "$words"
link_held
link cut
stop hub KILL
stop "$A" KILL
start_hub
link open
start_node "$A"
unlock Kedua "$W/second"
until_true 60 records_as_hub "$A" || fail "records after the reset: $(node "$A" --json status)"
wait_status 60 "$A" load ""
for i in 1 2 3; do
    id=$(node "$A" --json list orang nama="Sebelum Lupa $i" | json rows.0.id)
    is "state of entry $i" "$(node "$A" --json show "$id" | json state)" confirmed
done
node "$A" edit "$id" ciri=berkacamata >/dev/null || fail "edit after the reset"
wait_sent 60 "$A"
is "conflicts in the end" "$(hub --json status | json conflicts)" 0
refused reset 1 node "$A" unlock --as "Petugas $A" --passphrase-file "$W/second"
hub verify >/dev/null || fail verify
