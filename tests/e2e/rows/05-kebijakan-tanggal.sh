#!/usr/bin/env bash
# Row 5: "perubahan skema seperti penambahan jumlah bantuan"; "tata caranya berubah dengan menteri
# baru"
#
# Limits and amounts stand in dated tables of the signed rules. The date of the event decides, not
# the day on which it is entered or arrives: the highest decile of Sembako was 5 in 2025, and is 4
# in 2026. What changes next is published ahead, stands in `perhatian` until it was looked at, and
# holds from its day on. Older rules never come back.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
rows_start $A
POLICY=$W/policy
ahead=$(ago -40)

# family DECILE: a family of A with its head, as the ministry ranks it.
number=0
family() {
    number=$((number + 1))
    head=$(new "tksk $A" orang nama="Kepala Keluarga $number" jk=P kode_kec=$A)
    kk=$(new "tksk $A" keluarga no_kk="360429010126000$number" kepala="$head" \
        alamat='Kp. Baru' rt=001 rw=002 kode_kec=$A)
    answered $A
    comes office "$kk"
    office ubah "$kk" desil="$1" >/dev/null || fail "desil"
}
# recipient DATE: entered as a candidate of Sembako, decided on that date.
recipient() {
    new office kpm keluarga="$kk" pengurus="$head" program=sembako tgl_penetapan="$1" kode_kec=$A
}
activate() { office ubah "$1" status_kepesertaan=aktif; }

echo "-- the same family, the same day of entry: the date of the decision tells the limit"
family 5
then=$(recipient 2025-07-01)
now=$(recipient 2026-02-01)
activate "$then" >/dev/null || fail "decile 5 was within the limit of 2025"
over='Desil keluarga di atas batas program'
rejected office "$over" --lang id ubah "$now" status_kepesertaan=aktif
comes_to hub "$then" status_kepesertaan aktif
comes_to hub "$now" status_kepesertaan calon

echo "-- the next limit is checked, published ahead, and told"
cp -r hub/policy "$POLICY"
python3 - "$POLICY" "$ahead" <<'END'
import pathlib, sys
path = pathlib.Path(sys.argv[1], "50-kpm.conf")
text = path.read_text()
at = text.index("table desil_maks")
end = text.index("\n}\n", at)
path.write_text(text[:end] + f"""
    version '{sys.argv[2]}' {{ basis = 'Keputusan Menteri 12/2026'
        row pbi_jkn {{ value = 5 }}
        row pkh {{ value = 4 }}
        row sembako {{ value = 3 }}
    }}""" + text[end:])
END
hub --lang id policy check "$POLICY" | grep -q "desil_maks.*mulai $ahead sembako: 4 -> 3" ||
    fail "policy check does not tell the change: $(hub --lang id policy check "$POLICY")"
sign() { hub policy sign "$1" -o "$2" --key "$W/officer.key" --passphrase-file "$PASS" >/dev/null; }
sign hub/policy "$W/older" || fail "sign"
version() { tksk $A --json status | json rules_version; }
before=$(version)
tells "tksk $A" 'policy show' && fail "news before there are any"
hub policy publish "$POLICY" --key "$W/officer.key" --passphrase-file "$PASS" >/dev/null ||
    fail "publish"
arrived() { [ "$(version)" = $((before + 1)) ]; }
eventually "the rules come to $A" arrived
at_the_office() { [ "$(office --json status | json rules_version)" = $((before + 1)) ]; }
eventually "the rules come to the district's own office" at_the_office
is_told "tksk $A" "Desil tertinggi ($ahead)"
tksk $A policy show --at "$ahead" | grep -q 'Keputusan Menteri 12/2026' || fail "policy show --at"
value() { # value PERSON DATE: what Sembako's limit is on that day
    $1 --json policy show --at "$2" | /usr/bin/python3 -c 'import json, sys
print(next(r["value"] for t in json.load(sys.stdin)["tables"] if t["name"] == "desil_maks"
           for r in t["rows"] if r["key"] == "sembako"))'
}
for who in "tksk $A" hub; do
    is "$who: 2025" "$(value "$who" 2025-07-01)" 5
    is "$who: today" "$(value "$who" "$(ago 0)")" 4
    is "$who: from then on" "$(value "$who" "$ahead")" 3
done
tells "tksk $A" "Desil tertinggi" && fail "still told after it was looked at"

echo "-- it holds from its day on, and not before"
family 4
today=$(recipient "$(ago 0)")
later=$(recipient "$ahead")
activate "$today" >/dev/null || fail "decile 4 is within the limit of today"
rejected office "$over" --lang id ubah "$later" status_kepesertaan=aktif
comes_to hub "$today" status_kepesertaan aktif
# What was decided then stays so.
shows hub "$then" status_kepesertaan aktif || fail "a new limit undid an old decision"

echo "-- older rules are refused, and so are rules that take something away"
refused 'version' 1 hub policy publish "$W/older"
rm "$POLICY/85-komunikasi.conf"
refused '' 1 hub policy check "$POLICY"
is "rules at $A" "$(version)" $((before + 1))
[ "$(hub --json nodes | grep -c "\"rules_version\": *$((before + 1))")" = 2 ] ||
    fail "the district does not see who has the rules: $(hub nodes)"
echo "05-kebijakan-tanggal: ok"
