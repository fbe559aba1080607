#!/usr/bin/env bash
# Row 10: "disampaikan ke kecamatan …, selanjutnya diopor ke Dinsos"
# Shown: how far a record has come, step by step: lokal, antre, diterima Dinas and digabung, and the
# step that people miss: ditindaklanjuti.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
start_link
rows_start "$A"
add_operator "$A" Budi operator_kec
budi() { node "$A" --as Budi "$@"; }
export LC_ALL=C.UTF-8

hop() { $1 --json lihat "$2" | json hop; } # hop PERSON ID
is_at() { [ "$(hop "$1" "$2")" = "$3" ]; }
comes_at() { until_true 60 is_at "$@" || fail "$2 is at $(hop "$1" "$2"), not $3"; }
way() { # way PERSON ID TEXT: `lihat` and `cari` say it
    local out
    out=$($1 --lang id lihat "$2")
    case $out in
    *"$3"*) ;;
    *) fail "lihat does not say $3: $out" ;;
    esac
}
told_by() { # told_by TEXT COMMAND…: a command of the TKSK says it
    local text=$1 out
    shift
    out=$($T --lang id "$@")
    case $out in
    *"$text"*) ;;
    *) fail "$* does not say $text: $out" ;;
    esac
}

echo "-- the operator's entry is local until the TKSK signs it"
link cut
usul=$(new budi pengaduan kategori=data_salah tgl_pengaduan="$(ago 0)" kode_kec="$A" \
    uraian='nama di daftar salah' bidang_tujuan=linjamsos)
is "before the signature" "$(hop "$T" "$usul")" local
way "$T" "$usul" '[lokal]'
$T countersign --all --yes >/dev/null 2>&1 || fail "not countersigned"

echo "-- without a link it is queued, and says so"
is "without a link" "$(hop "$T" "$usul")" queued
way "$T" "$usul" 'lokal > [antre, belum terkirim]'
told_by 'antre, belum terkirim' cari pengaduan
told_by 'belum terkirim' jelaskan "$usul"

echo "-- with a link it arrives and is merged; nobody has answered, and that is said too"
link open
comes_at "$T" "$usul" merged
waits='[digabung]; belum dijawab, 0 hari (batas 14)'
way "$T" "$usul" "lokal > antre > terkirim > diterima Dinas > $waits"
way hub "$usul" "$waits"
told_by 'belum ditindaklanjuti' jelaskan "$usul"

echo "-- an answer of the district is the last step, at the office and at the district"
comes office "$usul"
office disposisi "$usul" keputusan='data diperbaiki' >/dev/null || fail "not answered"
comes_at "$T" "$usul" answered
way "$T" "$usul" '> digabung > [ditindaklanjuti]'
way hub "$usul" '[ditindaklanjuti]'
told_by ditindaklanjuti cari pengaduan
told_by 'sudah ditindaklanjuti' jelaskan "$usul"

echo "-- what is entered here for nobody's answer ends merged"
orang=$(new "$T" orang nama=Siti jk=P kode_kec="$A")
comes_at "$T" "$orang" merged
$T --lang id lihat "$orang" | grep -q 'belum dijawab' && fail "a person is owed no answer"
:
