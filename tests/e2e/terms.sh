#!/usr/bin/env bash
# Terms of office: a late SK loses nothing, one person holds an assignment, it passes on, a key
# leaks; and the books of every office balance, until somebody harms them.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
OTHER=36.04.30
SIGN=(--key "$W/officer.key" --passphrase-file "$PASS")
on() { date -u -d "$1" +%F; }

words_of() { # words_of NODE PERSON: a new key, and its request
    node "$1" --json operator add "$2" --role tksk --passphrase-file "$PASS" | json words
}
approve_once() { hub operator approve "$@" "${SIGN[@]}" >"$W/approve" 2>&1; }
approve() { # approve NODE PERSON WORDS FROM UNTIL [OPTION…]: as soon as the request is there
    until_true 60 approve_once "$1" "$2" --words "$3" --sk "SK/$2" --from "$4" --until "$5" \
        "${@:6}" || fail "approve $2: $(cat "$W/approve")"
}
unlock() { node "$1" unlock --as "$2" --passphrase-file "$PASS" >/dev/null || fail "unlock $2"; }
know_roster() { wait_status 60 "$1" trust_version "$(hub --json status | json trust_version)"; }
enter() { # enter NODE PERSON NAME
    node "$1" --as "$2" isi orang nama="$3" jk=P kode_kec="$1" nik=3604290107800017 >/dev/null ||
        fail "$2 enters $3"
}
named() { hub_count "orang WHERE nama = '$1'"; }
cut_off() { link cut && wait_status 60 "$A" linked false; }
says() { grep -q -- "$2" "$W/$1" || fail "$1 lacks '$2': $(cat "$W/$1")"; }

# --- a late SK: the work waits, one statement renews both people and lets it go
start_link
start_hub
found_district
for office in "$A" "$OTHER"; do
    start_node "$office"
    enrol_machine "$office"
    approve "$office" "Siti $office" "$(words_of "$office" "Siti $office")" "$(on '-400 days')" \
        "$(on '-2 days')"
    know_roster "$office"
    unlock "$office" "Siti $office"
    enter "$office" "Siti $office" Terlambat
    wait_sent 60 "$office"
done
node "$A" --lang id status >"$W/status"
says status "Masa tugas Siti $A sudah berakhir"
says status 'di antaranya menunggu SK'
node "$A" --lang id perhatian >"$W/attention"
[ "$(grep -c 'menunggu SK' "$W/attention")" -ge 2 ] || fail "attention: $(cat "$W/attention")"
is "waits at the district" "$(hub --json status | json awaiting_term)" 2
hub --lang id status >"$W/status"
says status 'isiannya menunggu SK (kini 1)'
hub --lang id operator list >"$W/list"
says list '1 menunggu SK'
hub --lang id review list >"$W/review"
says review 'menunggu SK'
says review Terlambat
grep -q 3604290107800017 "$W/review" && fail "a whole NIK in a list: $(cat "$W/review")"
refused --yes 1 hub operator renew --expiring 60 --sk SK/2027 --until "$(on '+400 days')" \
    "${SIGN[@]}"
before=$(hub --json status | json trust_version)
hub operator renew --expiring 60 --sk SK/2027 --until "$(on '+400 days')" --yes "${SIGN[@]}" \
    >"$W/renew" 2>&1 || fail "renew: $(cat "$W/renew")"
is "one statement for both" "$(hub --json status | json trust_version)" $((before + 1))
is "released" "$(named Terlambat)" 2
for office in "$A" "$OTHER"; do
    wait_status 60 "$office" awaiting_term 0
    is "accepted at $office" "$(node "$office" --json status | json accepted)" 1
    is "warnings at $office" "$(node "$office" --json status | json terms)" '[]'
done

# --- one holder: a second one is refused, or stands in
words=$(words_of "$A" Budi)
beside() {
    approve_once "$A" Budi --words "$words" --sk SK/Budi --from "$(on now)" --until \
        "$(on '+30 days')" --json
    grep -q '"holder"' "$W/approve"
}
until_true 60 beside || fail "a second holder: $(cat "$W/approve")"
approve "$A" Budi "$words" "$(on now)" "$(on '+30 days')" --acting
says approve "Siti $A"
hub operator list >"$W/list"
says list 'stands in for 1; ends in 30 days'
know_roster "$A"
node "$A" status >"$W/status" # 60 days ahead
says status 'The term of Budi'

# --- an end says what waits, explains, and asks
/usr/bin/python3 tests/e2e/terminal.py type 'succession, ended or leaked:=ended' '[y/N]=y' -- \
    "$CTL" --socket "$W/hub/admin.sock" --lang en operator end Budi "${SIGN[@]}" >"$W/end" 2>&1 ||
    fail "operator end: $(cat "$W/end")"
says end 'entries arrived'
says end 'goes to review'
says end 'Ended.'
refused 'succession, ended, leaked' 2 hub --lang en node revoke "$A" "${SIGN[@]}"

# --- a succession: what lay before it is taken, though it arrives later
words=$(words_of "$A" Citra)
requested() { [ "$(hub --json status | json waiting_enrolment)" = 1 ]; }
until_true 60 requested || fail "the request of Citra does not arrive"
cut_off
enter "$A" "Siti $A" 'Sebelum Serah Terima'
approve "$A" Citra "$words" "$(on now)" "$(on '+400 days')" --succeeds 1
link open
know_roster "$A"
wait_sent 60 "$A"
is "entered before the succession" "$(named 'Sebelum Serah Terima')" 1
refused denied 1 node "$A" --json --as "Siti $A" isi orang nama=Sesudah jk=P kode_kec="$A"

# --- a leak: all that has not arrived goes to review, and is shown whole before it is taken
unlock "$A" Citra
cut_off
enter "$A" Citra 'Sebelum Bocor'
hub operator end Citra --reason leaked --yes "${SIGN[@]}" >/dev/null 2>&1 || fail "operator end"
link open
kept() { [ "$(hub --json review list | json rows.0.reason)" = key_leaked ]; }
until_true 60 kept || fail "not kept: $(hub --json review list)"
leaf=$(hub --json review list | json rows.0.leaf)
hub review show "${leaf:0:12}" >"$W/review" || fail "review show"
says review 'Sebelum Bocor'
says review 'Jenis kelamin'
is "not merged yet" "$(named 'Sebelum Bocor')" 0
hub review accept --author 4 --yes "${SIGN[@]}" >/dev/null || fail "review accept"
is "taken" "$(named 'Sebelum Bocor')" 1
wait_status 60 "$A" accepted 3

# --- the books
month=$(TZ=UTC-7 date +%Y-%m)
hub reconcile >"$W/books" 2>&1 || fail "books: $(cat "$W/books")"
hub reconcile --month "$month" >"$W/books" 2>&1 || fail "books of $month: $(cat "$W/books")"
hub_books() { hub --json reconcile | /usr/bin/python3 -c 'import json, sys
row = [r for r in json.load(sys.stdin)["rows"] if r["node"] == sys.argv[1]][0]
print(row["entered"], row["accepted"], row["pending"])' "$A"; }
is "the district's books" "$(hub_books)" '3 3 0'
node "$A" --json cocokkan >"$W/own"
is "the office's books" "$(json rows.0.entered <"$W/own") $(json rows.0.accepted <"$W/own")" '3 3'
hub verify >/dev/null || fail verify
stop hub
/usr/bin/python3 - "$W/hub/state" "$OTHER" <<'END' || fail "harm"
import pathlib, sqlite3, sys
path = pathlib.Path(sys.argv[1]) / "hub.db"
db = sqlite3.connect(path)
db.execute("DELETE FROM tksk_change WHERE txn = (SELECT min(number) FROM tksk_txn WHERE node = ?)",
           [sys.argv[2]])
assert db.total_changes == 1
db.commit()
END
start_hub
refused "$OTHER" 1 hub reconcile
refused "$OTHER" 1 hub --lang id cocokkan --month "$month"
