#!/usr/bin/env bash
# Row 4: "musyawarah desa … menetapkan seseorang itu apakah layak atau tidak"
# Shown: a village meeting with attendance, quorum worked out from the policy, minutes as a file and
# a result per person; settled, it is never changed but by another meeting, and a proposal that the
# policy ties to one names it.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
DESA=36.04.29.2001
T="tksk $A"
rows_start "$A"
export LC_ALL=C.UTF-8
printf '%%PDF-1.7\nBerita acara musyawarah desa\n' >"$W/ba.pdf"

fasilitator=$(new office penugasan peran=tksk nama="TKSK $A" kode_wilayah="$A" no_sk=SK/1/2026 \
    tgl_sk=2026-01-02 berlaku_dari=2026-01-01 berlaku_sampai=2030-12-31 sumber_dana=apbn)
comes "$T" "$fasilitator"
siti=$(new "$T" orang nama=Siti jk=P kode_kec="$A" kode_desa="$DESA")
budi=$(new "$T" orang nama=Budi jk=L kode_kec="$A" kode_desa="$DESA")

# people COUNT: a list of so many who came, and one who did not.
people() {
    local unsur list='nama=Bu Bidan;unsur=psm;hadir=false' i=0
    for unsur in kades rt rw kpm bpd babinsa operator; do
        i=$((i + 1))
        [ "$i" -gt "$1" ] || list="$list|nama=Warga $i;unsur=$unsur;hadir=true"
    done
    echo "$list"
}
meeting() { # meeting DATE PEOPLE: its id
    new "$T" musyawarah tingkat=desa tanggal="$1" tempat='Balai Desa' peserta="$2" \
        fasilitator="$fasilitator" kode_kec="$A" kode_desa="$DESA"
}
result() { # result MEETING PERSON DECISION [FIELD=VALUE…]: its id
    new "$T" musyawarah_hasil musyawarah="$1" subjek="$2" program=sembako putusan="$3" \
        kode_kec="$A" "${@:4}"
}

echo "-- a meeting is planned, held, and says of each person whether they are eligible"
later=$(meeting "$(ago -9)" "$(people 7)")
rejected "$T" 'Tanggal musyawarah sesudah hari ini' --lang id ubah "$later" status=berlangsung
rejected "$T" unsur --lang id isi musyawarah tingkat=desa tanggal="$(ago 9)" tempat='Balai Desa' \
    peserta='nama=Ahmad;hadir=true' fasilitator="$fasilitator" kode_kec="$A"
first=$(meeting "$(ago 9)" "$(people 6)")
rejected "$T" berlangsung --lang id ubah "$first" status=sah
$T ubah "$first" status=berlangsung >/dev/null || fail "the meeting does not begin"
yes=$(result "$first" "$siti" layak alasan='rumah bocor, tidak ada penghasilan')
no=$(result "$first" "$budi" layak)
$T ubah "$no" putusan=tidak_layak alasan='sudah mampu' keberatan='minta dicek ulang' >/dev/null ||
    fail "a result is not changed while the meeting goes on"

echo "-- settled only with minutes and a quorum; the district counts the quorum"
rejected "$T" berita_acara --lang id ubah "$first" status=sah
rejected "$T" 'Peserta yang hadir kurang dari kuorum' --lang id ubah "$first" status=sah \
    berita_acara=@"$W/ba.pdf"
rejected "$T" 'dihitung oleh Dinas' --lang id ubah "$first" kuorum=true
answered "$A"
comes_to "$T" "$first" kuorum tidak
$T ubah "$first" status=sah berita_acara=@"$W/ba.pdf" peserta="$(people 7)" >/dev/null ||
    fail "7 of 7 are no quorum"
answered "$A"
comes_to "$T" "$first" kuorum ya
shows hub "$first" status sah || fail "the meeting is $(value_at hub "$first" status)"
hub lihat "$first" --lang id | grep -q 'application/pdf' || fail "the minutes are not named"

echo "-- settled is settled: nothing of it is changed, at the office or at the district"
for change in tempat=Aula peserta="$(people 5)" tanggal="$(ago 5)"; do
    rejected "$T" 'tidak diubah lagi dalam keadaan sah' --lang id ubah "$first" "$change"
done
rejected "$T" '"workflow"' --json ubah "$first" status=batal
rejected "$T" sah --lang id hapus "$first" --yes
comes_to office "$first" status sah
rejected office 'tidak diubah lagi dalam keadaan sah' --lang id ubah "$first" kode_desa=$A.2002
for change in putusan=layak alasan=lain; do
    rejected "$T" 'Hasil musyawarah yang sudah sah tidak diubah lagi' --lang id ubah "$no" "$change"
done
rejected "$T" 'adakan musyawarah lain' --lang id hapus "$no" --yes
rejected "$T" 'adakan musyawarah lain' --lang id isi musyawarah_hasil musyawarah="$first" \
    subjek="$budi" program=sembako putusan=layak kode_kec="$A"

echo "-- a second meeting corrects it; the first one stays as it was"
second=$(meeting "$(ago 3)" "$(people 7)")
$T ubah "$second" status=berlangsung >/dev/null || fail "the second does not begin"
now=$(result "$second" "$budi" layak alasan='sudah dicek ulang')
$T ubah "$second" status=sah berita_acara=@"$W/ba.pdf" >/dev/null ||
    fail "the second is not settled"
answered "$A"
is "Budi, first" "$(value_at hub "$no" putusan)" tidak_layak
is "Budi, then" "$(value_at hub "$now" putusan)" layak
is "Siti" "$(value_at hub "$yes" putusan)" layak
third=$(meeting "$(ago 2)" "$(people 7)")
answered "$A"

echo "-- the district contests with a reason, and lets it stand"
comes_to office "$second" status sah
rejected office alasan_gugatan --lang id ubah "$second" status=digugat
office ubah "$second" status=digugat alasan_gugatan='daftar hadir diragukan' >/dev/null ||
    fail "not contested"
comes_to "$T" "$second" status digugat
office ubah "$second" status=sah >/dev/null || fail "it does not stand again"
comes_to "$T" "$second" status sah

echo "-- a proposal for Sembako names its meeting, and the district decides whether that is settled"
propose() { # propose FIELD=VALUE…: submitted, not signed yet
    local id
    id=$(new "$T" usulan jenis=sembako tgl_usulan="$(ago 1)" penerima="$siti" kode_kec="$A" \
        pengusul='jenis=desa|nama=Desa Tanara' isi='uraian=tidak ada penghasilan' "$@")
    $T ubah "$id" status=diajukan >/dev/null || fail "not submitted"
    echo "$id"
}
signs() { $T sign "$1" --passphrase-file "$PASS" >/dev/null 2>&1 || fail "$1 is not signed"; }
for id in "$(propose)" "$(propose musyawarah="$third")"; do
    rejected "$T" 'perlu hasil musyawarah yang sah' --lang id sign "$id" --passphrase-file "$PASS"
done
with=$(propose musyawarah="$first")
signs "$with"
comes_to "$T" "$with" status diterima
# The second meeting is contested while this office has no link.
contested=$(propose musyawarah="$second")
answered "$A" "$DISTRICT"
stop hub
signs "$contested"
stop "$A"
start_hub
office ubah "$second" status=digugat >/dev/null || fail "not contested again"
answered "$DISTRICT"
start_node "$A"
$T unlock --passphrase-file "$PASS" >/dev/null || fail unlock
answered "$A"
is_told "$T --lang id" 'perlu hasil musyawarah yang sah'
is "the proposal at the district" "$(value_at hub "$contested" status)" diajukan
exit 0
