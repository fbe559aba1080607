#!/usr/bin/env bash
# Row 7: "26 poin … melakukan pendataan"
# Row 8: "PMKS ada 22" / "26 PMKS"
# Row 9: "Terhimpunnya data Potensi dan Sumber Kesejahteraan Sosial"
# Shown: all 26 kinds are entered; what was found in 2010 is entered with the 22 codes of then and
# keeps its code, which nothing of today may use; the register of the 12 kinds of PSKS.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
NOW='ABT AT ABH AJ ADK AKTK AMPK LUT PD TS GEL PGM PML KM BWBP ODHIV NAPZA KTRF KTK PMBS KBA KBS
    PRSE FM KBSP KAT'
THEN='ABT AT AN AJ WRSE KTK LUT PACA TS PGM GEL BWBP NAPZA KFM KBTLH KBSP KAT KBA KBS PMT ODHA KR'
ENDED='AN WRSE PACA KFM KBTLH PMT ODHA KR' # of the 22, and not of the 26
rows_start "$A"

siti=$(new "$T" orang nama=Siti jk=P tgl_lahir=1990-02-03 kode_kec="$A")
# ppks DATE CODE…: enters a file with a row of each kind. "taken refused"
ppks() {
    local date=$1 code out
    shift
    {
        echo 'subjek,jenis,tgl_pendataan,sumber,kebutuhan,kode_kec'
        for code; do
            echo "$siti,$code,$date,desa,pangan|dokumen,$A"
        done
    } >"$W/ppks.csv"
    out=$($T --json impor ppks "$W/ppks.csv")
    echo "$(json accepted <<<"$out") $(json rejected <<<"$out")"
}
at_hub() { # at_hub SELECT: with its reason, for kinds are restricted
    hub --json query "$1" --full --reason 'uji daftar kode' | json rows.0.cells.0
}

echo "-- 26 kinds today, the 22 in what dates from 2010"
is "the 26 of today" "$(ppks "$(ago 2)" $NOW)" "26 0"
is "the 22 of 2010" "$(ppks 2010-05-04 $THEN)" "22 0"
is "the ended ones, today" "$(ppks "$(ago 2)" $ENDED)" "0 8"
is "the new ones, in 2010" "$(ppks 2010-05-04 ABH ADK PD ODHIV KTRF PMBS PRSE FM)" "0 8"
is "no kind at all" "$(ppks "$(ago 2)" XYZ)" "0 1"
is "the last day of the old ones" "$(ppks 2011-12-31 PACA) $(ppks 2011-12-31 PD)" "1 0 0 1"
is "the first day of the new ones" "$(ppks 2012-01-01 PD) $(ppks 2012-01-01 PACA)" "1 0 0 1"
rejected "$T" PRSE --lang id isi ppks subjek="$siti" jenis=WRSE tgl_pendataan="$(ago 2)" \
    sumber=desa kebutuhan=modal kode_kec="$A"
answered "$A"
is "at the district" "$(at_hub 'SELECT count(*) FROM ppks')" 50
is "kinds there" "$(at_hub 'SELECT count(DISTINCT jenis) FROM ppks')" 34

echo "-- an old record keeps its code while the work goes on"
old=$(new "$T" ppks subjek="$siti" jenis=WRSE tgl_pendataan=2010-06-07 sumber=psm \
    kebutuhan=modal kode_kec="$A")
comes office "$old"
office ubah "$old" status=diverifikasi >/dev/null || fail "not verified"
comes_to "$T" "$old" status diverifikasi
$T ubah "$old" status=dilayani kondisi='sudah dapat modal' >/dev/null || fail "not served"
answered "$A"
is "its code" "$(at_hub "SELECT jenis FROM ppks WHERE tgl_pendataan = '2010-06-07'")" '["WRSE"]'
$T ubah "$old" jenis='WRSE|KFM' >/dev/null || fail 'another code of then'
$T lihat "$old" --lang id --full --reason 'periksa kode lama' | grep -q WRSE ||
    fail "the office lost the old code"
rejected "$T" FM --lang id ubah "$old" jenis='WRSE|FM'
rejected "$T" 'tidak ada di daftar kode' --lang id ubah "$old" tgl_pendataan="$(ago 2)"
$T ubah "$old" jenis=PRSE tgl_pendataan="$(ago 2)" >/dev/null || fail "seen anew, with a new code"

echo "-- ages only warn; leaving needs a reason"
out=$($T --lang id isi ppks subjek="$siti" jenis=LUT tgl_pendataan="$(ago 2)" sumber=tksk \
    kebutuhan=pangan kode_kec="$A") || fail "an age refuses: $out"
grep -q '60 tahun' <<<"$out" || fail "no word of the age: $out"
rejected "$T" alasan_keluar --lang id ubah "$old" status=keluar
$T ubah "$old" status=keluar alasan_keluar=mandiri >/dev/null || fail "not left"

echo "-- the 12 kinds of PSKS"
{
    echo 'Jenis PSKS;Nama;Kontak;Layanan;kode_kec'
    for code in PSP PSM TAGANA LKS KT LK3 KPI WKSBM WPKS PENSOS TKSK DU; do
        echo "$code;Mitra $code;081200000000;pangan|hukum;$A"
    done
} >"$W/psks.csv"
$T impor psks "$W/psks.csv" >/dev/null || fail "a kind of PSKS is refused"
rejected "$T" jenis --lang id isi psks jenis=RW nama='Mitra RW' kontak=0812 kode_kec="$A"
rejected "$T" kontak --lang id isi psks jenis=KT nama='Tunas Muda' kode_kec="$A"
lks=$($T --json cari psks nama='Mitra LKS' | json rows.0.id)
$T ubah "$lks" badan_hukum=Yayasan no_izin=460/1/2026 masa_izin=2028-01-01 >/dev/null ||
    fail "the licence of an institution"
answered "$A"
is "PSKS at the district" "$(hub_count psks)" 12
is "kinds of them" "$(at_hub 'SELECT count(DISTINCT jenis) FROM psks')" 12
exit 0
