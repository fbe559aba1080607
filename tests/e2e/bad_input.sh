#!/usr/bin/env bash
# Bad input gets its clear error, nothing is lost, the daemons live on.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29

# A hub that is not there, and a daemon without keys.
refused 'tksk-hub' 3 hub status
start_node "$A"
is "a fresh node" "$(node "$A" --json status | json enrolment)" none
stop "$A"

district_with "$A"
put() { node "$A" isi orang nama=Ani jk=P kode_kec="$A" "$@"; }
records() { node "$A" --json status | json records; }

# Wrong passphrase.
node "$A" lock >/dev/null
printf 'wrong\n' >"$W/wrong"
refused passphrase 1 node "$A" unlock --as "Petugas $A" --passphrase-file "$W/wrong"
refused unlock 4 put
node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock

# Fields.
refused bukan_koleksi 1 node "$A" isi bukan_koleksi nama=Ani
refused bukan_isian 1 put bukan_isian=1
refused 15 1 put nik=360429410190123
refused 'E+15' 1 put nik=3.60429E+15
refused calendar 1 put tgl_lahir='27 s/d 40 Maret 2018'
refused 'L, P' 1 node "$A" isi orang nama=Ani jk=X kode_kec="$A"
refused 36.04.05 1 node "$A" isi orang nama=Ani jk=P kode_kec=36.04.05
refused keluarga 1 put keluarga=0190a1b2-c3d4-7e5f-8a9b-0123456789ab
refused '200 > 100' 1 node "$A" isi orang jk=P kode_kec="$A" \
    nama="$(head -c 200 /dev/zero | tr '\0' a)"
refused nama 1 node "$A" isi orang jk=P kode_kec="$A"
is "changes after refusals" "$(node "$A" --json status | json queued)$(records)" 00

# CSV.
printf 'nama;jk;kolom_asing\nAni;P;x\n' >"$W/header.csv"
refused kolom_asing 1 node "$A" import orang "$W/header.csv"
printf 'nama;jk;kode_kec\nAni;P;%s\nBudi;Z;%s\n' "$A" "$A" >"$W/rows.csv"
refused 1 1 node "$A" import orang "$W/rows.csv"
grep -q '^Budi;Z;.*kode\|^Budi;Z' "$W/rows.rejected.csv" || fail "rejected rows file"
printf 'nama;jk;kode_kec\nAn\xe9;P;%s\n' "$A" >"$W/latin.csv"
refused 2 1 node "$A" import orang "$W/latin.csv"

# Policy.
bad_policy() { # bad_policy WHAT CODE TEXT
    rm -rf "$W/policy" && cp -r hub/policy "$W/policy"
    printf '%s\n' "$3" >"$W/policy/99-bad.conf"
    refused "$2" 1 hub policy publish "$W/policy" --key "$W/officer.key" --passphrase-file "$PASS"
}
bad_policy syntax '99-bad.conf' "collection x {"
bad_policy 'duplicate key' '99-bad.conf' "collection x { title = 'a' title = 'b' }"
bad_policy 'expansion' '99-bad.conf' 'collection x { title = "${HOME}" }'
hub policy sign hub/policy -o "$W/signed" --key "$W/officer.key" --passphrase-file "$PASS" \
    >/dev/null || fail "policy sign"
head -c 400 "$W/signed" >"$W/truncated"
refused 'cut off' 1 hub policy publish "$W/truncated"
hub policy publish "$W/signed" >/dev/null || fail "policy publish FILE"
refused 'version' 1 hub policy publish "$W/signed"

# Invites.
start_node 36.04.05
# A used one: the hub says so, and the machine takes another. Then an altered and an expired one.
node 36.04.05 enrol "$W/$A/invite" >/dev/null || fail "the invite is for this machine to try"
wait_status 30 36.04.05 enrolment refused
node 36.04.05 --json status | grep -q used || fail "status does not say that the invite was used"
hub node invite 36.04.05 -o "$W/invite" >/dev/null || fail invite
sed '3s/./A/5;3s/./B/6' "$W/invite" >"$W/altered"
refused altered 1 node 36.04.05 enrol "$W/altered"
head -n 3 "$W/invite" >"$W/cut"
refused invite 1 node 36.04.05 enrol "$W/cut"
hub node invite 36.04.08 -o "$W/expired" >/dev/null || fail "invite of 36.04.08"
stop hub
sqlite3 "$W/hub/state/enrol.db" "UPDATE invite SET expires_ms = 1 WHERE node = '36.04.08'" ||
    fail "no invites to alter"
start_hub
node 36.04.05 enrol "$W/expired" >/dev/null || fail "the expired invite is for the hub to refuse"
wait_status 30 36.04.05 enrolment refused
node 36.04.05 --json status | grep -q "no longer valid" ||
    fail "status does not say that the invite has expired"
node 36.04.05 enrol "$W/invite" >/dev/null || fail "a good invite after bad ones"
wait_status 30 36.04.05 enrolment waiting

# A second daemon on the same store.
status=0
out=$("$B/tksk-node" --config "$W/$A/node.conf" 2>&1) || status=$?
[ "$status" != 0 ] || fail "a second daemon started"
case $out in *use* | *busy*) ;; *) fail "second daemon: $out" ;; esac

# A malformed, an oversized and an endless admin line.
/usr/bin/python3 - "$W/$A/admin.sock" <<'END' || fail "admin socket"
import socket, sys, json
def ask(data, close=True):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(sys.argv[1])
    got = b""
    try:
        s.sendall(data)
        while not got.endswith(b"\n"):
            part = s.recv(65536)
            if not part:
                break
            got += part
    except OSError:
        pass
    s.close()
    return got
for bad in [b"nonsense\n", b"{\"v\":1}\n", b"{\"v\":1,\"cmd\":7}\n",
            b"[[[[[[[[[[[[\n", b"{\"v\":1,\"cmd\":\"no_such\"}\n", b"\xff\xfe\n"]:
    answer = ask(bad)
    assert b"error" in answer, (bad, answer)
answer = ask(b"x" * (3 << 20))
assert answer == b"" or b"error" in answer, answer[:100]
assert b"tksk-node" in ask(b'{"v":1,"cmd":"hello"}\n')
END

# A database of a newer version is refused and left alone.
stop 36.04.05
sqlite3 "$W/36.04.05/state/node.db" 'PRAGMA user_version = 999' 2>/dev/null ||
    fail "no database to alter"
refused newer 1 "$B/tksk-node" --config "$W/36.04.05/node.conf"

wait_sent 60 "$A"
until_true 20 status_is "$A" records 1 || fail "the node does not live on"
is "one record at the hub" "$(hub_count orang)" 1
