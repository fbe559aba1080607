#!/usr/bin/env bash
# Row 34: "Form pendataan, pelaporan dan transportasi" cost
# Shown: a day's work without any link, in few bytes when there is one; a link that
# breaks in the middle goes on where it stopped; and without any link a file on a stick will do.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
ENTRY_BYTES=520    # at most, an entry with its answer: NEWS and tests/bench/bench_wire.sh
CONNECT_BYTES=2500 # at most, to connect anew
start_link
rows_start "$A"
passed() { # passed up|down|both: bytes on the wire since the start
    local up down
    read -r up down <"$W/link/passed"
    case $1 in up) echo "$up" ;; down) echo "$down" ;; *) echo $((up + down)) ;; esac
}
queued() { $T --json status | json queued; }

echo "-- no link: all of a day's work is entered, found and changed"
link cut
wait_status 60 "$A" linked false
before=$(passed both)
COUNT=20
for i in $(seq "$COUNT"); do
    $T isi orang nama="Warga $i" jk=P tgl_lahir="1980-01-$((i + 9))" kode_kec="$A" \
        kode_desa="$A.2001" >/dev/null || fail "entry $i"
done
id=$($T --json cari orang nama='Warga 7' | json rows.0.id)
$T ubah "$id" tempat_lahir=Serang >/dev/null || fail "not changed without a link"
is "found without a link" "$(value_at "$T" "$id" nama)" 'Warga 7'
is "they wait" "$(queued)" $((COUNT + 1))
is "bytes so far" "$(passed both)" "$before"
[ "$(hub_count orang)" = 0 ] || fail "it went another way"
# Nobody has to stay with it: the office is switched off, and on again.
stop "$A" KILL
start_node "$A"
is "after the power was cut" "$(node "$A" --json status | json queued)" $((COUNT + 1))

echo "-- a link: it goes by itself, in few bytes"
link open
wait_sent 60 "$A"
used=$(($(passed both) - before))
[ "$used" -gt $((COUNT * 100)) ] || fail "$used bytes: not counted"
[ "$used" -le $(((COUNT + 1) * ENTRY_BYTES + CONNECT_BYTES)) ] ||
    fail "$((COUNT + 1)) changes took $used bytes, more than $ENTRY_BYTES each"
is "at the district" "$(hub_count orang)" "$COUNT"

echo "-- a link that breaks in the middle: what arrived is not sent again"
node "$A" unlock --as "TKSK $A" --passphrase-file "$PASS" >/dev/null || fail unlock
ROWS=4000
link cut
wait_status 60 "$A" linked false
import_people "$A" "$ROWS"
size=$($T --json status | json queued_bytes)
before=$(passed up)
link up $((size * 2 / 3))
link_held
half=$(($(passed up) - before))
[ "$half" -lt "$size" ] || fail "the link did not break: $half of $size bytes"
link open
wait_sent 60 "$A"
used=$(($(passed up) - before))
is "each of them once" "$(hub_count orang)" $((COUNT + ROWS))
# What was under way at the break, a handshake, the frames' own bytes; sent anew it would be 5/3.
[ "$used" -ge "$size" ] || fail "$used bytes for a queue of $size"
[ "$used" -le $((size * 5 / 4)) ] || fail "sent again: $used bytes for a queue of $size"
is "known already" "$(hub --json metrics | json counters.entries_known)" 0

echo "-- no link at all: a stick carries it"
link cut
wait_status 60 "$A" linked false
id=$(new "$T" orang nama='Lewat Flashdisk' jk=L kode_kec="$A")
$T bundle export "$W/keluar.tksk" >/dev/null || fail "not written"
hub bundle import "$W/keluar.tksk" -o "$W/jawab.tksk" >/dev/null || fail "not taken"
hub bundle import "$W/keluar.tksk" -o "$W/lagi.tksk" >/dev/null || fail "a second time"
$T bundle import "$W/jawab.tksk" >/dev/null || fail "the answer is not taken"
is "nothing waits" "$(queued)" 0
is "once" "$(hub_count "orang WHERE nama = 'Lewat Flashdisk'")" 1
exit 0
