#!/usr/bin/env bash
# Row 23: "wadah komunikasi … berbagi informasi" (FK-TKSK)
# Row 24: "kurangnya komunikasi", "kesalah pahaman dengan Bidang Potensi"
#
# What one TKSK writes comes to all offices, by the district's hub, with who wrote it and when; an
# answer names its message. A number of sixteen digits (NIK, KK) is refused before it leaves. Where
# Dinas sends a proposal on to a unit, its author sees which, and the receipt of it.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29 C=36.04.27
rows_start $A $C

tksk $C forum | grep -q 'No messages\|Belum ada' || fail "an empty forum: $(tksk $C forum)"
first=$(tksk $A --json forum 'Assalamualaikum, mohon info jadwal penyaluran' | json id)
[ -n "$first" ] || fail "the message has no id"
comes "tksk $C" "$first"
tksk $C forum --to "$first" Waalaikumsalam, hari Senin di balai desa >/dev/null || fail "answer"
said() { tksk "$1" forum | grep -qF -- "$2"; }
eventually "the answer comes to $A" said $A 'hari Senin di balai desa'
read_along() { office forum | grep -qF 'hari Senin'; }
eventually "the district reads along" read_along

# Newest last, with office, author and what it answers.
rows() { tksk $A --json forum | json "rows.$1"; }
is "first of two" "$(rows 0.text)" 'Assalamualaikum, mohon info jadwal penyaluran'
is "its office" "$(rows 0.node)" $A
is "the office of the answer" "$(rows 1.node)" $C
is "its author" "$(rows 1.operator_name)" "TKSK $C"
is "what it answers" "$(rows 1.answers)" "$first"
[ -n "$(rows 1.claimed)" ] || fail "no time"
is "one at most" "$(tksk $A --json forum --max 1 | json rows.0.node)" $C

# No client's number: neither in one go nor with blanks between, and the reason is said.
rejected "tksk $A" '16 angka' forum 'Ibu Siti, NIK 3604290107800001, belum cair'
rejected "tksk $A" '16 angka' forum 'KK 3604 2901 0780 0001'
is "nothing of it was sent" "$(tksk $A --json forum | grep -c '"text"')" 2
tksk $A forum 'Rapat 22-11-2026 pukul 09.00, hubungi 0812 3456 7890' >/dev/null ||
    fail "a date and a telephone number"
# Nobody writes in another's name.
rejected "tksk $C" '' ubah "$first" isi='Lain'

# Which unit a proposal went to, and who sent it there, stands in the proposal at its author's.
person=$(new "tksk $A" orang nama='Siti Aminah' jk=P kode_kec=$A)
proposal=$(new "tksk $A" usulan jenis=dtsen_baru tgl_usulan="$(ago 1)" \
    pengusul='jenis=desa|nama=Desa Baru' penerima="$person" isi='uraian=belum terdata' kode_kec=$A)
comes office "$proposal"
rejected "tksk $A" '' ubah "$proposal" bidang_tujuan=rehsos
office ubah "$proposal" bidang_tujuan=potensi_dayasos >/dev/null || fail "to a unit"
routed() { tksk $A --lang id lihat "$proposal" | grep -q 'Bidang tujuan.*\(potensi\|Potensi\)'; }
eventually "the author sees the unit" routed
tksk $A lihat "$proposal" | grep -q 'Kepala Bidang' || fail "who routed it is not told"
echo "23-24-forum: ok"
