#!/usr/bin/env bash
# Row 20: "Pekerja Sosial Masyarakat dan juga Karang Taruna … sumber informasi kejadian sosial"
# Row 21: "broker antara PSM dengan dinas sosial"
# Row 44: "relawan TRC"
# Shown: an incident names who in the village told it; the TKSK confirms it and passes it on with
# the source kept; it overtakes an import under way; a burst after an outage comes whole and first.
. "$(dirname "$0")/lib-rows.sh"
A=36.04.29
T="tksk $A"
start_link
rows_start "$A"
export LC_ALL=C.UTF-8
PSM='nama=Ahmad Fauzi|unsur=psm|kontak=081200000000'
KT='nama=Suryani|unsur=karang_taruna'
incident() { # incident PERSON SOURCE TEXT [FIELD=VALUE…]: its id
    new "$1" kejadian jenis=bencana_alam waktu="$(ago 1) 19:30" pelapor="$2" uraian="$3" \
        kode_kec="$A" kode_desa="$A.2001" "${@:4}"
}

echo "-- who told it is named; the TKSK confirms, and passes it on"
flood=$(incident "$T" "$PSM" 'banjir merendam rumah' korban='l=2|p=3|anak=1' \
    kebutuhan_mendesak='tenda, selimut')
for source in 'nama=Ahmad' 'unsur=psm' 'nama=Ahmad|unsur=dukun'; do
    rejected "$T" 'Pelapor perlu nama dan unsur' --lang id isi kejadian jenis=kebakaran \
        waktu="$(ago 1) 19:30" pelapor="$source" uraian=api kode_kec="$A"
done
rejected "$T" pelapor --lang id isi kejadian jenis=kebakaran waktu="$(ago 1) 19:30" uraian=api \
    kode_kec="$A"
rejected "$T" '"workflow"' --json ubah "$flood" status=diteruskan # not before it is confirmed
answered "$A"
comes office "$flood"
rejected office '"workflow"' --json ubah "$flood" status=dikonfirmasi_tksk
rejected office TKSK --lang id ubah "$flood" uraian='tidak apa-apa'
$T ubah "$flood" status=dikonfirmasi_tksk >/dev/null || fail "the TKSK does not confirm"
$T ubah "$flood" status=diteruskan bidang_tujuan=linjamsos >/dev/null || fail "not passed on"
rejected "$T" '"workflow"' --json ubah "$flood" status=ditangani
rumour=$(incident "$T" "$KT" 'katanya ada longsor')
rejected "$T" alasan --lang id ubah "$rumour" status=palsu
$T ubah "$rumour" status=palsu alasan='sudah dicek, tidak ada' >/dev/null || fail "not a rumour"
answered "$A"
comes_to office "$flood" status diteruskan
office ubah "$flood" status=ditangani >/dev/null || fail "the district does not take it up"
comes_to "$T" "$flood" status ditangani
case $(hub --json query "SELECT pelapor FROM kejadian WHERE status = 'ditangani'" --full \
    --reason 'sumber kejadian' | json rows.0.cells.0) in
*'Ahmad Fauzi'*psm*) ;;
*) fail "the source is lost on the way" ;;
esac

echo "-- what an operator took down from a PSM goes with the TKSK's countersignature"
add_operator "$A" Rudi operator_kec
rudi() { node "$A" --as Rudi "$@"; }
fire=$(incident rudi "$PSM" 'rumah terbakar')
is "it waits" "$(rudi --json lihat "$fire" | json state)" to_countersign
sees hub "$fire" && fail "it went without the TKSK"
$T tandatangan "$fire" --yes >/dev/null 2>&1 || fail "countersign"
answered "$A"
is "who signed" "$(hub --json lihat "$fire" | json history.0.countersigned_by.0)" "TKSK $A"
is "who wrote" "$(hub --json lihat "$fire" | json history.0.operator_name)" Rudi

echo "-- the power and the link are gone; an import is under way when the incidents come"
/usr/bin/python3 -c 'import os, sys
print("nama;jk;kode_kec;ciri")
for i in range(3000):
    print(f"Warga Nomor {i + 1};P;{sys.argv[1]};{os.urandom(24).hex()}")' "$A" >"$W/orang.csv"
link cut
$T impor orang "$W/orang.csv" >/dev/null || fail "import"
link up 50000
link_held
BURST=25
ids=()
for ((i = 1; i <= BURST; i++)); do
    ids+=("$(incident "$T" "$KT" "pengungsi di posko $i")")
done
relief=$(new "$T" kegiatan jenis=relawan_bencana fungsi=fasilitasi tanggal="$(ago 1)" \
    lokasi='Posko Tanara' peserta_jumlah=12 kode_kec="$A")
is "lane of an incident" "$($T --json lihat "${ids[0]}" | json history.0.lane)" urgent
stop "$A" KILL
start_node "$A"
$T unlock --passphrase-file "$PASS" >/dev/null || fail "unlock"
link open
wait_sent 120 "$A"
ask() { hub --json query "$1" | json rows.0.cells.0; }
burst="number IN (SELECT min(txn) FROM tksk_change GROUP BY record HAVING lower(hex(record)) IN
    ($(printf "'%s'," "${ids[@]//-/}")''))"
is "the burst, each once" "$(hub_count "kejadian WHERE uraian LIKE 'pengungsi di posko%'")" $BURST
first=$(ask "SELECT min(number) FROM tksk_txn WHERE $burst")
last=$(ask "SELECT max(number) FROM tksk_txn WHERE $burst")
before=$(ask "SELECT count(*) FROM tksk_txn WHERE lane = 2 AND number < $first")
between=$(ask "SELECT count(*) FROM tksk_txn WHERE lane = 2 AND number BETWEEN $first AND $last")
behind=$(ask "SELECT count(*) FROM tksk_txn WHERE lane = 2 AND number > $last")
[ "$before" -gt 0 ] || fail "nothing of the import was there before: it was not under way"
[ "$behind" -gt $((before + between)) ] ||
    fail "of the import $before before the burst, $between in it, $behind after"
sees hub "$relief" || fail "the work of the volunteers did not come"
is "the import" "$(hub_count "orang WHERE nama LIKE 'Warga Nomor%'")" 3000
for what in rejected held quarantined parked; do
    is "$what at the hub" "$(hub --json status | json $what)" 0
done
exit 0
