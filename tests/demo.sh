#!/usr/bin/env bash
# make demo: a hub, the district's own office and five kecamatan of Kabupaten Serang on this
# machine.
# KEEP=1 leaves the daemons running. Everything is under build/demo, wiped at the start.
set -u
cd "$(dirname "$0")/.." || exit 2
B=$(cd "${B:-build}" && pwd)
W=$B/demo
PEOPLE_PER_OFFICE=${PEOPLE_PER_OFFICE:-60}

# Daemons of an earlier KEEP=1 run would hold the directory that is about to go.
if [ -e "$W/pids" ]; then
    while read -r pid name; do
        tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "$W/$name" && kill "$pid"
    done <"$W/pids"
fi
rm -rf "$W" && mkdir -p "$W"
. tests/lib.sh

finish() {
    if [ "${KEEP-}" = 1 ] && [ "${done_well-}" = 1 ]; then
        say "The daemons go on. To stop them: kill $(cut -d' ' -f1 "$W/pids" | tr '\n' ' ')"
    else
        stop_all
    fi
}
trap finish EXIT
trap 'exit 1' INT TERM

OFFICES=(36.04.05 36.04.08 36.04.12 36.04.22 36.04.29)
OWN=$DISTRICT # the district's own office: officers write through it like anyone else

step() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; }

step "A hub, its keys, the reference policy"
start_hub
found_district
hub status

step "Six offices enrol: invite, six words by telephone, approval; then their operators"
for name in "$OWN" "${OFFICES[@]}"; do
    start_node "$name"
    role=tksk
    [ "$name" = "$OWN" ] && role=verifikator
    enrol_office "$name" "Petugas $name" "$role"
    say "  $name enrolled"
done

step "People arrive as CSV at five offices: $PEOPLE_PER_OFFICE rows each, with known defects"
seed=1
for name in "${OFFICES[@]}"; do
    "$B/tests/gen/people" --seed "$seed" --count "$PEOPLE_PER_OFFICE" --area "$name" \
        --profile register --collection orang >"$W/$name/orang.csv" || fail "people of $name"
    seed=$((seed + 1))
    show "node $name import orang orang.csv"
    # Some rows are refused: that is the point.
    node "$name" import orang "$W/$name/orang.csv" || true
done
for name in "${OFFICES[@]}"; do wait_sent 60 "$name"; done
show "hub nodes"
hub nodes

A=36.04.29
step "The link is cut (the hub stops); both sides go on"
id=$(node "$A" --json isi orang nama='Siti Contoh' jk=P kode_kec=$A | json id)
wait_sent 60 "$A"
until_true 60 node "$OWN" show "$id" || fail "the district's office does not see the record"
stop hub
show "node $A ubah $id status_hidup=pindah"
node "$A" ubah "$id" status_hidup=pindah
show "node $OWN ubah $id status_hidup=meninggal    # the district's office, whose hub is away"
node "$OWN" ubah "$id" status_hidup=meninggal
node "$A" isi orang nama='Budi Contoh' jk=L kode_kec=$A
show "node $A isi orang nama='Cici Contoh' tgl_lahir='40 Maret' --draf"
node "$A" isi orang nama='Cici Contoh' tgl_lahir='40 Maret' --draf
show "node $A draft send D-1 tgl_lahir=1990-03-27 jk=P kode_kec=$A"
node "$A" draft send D-1 tgl_lahir=1990-03-27 jk=P kode_kec=$A
show "node $A bundle export stick.tksk    # what waits, signed and sealed, for a stick"
node "$A" bundle export "$W/stick.tksk"
node "$A" status

step "The link heals: what waited is sent; one field was edited on both sides and is held"
start_hub
show "hub bundle import stick.tksk    # merged as over the link; twice harms nothing"
hub bundle import "$W/stick.tksk"
wait_sent 90 "$A"
wait_sent 90 "$OWN"
until_true 30 status_is hub held 1 || { hub status; fail "the conflict is not held"; }
show "hub conflict list"
hub conflict list

step "A person decides"
node_has_conflict() { [ "$(node "$1" --json conflict list | json rows.0.conflict)" != "" ]; }
until_true 60 node_has_conflict "$A" || fail "$A does not see the conflict"
conflict=$(node "$A" --json conflict list | json rows.0.conflict)
show "node $A conflict resolve $conflict --choose a"
node "$A" conflict resolve "$conflict" --choose a
wait_sent 60 "$A"
wait_status 60 hub conflicts 0

step "A new policy is published and reaches every office"
cp -r hub/policy "$W/policy"
cat >"$W/policy/95-demo.conf" <<'END'
code_list kode_demo { version '2026-01-01' { code BARU { label = 'Contoh kode baru' } } }
END
show "hub policy publish policy"
hub policy publish "$W/policy" --key "$W/officer.key" --passphrase-file "$PASS"
rules=$(hub --json status | json rules_version)
for name in "${OFFICES[@]}"; do wait_status 60 "$name" rules_version "$rules"; done
say "  every office has rules version $rules"

step "Where everything stands"
show "hub status"
hub status
show "hub nodes"
hub nodes
show "hub show $id"
hub show "$id"

cat >"$W/env" <<END
# . build/demo/env: the demo's district as commands
export PATH="$B:\$PATH"
hub() { tkskctl --socket '$W/hub/admin.sock' "\$@"; }
node() { local name=\$1; shift; tkskctl --socket "$W/\$name/admin.sock" "\$@"; }
END
step "The district database, with plain SQL"
sql="SELECT kode_kec, count(*) AS orang FROM orang GROUP BY kode_kec"
show "hub query \"$sql\""
hub query "$sql"
hub snapshot "$W/district.db" >/dev/null && show "sqlite3 build/demo/district.db \"$sql\""
for name in "${!PID[@]}"; do printf '%s %s\n' "${PID[$name]}" "$name"; done >"$W/pids"
done_well=1
printf '%s\n' "" "Go on by hand (with KEEP=1 the daemons are still there):" "  . $W/env" \
    "  hub status;  node $A isi orang;  node $A status"
