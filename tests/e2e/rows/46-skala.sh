#!/usr/bin/env bash
# Row 46: "514 Kab/Kota"; "221 orang"
# Shown: one hub stands for one district; another district's codes, offices and people are refused
# at each door; three offices in one hub see the same and their books balance. A whole month of the
# 29 kecamatan of one district is tests/e2e/month.sh.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
C=36.04.27
E=36.04.05
FOREIGN=36.73.01 # of Kota Serang, the neighbour with a hub of its own
rows_start "$A" "$C" "$E"
export LC_ALL=C.UTF-8
OFFICER=(--key "$W/officer.key" --passphrase-file "$PASS")

echo "-- another district's codes are refused at each door"
for code in "$FOREIGN" 32.01.01 36.73; do
    refused 'does not lie inside 36.04' 1 hub node invite "$code" -o "$W/foreign"
    [ -e "$W/foreign" ] && fail "an invite for $code"
    rejected "tksk $A" "$code" --lang id isi orang nama=Siti jk=P kode_kec="$code"
    rejected office "$code" --lang id isi penugasan peran=tksk nama=Siti kode_wilayah="$code" \
        no_sk=SK/1 tgl_sk=2026-01-02 berlaku_dari=2026-01-01 berlaku_sampai=2026-12-31 \
        sumber_dana=apbn
done
words=$(node "$A" --json operator add Tamu --role tksk --passphrase-file "$PASS" | json words)
asked() { [ "$(hub --json status | json waiting_enrolment)" = 1 ]; }
eventually "the request comes" asked
refused 'does not lie inside 36.04' 1 hub operator approve "$A" Tamu --area "$FOREIGN" \
    --words "$words" --sk SK/2 --from 2026-01-01 --until 2026-12-31 --acting "${OFFICER[@]}"

echo "-- three offices, one hub: each record once, and the same everywhere"
ids=()
for at in "$A" "$C" "$E"; do
    for name in Siti Budi Ani; do
        ids+=("$(new "tksk $at" orang nama="$name" jk=P kode_kec="$at")")
    done
done
answered "$A" "$C" "$E"
is "short numbers" "$(printf '%s\n' "${ids[@]}" | sort -u | wc -l)" 9
for id in "${ids[@]}"; do
    comes office "$id"
done
# The record's own page, less what is each side's own view of it.
page() { # page PERSON ID
    $1 --json lihat "$2" | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["id"], d["short"], [(f["name"], f["value"]) for f in d["fields"] if f["value"]])'
}
i=0
for at in "$A" "$C" "$E"; do
    for _ in 1 2 3; do
        is "record $i, $at and the hub" "$(page "tksk $at" "${ids[i]}")" "$(page hub "${ids[i]}")"
        is "record $i, the district's office" "$(page office "${ids[i]}")" "$(page hub "${ids[i]}")"
        i=$((i + 1))
    done
    is "records at $at" "$(tksk "$at" --json status | json records)" 3
done
is "records at the district" "$(hub_count orang)" 9
is "at its own office" "$(office --json status | json records)" 9
hub cocokkan >"$W/books" 2>&1 || fail "the books: $(cat "$W/books")"
hub verify >/dev/null || fail "the journal does not give the content"
exit 0
