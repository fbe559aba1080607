#!/usr/bin/env bash
# Resident memory of idle daemons (VmRSS): a node with a backlog of 1,000 and of 100,000 changes,
# and a hub with all offices of a district linked. NODES=29 offices unless told otherwise.
. "$(dirname "$0")/../e2e/lib-e2e.sh"
A=36.04.29
NODES=${NODES:-29}
missed=0

kib() { awk -v want="$2:" '$1 == want { print $2 }' "/proc/${PID[$1]}/status"; }
mib() { awk -v k="$1" 'BEGIN { printf "%.1f", k / 1024 }'; }
figure() { # figure WHAT KIB MOST_MIB
    echo "memory: $1: $(mib "$2") MiB; at most $3 MiB wanted"
    [ "$2" -le $(($3 * 1024)) ] || missed=1
}
rows() { # rows FROM TO: a CSV file of people
    echo 'nama;jk;kode_kec'
    seq -f "Warga %.0f;P;$A" "$1" "$2"
}

district_with "$A"
wait_sent 60 "$A"
stop hub
rows 1 1000 >"$W/a.csv"
node "$A" import orang "$W/a.csv" >/dev/null || fail "import of 1,000"
small=$(kib "$A" VmRSS)
rows 1001 100000 >"$W/b.csv"
node "$A" import orang "$W/b.csv" >/dev/null || fail "import of the rest"
is "backlog" "$(node "$A" --json status | json queued)" 100000
large=$(kib "$A" VmRSS)
figure "node, backlog of 1,000" "$small" 16
figure "node, backlog of 100,000" "$large" 16
figure "growth between the two" $((large > small ? large - small : 0)) 4
peak=$(kib "$A" VmHWM)
echo "memory: node at its peak (six words: Argon2id): $(mib "$peak") MiB"
stop "$A"

start_hub
mapfile -t names < <(
    grep -oE '^36\.04\.[0-9]+,' hub/policy/wilayah.csv | tr -d , | head -n "$NODES"
)
is "offices in the policy" "${#names[@]}" "$NODES"
for name in "${names[@]}"; do
    start_node "$name"
    [ "$name" = "$A" ] || enrol_machine "$name"
done
all_linked() { [ "$(hub --json status | json nodes_linked)" = "$NODES" ]; }
until_true 120 all_linked || fail "not all offices are linked"
figure "hub, $NODES offices linked" "$(kib hub VmRSS)" 32
echo "memory: hub at its peak: $(mib "$(kib hub VmHWM)") MiB"
exit "$missed"
