#!/usr/bin/env bash
# Boots a small Debian in a container with both services installed, and runs inside.sh in it.
# Needs root, debootstrap, systemd-nspawn and, the first time, a mirror of Debian: the one that this
# machine uses. Without them it is skipped. The bare root is kept in $B/system.
set -u
cd "$(dirname "$0")/../.." || exit 2
. tests/env.sh
B=${B:-$PWD/build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
BOOT_SECONDS=480

say() { printf '%s\n' "$*"; }
skip() { say "skipped: $*" && exit 77; }

[ "$(id -u)" = 0 ] || skip "booting a container needs root"
for tool in debootstrap systemd-nspawn systemd-sysusers; do
    command -v "$tool" >/dev/null || skip "$tool is not installed"
done
[ -e /sys/fs/cgroup ] || skip "no control groups here"

# --- a bare root, made once ---------------------------------------------------------------------

# The first mirror of Debian itself that apt knows: MIRROR SUITE.
mirror_of_apt() {
    local suite
    suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
    {
        cat /etc/apt/sources.list.d/*.sources 2>/dev/null |
            awk -v suite="$suite" '
                /^URIs:/ { uri = $2 }
                /^Suites:/ { for (i = 2; i <= NF; i++) if ($i == suite) found = 1 }
                /^$/ { if (found && uri) print uri; uri = ""; found = 0 }
                END { if (found && uri) print uri }'
        cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
            sed 's/\[[^]]*\]//' | awk -v suite="$suite" '$1 == "deb" && $3 == suite { print $2 }'
    } | head -n 1 | sed "s/\$/ $suite/"
}

# The packages of the libraries that the programs are linked with.
packages_of_programs() {
    local library path
    ldd "$B/tksk-hub" "$B/tksk-node" "$B/tkskctl" | sed -n 's/.*=> \(\/[^ ]*\).*/\1/p' | sort -u |
        while read -r library; do
            path=$(realpath "$library")
            dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "${path#/usr}" 2>/dev/null ||
                dpkg-query -S "$library" 2>/dev/null
        done | sed 's/:.*//' | sort -u
}

read -r mirror suite < <(mirror_of_apt)
[ -n "${suite:-}" ] || skip "apt names no mirror of Debian here"
include=$(printf '%s,' systemd systemd-sysv dbus $(packages_of_programs))
bare=$B/system/$(printf '%s' "$suite $include" | sha256sum | cut -c 1-16)
if [ ! -e "$bare/etc/debian_version" ]; then
    rm -rf "$bare.new" && mkdir -p "$B/system"
    say "making a root of $suite"
    debootstrap --variant=minbase --include="${include%,}" "$suite" "$bare.new" "$mirror" \
        >"$bare.log" 2>&1 || {
        tail -n 5 "$bare.log"
        rm -rf "$bare.new"
        skip "debootstrap could not make a root from $mirror"
    }
    rm -rf "$bare.new"/var/cache/apt/archives/*.deb && mv "$bare.new" "$bare"
fi

# --- the machine --------------------------------------------------------------------------------

W=$(mktemp -d "$B/system/boot.XXXXXX") || exit 2
trap 'rm -rf --one-file-system "$W"' EXIT
trap 'exit 1' INT TERM
root=$W/tksk-test
cp -a "$bare" "$root" || exit 2
make --no-print-directory -o all B="$B" PREFIX=/usr DESTDIR="$root" install >/dev/null || exit 1

mkdir -p "$root/etc/systemd/system" "$root/result"
install -m 755 tests/system/inside.sh "$root/usr/local/bin/inside"
cat >"$root/etc/systemd/system/test.service" <<END
[Unit]
Description=what is tried inside
[Service]
Type=oneshot
TimeoutStartSec=infinity
ExecStart=/bin/bash /usr/local/bin/inside
StandardOutput=file:/result/log
StandardError=file:/result/log
ExecStopPost=/bin/systemctl --no-block poweroff
[Install]
WantedBy=multi-user.target
END
# What a package would do after unpacking; the units start at boot.
systemd-sysusers --root="$root" || exit 1
systemctl --root="$root" --quiet enable tksk-hub.service tksk-node.service test.service || exit 1
: >"$root/etc/machine-id"

timeout --kill-after=10 "$BOOT_SECONDS" systemd-nspawn -D "$root" -b --quiet --register=no \
    --keep-unit --private-network --link-journal=no --machine=tksk-test \
    >"$W/console" 2>&1 </dev/null
if [ "$(cat "$root/result/verdict" 2>/dev/null)" = good ]; then
    cat "$root/result/log"
    exit 0
fi
say "--- console"
tail -n 20 "$W/console"
say "--- journal"
cat "$root/result/journal" 2>/dev/null
say "--- inside"
cat "$root/result/log" 2>/dev/null
exit 1
