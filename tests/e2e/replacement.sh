#!/usr/bin/env bash
# A netbook dies with work queued; the office gets another one and its records back, whatever is
# killed or cut while they come. What was lost is counted, and the former netbook may not speak.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
ROWS=2400
start_link
district_with "$DISTRICT" "$A"

import_people "$A" "$ROWS"
wait_sent 60 "$A"
printf '\377\330\377 a photo' >"$W/akta.jpg"
photo=$(node "$A" --json isi orang nama=Foto jk=P kode_kec="$A" bukti_meninggal="@$W/akta.jpg" |
    json id)
wait_sent 60 "$A"
first=$(node "$A" --json list orang nama='Warga Nomor 1' | json rows.0.id)

# --- the netbook dies: what it had queued is counted as it last said
link cut
for i in $(seq 40); do
    node "$A" isi orang nama="Tidak Sampai $i" jk=P kode_kec="$A" >/dev/null || fail "entry $i"
done
# HELLO passes, and some of the entries.
link up 5000
stop "$A" KILL
start_node "$A" # which connects at once
heard_of_some() { [ "$(hub --json node show "$A" | json queued)" -gt 9 ]; }
until_true 60 heard_of_some || fail "the hub did not hear of the queue"
stop "$A" KILL
lost=$(hub --json node show "$A" | json queued)
mv "$W/$A/state" "$W/old-state"
link open

start_node "$A"
hub node invite "$A" -o "$W/$A/invite" >/dev/null || fail "second invite"
words=$(node "$A" --json enrol "$W/$A/invite" | json words)
waits_again() { hub --json nodes | grep -q '"state": "waiting"'; }
until_true 20 waits_again || fail "the hub does not hear of the second enrolment"
hub node approve "$A" --words "$words" --key "$W/officer.key" --passphrase-file "$PASS" \
    >"$W/approve.txt" || fail "second approval"
grep -q " $lost " "$W/approve.txt" || fail "lost $lost, but: $(cat "$W/approve.txt")"
is "lost at the hub" "$(hub --json node show "$A" | json lost)" "$lost"
is "lane of what was lost" "$(hub --json node show "$A" | json lost_lanes.0.lane)" 1
wait_status 60 "$A" enrolment approved
link cut

# --- the first load, cut and killed again and again
add_operator_again() { # the person's new key succeeds the old one
    local words
    words=$(node "$A" --json operator add "Petugas $A" --role tksk --passphrase-file "$PASS" |
        json words)
    until_true 60 hub operator approve "$A" "Petugas $A" --role tksk --sk "SK/$A/2027" \
        --from 2026-01-01 --until 2030-12-31 --words "$words" --key "$W/officer.key" \
        --passphrase-file "$PASS" || fail "operator approve again"
    wait_status 60 "$A" trust_version "$(hub --json status | json trust_version)"
}
unlock() {
    node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock
}
loaded() { node "$A" --json status | json load.number; }
link open
add_operator_again
is "the former key" "$(hub --json operator list | json rows.1.state)" ended
node "$DISTRICT" unlock --as "Petugas $DISTRICT" --passphrase-file "$PASS" >/dev/null || fail unlock
steps=0 last=-1 notes=0
for victim in "$A" hub "$A"; do
    link down 24000
    unlock
    link_held
    number=$(loaded)
    [ -n "$number" ] || fail "the load was over before it was cut $steps times: make it longer"
    [ "$number" -ge "$last" ] || fail "the load went back from $last to $number"
    [ "$number" -gt "$last" ] && steps=$((steps + 1))
    last=$number
    node "$A" status | grep -q '(.* %)' || fail "status does not show the load"
    # What others write meanwhile follows behind it.
    node "$DISTRICT" edit "$first" alasan_status="Catatan ke-$((++notes))" >/dev/null ||
        fail "an entry at the district"
    link cut # a hub that is gone behind a full link would only be missed by its heartbeat
    stop "$victim" KILL
    if [ "$victim" = hub ]; then start_hub; else start_node "$A"; fi
done
[ "$steps" -ge 2 ] || fail "the load did not move on between the cuts"
link open
unlock
wait_status 60 "$A" load ""
wait_sent 60 "$DISTRICT"
until_true 60 records_as_hub "$A" || fail "records at the new netbook: $(node "$A" --json status)"
ROWS_NOW=$((ROWS + 41 - lost))
is "records in all" "$(hub_count orang)" "$ROWS_NOW"
is "a record of the former netbook" "$(node "$A" --json show "$first" | json fields.0.value)" \
    "Warga Nomor 1"
noted() { node "$A" --json show "$first" | grep -q 'Catatan ke-3'; }
until_true 60 noted || fail "what the district wrote: $(node "$A" --json show "$first")"
is "lost, as the new netbook says" "$(node "$A" --json status | json lost)" "$lost"
is "where its photo is" "$(node "$A" --json blob list "$photo" | json rows.0.where)" former
refused blob_gone 1 node "$A" --json blob get "$photo" bukti_meninggal -o "$W/none.jpg"
node "$A" edit "$first" ciri="tahi lalat" >/dev/null || fail "edit after the load"
wait_sent 60 "$A"
is "no conflict with the former life" "$(hub --json status | json conflicts)" 0

# --- the former netbook turns up: its key opens nothing any more
mkdir -p "$W/old"
mv "$W/old-state" "$W/old/state"
sed "s|$W/$A/|$W/old/|" "$W/$A/node.conf" >"$W/old/node.conf"
refused_before=$(hub --json metrics | json counters.handshakes_denied)
start_node old
denied() { [ "$(hub --json metrics | json counters.handshakes_denied)" -gt "$refused_before" ]; }
until_true 30 denied || { hub --json metrics; fail "the former device is not refused"; }
is "linked with the former key" "$(node old --json status | json linked)" false
is "still queued there" "$(node old --json status | json queued)" "$lost"

# What it holds is signed by the people who entered it: carried as a file, it waits for a person.
node old bundle export "$W/old.tksk" >/dev/null || fail "bundle export at the former netbook"
hub bundle import "$W/old.tksk" >"$W/import.txt" 2>&1 ||
    fail "bundle import: $(cat "$W/import.txt")"
stop old
is "kept for review" "$(hub --json status | json quarantined)" "$lost"
is "lost, once it has come by hand" "$(hub --json node show "$A" | json lost)" 0
is "state of the office" "$(hub --json node show "$A" | json state)" linked
is "records before the decision" "$(hub_count orang)" "$ROWS_NOW"
hub review accept all --key "$W/officer.key" --passphrase-file "$PASS" >/dev/null || fail review
is "records in the end" "$(hub_count orang)" $((ROWS + 41))
until_true 60 records_as_hub "$A" || fail "what was reviewed does not reach the new netbook"
hub verify >/dev/null || fail verify
