# What the end-to-end scripts share: a fresh directory, daemons that end with the script,
# assertions.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
. tests/env.sh
B=${B:-$PWD/build}
W=$(mktemp -d)
. tests/lib.sh
PATH=$B:$PATH
trap 'stop_all; rm -rf "$W"' EXIT
trap 'exit 1' INT TERM

is() { # is WHAT GOT WANTED
    [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"
}

# refused CODE EXIT COMMAND…: fails with that error code and exit status, and says a remedy.
refused() {
    local code=$1 want=$2 out status=0
    shift 2
    out=$("$@" 2>&1 </dev/null) || status=$?
    [ "$status" = "$want" ] || fail "$*: exit $status instead of $want: $out"
    case $out in
    *"$code"*) ;;
    *) fail "$*: does not say $code: $out" ;;
    esac
}

district_with() { # district_with NODE…: hub, the offices, one operator each
    local name role
    start_hub
    found_district
    for name; do
        start_node "$name"
        role=tksk
        [ "$name" = "$DISTRICT" ] && role=verifikator
        enrol_office "$name" "Petugas $name" "$role"
    done
}

# As somebody who may see what is masked.
hub_count() {
    hub --json query --full --reason uji "SELECT count(*) FROM $1" | json rows.0.cells.0
}

# A link that can be cut (link.py) between the offices and the hub. Before district_with.
start_link() {
    mkdir -p "$W/link" "$W/hub"
    /usr/bin/python3 tests/e2e/link.py "$W/link" "$W/hub/state/endpoint" >>"$W/link/log" 2>&1 &
    PID[link]=$!
    until_true 10 [ -s "$W/link/port" ] || fail "the link does not start"
    cat >"$W/hub/hub.conf" <<END
state = '$W/hub/state'
socket = '$W/hub/admin.sock'
listen = 'tcp://127.0.0.1:*'
advertise = 'tcp://127.0.0.1:$(cat "$W/link/port")'
office = '$W/$DISTRICT/admin.sock'
log_level = 'info'
END
}

# link MODE…: "open", "cut", "up N", "down N", "but PID…"; counts begin anew and connections end.
link() {
    link_count=$((${link_count-0} + 1))
    echo "$* # $link_count" >"$W/link/mode.new"
    mv "$W/link/mode.new" "$W/link/mode"
}
link_held() { until_true 60 [ -e "$W/link/held" ] || fail "the link was never filled"; }

# import_people NODE COUNT: texts that do not compress, so that sending and loading have a length.
import_people() {
    /usr/bin/python3 -c 'import os, sys
print("nama;jk;kode_kec;ciri")
for i in range(int(sys.argv[1])):
    print(f"Warga Nomor {i + 1};P;{sys.argv[2]};{os.urandom(24).hex()}")' "$2" "$1" >"$W/orang.csv"
    node "$1" import orang "$W/orang.csv" >/dev/null || fail "import at $1"
}
records_as_hub() { [ "$(node "$1" --json status | json records)" = "$(hub_count orang)" ]; }
