#!/usr/bin/env bash
# `make install` puts everything in its place, the units name that place and are as closed as
# promised, the example configurations are taken, and `make uninstall` leaves nothing.
. "$(dirname "$0")/lib-e2e.sh"
EXPOSURE_MAX=15 # tenths

# What is built already is taken as it is.
mk() { make --no-print-directory -o all B="$B" DESTDIR="$W/root" "$@"; }

for prefix in /usr /usr/local; do
    root=$W/root$prefix
    mk PREFIX=$prefix install >"$W/out" 2>&1 || fail "make install PREFIX=$prefix: $(cat "$W/out")"
    for file in sbin/tksk-hub sbin/tksk-node bin/tkskctl share/man/man1/tkskctl.1 \
        share/man/man5/tksk.conf.5 share/man/man8/tksk-hub.8 share/man/man8/tksk-node.8 \
        share/bash-completion/completions/tkskctl lib/sysusers.d/tksk.conf \
        lib/tmpfiles.d/tksk.conf share/tksk/policy/wilayah.csv share/tksk/office.conf; do
        [ -s "$root/$file" ] || fail "$prefix/$file is not installed"
    done
    units=("$root"/lib/systemd/system/tksk-{hub,node,office}.service)
    for unit in "${units[@]}"; do
        program=$(sed -n 's/^ExecStart=\([^ ]*\).*/\1/p' "$unit")
        [ -x "$W/root$program" ] || fail "$unit starts '$program', which is not installed"
        user=$(sed -n 's/^User=//p' "$unit")
        grep -q "^u $user " "$root/lib/sysusers.d/tksk.conf" || fail "nobody makes the user $user"
        command -v systemd-analyze >/dev/null || continue
        systemd-analyze security --no-pager --offline=true --threshold=$EXPOSURE_MAX "$unit" \
            >"$W/out" 2>&1 || fail "$unit is too exposed: $(tail -n 1 "$W/out")"
    done
    if command -v systemd-analyze >/dev/null; then
        # Whatever it says about these units is a fault; it knows no manual pages here.
        systemd-analyze verify --man=no --recursive-errors=no --root="$W/root" \
            $(basename -a "${units[@]}") >"$W/out" 2>&1
        ! grep -E "tksk-[a-z]*\.service:[0-9]*: " "$W/out" || fail "systemd does not like a unit"
    fi
    "$root/sbin/tksk-hub" --check-config --config "$root/share/doc/tksk/examples/hub.conf" \
        >/dev/null || fail "hub.conf of the examples"
    "$root/sbin/tksk-node" --check-config --config "$root/share/doc/tksk/examples/node.conf" \
        >/dev/null || fail "node.conf of the examples"
    "$root/sbin/tksk-node" --check-config --config "$root/share/tksk/office.conf" \
        >/dev/null || fail "office.conf"
    mk PREFIX=$prefix uninstall >"$W/out" 2>&1 || fail "make uninstall: $(cat "$W/out")"
    is "left by uninstall" "$(find "$W/root" -type f)" ""
done
