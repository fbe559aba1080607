#!/usr/bin/env bash
# The work that other programs were measured on (below), done by ours: 100,000 record changes
# created at an edge, queued durably, sent over loopback, merged durably as rows at a hub,
# acknowledged. Ours are the generator's people, imported from CSV, signed, sealed, checked and
# merged per field, with everything durable on both sides (synchronous=FULL).
#
# The machines are noisy, so ours stands beside a bare loop of the same run: the same rows inserted
# into an outbox and into a table by SQLite alone, FULL, 256 rows a transaction, no wire.
# CHANGES=100000 ROUNDS=3
. "$(dirname "$0")/../e2e/lib-e2e.sh"
A=36.04.29
CHANGES=${CHANGES:-100000}
ROUNDS=${ROUNDS:-3}

now_ms() { date +%s%3N; }
kib() { awk -v want="$2:" '$1 == want { print $2 }' "/proc/${PID[$1]}/status"; }
mb() { awk -v k="$1" 'BEGIN { printf "%.1f", k * 1024 / 1000000 }'; }

/usr/bin/python3 tests/bench/relay.py "$W/port" "$W/hub/state/endpoint" "$W/frames" &
PID[relay]=$!
until_true 10 test -e "$W/port" || fail "the relay does not start"
mkdir -p "$W/hub"
cat >"$W/hub/hub.conf" <<END
state = '$W/hub/state'
socket = '$W/hub/admin.sock'
listen = 'tcp://127.0.0.1:*'
advertise = 'tcp://127.0.0.1:$(cat "$W/port")'
END
district_with "$A"
wait_sent 60 "$A"
idle=$(kib "$A" VmRSS)

# A person more or less: every row is accepted, so that all that is counted was merged.
"$B/tests/gen/people" --seed 5 --count 20000 --area "$A" --profile clean --out-dir "$W/people" ||
    fail people
/usr/bin/python3 - "$W/people" "$CHANGES" "$ROUNDS" "$W" <<'END'
import csv, sys
directory, changes, rounds, out = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
truth = csv.DictReader(open(directory + "/orang.truth.csv", encoding="utf-8"))
good = {int(row["baris"]) for row in truth if row["putusan"] == "diterima"}
rows = list(csv.reader(open(directory + "/orang.csv", encoding="utf-8")))
head, rows = rows[0], [r for line, r in enumerate(rows[1:], 2) if line in good]
name = head.index("nama")
for k in range(rounds):
    with open(f"{out}/round{k}.csv", "w", encoding="utf-8", newline="") as file:
        write = csv.writer(file)
        write.writerow(head)
        for i in range(changes):
            row = list(rows[i % len(rows)])
            row[name] += f" {k} {i}"  # else the ledger would know it
            write.writerow(row)
END

bare() { # bare CSV: milliseconds for the same rows in an outbox and in a table
    /usr/bin/python3 - "$1" "$W/bare" <<'END'
import csv, os, sqlite3, sys, time
rows = list(csv.reader(open(sys.argv[1], encoding="utf-8")))
head, rows = rows[0], rows[1:]
start = time.monotonic()
for name in "outbox", "table":
    path = sys.argv[2] + name
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("PRAGMA wal_autocheckpoint=10000")
    db.execute("CREATE TABLE t (id BLOB PRIMARY KEY, %s) WITHOUT ROWID" % ", ".join(head))
    db.execute("CREATE INDEX t_nik ON t (nik)")
    insert = "INSERT INTO t VALUES (?%s)" % (", ?" * len(head))
    for i in range(0, len(rows), 256):
        db.execute("BEGIN IMMEDIATE")
        db.executemany(insert, [(os.urandom(16), *row) for row in rows[i:i + 256]])
        db.execute("COMMIT")
    db.close()
    os.remove(path)
print(int(1000 * (time.monotonic() - start)))
END
}

speeds=() ratios=()
for k in $(seq 0 $((ROUNDS - 1))); do
    [ "$k" = 0 ] && : >"$W/mark" && from=$(wc -l <"$W/frames")
    base=$(bare "$W/round$k.csv")
    start=$(now_ms)
    node "$A" import orang "$W/round$k.csv" >/dev/null || fail "import"
    wait_sent 300 "$A"
    spent=$(($(now_ms) - start))
    speeds+=($((CHANGES * 1000 / spent)))
    ratios+=("$(awk "BEGIN { printf \"%.2f\", $base / $spent }")")
    echo "peers: round $((k + 1)): ${speeds[-1]} changes/s, ${ratios[-1]} of the bare loop"
done
is "records at the hub" "$(hub_count orang)" $((CHANGES * ROUNDS))
bytes=$(tail -n "+$((from + 1))" "$W/frames" | awk '$3 == "frame" { n += $2 } END { print n }')
a_change=$(awk "BEGIN { printf \"%.0f\", $bytes / $CHANGES / $ROUNDS }")

# One change, created to acknowledged, asked on the admin socket.
one_ms=$(/usr/bin/python3 - "$W/$A/admin.sock" "$A" <<'END'
import json, socket, sys, time
def ask(cmd, args):
    file.write(json.dumps({"v": 1, "cmd": cmd, "args": args, "lang": "en"}) + "\n")
    file.flush()
    while True:
        answer = json.loads(file.readline())
        if "done" in answer or "error" in answer or answer.get("type") in ("done", "error"):
            return answer
sock = socket.socket(socket.AF_UNIX)
sock.connect(sys.argv[1])
file = sock.makefile("rw", encoding="utf-8")
times = []
def queued():
    answer = ask("status", {})
    return answer.get("done", answer)["queued"]
for i in range(41):
    start = time.monotonic()
    fields = {"nama": f"Satu {i}", "jk": "P", "kode_kec": sys.argv[2]}
    answer = ask("put", {"collection": "orang", "fields": fields})
    assert "error" not in answer, answer
    while queued() > 0:
        pass
    times.append(1000 * (time.monotonic() - start))
times = sorted(times[1:])
print(f"{times[len(times) // 2]:.2f}")
END
) || fail "one change"

median() { printf '%s\n' "$@" | sort -n | sed -n "$((($# + 1) / 2))p"; }
echo
echo "peers: figures of others were measured once, on a machine of this kind, without TLS,"
echo "peers: signatures or payload encryption; they merge nothing. Only ours, and its ratio, are of"
echo "peers: this run."
row() { printf '%-46s %9s %6s %12s %8s %9s  %s\n' "$@"; }
row 'what' 'changes/s' 'B each' 'edge MB' 'hub MB' 'one, ms' 'does not do, or durability'
row 'tksk-sync, this run, median' "$(median "${speeds[@]}")" "$a_change" \
    "$(mb "$idle") / $(mb "$(kib "$A" VmHWM)")" "$(mb "$(kib hub VmHWM)")" "$one_ms" \
    "$(median "${ratios[@]}") of a bare loop; full"
row 'PouchDB 9 to express-pouchdb' 5170 598 '63 / 213' 184 7.4 \
    'no signatures, no per-field merge; no sync'
row 'PostgreSQL 15 logical, 500-row transactions' 130400 329 '18 / 38' 58 1.26 \
    'one direction, no merge, no seals; full'
row 'PostgreSQL 15 logical, 1-row transactions' 6740 437 '' 64 '' 'the same'
row 'Mosquitto bridge QoS 1 + SQLite consumer' 30400 393 '8.7 / 114' 117 3.5 \
    'loses its queue at kill -9; autosave each second'
row 'NATS leaf + JetStream + SQLite consumer' 42800 472 '12 / 58' 153 1.65 \
    'not synced before acknowledging'
row 'curl of 500-line files + SQLite server' 24100 366 '' 68 8.2 \
    'no queue, no merge; full at the hub'
row 'bare C, CURVE, a signature a batch, SQLite' 67500 69.5 10.6 50 1.33 'no merge, no policy; full'
