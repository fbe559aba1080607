#!/usr/bin/env bash
# Row 22: "Tim Koordinasi … Kabupaten, Kecamatan hingga tingkat desa"
# Shown: roles per level, and who sees what: a kecamatan its own villages, a neighbour nothing of
# it, the district all of them; a reader from the province looks, writes nothing and sees no number;
# lists are masked, and restricted fields never leave the kecamatan but for the hub itself.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
C=36.04.27
T="tksk $A"
N="tksk $C"
NIK=3604294107800011
rows_start "$A" "$C"
export LC_ALL=C.UTF-8
add_operator "$A" Operator operator_kec
add_operator "$DISTRICT" Provinsi pembaca_provinsi
clerk() { node "$A" --as Operator "$@"; }
province() { node "$DISTRICT" --as Provinsi "$@"; }
listed() { # listed PERSON COLLECTION [FIELD=TEXT…]: how many
    $1 --json cari "${@:2}" | /usr/bin/python3 -c 'import json, sys
print(len(json.load(sys.stdin)["rows"]))'
}

echo "-- the village: its people are entered and found by its code"
siti=$(new "$T" orang nama='Siti Aminah' jk=P nik="$NIK" nama_ibu_kandung=Rahayu kode_kec="$A" \
    kode_desa="$A.2001")
new "$T" orang nama=Budi jk=L kode_kec="$A" kode_desa="$A.2002" >/dev/null
need=$(new "$T" ppks subjek="$siti" jenis=ODHIV tgl_pendataan="$(ago 3)" sumber=desa \
    kebutuhan=kesehatan kode_kec="$A" kode_desa="$A.2001")
is "of one village" "$(listed "$T" orang kode_desa="$A.2001")" 1
rejected "$T" "tidak terletak di dalam $A" --lang id isi orang nama=Ani jk=P \
    kode_kec="$A" kode_desa="$C.2001"

echo "-- the kecamatan: a clerk enters, and the TKSK stands for it"
ani=$(new clerk orang nama=Ani jk=P kode_kec="$A" kode_desa="$A.2001")
hub lihat "$ani" >/dev/null 2>&1 && fail "a clerk's entry went out without the TKSK"
$T tandatangan --all --yes --passphrase-file "$PASS" >/dev/null 2>&1 || fail "not countersigned"
tani=$(new "$N" orang nama=Tani jk=L kode_kec="$C" kode_desa="$C.2001")
answered "$A" "$C"
is "the kecamatan's own" "$(listed "$T" orang)" 3
sees clerk "$siti" || fail "the clerk of the same kecamatan does not see it"

echo "-- a neighbour sees nothing of it, and writes nothing there"
is "a neighbour's own" "$(listed "$N" orang)" 1
for id in "$siti" "$need" "$ani"; do
    sees "$N" "$id" && fail "a neighbour sees $id"
done
sees "$T" "$tani" && fail "a neighbour's record came here"
rejected "$N" "$A" --lang id isi orang nama=Lain jk=P kode_kec="$A"
rejected "$N" 'tidak ditemukan' --lang id ubah "$siti" nama=Lain

echo "-- the district sees all kecamatan"
comes office "$siti"
comes office "$ani"
comes office "$tani"
is "the district's list" "$(listed office orang)" 4
is "one kecamatan of it" "$(listed office orang kode_kec="$C")" 1
hub --lang id hitung orang kode_kec >"$W/out" || fail "count"
is "counted by kecamatan" "$(grep -cE "($A|$C|Tanara|Tirtayasa|Pontang)" "$W/out")" 2

echo "-- lists are masked; what is restricted stays in its kecamatan"
masked='3604••••••••0011'
for who in "$T" office province; do
    is "a number in a list, $who" "$($who --json cari orang nik="$NIK" | json rows.0.fields.nik)" \
        "$masked"
done
comes office "$need"
whole() { $1 --json lihat "$2" --full --reason 'periksa satu berkas' | /usr/bin/python3 -c '
import json, sys
print(next((f["value"] for f in json.load(sys.stdin)["fields"] if f["name"] == sys.argv[1]), None)
      or "")' "$3"; }
is "restricted, at its TKSK" "$(whole "$T" "$need" jenis)" ODHIV
is "restricted, at the district's office" "$(whole office "$need" jenis)" ''
is "what is not, there" "$(whole office "$need" sumber)" desa
$T --json cari ppks | grep -q ODHIV && fail "a restricted field in a list"
hub --json query 'SELECT jenis FROM ppks' | grep -q ODHIV && fail "and in a question"
hub --json query 'SELECT jenis FROM ppks' --full --reason 'pendampingan' | grep -q ODHIV ||
    fail "the hub itself has it not"

echo "-- the province reads, without numbers and without a pen"
sees province "$siti" || fail "the province reads nothing"
rejected province 'tidak diizinkan' --lang id lihat "$siti" --full --reason 'ingin tahu'
rejected province 'hanya boleh diisi oleh' --lang id ubah "$siti" nama=Lain
rejected province 'hanya boleh diisi oleh' --lang id isi orang nama=Lain jk=P kode_kec="$A"
rejected province 'hanya boleh diisi oleh' --lang id forum Halo
rejected clerk 'tidak diizinkan' --lang id lihat "$siti" --full --reason 'ingin tahu'
is "the name is as it was" "$(value_at hub "$siti" nama)" 'Siti Aminah'
exit 0
