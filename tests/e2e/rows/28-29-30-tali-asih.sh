#!/usr/bin/env bash
# Row 28: "250.000"; "Rp 1,500,000" proposed
# Row 29: "ada pemotongan"
# Row 30: "22 TKSK dari APBN … 7 … APBD"
# Shown: what a month is worth comes from a dated table of the signed rules, by who pays; each
# deduction stands with its amount and legal basis, what is left is worked out at the district, and
# the TKSK confirms it or disputes it; who pays is part of the assignment, and counted.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
C=36.04.27
T="tksk $A"
rows_start "$A" "$C"
export LC_ALL=C.UTF-8
# Amounts are specific data: whoever looks says why.
mine() { $T "$@" --full --reason 'tali asih saya'; }
district() { hub "$@" --full --reason 'periksa tali asih'; }

echo "-- who pays stands in the assignment, and is counted"
assign() { # assign OFFICE SOURCE: its id
    new office penugasan peran=tksk nama="TKSK $1" kode_wilayah="$1" no_sk="SK/$1/2026" \
        tgl_sk=2026-01-02 berlaku_dari=2012-01-01 berlaku_sampai=2030-12-31 sumber_dana="$2"
}
central=$(assign "$A" apbn)
local=$(assign "$C" apbd_kab)
comes "$T" "$central"
comes "tksk $C" "$local"
sees "$T" "$local" && fail "a neighbour sees another's assignment"
rejected "$T" 'Dinas Sosial' --lang id ubah "$central" sumber_dana=apbd_kab
office --lang id isi penugasan peran=tksk nama=Budi kode_wilayah="$C" no_sk=SK/9 \
    tgl_sk=2026-01-02 berlaku_dari=2026-01-01 berlaku_sampai=2026-12-31 status=berakhir \
    >"$W/out" 2>&1 || fail "refused without a source: $(cat "$W/out")"
grep -q 'Sumber dana TKSK belum diisi' "$W/out" || fail "no word of the source: $(cat "$W/out")"
answered "$DISTRICT"
by_source() { # by_source CODE
    hub --json query "SELECT count(*) FROM penugasan WHERE peran = 'tksk' AND status = 'aktif'
        AND sumber_dana = '$1'" | json rows.0.cells.0
}
is "paid from APBN" "$(by_source apbn)" 1
is "paid from APBD" "$(by_source apbd_kab)" 1
hub --lang id hitung penugasan sumber_dana status=aktif >"$W/out" || fail "count"
grep -q 'APBN *1' "$W/out" || fail "counted by source: $(cat "$W/out")"
grep -q 'APBD kabupaten/kota *1' "$W/out" || fail "counted by source: $(cat "$W/out")"

echo "-- the month decides what is due, and the source"
month() { # month ASSIGNMENT OFFICE MONTH SOURCE AMOUNT: what is entered for it
    echo "tali_asih penugasan=$1 kode_kec=$2 periode=$3 tgl_periode=$3-01 sumber=$4 nilai_hak=$5"
}
tax='nama=PPh 21;nilai=35000;dasar_hukum=UU PPh pasal 21'
then=$(new office $(month "$central" "$A" 2018-06 apbn 250000))
now=$(new office $(month "$central" "$A" 2026-03 apbn 700000) \
    potongan="$tax|nama=Iuran;nilai=5000;dasar_hukum=AD/ART FK-TKSK")
other=$(new office $(month "$local" "$C" 2026-03 apbd_kab 250000))
differs='Nilai hak berbeda dari tabel tali asih'
rejected office "$differs" --lang id isi $(month "$central" "$A" 2018-07 apbn 700000)
rejected office "$differs" --lang id isi $(month "$central" "$A" 2026-04 apbn 250000)
rejected office "$differs" --lang id isi $(month "$central" "$A" 2026-04 apbn 1500000)
rejected office "$differs" --lang id isi $(month "$local" "$C" 2026-04 apbd_kab 700000)
rejected "$T" 'Dinas Sosial' --lang id isi $(month "$central" "$A" 2026-04 apbn 700000)
office --lang id isi $(month "$local" "$C" 2026-04 apbn 700000) >"$W/out" 2>&1 ||
    fail "another source: $(cat "$W/out")"
grep -q 'Sumber berbeda dari sumber dana di SK' "$W/out" || fail "no warning: $(cat "$W/out")"

echo "-- what is left is worked out at the district, deduction by deduction"
rejected office 'dihitung oleh Dinas' --lang id ubah "$now" nilai_terima=700000
comes mine "$now"
comes_to mine "$now" nilai_terima 660000
is "without deductions" "$(value_at district "$then" nilai_terima)" 250000
is "at the other office" "$(value_at district "$other" nilai_terima)" 250000
mine --lang id lihat "$now" >"$W/shown"
grep -q 'UU PPh pasal 21' "$W/shown" || fail "its legal basis: $(cat "$W/shown")"
sees "tksk $C" "$now" && fail "a neighbour sees what another one gets"

echo "-- the TKSK confirms what came, and then it stands"
rejected "$T" dibayar --lang id ubah "$now" status=dikonfirmasi konfirmasi_tksk="$(ago 0)"
rejected "$T" '"workflow"' --json ubah "$now" status=dibayar
office ubah "$now" status=dibayar >/dev/null || fail "not paid"
comes_to "$T" "$now" status dibayar
rejected "$T" konfirmasi_tksk --lang id ubah "$now" status=dikonfirmasi
$T ubah "$now" status=dikonfirmasi konfirmasi_tksk="$(ago 0)" >/dev/null || fail "not confirmed"
comes_to office "$now" status dikonfirmasi
rejected office dikonfirmasi --lang id ubah "$now" potongan=

echo "-- a deduction without a basis is noticed; disputed, it is owed an answer"
next=$(new office $(month "$central" "$A" 2026-05 apbn 700000))
office --lang id ubah "$next" status=dibayar potongan='nama=Administrasi;nilai=50000' \
    >"$W/out" 2>&1 || fail "refused: $(cat "$W/out")"
grep -q 'Ada potongan tanpa dasar hukum' "$W/out" || fail "not noticed: $(cat "$W/out")"
comes_to "$T" "$next" status dibayar
comes_to mine "$next" nilai_terima 650000
rejected "$T" alasan_sengketa --lang id ubah "$next" status=disengketakan
$T ubah "$next" status=disengketakan alasan_sengketa='dipotong tanpa dasar' >/dev/null ||
    fail "not disputed"
answered "$A"
owed() { # owed PERSON: how many disputes wait for an answer
    $1 --json belum-dijawab | grep -c "\"id\": *\"$next\""
}
is "owed an answer" "$(owed hub)" 1
comes_to office "$next" status disengketakan
office disposisi "$next" keputusan=disetujui alasan='potongan dikembalikan' \
    potongan= state=dibayar >/dev/null || fail "no answer"
comes_to mine "$next" nilai_terima 700000
value_at mine "$next" disposisi | grep -q 'potongan dikembalikan' || fail "the answer is not here"
is_told "$T" Dibayar
none_owed() { [ "$(owed hub)" = 0 ]; }
eventually "it is off the list" none_owed
$T ubah "$next" status=dikonfirmasi konfirmasi_tksk="$(ago 0)" >/dev/null || fail "not confirmed"
answered "$A"
total() { # total SOURCE: what was confirmed
    hub --json query "SELECT sum(nilai_terima) FROM tali_asih WHERE sumber = '$1' AND
        status = 'dikonfirmasi'" --full --reason 'rekap tali asih' | json rows.0.cells.0
}
is "confirmed from APBN" "$(total apbn)" 1360000
exit 0
