#!/usr/bin/env bash
# Row 41: "di bimtek ulang" yearly
#
# A training is an activity of the TKSK that names the version of the rules that was taught. Without
# it the entry is refused. The district sees who was taught what, and who works by rules that
# were never taught to them. After seven days it stands.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29 C=36.04.27
rows_start $A $C
POLICY=$W/policy

# training OFFICE DAY FIELD=VALUE…
training() {
    local at=$1 day=$2
    shift 2
    new "tksk $at" kegiatan jenis=bimtek fungsi=administrasi tanggal="$day" \
        lokasi='Aula Dinas Sosial' peserta_jumlah=29 hasil='Tata cara verifikasi' \
        kode_kec="$at" "$@"
}

echo "-- attendance names the version that was taught"
rejected "tksk $A" 'versi aturan yang diajarkan' --lang id isi kegiatan jenis=bimtek \
    fungsi=administrasi tanggal="$(ago 1)" lokasi='Aula Dinas Sosial' kode_kec=$A
version=$(tksk $A --json status | json rules_version)
first=$(training $A "$(ago 2)" versi_aturan="$version")
training $C "$(ago 2)" versi_aturan="$version" >/dev/null
# Other activities need none.
new "tksk $A" kegiatan jenis=koordinasi fungsi=koordinasi tanggal="$(ago 1)" lokasi=Kantor \
    kode_kec=$A >/dev/null
answered $A $C
comes_to hub "$first" versi_aturan "$version"

echo "-- the rules change, and one office is trained again"
cp -r hub/policy "$POLICY"
sed -i "s/^    idle_lock_minutes = 15/    idle_lock_minutes = 20/" "$POLICY/00-umum.conf"
hub policy publish "$POLICY" --key "$W/officer.key" --passphrase-file "$PASS" >/dev/null ||
    fail "publish"
at_version() { [ "$(tksk "$1" --json status | json rules_version)" = $((version + 1)) ]; }
eventually "the new rules come to $A" at_version $A
eventually "the new rules come to $C" at_version $C
again=$(training $A "$(ago 0)" versi_aturan=$((version + 1)))
answered $A
comes_to hub "$again" versi_aturan $((version + 1))

echo "-- who was taught what, and who not what is in force"
taught() {
    hub --json query "SELECT kode_kec, max(versi_aturan) AS v FROM kegiatan WHERE jenis = 'bimtek'
        GROUP BY kode_kec HAVING $1 ORDER BY kode_kec" | json rows.0.cells.0
}
is "taught the rules in force" "$(taught "v = $((version + 1))")" $A
is "taught older rules only" "$(taught "v < $((version + 1))")" $C

echo "-- after seven days it stands"
old=$(training $C "$(ago 9)" versi_aturan="$version")
rejected "tksk $C" '7 hari' --lang id ubah "$old" versi_aturan=$((version + 1))
echo "41-bimtek: ok"
