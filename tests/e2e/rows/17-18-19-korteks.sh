#!/usr/bin/env bash
# Row 17: "hirarki … hanya berlaku untuk program bansos saja"
# Row 18: "TKSK memiliki hak otonomi sendiri"; "tidak saling memangkas tugas"
# Row 19: "KORTEKS berkantor di Kantor Dinas Sosial"
# Shown: the KORTEKS signs with an own key at the district's office and writes in the programmes of
# program_bansos only; elsewhere the entry is refused with the reason and who may; what comes to the
# hub outside its author's authority never wins.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
# Accounts are masked: whoever looks says why.
clerk() { $T "$@" --full --reason 'cek rekening'; }
district() { hub "$@" --full --reason 'cek rekening'; }
rows_start "$A"
add_operator "$A" Verifikator verifikator # posted to this kecamatan

siti=$(new "$T" orang nama=Siti jk=P kode_kec="$A")
family=$(new "$T" keluarga kepala="$siti" alamat='Kp. Baru' rt=001 rw=002 kode_kec="$A")
usulan=$(new "$T" usulan jenis=alat_bantu tgl_usulan="$(ago 3)" penerima="$siti" kode_kec="$A" \
    pengusul='jenis=perorangan|nama=Siti' isi='uraian=kursi roda')
kegiatan=$(new "$T" kegiatan jenis=penyuluhan fungsi=fasilitasi tanggal="$(ago 3)" lokasi=Aula \
    kode_kec="$A")
answered "$A"
comes office "$family"
recipient() { # recipient PROGRAMME: its id, known at the office too
    local id
    id=$(new office kpm keluarga="$family" pengurus="$siti" program="$1" \
        tgl_penetapan="$(ago 40)" kode_kec="$A")
    comes "$T" "$id"
    echo "$id"
}
sembako=$(recipient sembako)
lokal=$(recipient lokal)
moved=$(recipient pkh)

echo "-- in the cash and food programmes the KORTEKS has a say, with an own key"
korteks ubah "$sembako" status_rekening=registrasi_bank bank=bri >/dev/null || fail "not allowed"
comes_to clerk "$sembako" status_rekening registrasi_bank
is "who it was, at the hub" "$(hub --json lihat "$sembako" | json history.1.operator_name)" KORTEKS
is "from which office" "$($T --json lihat "$sembako" | json history.1.node)" "$DISTRICT"
keys=$(hub --json operator list | /usr/bin/python3 -c 'import json, sys
rows = json.load(sys.stdin)["rows"]
here = [o for o in rows if o["node"] == sys.argv[1]]
print(len(here), len({o["number"] for o in here}))' "$DISTRICT")
is "keys at the district" "$keys" "2 2"
aid=$(new korteks penyaluran kpm="$sembako" program=sembako periode=2026-03 bentuk=uang \
    nilai=200000 satuan=rupiah kode_kec="$A")
comes "$T" "$aid"

echo "-- elsewhere not, and it is said why and who may"
for change in status_rekening=registrasi_bank bank=bri; do
    rejected korteks KORTEKS --lang id ubah "$lokal" "$change"
done
rejected korteks 'TKSK kecamatan' --lang id ubah "$lokal" status_rekening=registrasi_bank
rejected korteks Kementerian --lang id ubah "$lokal" bank=bri
rejected korteks 'TKSK kecamatan' --lang id isi penyaluran subjek="$siti" program=lokal \
    periode=2026-03 bentuk=uang nilai=200000 satuan=rupiah kode_kec="$A"
visit=$(new "$T" verifikasi kpm="$lokal" tgl_kunjungan="$(ago 2)" lat=-6 lon=106 \
    keberadaan=ditemukan hasil=layak kode_kec="$A")
comes korteks "$visit"
rejected korteks KORTEKS --lang id ubah "$visit" koordinator_cek=ulang
for id in "$usulan" "$kegiatan" "$siti" "$family"; do
    comes korteks "$id"
    rejected korteks authority --json ubah "$id" kode_desa="$A.2001"
done
rejected korteks TKSK --lang id ubah "$usulan" isi='uraian=lain'
rejected korteks TKSK --lang id isi kegiatan jenis=penyuluhan fungsi=fasilitasi lokasi=Aula \
    tanggal="$(ago 3)" kode_kec="$A"
# Nor does the TKSK take from the others: the list is the ministry's, the check the KORTEKS's.
rejected "$T" Kementerian --lang id ubah "$sembako" status_kepesertaan=aktif
rejected "$T" KORTEKS --lang id ubah "$visit" koordinator_cek=sesuai
rejected office TKSK --lang id ubah "$kegiatan" hasil=lain

echo "-- what is written without knowing that it is outside the authority does not win"
answered "$DISTRICT" "$A"
stop hub
korteks ubah "$moved" status_rekening=registrasi_bank >/dev/null || fail "by what is known here"
stop "$DISTRICT"
start_hub
node "$A" --as Verifikator ubah "$moved" program=lokal >/dev/null || fail "the programme"
answered "$A"
start_node "$DISTRICT"
node "$DISTRICT" unlock --as KORTEKS --passphrase-file "$PASS" >/dev/null || fail unlock
answered "$DISTRICT"
is_told korteks KORTEKS
comes_to clerk "$moved" status_rekening belum
is "the account at the hub" "$(value_at district "$moved" status_rekening)" belum
$T ubah "$moved" status_rekening=registrasi_bank >/dev/null || fail "the TKSK may"
answered "$A"
is "by the TKSK" "$(value_at district "$moved" status_rekening)" registrasi_bank
exit 0
