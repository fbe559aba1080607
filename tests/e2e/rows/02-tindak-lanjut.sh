#!/usr/bin/env bash
# Row 2: "TIDAK ADA TINDAK LANJUT DARI APA YG TELAH KITA SAMPAIKAN".
# Row 24: "kurangnya komunikasi", "kesalah pahaman dengan Bidang Potensi"
# Shown: what an office hands in is listed as unanswered at both sides, by age and unit, until an
# official answers; the answer comes back, with who and when, and is told the next morning.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
rows_start "$A"
export LC_ALL=C.UTF-8

echo "-- a proposal signed by the TKSK waits at the district for its answer"
siti=$(new "$T" orang nama=Siti jk=P kode_kec="$A")
usulan=$(new "$T" usulan jenis=alat_bantu tgl_usulan="$(ago 0)" kode_kec="$A" \
    pengusul='jenis=desa|nama=Desa Sukamaju' penerima="$siti" isi='uraian=kursi roda' \
    diketahui_tksk=true)
$T ubah "$usulan" status=diajukan >/dev/null || fail "it is not handed in"
$T sign "$usulan" --passphrase-file "$PASS" >/dev/null 2>&1 ||
    fail "it is not signed"
answered "$A"
comes_to "$T" "$usulan" status diterima
keluhan=$(new "$T" pengaduan kategori=pemotongan tgl_pengaduan="$(ago 0)" kode_kec="$A" \
    uraian='dipotong saat penyaluran' bidang_tujuan=potensi_dayasos)
answered "$A"

echo "-- both sides list it, by unit and age, until somebody answers"
rows() { # rows PERSON [OPTION…]: how many are listed
    local who=$1
    shift
    $who --json belum-dijawab "$@" | /usr/bin/python3 -c 'import json, sys
print(len(json.load(sys.stdin)["rows"]))'
}
is "the hub's list" "$(rows hub)" 2
two() { [ "$(rows "$1")" = 2 ]; }
eventually "the office's list" two "$T"
eventually "the list of the district's office" two office
is "by a unit's code" "$(rows hub --unit potensi_dayasos)" 1
is "by a unit's label" "$(rows hub --unit 'potensi dan pemberdayaan sosial')" 1
is "older than a day" "$(rows hub --days 1)" 0
refused 'not in the code list' 1 hub belum-dijawab --unit dapur
hub --lang id belum-dijawab | grep -q 'Potensi dan pemberdayaan sosial 1' ||
    fail "no line by unit: $(hub --lang id belum-dijawab)"
hub --lang id belum-dijawab >/dev/null || fail "exit $? though nothing is over its limit"

echo "-- the Kepala Bidang answers, and the answer comes back"
comes office "$usulan"
office ubah "$usulan" status=diverifikasi bidang_tujuan=rehsos >/dev/null || fail "not verified"
refused 'no such part' 1 office disposisi "$usulan" warna=biru
refused 'no such part' 1 office disposisi "$usulan" bidang_tujuan=rehsos
refused 'owed no answer' 1 office disposisi "$siti" keputusan=disetujui
refused 'may be written by' 1 $T disposisi "$usulan" keputusan=disetujui
office disposisi "$usulan" decision=disetujui alasan='memenuhi syarat' target=2030-12-01 \
    state=disetujui nilai_disetujui=1500000 >/dev/null || fail "it is not answered"
comes_to "$T" "$usulan" status disetujui
value_at "$T" "$usulan" disposisi | grep -q 'pejabat=Kepala Bidang' ||
    fail "who answered is not said: $(value_at "$T" "$usulan" disposisi)"
value_at "$T" "$usulan" disposisi | grep -q "waktu=$(date +%Y)" || fail "nor when"
$T --lang id status | grep -q 'sudah ditindaklanjuti Dinas' || fail "status: $($T --lang id status)"
is_told "$T" 'Disetujui'
$T --lang id status | grep -q 'sudah ditindaklanjuti' && fail "what was read is told as new"
is "what is left" "$(rows hub)" 1
one() { [ "$(rows "$1")" = 1 ]; }
eventually "the office's list" one "$T"

echo "-- what waits longer than its days is an alarm at the district, by unit"
stop hub
sqlite3 "$W/hub/state/hub.db" 'UPDATE tksk_journal SET wall_ms = wall_ms - 20 * 86400000'
start_hub
hub --lang id status >"$W/status"
grep -q '^! Pengaduan, Potensi dan pemberdayaan sosial: 1 belum dijawab lebih dari 14 hari' \
    "$W/status" || fail "no alarm: $(cat "$W/status")"
hub --lang id belum-dijawab >"$W/list" && fail "exit 0 though one is late: $(cat "$W/list")"
grep -q 'Potensi dan pemberdayaan sosial 1 (1 lewat batas)' "$W/list" || fail "$(cat "$W/list")"
is "its days" "$(hub --json belum-dijawab --days 20 | json rows.0.days)" 20
hub --json verify >/dev/null || fail "the journal does not verify"

echo "-- a second answer stands behind the first, and none takes it away"
office disposisi "$usulan" keputusan=disetujui alasan='dana sudah ada' >/dev/null ||
    fail "no second answer"
both() {
    case $(value_at "$T" "$usulan" disposisi) in
    *'memenuhi syarat'*'dana sudah ada'*) ;;
    *) false ;;
    esac
}
eventually "two answers" both
refused 'only added to' 1 office ubah "$usulan" disposisi='keputusan=ditolak'

echo "-- read, it leaves the list of what waits for a look"
$T perhatian --done "$usulan" >/dev/null || fail "it cannot be put away"
tells "$T" 'Disetujui' && fail "it is still there: $(told "$T")"
refused 'neither a refusal nor an answer' 1 $T perhatian --done "$usulan"
:
