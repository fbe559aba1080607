#!/usr/bin/env bash
# Row 12: "registrasi dan/atau pembukaan rekening penerima kartu kombo"
# Shown: the account and the card of each recipient move step by step, by the KORTEKS or the TKSK;
# a step that is left out is refused with what is open; how many stand where is counted per village,
# at the office, at the district's office and at the hub, without anybody's name.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
rows_start "$A"
export LC_ALL=C.UTF-8
clerk() { $T "$@" --full --reason 'cek rekening'; }

echo "-- five recipients in two villages"
kpm=()
for i in 1 2 3 4 5; do
    village=$A.200$((i % 2 + 1))
    head=$(new "$T" orang nama="Penerima $i" jk=P kode_kec="$A" kode_desa="$village")
    family[i]=$(new "$T" keluarga kepala="$head" alamat="Kp. Baru $i" rt=001 rw=002 kode_kec="$A" \
        kode_desa="$village")
    heads[i]=$head
done
answered "$A"
for i in 1 2 3 4 5; do
    comes office "${family[i]}"
    kpm[i]=$(new office kpm keluarga="${family[i]}" pengurus="${heads[i]}" program=sembako \
        tgl_penetapan="$(ago 40)" kode_kec="$A" kode_desa="$A.200$((i % 2 + 1))")
done
for i in 1 2 3 4 5; do
    comes "$T" "${kpm[i]}"
done

echo "-- the account goes step by step; who leaves one out is told what is open"
step() { # step PERSON KPM STATE
    $1 ubah "$2" status_rekening="$3" >/dev/null || fail "$1: $3"
}
for state in registrasi_bank dibuka kartu_dicetak; do
    step korteks "${kpm[1]}" $state
done
step korteks "${kpm[2]}" registrasi_bank
rejected korteks registrasi --lang id ubah "${kpm[3]}" status_rekening=aktif
rejected "$T" registrasi --lang id ubah "${kpm[3]}" status_rekening=dibuka
comes_to clerk "${kpm[1]}" status_rekening kartu_dicetak
step "$T" "${kpm[1]}" kartu_diterima
step "$T" "${kpm[1]}" aktif
step "$T" "${kpm[4]}" registrasi_bank
step "$T" "${kpm[4]}" gagal_cek
rejected "$T" 'registrasi_bank (KORTEKS / TKSK kecamatan)' --lang id \
    ubah "${kpm[4]}" status_rekening=aktif
step "$T" "${kpm[4]}" registrasi_bank
step "$T" "${kpm[1]}" dorman
answered "$A"

echo "-- counted per village, everywhere the same"
counted() { # counted PERSON [FIELD=TEXT…]: "village state number" lines
    local who=$1
    shift
    $who --json hitung kpm kode_desa status_rekening "$@" | /usr/bin/python3 -c 'import json, sys
for row in json.load(sys.stdin)["rows"]:
    print(*row["codes"], row["records"])'
}
wanted=$(printf "$A.%s\n" '2001 registrasi_bank 2' '2002 belum 2' '2002 dorman 1')
for who in hub office "$T"; do
    agrees() { [ "$(counted "$who" | sort)" = "$wanted" ]; }
    eventually "$who counts: $(counted "$who")" agrees
done
is "of one village" "$(counted hub kode_desa="$A.2002" | sort)" "$(grep 2002 <<<"$wanted")"
is "of a state by its label" "$(counted "$T" status_rekening='registrasi bank')" \
    "$A.2001 registrasi_bank 2"
is "of another kecamatan" "$(counted hub kode_kec=36.04.27)" ''
hub --lang id hitung kpm kode_desa status_rekening >"$W/table"
grep -q 'Registrasi bank' "$W/table" && grep -q "$A.2001" "$W/table" &&
    grep -q 'Keluarga penerima manfaat (KPM): 5' "$W/table" || fail "the table: $(cat "$W/table")"
is "by one field" "$(hub --json hitung kpm program | json rows.0.records)" 5

echo "-- names, numbers and what few may see are not counted by"
for field in no_rekening pengurus rincian no_kks; do
    refused 'not counted by this field' 1 hub hitung kpm "$field"
    refused 'not counted by this field' 1 $T hitung kpm "$field"
done
refused 'not in the code list' 1 hub hitung kpm program program=dapur
refused 'no such collection' 1 hub hitung dapur program
:
