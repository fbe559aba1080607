#!/usr/bin/env bash
# CSV as offices have it: files as spreadsheets write them, corrected files that add only what is
# new, damage that is refused with advice, checks that store nothing, and exports that go back in.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
C=36.04.05
district_with "$A" "$C"
export LC_ALL=C.UTF-8

records() { node "$1" --json list "$2" --max 1000 | /usr/bin/python3 -c 'import json, sys
print(len(json.load(sys.stdin)["rows"]))'; }
# imports OFFICE COLLECTION FILE ACCEPTED KNOWN REJECTED [OPTION…]
imports() {
    local office=$1 out want="$4 $5 $6"
    out=$(node "$office" --json import "$2" "$3" "${@:7}") || [ "$6" != 0 ] ||
        fail "import $3: $out"
    is "import of $3 (new, known, refused)" \
        "$(json accepted <<<"$out") $(json known <<<"$out") $(json rejected <<<"$out")" "$want"
}
# What an export holds, but for order and the mark at its beginning.
rows_of() { sed '1s/^\xef\xbb\xbf//' "$1" | sort; }

# As a spreadsheet of this country saves it: mark, CRLF, semicolons, titles, labels, blank columns.
cat >"$W/warga.csv" <<END
DAFTAR PPKS KECAMATAN TANARA;;;;;
Keadaan: Desember 2025, sumber: desa;;;;;

Nama ;JENIS KELAMIN;nik;Tanggal lahir;kode_kec;;
Aminah;Perempuan;'3604294107800017;1/7/1980;$A;;
"Budi ""Bud"" S.
Sos";l;3604290107800018;01-07-1980;$A;;
Cici;P;;1990-02-03;$A;;
Cici;P;;1990-02-03;$A;;
;;;;;;
Dudung;L;360429410780001;1/7/1980;$A;;
Eni;P;;1/7/80;$A;;
END
sed -i '1s/^/\xef\xbb\xbf/; s/$/\r/' "$W/warga.csv"
out=$(node "$A" --lang id impor orang "$W/warga.csv" --dry-run)
[ $? = 1 ] || fail "a check with refusals must end with 1"
case $out in
*'4 baris akan masuk'*'2 akan ditolak'*) ;;
*) fail "dry run: $out" ;;
esac
grep -q 'Tanggal lahir.*empat angka' <<<"$out" || fail "no advice about years: $out"
is "records after a check" "$(records "$A" orang)" 0
[ ! -e "$W/warga.rejected.csv" ] || fail "a check writes no file"
imports "$A" orang "$W/warga.csv" 4 0 2
is "records" "$(records "$A" orang)" 4
head -c 3 "$W/warga.rejected.csv" | cmp -s - <(printf '\xef\xbb\xbf') || fail "mark of the rejects"
rejects=$(sed 1d "$W/warga.rejected.csv")
grep -q '^Dudung;L;360429410780001;1/7/1980;36.04.29;11;nik;nik;' <<<"$rejects" ||
    fail "rejects: $rejects"
grep -q '^Eni;P;;1/7/80;36.04.29;12;Tanggal lahir;year;' <<<"$rejects" || fail "rejects: $rejects"
imports "$A" orang "$W/warga.csv" 0 0 2 # the same file again
is "records" "$(records "$A" orang)" 4

# Mended rejects, with their four columns; then the whole file, corrected, other order of columns.
sed -e 's/360429410780001;/3604294107800019;/' -e 's,1/7/80,1/7/1980,' "$W/warga.rejected.csv" \
    >"$W/mended.csv"
imports "$A" orang "$W/mended.csv" 2 0 0
cat >"$W/betul.csv" <<END
kode_kec,jk,nama,tgl_lahir,nik
$A,P,Aminah,1980-07-01,3604294107800017
$A,P,Cici,1990-02-03,
$A,P,Cici,1990-02-03,
$A,P,Cici,1990-02-03,
$A,L,Dudung,1980-07-01,3604294107800019
$A,P,Euis,,
END
imports "$A" orang "$W/betul.csv" 2 4 0 --dry-run
imports "$A" orang "$W/betul.csv" 2 4 0 # the third Cici, and Euis
is "records" "$(records "$A" orang)" 8

# What spreadsheets spoil.
printf 'nama,jk,kode_kec,nik\n' >"$W/rusak.csv"
for i in 1 2 3 4 5; do
    printf 'Warga %d,P,%s,36042941078000%d0\n' $i "$A" $i >>"$W/rusak.csv"
done
cat >>"$W/rusak.csv" <<END
Fani,P,$A,3.60429E+15
Gani,L,36.4.29,
#REF!,L,$A,
Hani,P,$A
END
imports "$A" orang "$W/rusak.csv" 0 0 9
is "rules" "$(cut -d, -f7 "$W/rusak.rejected.csv" | sed 1d | sort | uniq -c | tr -s ' \n' ' ')" \
    " 1 cells 1 formula 6 spreadsheet 1 zeros "
grep -q '36.04.29' <(grep zeros "$W/rusak.rejected.csv") || fail "the area that was meant"
printf 'nama,jk,kode_kec,tgl_lahir\nIis,P,%s,43831\n' "$A" >"$W/hari.csv"
imports "$A" orang "$W/hari.csv" 0 0 1
grep -q 'date_number.*CSV UTF-8' "$W/hari.rejected.csv" || fail "no advice: which Save as"
printf 'PK\003\004rest' >"$W/buku.csv"
refused 'CSV UTF-8' 1 node "$A" import orang "$W/buku.csv"
printf 'nama,jk,kode_kec\nIis,P,"%s\nJoko,L,%s\n' "$A" "$A" >"$W/kutip.csv"
refused 'line 2' 1 node "$A" import orang "$W/kutip.csv"
printf 'nama,jk,kode_kec\nJos\xe9,L,%s\n' "$A" >"$W/latin.csv"
refused 'windows-1252' 1 node "$A" import orang "$W/latin.csv"
printf 'nama,jk,kode_kec,nama_ibu,zodiak\nIis,P,%s,x,y\n' "$A" >"$W/asing.csv"
refused 'nama_ibu (nama_ibu_kandung?), zodiak' 1 node "$A" import orang "$W/asing.csv"
is "records" "$(records "$A" orang)" 8
imports "$A" orang "$W/latin.csv" 1 0 0 --encoding windows-1252
imports "$A" orang "$W/asing.csv" 1 0 0 --ignore
is "the name" "$(node "$A" --json cari orang nama=José | json rows.0.fields.nama)" José

# References by what people know: none, one, several.
cat >"$W/ppks.csv" <<END
subjek.nik,jenis,kode_kec,tgl_pendataan,sumber,kebutuhan
3604294107800017,LUT,$A,2026-02-10,desa,pangan|kesehatan
3604294107800099,LUT,$A,2026-02-10,desa,pangan
END
imports "$A" ppks "$W/ppks.csv" 1 0 1
grep -q '0 × Orang' "$W/ppks.rejected.csv" || fail "how many: $(cat "$W/ppks.rejected.csv")"
short=$(node "$A" --json list orang nama=Euis | json rows.0.short)
{
    head -1 "$W/ppks.csv"
    printf '%s,LUT,%s,2026-02-11,desa,pangan\n' "$short" "$A"
} >"$W/pendek.csv"
imports "$A" ppks "$W/pendek.csv" 1 0 0

# Exports: whole, private, and they go back in. Typed records too, with text that is no formula.
node "$A" isi orang nama='=1+1' jk=P kode_kec="$A" ciri='+62 812 "x", y' >/dev/null || fail isi
node "$A" --lang id ekspor orang "$W/keluar.csv" --full --reason uji >/dev/null || fail export
is "mode" "$(stat -c %a "$W/keluar.csv")" 600
rows=$(node "$A" --json export orang "$W/lagi.csv" --full --reason uji | json rows_written)
is "rows" "$rows" 11
cmp "$W/keluar.csv" "$W/lagi.csv" || fail "two exports differ"
is "header" "$(head -1 "$W/keluar.csv" | sed 's/^\xef\xbb\xbf//' | tr -d '\r')" \
    "$(node "$A" import orang --template)"
grep -q "'=1+1" "$W/keluar.csv" || fail "a formula in the export"
imports "$A" orang "$W/keluar.csv" 0 11 0
# What few may see is only written when it is asked for.
node "$A" export ppks 2>/dev/null | head -1 | grep -q jenis &&
    fail "a restricted column without --full"
node "$A" export ppks "$W/ppks-keluar.csv" --full --reason uji >/dev/null || fail "export ppks"
grep -q '3604294107800017' "$W/ppks-keluar.csv" || fail "a reference is no look-up"
imports "$A" ppks "$W/ppks-keluar.csv" 0 2 0
is "some" "$(node "$A" export orang nama=Cici | wc -l)" 4

# Another office enters the same: same table, then nothing new there either.
sed "s/36\.04\.29/$C/g" "$W/keluar.csv" >"$W/lain.csv"
imports "$C" orang "$W/lain.csv" 11 0 0
node "$C" export orang "$W/kembali.csv" --full --reason uji >/dev/null || fail "export $C"
cmp -s <(rows_of "$W/lain.csv") <(rows_of "$W/kembali.csv") ||
    fail "what went in is not what comes out: $(diff <(rows_of "$W/lain.csv") \
        <(rows_of "$W/kembali.csv"))"

# A register with its defects; the second month of it.
"$B/tests/gen/people" --seed 7 --count 600 --area "$A" --out-dir "$W/gen" || fail people
bad=$(grep -c 'ditolak$' "$W/gen/orang.truth.csv")
imports "$A" orang "$W/gen/orang.csv" $((600 - bad)) 0 "$bad"
"$B/tests/gen/people" --seed 7 --count 650 --area "$A" --out-dir "$W/gen2" || fail people
bad2=$(grep -c 'ditolak$' "$W/gen2/orang.truth.csv")
imports "$A" orang "$W/gen2/orang.csv" $((50 - bad2 + bad)) $((600 - bad)) "$bad2"

# Ctrl-C: what was stored stays, and the same command goes on.
ROWS=8000
{
    echo 'nama;jk;kode_kec'
    seq -f "Warga %.0f;P;$C" "$ROWS"
} >"$W/panjang.csv"
set -m # else a shell makes its background ignore the signal
"$CTL" --socket "$W/$C/admin.sock" import orang "$W/panjang.csv" >"$W/stopped" &
import=$!
set +m
stored() { node "$C" --json status | /usr/bin/python3 -c 'import json, sys
d = json.load(sys.stdin)
print(d["queued"] + d["accepted"])'; }
some() { [ "$(stored)" -gt 200 ]; }
until_true 30 some || fail "the import does not begin"
kill -INT "$import" 2>/dev/null
if wait "$import"; then
    say "the import was over before it was stopped"
else
    grep -q 'Stopped.*goes on' "$W/stopped" || fail "stopped: $(cat "$W/stopped")"
    [ "$(stored)" -lt $((ROWS + 11)) ] || fail "nothing was left"
    node "$C" import orang "$W/panjang.csv" >"$W/rest" || fail "the rest: $(cat "$W/rest")"
fi
is "records after both" "$(stored)" $((ROWS + 11))

wait_sent 60 "$A"
is "records at the hub" "$(hub_count "orang WHERE kode_kec = '$A'")" $((11 + 650 - bad2))
