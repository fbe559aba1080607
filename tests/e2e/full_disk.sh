#!/usr/bin/env bash
# A full disk at the node: entry is refused with a clear word, what was confirmed stays, the daemon
# lives,
# and after space is made everything goes on. Needs a mount namespace of its own; skipped without.
if [ "${IN_NAMESPACE-}" != 1 ]; then
    unshare --user --map-root-user --mount true 2>/dev/null || unshare --mount true 2>/dev/null || {
        echo "no mount namespace can be made here"
        exit 77
    }
    if unshare --mount true 2>/dev/null; then
        IN_NAMESPACE=1 exec unshare --mount bash "$0"
    fi
    IN_NAMESPACE=1 exec unshare --user --map-root-user --mount bash "$0"
fi
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
mkdir -p "$W/$A"
trap 'stop_all; umount -l "$W/$A" 2>/dev/null; rm -rf "$W"' EXIT
mount -t tmpfs -o size=64m tmpfs "$W/$A" || { echo "no tmpfs can be mounted here"; exit 77; }
district_with "$A"
first=$(node "$A" --json isi orang nama=Satu jk=P kode_kec="$A" | json id)
free_kib=$(df --output=avail -k "$W/$A" | tail -n 1)
head -c "$((free_kib * 1024 - 8192))" /dev/zero >"$W/$A/ballast" 2>/dev/null
refused space 1 node "$A" isi orang nama=Dua jk=P kode_kec="$A"
refused space 1 node "$A" show "$first" # no look without a row of the access log
node "$A" status >/dev/null || fail "status on a full disk"
rm "$W/$A/ballast"
is "the first record is still there" "$(node "$A" --json show "$first" | json id)" "$first"
node "$A" isi orang nama=Tiga jk=P kode_kec="$A" >/dev/null || fail "entry after space was made"
wait_sent 60 "$A"
is "records at the hub" "$(hub_count orang)" 2
stop_all
umount "$W/$A"
