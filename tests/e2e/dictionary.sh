#!/usr/bin/env bash
# The dictionary of a policy: it reaches the office once, entries are sealed with it, the next
# policy brings another, what was sealed under the first still opens, the hub's journal verifies.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
district_with "$A"

# The numbers of the dictionaries that the entries of the office were sealed with: the node's queue
# keeps items as sent, [kind, after, leaf, key number, dictionary, plain length, body].
sealed_with() { # sealed_with NUMBER…: in the order of entry
    local numbers
    stop "$A"
    numbers=$(/usr/bin/python3 - "$W/$A/state" <<'PY'
import glob, msgpack, sqlite3, sys
name = glob.glob(sys.argv[1] + "/*.db")[0]
db = sqlite3.connect(f"file:{name}?mode=ro", uri=True)
bodies = [row[0] for row in db.execute("SELECT item FROM item ORDER BY entry")]
items = [msgpack.unpackb(body, raw=False) for body in bodies]
print(*[item[4] for item in items if item[0] == 1])
PY
    )
    is "dictionaries that entries were sealed with" "$numbers" "$*"
    start_node "$A"
    node "$A" unlock --as "Petugas $A" --passphrase-file "$PASS" >/dev/null || fail unlock
}
enter() { node "$A" isi orang nama="$1" jk=P kode_kec="$A" >/dev/null || fail "enter $1"; }
publish() { # publish DIR
    hub --json policy publish "$1" --key "$W/officer.key" --passphrase-file "$PASS" ||
        fail "policy publish"
}
arrived() { wait_status 30 "$A" rules_version "$(hub --json status | json rules_version)"; }

check=$(hub --json policy check hub/policy | json dictionary_bytes)
[ "$check" -gt 1000 ] && [ "$check" -le 16384 ] || fail "policy check: a dictionary of $check bytes"
# Without a hub, as any version of any district.
is "as version 7" "$("$CTL" --json policy check hub/policy --district "$DISTRICT" \
    --rules-version 7 | json rules_version)" 7
refused 'only with --district' 2 hub --lang en policy check hub/policy --rules-version 7
enter Satu
wait_sent 30 "$A"
sealed_with 1

# The same schema and examples again: a new version, the same dictionary.
cp -r hub/policy "$W/policy"
sed -i "s/label = 'Ciri-ciri'/label = 'Ciri khusus'/" "$W/policy/10-orang.conf"
is "number of an unchanged dictionary" "$(publish "$W/policy" | json dictionary)" 1
arrived

# While the office is cut off, two entries are made; then the examples change.
stop hub
enter Dua
enter Tiga
start_hub
sed -i "s/'Siti Aminah', /'Siti Aminah', 'Contoh Baru', /" "$W/policy/10-orang.conf"
is "number of another dictionary" "$(publish "$W/policy" | json dictionary)" 3
arrived
wait_sent 60 "$A"
enter Empat
wait_sent 30 "$A"
sealed_with 1 1 1 3
is "records at the hub" "$(hub_count orang)" 4
is "dictionaries at the hub" "$(hub_count "tksk_document WHERE kind = 6")" 2
hub verify >/dev/null || fail "verify"

# Rules whose dictionary does not come along are refused with a remedy; so are bytes of another.
cp -r "$W/policy" "$W/next"
sed -i "s/'Contoh Baru', /'Contoh Lain', /" "$W/next/10-orang.conf"
hub policy sign "$W/next" -o "$W/signed" --key "$W/officer.key" --passphrase-file "$PASS" \
    >/dev/null || fail "policy sign"
/usr/bin/python3 - "$W/signed" "$W/without" "$W/altered" <<'PY'
import msgpack, sys
rules, dictionary = msgpack.unpackb(open(sys.argv[1], "rb").read())
def write(name, bytes_):
    open(name, "wb").write(msgpack.packb([rules, bytes_]))
write(sys.argv[2], None)
write(sys.argv[3], dictionary[:-1] + bytes([dictionary[-1] ^ 1]))
PY
refused 'policy publish' 1 hub policy publish "$W/without"
refused 'policy publish' 1 hub policy publish "$W/altered"
hub policy publish "$W/signed" >/dev/null || fail "publish the whole file"

# A policy without one.
sed -i 's/idle_lock_minutes = 15/&\n    dictionary_bytes = 0/' "$W/next/00-umum.conf"
is "number of no dictionary" "$(publish "$W/next" | json dictionary)" 0
arrived
enter Lima
wait_sent 30 "$A"
is "records at the end" "$(hub_count orang)" 5
hub verify >/dev/null || fail "verify at the end"
