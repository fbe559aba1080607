# What the end-to-end scripts share: a fresh directory, daemons that end with the script,
# assertions.
set -u
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 2
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

hub_count() { hub --json query "SELECT count(*) FROM $1" | json rows.0.cells.0; }
