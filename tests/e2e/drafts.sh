#!/usr/bin/env bash
# Drafts: what is refused is kept as typed and never sent, what is missing is said, one command
# makes a record of it, power cuts between make neither two nor none, and what the district office
# refuses comes back with its reason.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
district_with "$A"
draft() { node "$A" draft "$@"; }
drafts() { node "$A" --json status | json drafts; }

# Refused without --draf: nothing is kept. With it: as typed, and nothing is queued.
refused calendar 1 node "$A" isi orang nama=Ani jk=P tgl_lahir='27 s/d 40 Maret 2018'
is "drafts after a refusal" "$(drafts)" 0
node "$A" isi orang nama=Ani jk=P tgl_lahir='27 s/d 40 Maret 2018' --draf >"$W/kept" ||
    fail "--draf"
grep -q 'D-1' "$W/kept" && grep -q calendar "$W/kept" || fail "not said: $(cat "$W/kept")"
is "queued" "$(node "$A" --json status | json queued)" 0
node "$A" attention | grep -q 'D-1.*Ani' || fail "attention does not list it"
node "$A" draf | grep -q 'D-1.*Ani' || fail "draf does not list it"
draft show D-1 | grep -q '27 s/d 40 Maret 2018' || fail "not as typed"
draft show D-1 | grep -q 'Kecamatan\|kode_kec' || fail "does not say what is missing"

# Nothing of it is readable on the disk, and it is there after a power cut.
stop "$A" KILL
if grep -rqa '40 Maret\|Ani' "$W/$A/state"; then fail "a draft is readable on the disk"; fi
start_node "$A"
is "drafts after kill -9" "$(drafts)" 1
refused unlock 4 draft show D-1
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock

# Still incomplete: everything that is missing, and what was given stays.
refused Kecamatan 1 draft send D-1 nik=12
draft show D-1 | grep -q '12' || fail "the new value is lost"
draft edit D-1 nik= tgl_lahir=27/03/2018 >/dev/null || fail "draft edit"

# The daemon dies around the sending; the same request again: one record, no draft.
request=0190a1b2-c3d4-7e5f-8a9b-0123456789ab
draft send D-1 kode_kec="$A" --request $request >/dev/null 2>&1 &
sending=$!
stop "$A" KILL
start_node "$A"
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null 2>&1
wait "$sending"
id=$(node "$A" --json draft send D-1 kode_kec="$A" --request $request | json id)
[ -n "$id" ] || fail "no record after the power cut"
is "drafts after sending" "$(drafts)" 0
refused D-1 1 draft send D-1
wait_sent 60 "$A"
is "records at the hub" "$(hub_count "orang WHERE nama = 'Ani' AND tgl_lahir = '2018-03-27'")" 1

# What the district office refuses comes back, also while locked. The key of the first operator is
# reported lost before its last entry arrives, and the officer refuses that; a colleague mends it.
key=(--key "$W/officer.key" --passphrase-file "$PASS")
add_operator "$A" 'Petugas Dua' tksk --acting
node "$A" lock >/dev/null
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock
wait_sent 60 "$A"
number=$(hub --json operator list | /usr/bin/python3 -c 'import json,sys
print([o["number"] for o in json.load(sys.stdin)["rows"]
       if o["name"] == sys.argv[1]][0])' "Petugas $A")
stop hub
node "$A" isi orang nama=Budi jk=L kode_kec="$A" >/dev/null || fail "not entered"
stop "$A"
start_hub
hub operator end "$number" --reason leaked --yes "${key[@]}" >/dev/null || fail "operator end"
start_node "$A"
waits_for_review() { [ -n "$(hub --json review list | json rows.0.leaf)" ]; }
until_true 60 waits_for_review || fail "nothing is kept for review"
hub review refuse "$(hub --json review list | json rows.0.leaf)" "${key[@]}" >/dev/null ||
    fail "review refuse"
wait_status 60 "$A" drafts 1
node "$A" --json attention | grep -q '"key_leaked"' || fail "no reason while locked"
node "$A" --json attention | grep -q Budi && fail "values are told while locked"
node "$A" unlock --as 'Petugas Dua' --passphrase-file "$PASS" >/dev/null || fail unlock
is "origin" "$(node "$A" --json draf | json rows.0.origin)" rejected
is "by" "$(node "$A" --json draf | json rows.0.by)" "Petugas $A"
draft show D-2 | grep -q Budi || fail "the values did not come back"
draft send D-2 tgl_lahir=27/03/1990 >/dev/null || fail "draft send"
is "drafts in the end" "$(drafts)" 0
is "attention in the end" "$(node "$A" --json status | json attention)" 0
wait_sent 60 "$A"
is "Budi at the hub" "$(hub_count "orang WHERE nama = 'Budi'")" 1

# On a terminal: a form that is not finished offers a draft; sending asks for what is missing, and
# for nothing else.
typed() {
    /usr/bin/python3 tests/e2e/terminal.py type "$@" >"$W/typed" 2>&1 ||
        fail "$*: $(cat "$W/typed")"
}
ctl=("$CTL" --socket "$W/$A/admin.sock" --lang en)
typed 'Nama=Dedi' 'Jenis kelamin=^D' 'draft?=y' -- "${ctl[@]}" isi orang
grep -q 'D-3: kept as a draft' "$W/typed" || fail "not kept: $(cat "$W/typed")"
typed 'Jenis kelamin=L' 'Kecamatan='"$A" -- "${ctl[@]}" draft send D-3
grep -q 'stored here' "$W/typed" || fail "not sent: $(cat "$W/typed")"
is "drafts after the forms" "$(drafts)" 0

# A form asks first for what is needed, offers the own kecamatan, and ends with a dot.
typed 'Nama (required)=Eko' 'Jenis kelamin (required)=L' "Kecamatan (required) [$A]=" 'NIK=.' \
    'Store it?=' -- "${ctl[@]}" isi orang
grep -q 'stored here' "$W/typed" || fail "not stored: $(cat "$W/typed")"

# Thrown away only when the person says so.
node "$A" isi orang nama=Cici --draf >/dev/null || fail "--draf"
draft discard D-4 </dev/null >/dev/null 2>&1 && fail "discarded without --yes"
draft discard D-4 --yes >/dev/null || fail discard
is "drafts after discard" "$(drafts)" 0
