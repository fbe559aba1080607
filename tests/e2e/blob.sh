#!/usr/bin/env bash
# Photos: put with "@file", kept encrypted at the office, whole after kill -9, given back as they
# were; the district knows what they are and where; too large ones are refused with the rule.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
B2=36.04.05
district_with "$A" "$B2"
cd "$W" || exit 1

# A photo that compresses to nothing, and one that a phone names wrongly.
/usr/bin/python3 - <<'PY'
import os
open("front.jpg", "wb").write(b"\xff\xd8\xff\xe0" + os.urandom(300_000))
open("belakang.png", "wb").write(b"%PDF-1.7\n" + os.urandom(70_000))
open("besar.jpg", "wb").write(b"\xff\xd8\xff" + bytes(4 * 1024 * 1024))
open("kosong.jpg", "wb").close()
PY

orang=$(node "$A" --json isi orang nama="Almarhum" jk=L kode_kec="$A" | json id)
family() { # family ALAMAT PHOTOS OPTION…: its household
    local alamat=$1 photos=$2
    shift 2
    node "$A" "$@" isi keluarga kepala="$orang" alamat="$alamat" rt=01 rw=02 kode_kec="$A" \
        foto_rumah="$photos"
}
id=$(family "Jl. Raya 1" '@front.jpg|@belakang.png' --json | json id)
[ -n "$id" ] || fail "no id"
node "$A" lihat "$id" --lang id >shown || fail "show"
grep -q 'image/jpeg, 300,0 kB, di netbook ini' shown || fail "show: $(cat shown)"
grep -q '2. application/pdf, 70,0 kB, di netbook ini' shown || fail "show: $(cat shown)"

stop "$A" KILL
start_node "$A"
refused locked 4 node "$A" blob get "$id" foto_rumah -o out.jpg
node "$A" unlock --passphrase-file "$PASS" >/dev/null || fail "unlock"
node "$A" blob get "$id" foto_rumah -o out.jpg >/dev/null || fail "get"
cmp front.jpg out.jpg || fail "other bytes came back"
node "$A" blob ambil "$id" foto_rumah 2 -o out.pdf >/dev/null || fail "get the second"
cmp belakang.png out.pdf || fail "other bytes came back"
refused exists 1 node "$A" --lang en --json blob get "$id" foto_rumah -o out.jpg
refused not_found 1 node "$A" --json blob get "$id" foto_rumah 3 -o none.jpg
[ ! -e none.jpg ] || fail "a file of nothing"

# A stolen disk: no run of either file lies in the state directory.
/usr/bin/python3 - "$W/$A/state" <<'PY' || fail "the disk tells what the photo shows"
import os, sys
files = [open(f, "rb").read() for f in ("front.jpg", "belakang.png")]
runs = [f[i:i + 16] for f in files for i in range(100, len(f) - 16, 5000)]
for top, _, names in os.walk(sys.argv[1]):
    for name in names:
        if not name.endswith(".sock"):
            data = open(os.path.join(top, name), "rb").read()
            sys.exit(1) if any(run in data for run in runs) else None
PY

# The same photo again is kept once; killed in the middle of a file, nothing half is left.
count() { find "$W/$A/state/blobs" -type f | wc -l; }
is "files" "$(count)" 2
node "$A" ubah "$orang" bukti_meninggal=@front.jpg >/dev/null || fail "edit"
is "files after the same photo" "$(count)" 2
/usr/bin/python3 - "$W/$A/admin.sock" <<'PY' || fail "half a file"
import base64, json, os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.connect(sys.argv[1])
args = {"token": "t", "total": 200_000, "offset": 0,
        "data": base64.b64encode(os.urandom(150_000)).decode()}
s.sendall(json.dumps({"v": 1, "cmd": "blob_put", "args": args}).encode() + b"\n")
assert b'"done"' in s.recv(65536)
PY
is "files while one comes" "$(count)" 3
stop "$A" KILL
start_node "$A"
is "files after kill -9 in the middle" "$(count)" 2
node "$A" unlock --passphrase-file "$PASS" >/dev/null || fail "unlock"

# Refused: too large, empty, not there; nothing is stored.
refused 'at most 4.0 MiB' 1 family B @besar.jpg --lang en
refused blob_large 1 family B @besar.jpg --json
refused blob_empty 1 family B @kosong.jpg --json
refused not_found 1 family B @tidak-ada.jpg --json
is "files after the refusals" "$(count)" 2

# JSON and CSV name files beside themselves.
mkdir tabel && mv belakang.png tabel/
printf '[{"op":"create","collection":"keluarga","fields":{"alamat":"C","rt":"01","rw":"02",
"kode_kec":"%s","kepala":"%s","foto_rumah":["@belakang.png"]}}]' "$A" "$orang" >tabel/apply.json
node "$A" apply tabel/apply.json >/dev/null || fail "apply"
printf 'alamat,rt,rw,kode_kec,kepala,foto_rumah\n%s\n%s\n' "D,01,02,$A,$orang,@belakang.png" \
    "E,01,02,$A,$orang,@hilang.jpg" >tabel/k.csv
status=0
node "$A" import keluarga tabel/k.csv >import.out || status=$?
is "import with a missing photo" "$status" 1
grep -q 'E,.*foto_rumah,not_found' tabel/k.rejected.csv || fail "$(cat tabel/k.rejected.csv)"
is "files after apply and import" "$(count)" 2
listed=$(node "$A" --json blob list | json rows | grep -o '"here"' | wc -l)
is "photos that the office lists" "$listed" 5

# What goes out comes in as a reference, with a warning where the bytes are not.
node "$A" ekspor keluarga out.csv >/dev/null || fail "export"
grep -q ' 300004 image/jpeg' out.csv || fail "export: $(cat out.csv)"
ref=$(grep -o '[0-9a-f]\{64\} 300004 image/jpeg' out.csv | head -n 1)
node "$B2" --lang en isi orang nama=F jk=P kode_kec="$B2" bukti_meninggal="$ref" >warned ||
    fail "the reference alone is refused: $(cat warned)"
grep -q 'not here' warned || fail "no warning: $(cat warned)"

# At the district: what they are, and where.
wait_sent 60 "$A"
hub --lang id lihat "$id" >shown || fail "show at the hub"
grep -q "image/jpeg, 300,0 kB, di kantor $A, belum dikirim ke Dinas" shown || fail "$(cat shown)"
is "where, at the hub" "$(hub --json blob list "$id" | json rows.0.office)" "$A"
