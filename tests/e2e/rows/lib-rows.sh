# What the scripts of the people's rows share. Sourced first:
#   . "$(dirname "$0")/lib-rows.sh"
#   rows_start 36.04.29 36.04.27
# starts a hub with the reference policy, the district's own office (a Kepala Bidang and a KORTEKS
# work there) and these offices, each with its TKSK, and unlocks all of them. Then:
#   tksk OFFICE COMMAND…     the TKSK of that office: tksk 36.04.29 isi orang nama=Siti …
#   office COMMAND…          the Kepala Bidang at the district
#   korteks COMMAND…         the KORTEKS there
#   hub COMMAND…, node NAME COMMAND…   as in lib-e2e.sh
# Nothing here hopes with sleeps: `eventually` asks until it is so, a minute at most.
. "$(dirname "${BASH_SOURCE[0]}")/../lib-e2e.sh"

# Ends the script from within id=$(new …) too.
fail() {
    printf 'FAILED: %s\n' "$*" >&2
    [ "$BASHPID" = $$ ] || kill -TERM $$
    exit 1
}
ago() { date -d "$1 days ago" +%F; } # a day of the past; ago -3: three days ahead

tksk() { # tksk OFFICE COMMAND…
    local at=$1
    shift
    node "$at" --as "TKSK $at" "$@"
}
office() { node "$DISTRICT" --as 'Kepala Bidang' "$@"; }
korteks() { node "$DISTRICT" --as KORTEKS "$@"; }

rows_start() { # rows_start OFFICE…
    local name
    start_hub
    found_district
    for name in "$DISTRICT" "$@"; do
        start_node "$name"
        enrol_machine "$name"
    done
    add_operator "$DISTRICT" 'Kepala Bidang' kabid
    add_operator "$DISTRICT" KORTEKS korteks
    for name; do
        add_operator "$name" "TKSK $name" tksk
    done
}

eventually() { # eventually WHAT COMMAND…: a minute at most
    local what=$1
    shift
    until_true 60 "$@" || fail "$what: it never came so: $*"
}

# new PERSON COLLECTION FIELD=VALUE…: enters a record and prints its id. PERSON is a word such as
# "office", or with its office in quotes: new 'tksk 36.04.29' orang nama=Siti …
new() {
    local who=$1 out id
    shift
    out=$($who --json isi "$@" 2>&1) || fail "$who isi $*: $out"
    id=$(json id <<<"$out")
    [ -n "$id" ] || fail "$who isi $*: $out"
    echo "$id"
}

# What a field of a record shows: value_at hub ID FIELD, value_at 'tksk 36.04.29' ID FIELD. Empty:
# nothing, or the record is not there.
value_at() {
    $1 --json lihat "$2" 2>/dev/null | /usr/bin/python3 -c 'import json, sys
try:
    fields = json.load(sys.stdin)["fields"]
except (KeyError, ValueError):
    fields = []
print(next((f["value"] for f in fields if f["name"] == sys.argv[1] and f["value"]), ""))' "$3"
}
shows() { [ "$(value_at "$1" "$2" "$3")" = "$4" ]; } # shows PERSON ID FIELD VALUE
# comes_to PERSON ID FIELD VALUE: in the end that person sees this value.
comes_to() {
    until_true 60 shows "$@" ||
        fail "$1 sees '$(value_at "$1" "$2" "$3")' in $3 of $2, not '$4'"
}
sees() { $1 lihat "$2" >/dev/null 2>&1; } # sees PERSON ID
comes() { eventually "$2 comes to $1" sees "$1" "$2"; } # comes PERSON ID

# answered OFFICE…: all that these offices entered has its answer.
answered() {
    local name
    for name; do
        wait_sent 60 "$name"
    done
}

# What stands in `attention` of a person, a text a row: told PERSON
told() {
    $1 --json perhatian | /usr/bin/python3 -c 'import json, sys
for row in json.load(sys.stdin)["rows"]:
    print(" | ".join(str(row.get(k) or "") for k in
                     ("kind", "draft", "id", "reason", "field", "reason_text", "what")))'
}
# is_told PERSON TEXT: in the end a row of `attention` says this.
tells() { told "$1" | grep -qiF -- "$2"; }
is_told() { until_true 60 tells "$1" "$2" || fail "$1 is not told '$2': $(told "$1")"; }

# rejected PERSON TEXT COMMAND…: refused at once (exit 1), and says TEXT.
rejected() {
    local who=$1 text=$2 out status=0
    shift 2
    out=$($who "$@" 2>&1 </dev/null) || status=$?
    [ "$status" = 1 ] || fail "$who $*: exit $status instead of 1: $out"
    case $out in
    *"$text"*) ;;
    *) fail "$who $*: does not say '$text': $out" ;;
    esac
}
