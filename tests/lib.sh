# A district on this machine, for the demo and the end-to-end tests: sourced, never run.
# Needs $B (outputs of the build) and $W (a fresh directory for everything that is written).
# Waiting is on events (a ready byte, a status that changes), bounded; there are no sleeps to hope
# with.

DISTRICT=36.04
CTL=$B/tkskctl
PASS=$W/passphrase
declare -A PID=()

say() { printf '%s\n' "$*"; }
fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

hub() { "$CTL" --socket "$W/hub/admin.sock" "$@"; }
node() { # node NAME COMMAND…
    local name=$1
    shift
    "$CTL" --socket "$W/$name/admin.sock" "$@"
}
# One value of a --json document: json KEY, on standard input.
json() { /usr/bin/python3 -c 'import json,sys
v = json.load(sys.stdin)
for k in sys.argv[1].split("."):
    v = v[int(k)] if isinstance(v, list) else v.get(k)
print("" if v is None else v if isinstance(v, str) else json.dumps(v))' "$1"; }

# Starts a daemon and waits for its ready byte: launch NAME PROGRAM CONFIG
launch() {
    local name=$1 fifo=$W/$1/ready
    rm -f "$fifo" && mkfifo "$fifo"
    # The daemon must not hold this script's output open: a pipe would never end.
    "$2" --config "$3" --ready-fd 9 9>"$fifo" >>"$W/$name/log" 2>&1 </dev/null &
    PID[$name]=$!
    local byte
    if ! IFS= read -r -t 20 -n 1 byte <"$fifo" && [ -z "${byte-}" ]; then
        kill -0 "${PID[$name]}" 2>/dev/null || {
            cat "$W/$name/log" >&2
            fail "$name did not start"
        }
    fi
}

start_hub() {
    mkdir -p "$W/hub"
    [ -e "$W/hub/hub.conf" ] || cat >"$W/hub/hub.conf" <<END
state = '$W/hub/state'
socket = '$W/hub/admin.sock'
listen = 'tcp://127.0.0.1:${HUB_PORT:-*}'
office = '$W/$DISTRICT/admin.sock'
log_level = 'info'
END
    launch hub "$B/tksk-hub" "$W/hub/hub.conf"
}

start_node() { # start_node NAME
    mkdir -p "$W/$1"
    [ -e "$W/$1/node.conf" ] || cat >"$W/$1/node.conf" <<END
state = '$W/$1/state'
socket = '$W/$1/admin.sock'
log_level = 'info'
END
    launch "$1" "$B/tksk-node" "$W/$1/node.conf"
}

stop() { # stop NAME [SIGNAL]
    local pid=${PID[$1]-}
    [ -n "$pid" ] || return 0
    kill "-${2:-TERM}" "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
    unset "PID[$1]"
}

stop_all() {
    local name
    for name in "${!PID[@]}"; do
        stop "$name"
    done
}

# until_true SECONDS COMMAND…: tries again until it succeeds.
until_true() {
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.1
    done
}

status_is() { # status_is NAME KEY VALUE
    local who=$1
    if [ "$who" = hub ]; then
        [ "$(hub --json status | json "$2")" = "$3" ]
    else
        [ "$(node "$who" --json status | json "$2")" = "$3" ]
    fi
}

wait_status() { # wait_status SECONDS NAME KEY VALUE
    until_true "$1" status_is "$2" "$3" "$4" || {
        [ "$2" = hub ] && hub status >&2 || node "$2" status >&2
        tail -n 20 "$W/$2/log" >&2
        fail "$2: $3 did not become $4 within $1 s"
    }
}

# Root and officer keys, the hub's trust, the reference policy.
found_district() {
    printf 'correct horse battery\n' >"$PASS"
    hub trust init --district "$DISTRICT" --officer 'Kepala Dinas' --root-key "$W/root.key" \
        --key "$W/officer.key" --passphrase-file "$PASS" >/dev/null || fail "trust init"
    hub policy publish "${POLICY:-hub/policy}" --key "$W/officer.key" --passphrase-file "$PASS" \
        >/dev/null || fail "policy publish"
}

# The whole ceremony for one office and its first operator: enrol_office NAME PERSON ROLE
enrol_office() {
    enrol_machine "$1"
    add_operator "$1" "$2" "$3"
}

# Of its machine alone: enrol_machine NAME
enrol_machine() {
    local name=$1 words
    hub node invite "$name" -o "$W/$name/invite" >/dev/null || fail "invite of $name"
    words=$(node "$name" --json enrol "$W/$name/invite" | json words)
    [ -n "$words" ] || fail "$name: no words after enrol"
    until_true 20 hub_waits_for "$name" || fail "$name: the hub does not hear of the enrolment"
    hub node approve "$name" --words "$words" --key "$W/officer.key" --passphrase-file "$PASS" \
        >/dev/null || fail "approve of $name"
    wait_status 60 "$name" enrolment approved
}

hub_waits_for() { hub --json nodes | grep -q "\"$1\""; }

add_operator() { # add_operator NODE PERSON ROLE [OPTION…]: options of the approval
    local words
    words=$(node "$1" --json operator add "$2" --role "$3" --passphrase-file "$PASS" | json words)
    [ -n "$words" ] || fail "$1: no words after operator add"
    until_true 60 hub operator approve "$1" "$2" --role "$3" --sk "SK/$1/2026" --from 2026-01-01 \
        --until 2030-12-31 --words "$words" --key "$W/officer.key" --passphrase-file "$PASS" \
        "${@:4}" || fail "operator approve $1 $2"
    # The approval travels as a statement; until it is there the operator cannot sign.
    wait_status 60 "$1" trust_version "$(hub --json status | json trust_version)"
    node "$1" unlock --as "$2" --passphrase-file "$PASS" >/dev/null || fail "unlock $1"
}

# Nothing waits any more at a node: everything it queued is answered.
wait_sent() { # wait_sent SECONDS NODE
    wait_status "$1" "$2" queued 0
}
