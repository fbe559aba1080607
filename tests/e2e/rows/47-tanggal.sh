#!/usr/bin/env bash
# Row 47: "27 s/d 40 Maret 2018"
# Shown: a day that no calendar has is refused with the reason, typed or from a file; the entry is
# kept as a draft in the words that were typed, is never sent as it is, survives a power cut, and is
# mended and sent.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
BAD='27 s/d 40 Maret 2018'
rows_start "$A"
export LC_ALL=C.UTF-8
entry=(jenis=pendataan fungsi=administrasi lokasi='Kantor Kecamatan' hasil='pendataan PMKS'
    kode_kec="$A")
count() { $T --json status | json "$1"; }

echo "-- refused with a reason, and nothing is stored"
out=$($T --lang id isi kegiatan "${entry[@]}" tanggal="$BAD" 2>&1) && fail "taken: $out"
for words in kegiatan.tanggal 'kalender' "$BAD"; do
    grep -qF -- "$words" <<<"$out" || fail "does not say '$words': $out"
done
for day in '40 Maret 2018' '40/03/2018' 30-02-2018 2018-13-01 '27 s/d 30 Maret 2018'; do
    rejected "$T" kegiatan.tanggal --lang id isi kegiatan "${entry[@]}" tanggal="$day"
done
is "drafts" "$(count drafts)" 0
is "queued" "$(count queued)" 0

echo "-- kept as a draft, in the words that were typed"
$T --lang id isi kegiatan "${entry[@]}" tanggal="$BAD" --draf >"$W/kept" || fail "not kept"
draft=$($T --json draf | json rows.0.draft)
[ -n "$draft" ] || fail "no draft: $(cat "$W/kept")"
$T --lang id draf lihat "$draft" >"$W/shown" || fail "draft show"
grep -qF "$BAD" "$W/shown" || fail "other words: $(cat "$W/shown")"
grep -q kalender "$W/shown" || fail "no reason: $(cat "$W/shown")"
is_told "$T --lang id" "$draft"
rejected "$T" tanggal --lang id draf kirim "$draft" hasil='pendataan PMKS, dua desa'
rejected "$T" tanggal --lang id draf kirim "$draft" tanggal='40/03/2018'
stop "$A" KILL
start_node "$A"
$T unlock --passphrase-file "$PASS" >/dev/null || fail unlock
is "drafts after the power cut" "$(count drafts)" 1
wait_sent 30 "$A"
is "at the district" "$(hub_count kegiatan)" 0

echo "-- mended and sent"
$T draf kirim "$draft" tanggal=27/03/2018 >/dev/null || fail "not sent"
is "drafts in the end" "$(count drafts)" 0
answered "$A"
is "at the district" "$(hub --json query 'SELECT tanggal || hasil FROM kegiatan' |
    json rows.0.cells.0)" '2018-03-27pendataan PMKS, dua desa'

echo "-- in a file: that row with its reason, the others go in"
{
    echo 'Tanggal;Jenis kegiatan;Fungsi;Lokasi;kode_kec'
    echo "27/03/2018;Pendataan;Administrasi;Kantor Kecamatan;$A"
    echo "$BAD;Pendataan;Administrasi;Kantor Desa;$A"
    echo "28/03/2018;Pendataan;Administrasi;Balai Desa;$A"
} >"$W/kegiatan.csv"
rejected "$T" '1 ditolak' --lang id impor kegiatan "$W/kegiatan.csv"
grep -q "^$BAD;.*;3;Tanggal;date;" "$W/kegiatan.rejected.csv" ||
    fail "the rejected row: $(cat "$W/kegiatan.rejected.csv")"
sed -i "s,$BAD,30/03/2018," "$W/kegiatan.rejected.csv"
$T impor kegiatan "$W/kegiatan.rejected.csv" >/dev/null || fail "the mended row"
answered "$A"
is "at the district, in the end" "$(hub_count kegiatan)" 4
exit 0
