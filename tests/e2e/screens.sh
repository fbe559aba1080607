#!/usr/bin/env bash
# What people see, on a terminal of 80 columns and in both languages: no line is wider, the phrases
# that matter stand there, --json documents keep their form, and --watch leaves the terminal as it
# was.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
TERMINAL="/usr/bin/python3 $PWD/tests/e2e/terminal.py"
unset NO_COLOR LC_ALL LC_MESSAGES
export LANG=C.UTF-8 TERM=xterm

on_terminal() { # on_terminal WHO COMMAND…
    local who=$1
    shift
    $TERMINAL run 80x24 "$CTL" --socket "$W/$who/admin.sock" "$@" 2>&1
}
screen() { # screen WHO "COMMAND…" PHRASE…: in both languages; PHRASE is Indonesian
    local who=$1 words=$2 text phrase
    shift 2
    text=$(on_terminal "$who" --lang en $words)
    $TERMINAL fits 80 <<<"$text" || fail "$who $words (en)"
    text=$(on_terminal "$who" --lang id $words)
    $TERMINAL fits 80 <<<"$text" || fail "$who $words (id)"
    # Words stand together again, without colours.
    text=$(tr '\n' ' ' <<<"$text" | sed 's/\x1b\[[0-9;]*m//g; s/  */ /g')
    for phrase; do
        case $text in
        *"$phrase"*) ;;
        *) fail "$who $words: '$phrase' does not stand in: $text" ;;
        esac
    done
    case $text in *sudo*) fail "$who $words says sudo" ;; esac
}
document() { # document WHO COMMAND…
    local who=$1
    shift
    "$CTL" --socket "$W/$who/admin.sock" --json "$@" | $TERMINAL document || fail "$who $*: --json"
}

# --- from nothing to an office

start_hub
screen hub status "Kabupaten ini belum didirikan." "Berikutnya: tkskctl trust init"
found_district
screen hub nodes "Belum ada kantor"
start_node "$A"
screen "$A" status "Komputer ini belum terdaftar sebagai kantor." \
    "Berikutnya: tkskctl daftar UNDANGAN"
hub node invite "$A" -o "$W/$A/invite" >/dev/null || fail "invite"
words=$(node "$A" --json enrol "$W/$A/invite" | json words)
screen "$A" status "Menunggu persetujuan Dinas untuk kantor ini."
until_true 20 hub_waits_for "$A" || fail "the hub does not hear of the enrolment"
screen hub status "Perlu keputusan: 1 pendaftaran." "Berikutnya: tkskctl node approve $A"
hub node approve "$A" --words "$words" --key "$W/officer.key" --passphrase-file "$PASS" \
    >/dev/null || fail "approve"
wait_status 60 "$A" enrolment approved
screen "$A" status "Berikutnya: tkskctl operator add NAMA"

# A slip in a new passphrase is asked again at once. Who waits for approval is said at both ends.
TKSK="Siti Nurhaliza Binti Abdurrahman Wahid"
typed() { $TERMINAL type "$@" >"$W/typed" 2>&1 || fail "$*: $(cat "$W/typed")"; }
ctl=("$CTL" --socket "$W/$A/admin.sock" --lang id)
typed 'Kata sandi baru=kata yang panjang' 'Sekali lagi=kata yang pnajang' \
    "Kata sandi baru=$(cat "$PASS")" "Sekali lagi=$(cat "$PASS")" -- \
    "${ctl[@]}" operator add "$TKSK" --role tksk
grep -q 'Keduanya tidak sama; ulangi' "$W/typed" || fail "a slip is not said: $(cat "$W/typed")"
screen "$A" status "Menunggu persetujuan Dinas: $TKSK." "Berikutnya: tkskctl operator words NAMA"
until_true 20 status_is hub waiting_enrolment 1 || fail "the hub does not hear of the operator"
screen hub status "Berikutnya: tkskctl operator approve $A \"$TKSK\""
refused "datang setelah kantor itu tersambung" 1 hub --lang id operator approve "$A" Rina \
    --sk 1 --from 2026-01-01 --until 2030-12-31 --words "$words" --role tksk \
    --key "$W/officer.key" --passphrase-file "$PASS"
words=$(node "$A" --json operator words "$TKSK" | json words)
hub operator approve "$A" "$TKSK" --role tksk --sk "SK/$A/2026" --from 2026-01-01 \
    --until 2030-12-31 --words "$words" --key "$W/officer.key" --passphrase-file "$PASS" \
    >/dev/null || fail "operator approve"
wait_status 60 "$A" trust_version "$(hub --json status | json trust_version)"
typed "Kata sandi=$(cat "$PASS")" -- "${ctl[@]}" buka
start_node "$DISTRICT"
enrol_office "$DISTRICT" "Verifikator" verifikator

# --- a day: entries, a cut, answers

id=$(node "$A" --json isi orang nama='Raden Ajeng Kartini Djojohadikoesoemo' jk=P kode_kec=$A |
    json id)
wait_sent 60 "$A"
until_true 60 node "$DISTRICT" show "$id" || fail "the district's office does not see the record"
screen "$A" status "Kantor $A: tersambung sejak" "Semua yang diisi di sini sudah sampai di Dinas." \
    "1 catatan sudah sampai di Dinas, 1 jawaban datang" "; semua sudah terkirim."
is "rate is measured" "$(node "$A" --json status | json rate_bytes_s | grep -c '^[1-9]')" 1
node "$A" lock >/dev/null || fail "lock"
screen "$A" status "Terkunci: pengiriman tetap jalan" "Berikutnya: tkskctl buka"
refused terkunci 4 node "$A" --lang id list orang
node "$A" unlock --passphrase-file "$PASS" >/dev/null || fail "unlock"
stop hub
node "$A" ubah "$id" status_hidup=pindah >/dev/null || fail "edit at $A"
node "$DISTRICT" ubah "$id" status_hidup=meninggal >/dev/null || fail "edit at the district"
for i in 1 2 3; do
    node "$A" isi orang nama="Orang $i" jk=L kode_kec=$A >/dev/null || fail "entry $i"
done
wait_status 30 "$A" linked false
screen "$A" status "Kantor $A: belum tersambung; mengisi tetap bisa." \
    "4 catatan tersimpan di netbook, belum terkirim" "Batas " "; sisa 4 catatan, " \
    "setelah tersambung"
screen "$A" "explain $id" "Menunggu sambungan ke Dinas; nanti terkirim sendiri." \
    "Setelah tersambung, terkirim dalam"
screen "$A" "show $id" "tersimpan di netbook, belum terkirim"
screen "$A" "list orang" "Orang 2" "belum terkirim"
start_hub
wait_sent 90 "$A"
wait_sent 90 "$DISTRICT"
until_true 30 status_is hub held 1 || fail "the conflict is not held"
has_conflict() { [ "$(node "$A" --json conflict list | json rows.0.conflict)" != "" ]; }
until_true 60 has_conflict || fail "$A does not see the conflict"
screen "$A" status "1 hal menunggu Anda (tkskctl perhatian)." "Berikutnya: tkskctl perhatian"
screen "$A" attention "isian berbeda"
is "read answers are no news" "$(node "$A" --json status | json news.answers)" 0
screen "$A" "conflict list" pindah meninggal
screen hub status "2 dari 2 kantor tersambung" "Perlu keputusan: 1 isian berbeda." \
    "! belum ada cadangan" "2 dari 2 kantor"
screen hub nodes tersambung "baru saja"
screen hub "node show $A" "Siti Nurhaliza Binti Abdurrahman Wahid"
screen hub "show $id" "isian berbeda"

# --- documents, colours, mistakes

for words in status attention "list orang" "show $id" "explain $id" "conflict list" \
    "operator list"; do
    document "$A" $words
done
for words in status nodes "show $id" "conflict list" "review list"; do document hub $words; done
is "cut-off in UTC" "$(node "$A" --json status | json cutoff | grep -c 'T09:00:00')" 1

on_terminal "$A" status | grep -q $'\x1b\[32m' || fail "no colours on a terminal"
NO_COLOR=1 on_terminal "$A" status | grep -q $'\x1b' && fail "colours in spite of NO_COLOR"
TERM=dumb on_terminal "$A" status | grep -q $'\x1b' && fail "colours on a dumb terminal"
node "$A" status | grep -q $'\x1b' && fail "colours in a file"

refused "yang mirip: status" 2 node "$A" --lang id statsu
refused "yang mirip: node approve" 2 node "$A" --lang id node aprove
refused "perintah ini tidak ada" 2 node "$A" --lang id xyzzy
refused "yang mirip: draf" 2 node "$A" --lang id draft x
refused "pakai --yes" 1 node "$A" --lang id hapus "$id"
is "a first word alone lists" "$(node "$A" --json operator)" "$(node "$A" --json operator list)"
refused "tkskctl import COLLECTION" 2 node "$A" --lang id impor
refused "tanda kutip" 2 node "$A" --lang id operator words Siti Aminah
refused "itu tidak ada" 1 node "$A" --lang id impor orang "$W/nothing.csv"
refused "Cara pakai: tkskctl PERINTAH" 2 node "$A" --lang id
refused "tidak ditemukan" 1 node "$A" --lang id show 29-9999
refused "hanya boleh diisi oleh" 1 node "$DISTRICT" --lang id ubah "$id" nama=Lain
screen "$A" help "Kode keluar:"

# --- watch

cat >"$W/daemon" <<END
#!/usr/bin/env bash
cd "$PWD" && B=$B W=$W && . tests/lib.sh
case \$1 in
stop) kill \$(cat "$W/$A/pid") && tail --pid=\$(cat "$W/$A/pid") -f /dev/null ;;
start) start_node $A && echo \${PID[$A]} >"$W/$A/pid" && disown ;;
esac
END
chmod +x "$W/daemon"
echo "${PID[$A]}" >"$W/$A/pid"
$TERMINAL watch "$W/daemon" "$CTL" --socket "$W/$A/admin.sock" --lang id status --watch ||
    fail "status --watch"
PID[$A]=$(cat "$W/$A/pid")

# Where nobody looks at a screen, blocks are appended.
"$CTL" --socket "$W/$A/admin.sock" --lang id status --watch >"$W/watched" 2>&1 &
watcher=$!
until_true 20 grep -q "^--" "$W/watched" || fail "nothing was written: $(cat "$W/watched")"
node "$A" unlock --passphrase-file "$PASS" >/dev/null || fail "unlock"
blocks_are() { [ "$(grep -c '^--' "$W/watched")" -ge "$1" ]; }
until_true 20 blocks_are 2 || fail "no block after a change"
kill -INT "$watcher"
wait "$watcher"
is "exit code of a watch that was ended" $? 0
grep -q $'\x1b' "$W/watched" && fail "escape sequences in a file"
exit 0
