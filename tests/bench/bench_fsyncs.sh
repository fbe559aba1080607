#!/usr/bin/env bash
# How often the daemons wait for the disk: fsync and fdatasync by file, counted by strace. A sync of
# the WAL ends a commit; what a checkpoint syncs (the WAL once more, the database, and the WAL's new
# header with the next commit) is counted apart. Wanted: one a save at the node, at most one an ACK,
# at most two a commit at the hub.
. "$(dirname "$0")/../e2e/lib-e2e.sh"
command -v strace >/dev/null || { echo "strace is missing: make deps"; exit 77; }
A=36.04.29
ENTRIES=${ENTRIES:-40}

# Daemons under strace, which steps aside (-D), so that their pids are the daemons' own.
mkdir -p "$W/traced"
for program in tksk-hub tksk-node; do
    {
        echo '#!/bin/sh'
        echo 'exec strace -D -f -qq -y -e trace=fsync,fdatasync,pwrite64 -s 0 \'
        echo "    -o \"\$(dirname \"\$2\")/syncs\" $B/$program \"\$@\""
    } >"$W/traced/$program"
    chmod +x "$W/traced/$program"
done
ln -s "$B/tkskctl" "$W/traced/tkskctl"
CTL=$B/tkskctl
B=$W/traced

# syncs NAME KIND: of the daemon's WAL, of its database (a checkpoint), of other files; `header`:
# how often a WAL began anew.
syncs() {
    case $2 in
    wal) grep -cE 'f(data)?sync\([0-9]+<[^>]*-wal>' "$W/$1/syncs" ;;
    header) grep -cE 'pwrite64\([0-9]+<[^>]*-wal>.*, 32, 0\)' "$W/$1/syncs" ;;
    checkpoint) grep -cE 'f(data)?sync\([0-9]+<[^>]*\.db>' "$W/$1/syncs" ;;
    other) grep -E 'f(data)?sync\(' "$W/$1/syncs" | grep -cvE '<[^>]*(-wal|\.db)>' ;;
    esac
}
commits() { echo $(($(syncs "$1" wal) - $(syncs "$1" checkpoint) - $(syncs "$1" header))); }
enter() { node "$A" --json isi orang nama="Warga $1" jk=P kode_kec="$A" >/dev/null || fail "isi"; }
figure() { # figure WHAT COUNT PER MOST
    /usr/bin/python3 -c 'import sys
what, count, per, most = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
ratio = count / per
print(f"fsyncs: {what}: {count} in {per}: {ratio:.2f} each; at most {most:g} wanted")
sys.exit(ratio > most)' "$@" || missed=1
}
missed=0

district_with "$A"
wait_sent 60 "$A"

stop hub
before=$(commits "$A") apart=$(syncs "$A" checkpoint)
for i in $(seq "$ENTRIES"); do enter "$i"; done
figure "node, a save without a link" $(($(commits "$A") - before)) "$ENTRIES" 1
echo "fsyncs: checkpoints meanwhile, apart: $(($(syncs "$A" checkpoint) - apart))"

# One after the other with a link: a save and its ACK each.
start_hub
wait_sent 60 "$A"
before=$(commits "$A") hub_before=$(commits hub) journal=$(hub --json status | json journal)
for i in $(seq "$ENTRIES"); do
    enter "with link $i"
    wait_sent 60 "$A"
done
figure "node, a save and its ACK" $(($(commits "$A") - before)) "$ENTRIES" 2
merged=$(($(hub --json status | json journal) - journal))
figure "hub, an entry that comes alone" $(($(commits hub) - hub_before)) "$merged" 2
echo "fsyncs: of other files: node $(syncs "$A" other), hub $(syncs hub other)"
exit "$missed"
