#!/usr/bin/env bash
# Row 1: "tidak akan menerima proposal … bila tanpa diketahui dan ditandatangani oleh TKSK kecamatan
# setempat"
# Shown: a proposal is signed by its TKSK in person, who sees what is signed before the passphrase
# is asked for, and the district takes it; five times the district takes it not, each time with its
# reason and what to do, at the office that sent it.
. "$(dirname "$0")/lib-rows.sh"
export B W
A=36.04.29
T="tksk $A"
rows_start "$A"

proposal() { # proposal KIND RECIPIENT [FIELD=VALUE…]: its id, handed in
    local id
    id=$(new "$T" usulan jenis="$1" penerima="$2" tgl_usulan="$(date +%F)" kode_kec="$A" \
        pengusul='jenis=perorangan|nama=Siti' isi='uraian=kursi roda' "${@:3}") || exit 1
    $T ubah "$id" status=diajukan >/dev/null || fail "the proposal is not handed in"
    echo "$id"
}
sign() { $T --lang id teken "$@" --passphrase-file "$PASS" >"$W/signed" 2>&1 </dev/null; }
signs() { sign "$@" || fail "sign $*: $(cat "$W/signed")"; }
shown() { grep -qF -- "$1" "$W/signed" || fail "not shown before the passphrase: $1"; }
# What the TKSK does while there is no link, and the district in the meantime: offline, then online.
offline() { stop hub; }
district() { # district COMMAND…: while the office is away
    stop "$A"
    stop "$DISTRICT" # or it would wait for its next try to connect
    start_hub
    start_node "$DISTRICT"
    node "$DISTRICT" unlock --as 'Kepala Bidang' --passphrase-file "$PASS" >/dev/null ||
        fail "unlock of the district"
    "$@" || fail "the district: $*"
    answered "$DISTRICT"
}
online() {
    start_node "$A"
    node "$A" unlock --as "TKSK $A" --passphrase-file "$PASS" >/dev/null || fail "unlock"
    answered "$A"
}

siti=$(new "$T" orang nama=Siti jk=P kode_kec="$A")
family=$(new "$T" keluarga kepala="$siti" alamat='Kp. Baru' rt=1 rw=2 kode_kec="$A")

echo "-- draf, diajukan, ditandatangani: the TKSK sees what is signed, then gives the passphrase"
wheel=$(proposal alat_bantu "$siti")
rejected "$T" diketahui_tksk --lang id ubah "$wheel" status=ditandatangani
rejected "$T" diterima --lang id ubah "$wheel" status=diterima # only the district takes
printf 'bukan kata sandinya\n' >"$W/wrong"
refused 'kata sandi salah' 1 $T --lang id teken "$wheel" --passphrase-file "$W/wrong"
is "unsigned" "$(value_at "$T" "$wheel" status)" diajukan
signs "$wheel"
shown 'alat_bantu'
shown 'uraian=kursi roda'
shown 'Anda menyatakan: Diketahui TKSK'
shown 'Menjadi: Ditandatangani TKSK (diajukan → ditandatangani)'
shown "Ditandatangani oleh TKSK $A, TKSK, $A"
is "declared" "$(value_at "$T" "$wheel" diketahui_tksk)" ya

echo "-- the district takes it by itself, and the office sees so"
comes_to "$T" "$wheel" status diterima
comes_to office "$wheel" status diterima
rejected "$T" diterima --lang id ubah "$wheel" isi='uraian=lain' # what was taken stays as it is
rejected "$T" 'diverifikasi (Dinas Sosial), batal (TKSK kecamatan)' --lang id \
    teken "$wheel" --passphrase-file "$PASS"

echo "-- several at once: all shown, one passphrase, one transaction"
one=$(proposal alat_bantu "$siti")
comes office "$one"
comes_to office "$one" status diajukan
refused authority 1 office --json teken "$one" --passphrase-file "$PASS" # only its TKSK signs
two=$(proposal lainnya "$siti")
signs "$one" "$two"
is "one transaction" "$($T --json lihat "$one" | json history.2.leaf)" \
    "$($T --json lihat "$two" | json history.2.leaf)"
comes_to "$T" "$two" status diterima

echo "-- a file of proposals: what is against a rule is a refused row with the field to mend"
cat >"$W/usulan.csv" <<END
jenis;tgl_usulan;pengusul;penerima;isi;kode_kec
lainnya;$(date +%F);jenis=perorangan;$siti;uraian=x;$A
lainnya;$(date +%F);jenis=perorangan|nama=Budi;$siti;uraian=y;$A
END
refused '1 ditolak' 1 $T --lang id impor usulan "$W/usulan.csv"
grep -q ';2;pengusul;rule;.*Pengusul perlu jenis dan nama' "$W/usulan.rejected.csv" ||
    fail "the refused row: $(cat "$W/usulan.rejected.csv")"

echo "-- without the signature (tolak_tanpa_ttd): the office itself refuses, and keeps a draft"
bare=$(proposal alat_bantu "$siti")
borrowed=$($T --json lihat "$one" | /usr/bin/python3 -c 'import json, sys
print([f["value"] for f in json.load(sys.stdin)["fields"] if f["name"] == "ttd_tksk"][0])')
$T --lang id ubah "$bare" status=ditandatangani diketahui_tksk=ya ttd_tksk="$borrowed" --draf \
    >/dev/null 2>&1
is_told "$T" 'Belum diketahui dan ditandatangani TKSK kecamatan setempat'
is_told "$T" 'TKSK menandatangani ulang'
is "not moved" "$(value_at "$T" "$bare" status)" diajukan
drop_draft() { $T draf buang "$($T --json draf | json rows.0.draft)" --yes >/dev/null; }
drop_draft || fail "the draft stays"

echo "-- signed by the TKSK of another kecamatan (tolak_wilayah)"
borrowed=$(/usr/bin/python3 -B tests/e2e/rows/endorse.py "$A" "$bare" "$siti") || fail "endorse.py"
wait_status 60 "$A" trust_version "$(hub --json status | json trust_version)"
$T --lang id ubah "$bare" status=ditandatangani diketahui_tksk=ya ttd_tksk="$borrowed" --draf \
    >/dev/null 2>&1
is_told "$T" 'Penanda tangan bukan TKSK kecamatan ini'
drop_draft || fail "the draft stays"

echo "-- a meeting that was challenged meanwhile (tolak_musyawarah)"
printf '%%PDF-1.7\nBerita acara\n' >"$W/ba.pdf"
facilitator=$(new office penugasan peran=tksk nama="TKSK $A" kode_wilayah="$A" no_sk=SK/1/2026 \
    tgl_sk=2026-01-02 berlaku_dari=2026-01-01 berlaku_sampai=2030-12-31 sumber_dana=apbn)
comes "$T" "$facilitator"
people=$(for i in 1 2 3 4 5 6 7; do printf 'nama=Warga %s;unsur=rt;hadir=true|' "$i"; done)
meeting=$(new "$T" musyawarah tingkat=desa tanggal="$(date +%F)" tempat='Balai Desa' \
    peserta="${people%|}" fasilitator="$facilitator" kode_kec="$A")
early=$(proposal dtsen_hapus "$siti" musyawarah="$meeting")
rejected "$T" 'perlu hasil musyawarah yang sah' --lang id teken "$early" --passphrase-file "$PASS"
for step in 'status=berlangsung' "status=sah berita_acara=@$W/ba.pdf"; do
    # shellcheck disable=SC2086 # the words of a step
    $T ubah "$meeting" $step >/dev/null || fail "the meeting: $step"
done
comes_to office "$meeting" status sah
answered "$A"
offline
signs "$early"
district office --json ubah "$meeting" status=digugat alasan_gugatan='warga keberatan' >/dev/null
online
is_told "$T" 'Usulan jenis ini perlu hasil musyawarah yang sah'
is_told "$T" 'isi nomor musyawarahnya sesudah sah'
is "reason" "$($T --json lihat "$early" | json history.2.field)" tolak_musyawarah
$T --lang id draf lihat "$($T --json draf | json rows.0.draft)" | grep -q 'musyawarah yang sah' ||
    fail "the draft does not say why"
is "after the refusal" "$(value_at "$T" "$early" status)" diajukan
hub --lang id lihat "$early" | grep -q 'perlu hasil musyawarah' || fail "the hub does not say why"

echo "-- a family that is no longer poor enough (tolak_skema)"
poor=$(proposal pbi_jkn "$family" sptjm=@"$W/ba.pdf")
comes office "$family"
office ubah "$family" desil=3 >/dev/null || fail "desil"
comes_to "$T" "$family" desil '•••' # it is masked there, but it is there
answered "$A"
offline
signs "$poor"
district office --json ubah "$family" desil=9 >/dev/null
online
is_told "$T" 'Desil penerima di atas batas program'
is "reason" "$($T --json lihat "$poor" | json history.2.reason)" rule

echo "-- a key that leaked meanwhile (tolak_kunci_dicabut): kept for review, and then refused"
last=$(proposal alat_bantu "$siti")
answered "$A"
offline
signs "$last"
number=$(node "$A" --json policy show | /usr/bin/python3 -c 'import json, sys
print([o["number"] for o in json.load(sys.stdin)["operators"] if o["name"] == sys.argv[1]][0])' \
    "TKSK $A")
district hub operator end "$number" --reason leaked --yes --key "$W/officer.key" \
    --passphrase-file "$PASS" >/dev/null 2>&1
online
is_told "node $A" 'kept for review'
hub review accept --author "$number" --yes --key "$W/officer.key" --passphrase-file "$PASS" \
    >/dev/null 2>&1 || fail "review accept"
is_told "node $A" 'Kunci atau masa tugas penanda tangan sudah berakhir'
is_told "node $A" 'TKSK yang bertugas sekarang menandatangani ulang'

echo "-- what no office of ours would send: an independent client tries all of it at the hub"
/usr/bin/python3 -B tests/e2e/rows/endorse.py || fail "endorse.py"
hub verify >/dev/null || fail verify
exit 0
