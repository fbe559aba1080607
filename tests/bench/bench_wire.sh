#!/usr/bin/env bash
# What a change costs on the wire: TCP payload both ways between a real node and its hub, all of it
# counted (pushes, progress, acknowledgements, feed, encryption, framing, heartbeats); the handshake
# apart. The records are the generator's. Bytes, not time: a missed target fails.
set -u
cd "$(dirname "$0")/../.." || exit 2
B=${B:-$PWD/build}
W=$(mktemp -d)
. tests/lib.sh
trap 'stop_all; rm -rf "$W"' EXIT
trap 'exit 1' INT TERM
A=36.04.29
ROWS=${ROWS:-3000}
SINGLES=20
IMPORT_MAX=100 # bytes a change
SINGLE_MAX=520 # bytes an entry and its answer

python3 tests/bench/relay.py "$W/port" "$W/hub/state/endpoint" "$W/frames" &
PID[relay]=$!
until_true 10 test -e "$W/port" || fail "the relay does not start"
mkdir -p "$W/hub"
cat >"$W/hub/hub.conf" <<CONF
state = '$W/hub/state'
socket = '$W/hub/admin.sock'
listen = 'tcp://127.0.0.1:*'
advertise = 'tcp://127.0.0.1:$(cat "$W/port")'
log_level = 'info'
CONF
start_hub
found_district
start_node "$A"
enrol_office "$A" Petugas tksk

# Everything is said: no frame for two seconds.
settle() {
    local before=-1 now
    while now=$(wc -l <"$W/frames"); [ "$now" != "$before" ]; do
        before=$now
        sleep 2
    done
}
# bytes_since LINE: up, down and frames since a line of the log, without handshakes
bytes_since() {
    tail -n "+$(($1 + 1))" "$W/frames" | awk '$3 == "frame" { n[$1] += $2; f++ }
        END { print n["up"] + 0, n["down"] + 0, n["up"] + n["down"], f + 0 }'
}
mark() { wc -l <"$W/frames"; }

missed=0
judge() { # judge WHAT FIGURE TARGET
    if awk "BEGIN { exit !($2 <= $3) }"; then
        echo "wire: $1: $2 B (target at most $3 B)"
    else
        echo "wire: $1: $2 B MISSES the target of $3 B"
        missed=1
    fi
}

entry() { # one person of the generator as `put` takes it: entry NUMBER
    python3 - "$W/singles" "$1" <<'PY'
import csv, sys
def rows(name):
    return csv.DictReader(open(f"{sys.argv[1]}/{name}", encoding="utf-8"))
good = {int(row["baris"]) for row in rows("orang.truth.csv") if row["putusan"] == "diterima"}
row = [row for line, row in enumerate(rows("orang.csv"), 2) if line in good][int(sys.argv[2])]
print("\n".join(f"{key}={value}" for key, value in row.items() if value))
PY
}

"$B/tests/gen/people" --seed 7 --count $((SINGLES * 2)) --area "$A" --profile clean \
    --out-dir "$W/singles" || fail people
settle
at=$(mark)
one() { # one NUMBER
    local fields
    mapfile -t fields < <(entry "$1")
    node "$A" put orang "${fields[@]}" >/dev/null || fail "entry $1"
    wait_sent 30 "$A"
}
one 0
settle
read -r up down both frames < <(bytes_since "$at")
echo "wire: first entry of a run, with its data key: $both B ($up up, $down down, $frames frames)"
list=()
worst=0
for i in $(seq 1 $((SINGLES - 1))); do
    at=$(mark)
    one "$i"
    settle
    read -r up down both frames < <(bytes_since "$at")
    list+=("$both")
    [ "${V:-}" ] && tail -n "+$((at + 1))" "$W/frames" | tr '\n' ';' && echo
done
sorted=$(printf '%s\n' "${list[@]}" | sort -n)
median=$(sed -n "$((${#list[@]} / 2 + 1))p" <<<"$sorted")
echo "wire: one entry with its ACK, $((SINGLES - 1)) times: $(head -n 1 <<<"$sorted") to" \
    "$(tail -n 1 <<<"$sorted") B; a pair of heartbeats, 164 B every 30 s, falls into some"
judge "one entry with its ACK, median" "$median" "$SINGLE_MAX"

"$B/tests/gen/people" --seed 8 --count "$ROWS" --area "$A" --profile register --collection orang \
    >"$W/orang.csv" || fail people
at=$(mark)
node "$A" import orang "$W/orang.csv" >"$W/import" 2>&1
wait_sent 120 "$A"
settle
read -r up down both frames < <(bytes_since "$at")
changes=$(($(node "$A" --json status | json accepted) - SINGLES))
[ "$changes" -gt 0 ] || { cat "$W/import"; fail "nothing was imported"; }
echo "wire: import of $changes rows: $both B ($up up, $down down, $frames frames)"
judge "import, a change" "$(awk "BEGIN { printf \"%.1f\", $both / $changes }")" "$IMPORT_MAX"
echo "wire: handshake of a connection, apart from all of the above:" \
    "$(awk '$3 == "handshake" { n += $2; c += $2 == 64 && $1 == "up" }
        END { printf "%.0f", n / c }' "$W/frames") B"
[ -n "${V:-}" ] && tail -n "+$((at + 1))" "$W/frames"
exit "$missed"
