#!/usr/bin/env bash
# Row 11: "Verifikasi dan Validasi By name By address"
# Row 13: "pemantauan penyaluran"
# Row 43: "menyerahkan bantuan ke warga"
# Shown: the district brings the recipients in by name and address from a file; the TKSK visits, and
# a visit is never rewritten; aid is recorded per recipient and period, handed over only with its
# proof; what was seen at a distribution site is reported.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
rows_start "$A"
export LC_ALL=C.UTF-8
printf '\xff\xd8\xff\xe0foto rumah dari depan' >"$W/rumah.jpg"
printf '\xff\xd8\xff\xe0tanda terima bercap' >"$W/terima.jpg"
row() { $1 --json cari "$2" "$3" | json rows.0.id; } # row PERSON COLLECTION FIELD=TEXT

echo "-- the families are here; the district brings in who receives"
people=('Siti Aminah' 'Budi Santoso' 'Nurhayati')
for i in 0 1 2; do
    head=$(new "$T" orang nama="${people[i]}" jk=P nik=360429410780001$i kode_kec="$A")
    new "$T" keluarga no_kk=360429010110000$i kepala="$head" alamat="Kp. Baru $i" rt=001 rw=002 \
        kode_kec="$A" kode_desa="$A.2001" >/dev/null
done
answered "$A"
here() { [ -n "$(row office keluarga no_kk=3604290101100002)" ]; }
eventually "the families come to the district" here
{
    printf '%s,' keluarga.no_kk pengurus.nik program tgl_penetapan status_kepesertaan no_kks bank
    echo no_rekening,kode_kec
    for i in 0 1 2; do
        printf '%s,' 360429010110000$i 360429410780001$i sembako "$(ago 40)" calon \
            600100000000000$i bri
        echo "12345678$i,$A"
    done
} >"$W/bnba.csv"
office impor kpm "$W/bnba.csv" >"$W/out" || fail "import: $(cat "$W/out")"
answered "$DISTRICT"
kpm=()
for i in 0 1 2; do
    family=$(row "$T" keluarga no_kk=360429010110000$i)
    listed() { [ -n "$(row "$T" kpm keluarga="$family")" ]; }
    eventually "the recipient comes down" listed
    kpm[i]=$(row "$T" kpm keluarga="$family")
    office ubah "${kpm[i]}" status_kepesertaan=aktif >/dev/null || fail "not made active"
done
$T lihat "${kpm[0]}" --lang id >"$W/shown" || fail "show"
grep -q 'Sembako' "$W/shown" || grep -q sembako "$W/shown" || fail "by name: $(cat "$W/shown")"
rejected "$T" program --lang id ubah "${kpm[0]}" program=pkh
# The list is not the office's to bring in.
sed 's/sembako/pkh/' "$W/bnba.csv" >"$W/sendiri.csv"
rejected "$T" '3 ditolak' --lang id impor kpm "$W/sendiri.csv"
grep -q 'authority' "$W/sendiri.rejected.csv" || fail "why: $(cat "$W/sendiri.rejected.csv")"

echo "-- visits: what was found stands; whoever comes again writes another one"
visit() { # visit KPM DATE FIELD=VALUE…
    new "$T" verifikasi kpm="$1" tgl_kunjungan="$2" lat=-6.0412 lon=106.3721 kode_kec="$A" "${@:3}"
}
first=$(visit "${kpm[0]}" "$(ago 9)" keberadaan=ditemukan hasil=layak foto=@"$W/rumah.jpg" \
    foto_isi=rumah_depan)
gone=$(visit "${kpm[1]}" "$(ago 9)" keberadaan=pindah hasil=tidak_layak alasan=menolak)
rejected "$T" 'Hasil tidak layak perlu alasan' --lang id isi verifikasi kpm="${kpm[2]}" \
    tgl_kunjungan="$(ago 9)" lat=-6 lon=106 keberadaan=ditemukan hasil=tidak_layak kode_kec="$A"
rejected "$T" 'Tanggal kunjungan sesudah hari ini' --lang id isi verifikasi kpm="${kpm[2]}" \
    tgl_kunjungan="$(ago -3)" lat=-6 lon=106 keberadaan=ditemukan hasil=layak kode_kec="$A"
rejected "$T" 'Kunjungan ini ke siapa' --lang id isi verifikasi tgl_kunjungan="$(ago 3)" lat=-6 \
    lon=106 keberadaan=ditemukan hasil=layak kode_kec="$A"
rejected "$T" 'tidak diubah lagi' --lang id ubah "$gone" hasil=layak
rejected "$T" 'tidak diubah lagi' --lang id ubah "$first" tgl_kunjungan="$(ago 2)"
rejected "$T" 'tidak diubah lagi' --lang id hapus "$gone" --yes
again=$(visit "${kpm[1]}" "$(ago 2)" keberadaan=ditemukan hasil=layak)
answered "$A"
is "visits at the district" "$(hub_count verifikasi)" 3
is "the first of them" "$(value_at hub "$gone" hasil)" tidak_layak
is "the second" "$(value_at hub "$again" hasil)" layak
hub lihat "$first" --lang id | grep -q 'image/jpeg' || fail "the photo is not named"
# The KORTEKS has looked at it too: a mark of the own, and nothing else of it.
comes korteks "$first"
korteks ubah "$first" koordinator_cek=sesuai >/dev/null || fail "the KORTEKS may not check"
comes_to "$T" "$first" koordinator_cek sesuai
rejected korteks '"frozen"' --json ubah "$first" hasil=tidak_layak

echo "-- aid per recipient and period, handed over with a proof"
aid() { # aid KPM PERIOD FIELD=VALUE…
    new "$T" penyaluran kpm="$1" program=sembako periode="$2" bentuk=uang nilai=200000 \
        satuan=rupiah kode_kec="$A" "${@:3}"
}
one=$(aid "${kpm[0]}" 2026-01)
two=$(aid "${kpm[2]}" 2026-01)
rejected "$T" bukti --lang id ubah "$one" status=tersalur tgl="$(ago 1)" titik='Kantor Desa'
rejected "$T" 'Tanggal penyaluran sesudah hari ini' --lang id ubah "$one" status=tersalur \
    tgl="$(ago -3)" titik='Kantor Desa' bukti=@"$W/terima.jpg"
$T ubah "$one" status=tersalur tgl="$(ago 1)" titik='Kantor Desa' bukti=@"$W/terima.jpg" \
    >/dev/null || fail "not handed over"
rejected "$T" alasan_gagal --lang id ubah "$two" status=gagal
$T ubah "$two" status=gagal alasan_gagal=saldo_nol >/dev/null || fail "it may fail, with a reason"
$T ubah "$two" status=dijadwalkan >/dev/null || fail "not planned again"
rejected "$T" '"workflow"' --json ubah "$one" status=dijadwalkan
rejected "$T" 'Program tidak sama dengan program KPM' --lang id isi penyaluran kpm="${kpm[0]}" \
    program=pkh periode=2026-01 bentuk=uang nilai=1 satuan=rupiah kode_kec="$A"
rejected "$T" 'Bantuan ini untuk siapa' --lang id isi penyaluran program=sembako periode=2026-01 \
    bentuk=uang nilai=200000 satuan=rupiah kode_kec="$A"
aid "${kpm[0]}" 2026-02 status=tersalur tgl="$(ago 1)" titik=e-warong bukti=@"$W/terima.jpg" \
    >/dev/null
answered "$A"
is "handed over, by period" "$(hub --json query "SELECT group_concat(periode || ' ' || n, ', ')
    FROM (SELECT periode, count(*) AS n FROM penyaluran WHERE status = 'tersalur'
          GROUP BY periode)" | json rows.0.cells.0)" '2026-01 1, 2026-02 1'
hub --json blob list "$one" | grep -q '"image/jpeg"' || fail "the district does not know the proof"
$T blob ambil "$one" bukti -o "$W/back.jpg" >/dev/null || fail "the proof does not open"
cmp "$W/terima.jpg" "$W/back.jpg" || fail "another proof came back"

echo "-- what was seen at the site"
site=$(new "$T" pantauan_penyaluran titik='Kantor Desa' periode=2026-01 program=sembako \
    tanggal="$(ago 1)" jumlah_rencana=3 jumlah_tersalur=1 kualitas=sedang keluhan='antre lama' \
    foto=@"$W/rumah.jpg" kode_kec="$A" kode_desa="$A.2001")
rejected "$T" jumlah_rencana --lang id ubah "$site" jumlah_rencana=-1
rejected "$T" 'Tanggal pantauan sesudah hari ini' --lang id ubah "$site" tanggal="$(ago -3)"
comes korteks "$site"
korteks ubah "$site" tinjauan_koordinator=ulang >/dev/null || fail "the KORTEKS may not review"
rejected korteks TKSK --lang id ubah "$site" jumlah_tersalur=3
comes_to "$T" "$site" tinjauan_koordinator ulang
exit 0
