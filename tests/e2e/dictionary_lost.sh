#!/usr/bin/env bash
# A hub that has lost the dictionary of its rules: it refuses what was sealed with it, the office
# gives it back, and nothing is lost or counted twice.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
district_with "$A"
node "$A" isi orang nama=Satu jk=P kode_kec="$A" >/dev/null || fail "enter"
wait_sent 30 "$A"
stop hub
for name in Dua Tiga; do
    node "$A" isi orang nama=$name jk=P kode_kec="$A" >/dev/null || fail "enter $name"
done
/usr/bin/python3 - "$W/hub/state/hub.db" <<'PY'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
lost = db.execute("DELETE FROM tksk_document WHERE kind = 6").rowcount
db.commit()
db.close()
sys.exit(lost != 1)
PY
[ $? = 0 ] || fail "there was no dictionary to lose"
start_hub
wait_sent 120 "$A"
is "records at the hub" "$(hub_count orang)" 3
is "dictionaries at the hub" "$(hub_count "tksk_document WHERE kind = 6")" 1
is "refused entries" "$(node "$A" --json status | json rejected)" 0
grep -q 'kind=dictionary' "$W/hub/log" || fail "the hub does not say that the dictionary came back"
hub verify >/dev/null || fail "verify"
