#!/usr/bin/env bash
# Row 14: "edukasi dan sosialisasi"
# Row 40: "penyuluhan dan bimbingan sosial", "Memantau dan mengevaluasi"; "koordinasi, fasilitasi
#         dan administrasi"
# Shown: activities with their kind and function, place and attendance, partners and photo; nobody
# rewrites or deletes one after seven days: a mistake is told by another one.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
rows_start "$A"
export LC_ALL=C.UTF-8
printf '\xff\xd8\xff\xe0penyuluhan di balai desa' >"$W/foto.jpg"
activity() { # activity DAYS_AGO KIND FUNCTION FIELD=VALUE…: its id
    new "$T" kegiatan tanggal="$(ago "$1")" jenis="$2" fungsi="$3" lokasi='Balai Desa' \
        kode_kec="$A" "${@:4}"
}

echo "-- what was done, where, with how many"
psm=$(new "$T" psks jenis=PSM nama='Ahmad Fauzi' kontak=081200000000 kode_kec="$A")
talk=$(activity 1 penyuluhan fasilitasi peserta_jumlah=45 mitra="$psm" kode_desa="$A.2001" \
    hasil='warga mendapat penjelasan' foto=@"$W/foto.jpg" program=sembako)
activity 2 bimbingan_sosial fasilitasi peserta_jumlah=12 >/dev/null
activity 2 pemantauan administrasi >/dev/null
activity 3 koordinasi koordinasi >/dev/null
activity 3 sosialisasi koordinasi peserta_jumlah=30 >/dev/null
for kind in pendataan pendampingan fasilitasi_musdes penyaluran relawan_bencana; do
    activity 4 "$kind" administrasi >/dev/null
done
activity 5 bimtek koordinasi peserta_jumlah=29 versi_aturan=1 >/dev/null
answered "$A"
is "kinds at the district" "$(hub_count '(SELECT DISTINCT jenis FROM kegiatan)')" 11
is "people reached by function" "$(hub --json query "SELECT group_concat(fungsi || ' ' || n, ', ')
    FROM (SELECT fungsi, sum(peserta_jumlah) AS n FROM kegiatan WHERE peserta_jumlah IS NOT NULL
          GROUP BY fungsi)" | json rows.0.cells.0)" 'fasilitasi 57, koordinasi 59'
hub lihat "$talk" --lang id >"$W/shown" || fail "show"
grep -q 'Balai Desa' "$W/shown" || fail "no place: $(cat "$W/shown")"
grep -q 'image/jpeg' "$W/shown" || fail "no photo: $(cat "$W/shown")"

echo "-- refused: what has no place, kind or function, or is yet to come"
refuses() { # refuses TEXT FIELD=VALUE…
    rejected "$T" "$1" --lang id isi kegiatan kode_kec="$A" "${@:2}"
}
base=(jenis=penyuluhan tanggal="$(ago 1)")
refuses lokasi "${base[@]}" fungsi=fasilitasi
refuses fungsi "${base[@]}" lokasi='Balai Desa'
refuses 'tidak ada di daftar kode' "${base[@]}" lokasi='Balai Desa' fungsi=rehabilitasi
refuses 'tidak ada di daftar kode' jenis=piknik tanggal="$(ago 1)" lokasi=Anyer fungsi=fasilitasi
refuses peserta_jumlah "${base[@]}" lokasi='Balai Desa' fungsi=fasilitasi peserta_jumlah=-3
refuses 'Tanggal kegiatan sesudah hari ini' jenis=penyuluhan tanggal="$(ago -3)" lokasi=Anyer \
    fungsi=fasilitasi
refuses 'Bimbingan teknis menyebut versi aturan' jenis=bimtek tanggal="$(ago 1)" lokasi=Aula \
    fungsi=koordinasi
rejected office TKSK --lang id isi kegiatan "${base[@]}" lokasi=Aula fungsi=koordinasi kode_kec="$A"

echo "-- seven days to mend it; then it stands, and another one says what was wrong"
young=$(activity 6 penyuluhan fasilitasi peserta_jumlah=10)
$T ubah "$young" peserta_jumlah=11 >/dev/null || fail "on the sixth day it is not mended"
$T ubah "$young" tanggal="$(ago 5)" >/dev/null || fail "its date is not mended"
old=$(activity 9 penyuluhan fasilitasi peserta_jumlah=10)
for change in peserta_jumlah=100 hasil=lain tanggal="$(ago 1)" foto=@"$W/foto.jpg"; do
    rejected "$T" 'Kegiatan yang lewat 7 hari tidak diubah lagi' --lang id ubah "$old" "$change"
done
rejected "$T" 'catat kegiatan baru sebagai perbaikan' --lang id hapus "$old" --yes
answered "$A"
comes office "$old"
rejected office 'lewat 7 hari' --lang id ubah "$old" kode_desa="$A.2001"
correction=$(activity 9 penyuluhan fasilitasi peserta_jumlah=11 hasil='perbaikan daftar hadir')
answered "$A"
is "the first one stands" "$(value_at hub "$old" peserta_jumlah)" 10
is "the correction" "$(value_at hub "$correction" peserta_jumlah)" 11
is "mended in time" "$(value_at hub "$young" peserta_jumlah)" 11
exit 0
