#!/usr/bin/env bash
# Row 36: "mencari rejeki pada penderitaan mereka"
# Shown: whoever hands something in gets a receipt number with two check letters, and may ask with
# it how the matter stands, at the office or at the district; a slip or a guess is noticed, and
# nothing personal is told.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
C=36.04.27
T="tksk $A"
rows_start "$A" "$C"
export LC_ALL=C.UTF-8

echo "-- every way of handing in prints the number"
put() { # put OFFICE [FIELD=VALUE…]: the receipt number that is printed
    local at=$1
    shift
    tksk "$at" --lang id isi pengaduan kategori=pemotongan tgl_pengaduan="$(ago 0)" \
        kode_kec="$at" uraian='dipotong Rp 50.000 oleh Pak Karto' "$@" |
        sed -n 's/^Nomor tanda terima: //p'
}
number=$(put "$A" bidang_tujuan=linjamsos)
case $number in
29-[0-9][0-9][0-9][0-9]-[A-HJ-NPR-Z][A-HJ-NPR-Z]) ;;
*) fail "'$number' is no receipt number" ;;
esac
other=$(put "$C")
cat >"$W/dua.json" <<END
[{"op":"create","collection":"pengaduan","fields":{"kategori":"agen","tgl_pengaduan":"$(ago 0)",
  "kode_kec":"$A","uraian":"agen tutup"}},
 {"op":"create","collection":"orang","fields":{"nama":"Siti","jk":"P","kode_kec":"$A"}}]
END
is "of two changes one is answered" \
    "$($T --lang id apply "$W/dua.json" | grep -c 'Nomor tanda terima: 29-')" 1
printf 'kategori,tgl_pengaduan,kode_kec,uraian\nagen,%s,%s,agen jauh\nagen,%s,%s,agen mahal\n' \
    "$(ago 0)" "$A" "$(ago 0)" "$A" >"$W/dua.csv"
is "an import" 2 \
    "$($T --lang id impor pengaduan "$W/dua.csv" | grep -c '^baris [23]: Nomor tanda terima: 29-')"
$T --lang id isi orang nama=Budi jk=L kode_kec="$A" | grep -q 'tanda terima' &&
    fail "a person is no submission"

echo "-- the number tells how it stands, here and at the district, whoever's it is"
answered "$A" "$C"
says() { # says PERSON NUMBER TEXT
    $1 --lang id tanda-terima "$2" | grep -qF "$3" ||
        fail "$1 does not say '$3' of $2: $($1 --lang id tanda-terima "$2" 2>&1)"
}
says "$T" "$number" Pengaduan
says "$T" "$number" 'belum dijawab, 0 hari (batas 14)'
says hub "$number" 'belum dijawab, 0 hari (batas 14)'
says hub "$other" 'belum dijawab'
says hub " ${number,,}" 'Perlindungan dan jaminan sosial'
is "it also stands with the record" "$($T --json lihat "${number%-*}" | json receipt)" "$number"

echo "-- nothing personal is told"
for who in "$T" hub; do
    for secret in Karto 50.000 dipotong TKSK; do
        $who --json tanda-terima "$number" | grep -q "$secret" && fail "$who tells $secret"
    done
done

echo "-- wrong letters, another's number and no number get one and the same answer"
letters=${number##*-}
[ "$letters" = KM ] && wrong=${number%-*}-MK || wrong=${number%-*}-KM
same='no submission has this receipt number'
for bad in "$wrong" 29-9999-KM "${number%-*}" KM x; do
    refused "$same" 1 hub tanda-terima "$bad"
    refused "$same" 1 $T tanda-terima "$bad"
done
refused "$same" 1 $T tanda-terima "$other" # another office's is known at the district

echo "-- an answer is told as far as it is no text that somebody wrote"
siti=$($T --json isi orang nama=Ani jk=P kode_kec="$A" | json id)
usulan=$($T --json isi usulan jenis=alat_bantu tgl_usulan="$(ago 0)" kode_kec="$A" \
    pengusul='jenis=desa|nama=Desa Sukamaju' penerima="$siti" isi='uraian=kursi roda' \
    diketahui_tksk=true)
asked=$(json receipt <<<"$usulan")
usulan=$(json id <<<"$usulan")
$T ubah "$usulan" status=diajukan >/dev/null || fail "not handed in"
$T sign "$usulan" --passphrase-file "$PASS" >/dev/null 2>&1 || fail "not signed"
comes_to office "$usulan" status diterima
office ubah "$usulan" status=diverifikasi >/dev/null || fail "not verified"
office disposisi "$usulan" keputusan=ditolak alasan='Ani sudah pernah dibantu' target=2030-12-01 \
    >/dev/null || fail "not answered"
decided() { hub --lang id tanda-terima "$asked" | grep -qF "$1"; }
eventually "the decision" decided 'Ditolak, target 2030-12-01'
hub --json tanda-terima "$asked" | grep -q dibantu && fail "what was written is told"
comes_to "$T" "$usulan" status diverifikasi
at_office() { $T --lang id tanda-terima "$asked" | grep -qF 'Ditolak, target 2030-12-01'; }
eventually "at the office too" at_office

echo "-- a locked office says that it is locked"
$T lock >/dev/null || fail "not locked"
refused 'unlock' 4 $T tanda-terima "$number"
:
