#!/usr/bin/env bash
# Row 6: "tersampaikan langsung sampai ketingkat bawah"
#
# An announcement goes down to every office of its audience; showing it there makes one receipt,
# once; what must be read stands in `status` and `perhatian` until then. Outreach in a village is an
# activity that names the announcement. `cakupan` tells, at the district and at an office, who has
# read it and which villages are still to come.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29 C=36.04.27
rows_start $A $C

# Dinas announces: for all, and one for a single kecamatan.
id=$(new office pengumuman judul='Batas desil Sembako berubah' isi='Mulai Desember batasnya 4.' \
    berlaku_dari=2026-12-01 wajib_baca=ya wilayah=36.04)
only=$(new office pengumuman judul='Rapat koordinasi di kecamatan' isi='Jumat pukul 9.' \
    berlaku_dari=2026-11-27 sasaran=$C wilayah=36.04)


# They come to those whom they are for. What must be read is told until it has been.
unread() { tksk "$1" --json status | json unread; }
waits() { [ "$(unread "$1")" = 1 ]; }
eventually "what must be read is told at $A" waits $A
eventually "what must be read is told at $C" waits $C
titles() { tksk "$1" --json pengumuman | grep -o '"title": *"[^"]*"' | sort; }
comes_twice() { [ "$(titles $C | wc -l)" = 2 ]; }
eventually "both come to $C" comes_twice
is "announcements at $A" "$(titles $A | wc -l)" 1
is_told "tksk $A" 'Batas desil Sembako berubah'
tksk $A status | grep -q 'must be read\|wajib dibaca' ||
    fail "status says nothing of it: $(tksk $A status)"
node $A --as "TKSK $A" pengumuman --unread | grep -q 'Batas desil' || fail "not listed as unread"

# At the district: nobody has read it.
coverage() { hub --json cakupan "$id" | json "$1"; }
is "offices at the start" "$(coverage read) $(coverage offices)" "0 2"

# Read at A, twice: one receipt.
tksk $A lihat "$id" >/dev/null || fail "show"
tksk $A lihat "$id" >/dev/null || fail "show again"
is "unread after reading" "$(unread $A)" 0
tells "tksk $A" 'Batas desil' && fail "still in attention"
answered $A
one_read() { [ "$(coverage read)" = 1 ]; }
eventually "the receipt arrives" one_read
is "receipts" "$(hub_count tanda_baca)" 1
tksk $A lihat "$id" >/dev/null
is "receipts, once more" "$(tksk $A --json cari tanda_baca | grep -c '"short"')" 1
hub cakupan "$id" | grep -q "$C.*\(not yet\|belum\)" ||
    fail "who has not read it: $(hub cakupan "$id")"

# Outreach in one village; the others are still to come.
village=36.04.29.2001
new "tksk $A" kegiatan jenis=sosialisasi fungsi=koordinasi tanggal="$(ago 0)" \
    lokasi='Balai Desa' kode_kec=$A kode_desa=$village pengumuman="$id" >/dev/null
answered $A
in_village() { [ "$(coverage covered)" = 1 ]; }
eventually "the outreach arrives" in_village
all=$(coverage areas)
[ "$all" -gt 300 ] || fail "the whole district has $all villages"
hub cakupan "$id" | grep -q "1 \(of\|dari\) $all" || fail "coverage: $(hub cakupan "$id")"
# At the office: its own villages.
mine=$(tksk $A --json cakupan "$id" | json areas)
[ "$mine" -gt 1 ] && [ "$mine" -lt 40 ] || fail "$A has $mine villages"
is "at the office" "$(tksk $A --json cakupan "$id" | json covered)" 1
is "the office itself" "$(tksk $A --json cakupan "$id" | json read)" 1
# What is for C alone asks nothing of A.
is "offices of the one for $C" "$(hub --json cakupan "$only" | json offices)" 1

# A netbook may not write what the district announces.
rejected "tksk $A" '' ubah "$id" judul='Lain'
echo "06-sosialisasi: ok"
