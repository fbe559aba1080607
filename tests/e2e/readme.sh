#!/usr/bin/env bash
# The feature table of README.md: every command in it is typed, in its order, and does what it says.
. "$(dirname "$0")/rows/lib-rows.sh"
A=36.04.29
T="tksk $A"
SIGN=(--key "$W/officer.key" --passphrase-file "$PASS")
README=$PWD/README.md
rows_start "$A"
export LC_ALL=C.UTF-8

# --- the records that the table names, by their short numbers
named() { # named NUMBER PERSON COLLECTION FIELD=VALUE…: its id
    local id
    id=$(new "${@:2}")
    is "the number of the $3" "$($2 --json lihat "$id" | json short)" "$1"
    echo "$id"
}
person=$(named 29-0001 "$T" orang nama=Ani jk=P kode_kec="$A")
family=$(named 29-0002 "$T" keluarga kepala="$person" alamat='Kp. Baru' rt=001 rw=002 \
    kode_kec="$A")
proposal=$(named 29-0003 "$T" usulan jenis=alat_bantu tgl_usulan=2026-01-05 kode_kec="$A" \
    pengusul='jenis=desa|nama=Desa Sukamaju' penerima="$person" isi='uraian=kursi roda' \
    diketahui_tksk=ya)
$T ubah "$proposal" status=diajukan >/dev/null || fail "the proposal is not handed in"
comes office "$family"
recipient=$(named 04-0001 office kpm keluarga="$family" pengurus="$person" program=sembako \
    tgl_penetapan=2026-01-02 kode_kec="$A")
named 04-0002 office pengumuman judul='Batas desil' isi='Batasnya 4.' berlaku_dari=2026-01-02 \
    wajib_baca=ya wilayah="$DISTRICT" >/dev/null
post=$(named 04-0003 office penugasan peran=tksk nama="TKSK $A" kode_wilayah="$A" no_sk=SK/1/2026 \
    tgl_sk=2026-01-02 berlaku_dari=2026-01-01 berlaku_sampai=2030-12-31 sumber_dana=apbn)
month=$(named 04-0004 office tali_asih penugasan="$post" periode=2026-01 tgl_periode=2026-01-01 \
    sumber=apbn nilai_hak=700000 kode_kec="$A")
office ubah "$month" status=dibayar >/dev/null || fail "the month is not paid"
comes "$T" "$recipient"
comes_to "$T" "$month" status dibayar
named 29-0004 "$T" musyawarah tingkat=desa tanggal=2026-01-05 tempat='Balai Desa' kode_kec="$A" \
    kode_desa="$A.2001" fasilitator="$post" \
    peserta='nama=A;unsur=kades;hadir=true|nama=B;unsur=rt;hadir=true|nama=C;unsur=kpm;hadir=true' \
    >/dev/null
named 29-0005 "$T" kejadian jenis=kebakaran waktu='2026-01-05 19:30' kode_kec="$A" \
    pelapor='nama=Ahmad Fauzi|unsur=psm' uraian='rumah terbakar' >/dev/null
named 29-0006 "$T" penyaluran kpm="$recipient" program=sembako periode=2025-12 bentuk=uang \
    nilai=200000 satuan=rupiah kode_kec="$A" >/dev/null
NUMBER=$($T --json lihat "$proposal" | json receipt)
korteks lock >/dev/null || fail lock
cd "$W" || exit 2
printf '\xff\xd8\xff\xe0tanda terima bercap' >terima.jpg

# --- the rows: number, "refused" or "done", command
/usr/bin/python3 - "$README" >rows <<'END' || fail "the table"
import re, sys
text = open(sys.argv[1], encoding="utf-8").read()
text = text[text.index("## What people asked for"):]
text = text[: text.index("\n## ", 3)]
for line in text.split("\n"):
    cells = [cell.replace("\\|", "|").strip() for cell in re.split(r"(?<!\\)\|", line)]
    if len(cells) == 6 and cells[1].isdigit():
        found = re.fullmatch(r"`([^`]+)`( is refused)?", cells[3])
        assert found, line
        print(cells[1], "refused" if found[2] else "done", found[1], sep="\t")
END
is "rows without a command" "$(grep -cP '^[0-9]+\t(refused|done)\t(node|hub) ' rows)" \
    "$(wc -l <rows)"
[ "$(wc -l <rows)" -gt 30 ] || fail "the table has gone"

# As a person types it, with what is asked for at the terminal.
typed() { # typed COMMAND
    local words status=0
    eval "words=(${1//NUMBER/$NUMBER})"
    case $1 in
    *'--as KORTEKS'*) korteks unlock --passphrase-file "$PASS" >/dev/null || return 9 ;;
    'node teken '*) words+=(--passphrase-file "$PASS") ;;
    'hub operator renew '*) words+=(--yes "${SIGN[@]}") ;;
    esac
    if [ "${words[0]}" = node ]; then words=(node "$A" "${words[@]:1}"); fi
    "${words[@]}" </dev/null || status=$?
    case $1 in *'--as KORTEKS'*) korteks lock >/dev/null ;; esac
    return "$status"
}
while IFS=$'\t' read -r number wanted command; do
    status=0
    typed "$command" >out 2>&1 || status=$?
    case $wanted in
    done) [ "$status" = 0 ] || fail "row $number: $command: exit $status: $(cat out)" ;;
    refused) [ "$status" = 1 ] || fail "row $number: $command: is not refused: $(cat out)" ;;
    esac
done <rows
exit 0
