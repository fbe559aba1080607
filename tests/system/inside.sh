#!/bin/bash
# Runs as root inside the container that boot.sh boots: what systemd promises about the services.
set -u
export LC_ALL=C.UTF-8 SYSTEMD_COLORS=0 SYSTEMD_PAGER=cat
A=36.04.29
CLERK=siti OTHER=budi STRANGER=tamu
PERSON='Siti Aminah' CHILD='Anak Rahasia'
PASS=/root/passphrase

say() { printf '%s\n' "$*"; }
finish() {
    local code=$?
    [ "$code" = 0 ] && echo good >/result/verdict
    journalctl --no-pager -b -o short-precise -u tksk-hub -u tksk-node -u init.scope \
        >/result/journal 2>&1
    systemctl --no-pager status tksk-hub tksk-node >>/result/journal 2>&1
}
trap finish EXIT
fail() { say "FAILED: $*" && exit 1; }
is() { [ "$2" = "$3" ] || fail "$1: got '$2', wanted '$3'"; } # is WHAT GOT WANTED

until_true() { # until_true SECONDS COMMAND…
    local end=$((SECONDS + $1))
    shift
    until "$@" >/dev/null 2>&1; do
        [ "$SECONDS" -lt "$end" ] || return 1
        sleep 0.2
    done
}
json() { tr -d '\n' | sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",}]*\)\"\{0,1\}.*/\1/p"; } # json KEY
as() { # as USER COMMAND…
    local user=$1
    shift
    setpriv --reuid="$user" --regid="$user" --init-groups "$@"
}
hub() { tkskctl --hub "$@"; }
node() { as $CLERK tkskctl --node "$@"; }
property() { systemctl show --value -p "$2" "tksk-$1"; } # property hub|node NAME
status_says() { property "$1" StatusText | grep -q -- "$2"; }
node_is() { [ "$(node --json status | json "$1")" = "$2" ]; } # node_is KEY VALUE
count() { # count TABLE: rows at the hub
    hub --json query "SELECT count(*) FROM $1" | tr -d ' \n' |
        sed -n 's/.*"cells":\["\{0,1\}\([0-9]*\).*/\1/p'
}
unlock() { as "$1" tkskctl --node unlock --as "$PERSON" --passphrase-file - <$PASS >/dev/null; }
put() { node --json put orang nama="$1" jk=P kode_kec=$A | json id; }

# A service that was killed comes back with another process: killed_comes_back hub|node SIGNAL
killed_comes_back() {
    local before
    before=$(property "$1" MainPID)
    kill "-$2" "$before"
    until_true 60 came_back "$1" "$before" || fail "tksk-$1 did not come back after $2"
}
came_back() {
    local now
    now=$(property "$1" MainPID)
    [ "$now" != 0 ] && [ "$now" != "$2" ] && systemctl is-active --quiet "tksk-$1"
}

# --- a fresh machine ----------------------------------------------------------------------------

printf 'correct horse battery\n' >$PASS
for user in $CLERK $OTHER $STRANGER; do useradd --system --shell /bin/sh "$user"; done
usermod -aG tksk $CLERK && usermod -aG tksk $OTHER
until_true 60 systemctl is-active tksk-hub tksk-node || fail "the services did not start at boot"
for name in hub node; do
    is "type of tksk-$name" "$(property $name Type)" notify
    pid=$(property $name MainPID)
    is "user of tksk-$name" "$(stat -c %U "/proc/$pid")" tksk-$name
    is "state of tksk-$name" "$(stat -c '%a %U' /var/lib/tksk-$name)" "700 tksk-$name"
    is "socket of tksk-$name" "$(stat -c '%a %G' /run/tksk-$name/admin.sock)" "660 tksk"
    grep -q '^CapEff:\s*0*$' "/proc/$pid/status" || fail "tksk-$name has capabilities"
done
status_says hub 'no district yet' || fail "status of the hub: $(property hub StatusText)"
status_says node 'no office yet' || fail "status of the node: $(property node StatusText)"
as $CLERK tkskctl --node status >/dev/null || fail "a member of tksk is not let in"
! as $STRANGER tkskctl --node status >/dev/null 2>&1 || fail "a stranger is let in"

# --- the way of a record ------------------------------------------------------------------------

printf "advertise = 'tcp://127.0.0.1:7436'\n" >/etc/tksk/hub.conf
systemctl restart tksk-hub || fail "restart of the hub"
hub trust init --district 36.04 --officer Kepala --root-key /root/root.key --key /root/key \
    --passphrase-file $PASS >/dev/null || fail "trust init"
hub policy publish /usr/share/tksk/policy --key /root/key --passphrase-file $PASS >/dev/null ||
    fail "policy publish"
hub node invite $A -o /root/invite >/dev/null || fail "invite"
install -m 644 /root/invite /tmp/invite
words=$(node --json enrol /tmp/invite | json words)
until_true 60 sh -c "tkskctl --hub --json nodes | grep -q '\"$A\"'" || fail "the hub hears nothing"
hub node approve $A --words "$words" --key /root/key --passphrase-file $PASS >/dev/null ||
    fail "approve"
until_true 60 node_is enrolment approved || fail "not enrolled"
words=$(node --json operator add "$PERSON" --role tksk --passphrase-file - <$PASS | json words)
until_true 60 hub operator approve $A "$PERSON" --role tksk --sk 1/2026 --from 2020-01-01 \
    --until 2099-12-31 --words "$words" --key /root/key --passphrase-file $PASS ||
    fail "operator approve"
until_true 60 node_is trust_version "$(hub --json status | json trust_version)" || fail "policy"
unlock $CLERK || fail "unlock"
until_true 30 status_says node 'linked since' || fail "node: $(property node StatusText)"
until_true 60 status_says hub '^1 of 1 offices linked' || fail "hub: $(property hub StatusText)"
[ -n "$(put "$CHILD 1")" ] || fail "put"
until_true 60 node_is queued 0 || fail "the first record does not arrive"

# Each person is another one to the daemon: what one unlocked does not serve the other.
! as $OTHER tkskctl --node list orang >/dev/null 2>&1 || fail "the key of one user serves another"

# --- killed -------------------------------------------------------------------------------------

systemctl stop tksk-hub || fail "stop of the hub"
until_true 240 status_says node 'away since.* 0 queued' || fail "node: $(property node StatusText)"
for i in 2 3 4; do [ -n "$(put "$CHILD $i")" ] || fail "put without a hub"; done
until_true 30 status_says node ' 3 queued' || fail "node: $(property node StatusText)"
killed_comes_back node KILL
until_true 30 node_is queued 3 || fail "queue after kill -9"
systemctl start tksk-hub || fail "start of the hub"
killed_comes_back hub KILL
until_true 120 node_is queued 0 || fail "what was queued does not arrive"
is "records at the hub" "$(count orang)" 4
hub verify >/dev/null || fail "verify"
unlock $CLERK || fail "unlock after kill -9"
id=$(put "$CHILD 5")
until_true 60 node_is queued 0 || fail "the last record does not arrive"
node --json show "$id" | tr -d ' \n' | grep -q '"disposition":"accepted"' || fail "no answer"

# --- the watchdog -------------------------------------------------------------------------------

for name in hub node; do
    mkdir -p /etc/systemd/system/tksk-$name.service.d
    printf '[Service]\nWatchdogSec=10\nRestartSec=1\n' \
        >/etc/systemd/system/tksk-$name.service.d/test.conf
done
systemctl daemon-reload && systemctl restart tksk-hub tksk-node || fail "restart with a watchdog"
sleep 22 # more than twice what the watchdog waits: who is well is left alone
for name in hub node; do
    is "restarts of tksk-$name that is well" "$(property $name NRestarts)" 0
    killed_comes_back $name STOP
    journalctl --no-pager -b -u tksk-$name | grep -q -i 'watchdog timeout' ||
        fail "tksk-$name came back without the watchdog"
done
is "records after the watchdog" "$(count orang)" 5

# --- unlocked by a credential, as long as the policy lets it ------------------------------------

can_read() { as "$1" tkskctl --node list orang; }
! can_read $CLERK >/dev/null 2>&1 || fail "unlocked after a restart"
mkdir -p /etc/credstore.encrypted
node operator credential "$PERSON" --passphrase-file - <$PASS |
    systemd-creds encrypt --name=unlock - /etc/credstore.encrypted/tksk-node.unlock 2>/dev/null ||
    fail "the credential cannot be made"
systemctl restart tksk-node || fail "restart with a credential"
can_read $CLERK >/dev/null || fail "the credential does not unlock"
! can_read $OTHER >/dev/null 2>&1 || fail "the credential unlocks for somebody else"
cp -r /usr/share/tksk/policy /root/policy
sed -i 's/^settings {/settings { credential_unlock = 0/' /root/policy/*.conf
hub policy publish /root/policy --key /root/key --passphrase-file $PASS >/dev/null ||
    fail "policy without credentials"
is_locked() { ! can_read $CLERK; }
until_true 60 is_locked || fail "the policy forbids credentials, and it stays unlocked"
systemctl restart tksk-node || fail "restart with a forbidden credential"
is_locked 2>/dev/null || fail "a credential unlocks that the policy forbids"
rm /etc/credstore.encrypted/tksk-node.unlock

# --- a configuration that is wrong is not tried for ever -----------------------------------------

printf 'colour = red\n' >/etc/tksk/node.conf
systemctl restart tksk-node 2>/dev/null
until_true 30 systemctl is-failed --quiet tksk-node || fail "a wrong configuration is tried again"
is "exit of a wrong configuration" "$(property node ExecMainStatus)" 78
rm /etc/tksk/node.conf
systemctl start tksk-node || fail "start after the configuration was mended"

# --- an address instead of all of them, in the same sandbox -------------------------------------

printf "listen = 'tcp://127.0.0.1:7436'\n" >>/etc/tksk/hub.conf
systemctl restart tksk-hub || fail "restart with an address to listen at"
until_true 120 status_says node 'linked since' || fail "no link to an address"

# --- the journal --------------------------------------------------------------------------------

log=$(journalctl --no-pager -b -o json -u tksk-hub -u tksk-node)
grep -q '"PRIORITY":"6".*' <<<"$log" || fail "nothing of priority info in the journal"
grep '"_COMM":"tksk-node"' <<<"$log" | grep -q '"PRIORITY":"3"' ||
    fail "the refused configuration is no error in the journal"
! grep -q -E "$CHILD|$PERSON" <<<"$log" || fail "personal data in the journal"
! grep -E '"MESSAGE":"<[0-7]>' <<<"$log" || fail "priorities stand in the text"
systemctl status tksk-node | grep -q 'Status: ".*linked since' || fail "systemctl status"
systemctl stop tksk-node tksk-hub || fail "stop"
for name in hub node; do is "result of tksk-$name" "$(property $name Result)" success; done
say "both services: boot, notify, kill -9, watchdog, wrong configuration, journal"
