#!/usr/bin/env bash
# A month in the life of Kabupaten Serang: 29 offices and their district, a real hub and real nodes.
# What happens is told below, step by step; what the people type is in month.py, and all of it goes
# through tkskctl. The dates are those of last month; nothing waits for a clock.
#   MONTH_OFFICES=8     fewer offices (at least 6; default: every kecamatan of the district)
#   MONTH_LOAD=12       entries of each office in the three days before the cut-off
# It ends with the books, and with a table: what was entered, and what became of it.
. "$(dirname "$0")/rows/lib-rows.sh"
export B W DISTRICT
started=$(date +%s)
mapfile -t ALL < <(sed -n 's/^\(36\.04\.[0-9][0-9]\),.*/\1/p' hub/policy/wilayah.csv)
OFFICES=("${ALL[@]:0:${MONTH_OFFICES:-${#ALL[@]}}}")
[ ${#OFFICES[@]} -ge 6 ] || fail "MONTH_OFFICES: 6 at least"
LATE=${OFFICES[0]}      # whose new SK comes late
PASSED_ON=${OFFICES[1]} # where another TKSK takes over
CUT_OFF=${OFFICES[2]}   # whose link is gone for days
POWER=${OFFICES[3]}     # where the power goes
MONTH=$(date -d "$(date +%Y-%m-01) -1 month" +%Y-%m) # the records' dates
BOOKS=$(TZ=UTC-7 date +%Y-%m)                        # the month in which they are entered, in WIB
export MONTH LATE PASSED_ON CUT_OFF POWER
SIGN=(--key "$W/officer.key" --passphrase-file "$PASS")

step() { printf '== %s (%s s)\n' "$*" $(($(date +%s) - started)); }
work() { /usr/bin/python3 -B tests/e2e/month.py "$@" || fail "$*"; }
two_at_a_time() { # two_at_a_time FUNCTION OFFICE…: one half of them beside the other
    local function=$1 name first second half
    shift
    half=$((($# + 1) / 2))
    (for name in "${@:1:half}"; do "$function" "$name" || exit 1; done) &
    first=$!
    (for name in "${@:half+1}"; do "$function" "$name" || exit 1; done) &
    second=$!
    wait "$first" && wait "$second" || fail "$function"
}

# --- how an office joins, in the order that needs the officer's key once for each
enrols() { node "$1" --json enrol "$W/$1/invite" | json words >"$W/$1/words"; }
add_person() { # add_person OFFICE PERSON ROLE: a key, and its words in a file
    local words
    words=$(node "$1" --json operator add "$2" --role "$3" --passphrase-file "$PASS" | json words)
    [ -n "$words" ] || fail "$1: no words of $2"
    echo "$words" >"$W/$1/words.$3"
}
adds() { add_person "$1" "TKSK $1" tksk; }
approve_once() { hub operator approve "$@" "${SIGN[@]}" >"$W/approve" 2>&1; }
approve() { # approve OFFICE PERSON ROLE FROM UNTIL [OPTION…]: as soon as the request is there
    until_true 60 approve_once "$1" "$2" --role "$3" --words "$(cat "$W/$1/words.$3")" \
        --sk "SK/$2" --from "$4" --until "$5" "${@:6}" || fail "approve $2: $(cat "$W/approve")"
}
know_roster() { wait_status 60 "$1" trust_version "$(hub --json status | json trust_version)"; }
unlock() { node "$1" unlock --as "$2" --passphrase-file "$PASS" >/dev/null || fail "unlock $2"; }
begins() { know_roster "$1" && unlock "$1" "TKSK $1"; }

step "${#OFFICES[@]} offices and the district's own enrol"
start_link
start_hub
found_district
for name in "$DISTRICT" "${OFFICES[@]}"; do
    start_node "$name"
    hub node invite "$name" -o "$W/$name/invite" >/dev/null || fail "invite of $name"
done
two_at_a_time enrols "$DISTRICT" "${OFFICES[@]}"
for name in "$DISTRICT" "${OFFICES[@]}"; do
    until_true 60 hub_waits_for "$name" || fail "$name: the hub does not hear of the enrolment"
    hub node approve "$name" --words "$(cat "$W/$name/words")" "${SIGN[@]}" >/dev/null ||
        fail "approve of $name"
done
for name in "$DISTRICT" "${OFFICES[@]}"; do wait_status 60 "$name" enrolment approved; done
two_at_a_time adds "${OFFICES[@]}"
add_person "$DISTRICT" 'Kepala Bidang' kabid
for name in "${OFFICES[@]}"; do
    if [ "$name" = "$LATE" ]; then
        approve "$name" "TKSK $name" tksk "$(ago 400)" "$(ago 2)"
    else
        approve "$name" "TKSK $name" tksk 2026-01-01 2030-12-31
    fi
done
approve "$DISTRICT" 'Kepala Bidang' kabid 2026-01-01 2030-12-31
two_at_a_time begins "${OFFICES[@]}"
know_roster "$DISTRICT"
unlock "$DISTRICT" 'Kepala Bidang'
work offices "${OFFICES[@]}"

step "1st: the district announces the cut-off; every office reads it"
work announce
step "3rd: people and families, as they come in at the offices"
work collect
step "5th: village meetings, with minutes and a result for each family"
work deliberate
step "8th: deciles from the ministry; 10th: proposals, signed by their TKSK"
work deciles
work propose

step "11th: another TKSK takes over in $PASSED_ON; the former's last work is still on its way"
add_person "$PASSED_ON" Penerus tksk
requested() { [ "$(hub --json status | json waiting_enrolment)" = 1 ]; }
eventually "the request of the successor" requested
link but "${PID[$PASSED_ON]}"
wait_status 60 "$PASSED_ON" linked false
work last_work
number=$(hub --json operator list | /usr/bin/python3 -c 'import json, sys
print(next(r["number"] for r in json.load(sys.stdin)["rows"] if r["name"] == sys.argv[1]))' \
    "TKSK $PASSED_ON")
approve "$PASSED_ON" Penerus tksk "$(ago 0)" 2030-12-31 --succeeds "$number"

step "12th: $CUT_OFF loses its link; 15th: Sembako's highest decile goes from 4 to 3"
link but "${PID[$CUT_OFF]}"
know_roster "$PASSED_ON"
unlock "$PASSED_ON" Penerus
work taken_over
wait_status 60 "$CUT_OFF" linked false
work contest
cp -r hub/policy "$W/policy"
work write_rules "$W/policy/50-kpm.conf"
hub policy publish "$W/policy" "${SIGN[@]}" >/dev/null || fail "the new rules"
rules=$(hub --json status | json rules_version)
for name in "${OFFICES[@]}"; do
    [ "$name" = "$CUT_OFF" ] || wait_status 60 "$name" rules_version "$rules"
done

step "15th to 17th: everybody enters; the power goes at $POWER, then at the hub"
work rush &
rush=$!
until_true 60 grep -q . "$W/$POWER/entered" || fail "$POWER enters nothing"
stop "$POWER" KILL
start_node "$POWER"
unlock "$POWER" "TKSK $POWER"
stop hub KILL
start_hub
wait "$rush" || fail "the last days"
hub verify >/dev/null || fail "the hub after the power cut"

step "18th: data are drawn; what $CUT_OFF holds and what waits for an SK is not among them"
work settle but "$CUT_OFF"
work draw
step "19th: $CUT_OFF is back, all at once; 20th: the SK of $LATE is there"
link open
work settle
work returned
hub operator renew --expiring 60 --sk SK/2027 --until 2030-12-31 --yes "${SIGN[@]}" \
    >"$W/renew" 2>&1 || fail "renew: $(cat "$W/renew")"
wait_status 60 "$LATE" awaiting_term 0
work released

step "21st: the district verifies and answers; 24th: visits, and aid handed over"
work answer
work distribute
work settle

step "The end of the month: answers, books, content"
work answers
for name in "$DISTRICT" "${OFFICES[@]}"; do
    node "$name" reconcile >"$W/books" 2>&1 || fail "books of $name: $(cat "$W/books")"
    node "$name" reconcile --month "$BOOKS" >"$W/books" 2>&1 ||
        fail "books of $name in $BOOKS: $(cat "$W/books")"
done
hub reconcile >"$W/books" 2>&1 || fail "books: $(cat "$W/books")"
hub reconcile --month "$BOOKS" >"$W/books" 2>&1 || fail "books of $BOOKS: $(cat "$W/books")"
hub verify >"$W/verified" || fail "the journal, replayed, gives another content"
hub audit verify >/dev/null || fail "the access log"
work books
work content
work table
cat "$W/verified"
step "A month of ${#OFFICES[@]} offices: every submission is answered or listed, the books balance"
