#!/usr/bin/env bash
# Row 31: "selama jangka waktu tertentu"; "kontrakx mau diperpanjang"
# Row 32: "haya mempunyai satu orang TKSK"
# Row 33: "didaftarkan sebagai P3K"
# Shown: a key is good as long as its SK; work entered while the new SK is late waits and is let go
# by one renewal; a kecamatan has one TKSK, somebody stands in, hands over, or loses the key; who
# pays and as what a person is employed changes in the assignment and harms nothing. The rules of
# terms in all their corners are in tests/e2e/terms.sh.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
OFFICER=(--key "$W/officer.key" --passphrase-file "$PASS")
on() { date -u -d "$1" +%F; }
siti() { node "$A" --as Siti "$@"; }
budi() { node "$A" --as Budi "$@"; }
citra() { node "$A" --as Citra "$@"; }
roster_known() { wait_status 60 "$A" trust_version "$(hub --json status | json trust_version)"; }
words_of() { # words_of PERSON: a new key, and its request
    node "$A" --json operator add "$1" --role tksk --passphrase-file "$PASS" | json words
}
try() { hub --json operator approve "$A" "$@" "${OFFICER[@]}" >"$W/approve" 2>&1; }
# approve PERSON WORDS FROM UNTIL [OPTION…]: asks again until the request is there.
approve() {
    until_true 60 try "$1" --words "$2" --sk "SK/$1" --from "$3" --until "$4" "${@:5}" ||
        fail "approve $1: $(cat "$W/approve")"
    roster_known
    node "$A" unlock --as "$1" --passphrase-file "$PASS" >/dev/null || fail "unlock $1"
}
person() { new "$1" orang nama="$2" jk=P kode_kec="$A"; } # person WHO NAME: its id
arrived() { hub lihat "$1" >/dev/null 2>&1; }
number_of() { # number_of PERSON: the latest assignment
    hub --json operator list | /usr/bin/python3 -c 'import json, sys
print([r["number"] for r in json.load(sys.stdin)["rows"] if r["name"] == sys.argv[1]][-1])' "$1"
}

ended='penugasan petugas ini sudah diakhiri'

start_link
start_hub
found_district
for name in "$DISTRICT" "$A"; do
    start_node "$name"
    enrol_machine "$name"
done
add_operator "$DISTRICT" 'Kepala Bidang' kabid

echo "-- Siti's SK ended two days ago and the new one is late: she goes on, nothing is lost"
approve Siti "$(words_of Siti)" "$(on '-400 days')" "$(on '-2 days')"
first=$(person siti 'Nenek Rokayah')
second=$(person siti 'Pak Sarip')
wait_sent 60 "$A"
arrived "$first" && fail "it was merged without an SK"
siti --lang id status | grep -q 'menunggu SK' || fail "she is not told: $(siti --lang id status)"
is "kept at the district" "$(hub --json status | json awaiting_term)" 2
refused 'before it begins' 2 hub --lang en operator renew "$(number_of Siti)" --sk SK/2027 \
    --until "$(on '-500 days')" --yes "${OFFICER[@]}"

echo "-- one renewal, and both are in the database without being typed again"
hub operator renew "$(number_of Siti)" --sk SK/2027 --until "$(on '+400 days')" --yes \
    "${OFFICER[@]}" >"$W/renew" 2>&1 || fail "renew: $(cat "$W/renew")"
for id in "$first" "$second"; do
    eventually "it comes to the district" arrived "$id"
done
wait_status 60 "$A" awaiting_term 0
siti --lang id status | grep -q 'menunggu SK' && fail "she is still told to wait"
is "once each" "$(hub_count orang)" 2

echo "-- one TKSK a kecamatan: nobody beside her, but somebody in her place while she is away"
words=$(words_of Budi)
beside() {
    try Budi --words "$words" --sk SK/Budi --from "$(on now)" --until "$(on '+30 days')"
    grep -q '"holder"' "$W/approve"
}
eventually "a second one is refused" beside
grep -q Siti "$W/approve" || fail "who holds it is not said: $(cat "$W/approve")"
approve Budi "$words" "$(on now)" "$(on '+30 days')" --acting
stand_in=$(person budi 'Ibu Mumun')
answered "$A"
is "who entered it" "$(hub --json lihat "$stand_in" | json history.0.operator_name)" Budi
hub operator end Budi --reason ended --yes "${OFFICER[@]}" >/dev/null 2>&1 || fail "not ended"
roster_known
rejected budi "$ended" --lang id isi orang nama=Lain jk=P kode_kec="$A"

echo "-- Siti hands over to Citra: what she entered stays hers, and Citra goes on with it"
approve Citra "$(words_of Citra)" "$(on now)" "$(on '+400 days')" --succeeds "$(number_of Siti)"
rejected siti "$ended" --lang id isi orang nama=Sesudah jk=P kode_kec="$A"
citra ubah "$first" tempat_lahir=Serang >/dev/null || fail "Citra may not go on with it"
answered "$A"
comes_to hub "$first" tempat_lahir Serang
is "whose it was" "$(hub --json lihat "$first" | json history.0.operator_name)" Siti

echo "-- as what she is employed, and who pays, changes in the assignment alone"
post=$(new office penugasan peran=tksk nama=Citra kode_wilayah="$A" no_sk=SK/Citra \
    tgl_sk="$(on now)" berlaku_dari="$(on now)" berlaku_sampai="$(on '+400 days')" \
    sumber_dana=apbn unsur_asal=karang_taruna status_kepegawaian=relawan)
comes citra "$post"
key=$(number_of Citra)
for status in diusulkan_p3k p3k; do
    office ubah "$post" status_kepegawaian="$status" >/dev/null || fail "not $status"
done
office ubah "$post" sumber_dana=apbd_kab >/dev/null || fail "the paymaster does not change"
comes_to citra "$post" status_kepegawaian p3k
comes_to citra "$post" sumber_dana apbd_kab
is "its history" "$(office --json lihat "$post" | /usr/bin/python3 -c 'import json, sys
print(len(json.load(sys.stdin)["history"]))')" 4
is "the key is the same" "$(number_of Citra)" "$key"
rejected citra 'hanya boleh diisi oleh' --lang id ubah "$post" status_kepegawaian=relawan
rejected office 'Akhir masa tugas sebelum awalnya' --lang id ubah "$post" \
    berlaku_sampai="$(on '-900 days')"
after=$(person citra 'Pak Jaya')
answered "$A"
arrived "$after" || fail "a change of paymaster stops the work"

echo "-- Citra's key leaks: what arrives from then on is looked at by a person first"
link cut
wait_status 60 "$A" linked false
late=$(person citra 'Ibu Eroh')
hub operator end Citra --reason leaked --yes "${OFFICER[@]}" >/dev/null 2>&1 || fail "not ended"
link open
kept() { [ "$(hub --json review list | json rows.0.reason)" = key_leaked ]; }
eventually "it is kept for review" kept
arrived "$late" && fail "it was merged before anybody looked"
arrived "$after" || fail "what was in the database is taken out"
roster_known
rejected citra "$ended" --lang id isi orang nama=Pencuri jk=P kode_kec="$A"
leaf=$(hub --json review list | json rows.0.leaf)
hub review accept "$leaf" --yes "${OFFICER[@]}" >/dev/null 2>&1 || fail "it is not taken"
arrived "$late" || fail "what a person took is not there"
is "nothing was dropped" "$(hub_count orang)" 5
exit 0
