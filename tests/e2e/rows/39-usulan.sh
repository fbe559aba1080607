#!/usr/bin/env bash
# Row 39: "RTLH", "Anak Terlantar", "Kelompok Usaha Bersama"
# Shown: kinds of proposals with their own required fields; one that lacks any of them is told so
# when it is entered and not signed, one that has them all reaches the district.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
rows_start "$A"
export LC_ALL=C.UTF-8

# Ten people, five of them heads of a family; photos and the SPTJM.
people=()
families=()
for ((i = 0; i < 10; i++)); do
    people+=("$(new "$T" orang nama="Warga $i" jk=P tgl_lahir=1990-02-1$i kode_kec="$A")")
    [ $i -lt 5 ] || continue
    families+=("$(new "$T" keluarga kepala="${people[i]}" alamat="Kp. Baru $i" rt=001 rw=002 \
        kode_kec="$A")")
done
child=$(new "$T" orang nama='Anak Satu' jk=L tgl_lahir="$(ago 2000)" persetujuan=wali kode_kec="$A")
photos=()
for side in depan samping belakang atap lantai jamban; do
    printf '\xff\xd8\xff\xe0rumah %s' "$side" >"$W/$side.jpg"
    photos+=("@$W/$side.jpg")
done
printf '%%PDF-1.7\nSPTJM\n' >"$W/sptjm.pdf"
list() { # list VALUE…: as one field
    local IFS='|'
    echo "$*"
}
propose() { # propose KIND WHO FIELD=VALUE…: its id, submitted
    local id
    id=$(new "$T" usulan jenis="$1" tgl_usulan="$(ago 1)" penerima="$2" kode_kec="$A" \
        pengusul='jenis=desa|nama=Desa Tanara' "${@:3}")
    $T ubah "$id" status=diajukan >/dev/null || fail "not submitted"
    echo "$id"
}
accepted() { # accepted ID: signed, and taken by the district
    $T sign "$1" --passphrase-file "$PASS" >"$W/signed" 2>&1 || fail "$(cat "$W/signed")"
    comes_to "$T" "$1" status diterima
}
unsigned() { # unsigned ID RULE TEXT: as it is, the district would refuse it
    rejected "$T" "$3" --lang id sign "$1" --passphrase-file "$PASS"
    rejected "$T" "usulan.$2" --json sign "$1" --passphrase-file "$PASS"
}

echo "-- RTLH: 5 to 15 families, own land, cost, six photos, SPTJM"
isi='status_tanah=milik_sendiri|luas=36|biaya=15000000|uraian=atap bocor'
rtlh=(isi="$isi" foto="$(list "${photos[@]}")" sptjm=@"$W/sptjm.pdf")
group=$(list "${families[@]}")
out=$($T --lang id isi usulan jenis=rtlh tgl_usulan="$(ago 1)" penerima="${families[0]}" \
    kode_kec="$A" pengusul='jenis=desa|nama=Desa Tanara' "${rtlh[@]}" 2>&1) || fail "$out"
grep -q 'Dinas akan menolaknya' <<<"$out" || fail "not warned of one family: $out"
few=$(propose rtlh "$(list "${families[@]:0:4}")" "${rtlh[@]}")
unsigned "$few" tolak_skema 'RTLH 5-15 keluarga, KUBE 5-10 orang'
house=$(propose rtlh "$group" "${rtlh[@]}")
lacks() { # lacks FIELD=VALUE: refused with that, then as it was again
    $T ubah "$house" "$1" >/dev/null || fail "$1"
    unsigned "$house" tolak_skema_rtlh 'Isi usulan RTLH belum memenuhi skema'
}
lacks isi='status_tanah=sewa|luas=36|biaya=15000000'
lacks isi='status_tanah=milik_sendiri|biaya=15000000'
lacks isi='status_tanah=milik_sendiri|luas=36|biaya=15000001'
lacks isi="$isi|pernah_dibantu=true"
$T ubah "$house" isi="$isi" >/dev/null || fail "isi"
lacks foto="$(list "${photos[@]:0:5}")"
$T ubah "$house" foto="$(list "${photos[@]}")" >/dev/null || fail "photos"
accepted "$house"

echo "-- KUBE: 5 to 10 people who qualify, a plan, an account of the group"
isi='usaha=warung sembako|rab=modal barang|biaya=20000000|rekening_kelompok=0123456789'
kube=$(propose kube "$(list "${people[@]}" "$child")" isi="$isi|anggota_memenuhi=true" \
    sptjm=@"$W/sptjm.pdf")
unsigned "$kube" tolak_skema 'RTLH 5-15 keluarga, KUBE 5-10 orang'
$T ubah "$kube" penerima="$(list "${people[@]}")" isi="$isi" >/dev/null || fail "penerima"
unsigned "$kube" tolak_skema_kube 'anggota_memenuhi=true'
$T ubah "$kube" isi='usaha=warung|rab=modal|biaya=20000000|anggota_memenuhi=true' >/dev/null ||
    fail "isi"
unsigned "$kube" tolak_skema_kube 'Isi usulan KUBE belum memenuhi skema'
$T ubah "$kube" isi="$isi|anggota_memenuhi=true" >/dev/null || fail "isi"
accepted "$kube"

echo "-- a neglected child (ATENSI): kind, assessment, service; restricted"
atensi=$(propose atensi "$child" isi='uraian=perlu pengasuhan')
unsigned "$atensi" tolak_skema_atensi 'Usulan ATENSI perlu jenis PPKS, asesmen, dan layanan'
$T ubah "$atensi" atensi='jenis_ppks=AN|asesmen=tinggal sendiri|layanan=pengasuhan' >/dev/null ||
    fail "atensi"
unsigned "$atensi" tolak_skema_atensi 'perlu jenis PPKS' # a kind of the 22, not of the 26
$T ubah "$atensi" atensi='jenis_ppks=AT|asesmen=tinggal sendiri|layanan=pengasuhan' >/dev/null ||
    fail "atensi"
accepted "$atensi"
$T lihat "$atensi" | grep -q 'tinggal sendiri' && fail "the assessment is shown to everybody"
hub --json query 'SELECT atensi FROM usulan' 2>/dev/null | grep -q 'tinggal sendiri' &&
    fail "the assessment is in a masked question"

echo "-- what the village meeting must decide is told too; a kind that is none is refused"
pkh=$(propose pkh "${families[0]}" isi='uraian=ibu hamil')
unsigned "$pkh" tolak_musyawarah 'perlu hasil musyawarah yang sah'
rejected "$T" 'tidak ada di daftar kode' --lang id isi usulan jenis=mobil tgl_usulan="$(ago 1)" \
    penerima="$child" kode_kec="$A" pengusul='jenis=desa|nama=Desa Tanara' isi='uraian=mobil'
rejected "$T" 'Pengusul perlu jenis dan nama' --lang id isi usulan jenis=alat_bantu \
    tgl_usulan="$(ago 1)" penerima="$child" kode_kec="$A" pengusul='nama=Tanara' isi='uraian=kursi'
answered "$A"
is "proposals at the district" "$(hub_count "usulan WHERE status = 'diterima'")" 3
exit 0
