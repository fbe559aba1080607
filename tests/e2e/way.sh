#!/usr/bin/env bash
# The way of a record: the hub stops, records are entered, the node is killed, both start again,
# and each
# record is at the hub once and its answer at the node.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
district_with "$A"

stop hub
ids=()
for i in 1 2 3 4 5; do
    id=$(node "$A" --json isi orang nama="Orang $i" jk=P kode_kec="$A" | json id)
    [ -n "$id" ] || fail "no id for record $i"
    ids+=("$id")
done
stop "$A" KILL
start_node "$A"
is "queued after kill -9" "$(node "$A" --json status | json queued)" 5
start_hub
wait_sent 60 "$A"
is "records at the hub" "$(hub_count orang)" 5
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail "unlock"
for id in "${ids[@]}"; do
    is "disposition of $id" "$(node "$A" --json show "$id" | json history.0.disposition)" accepted
done

# A repeated request id gets the stored answer, not a second record.
request=0190a1b2-c3d4-7e5f-8a9b-0123456789ab
first=$(node "$A" --json isi orang nama='Dua Kali' jk=L kode_kec="$A" --request $request | json id)
again=$(node "$A" --json isi orang nama='Dua Kali' jk=L kode_kec="$A" --request $request | json id)
is "answer to a repeated request" "$again" "$first"
wait_sent 60 "$A"
is "records after the repeat" "$(hub_count orang)" 6

# The hub is killed in its turn; what it acknowledged is there, and the journal replays to the same
# state.
stop hub KILL
start_hub
is "records after kill -9 of the hub" "$(hub_count orang)" 6
hub verify >/dev/null || fail "verify after kill -9"
node "$A" edit "${ids[0]}" nama='Nama Baru' >/dev/null || fail "edit"
wait_sent 60 "$A"
is "edited at the hub" "$(hub_count "orang WHERE nama = 'Nama Baru'")" 1
