#!/usr/bin/env bash
# Old copies come back: the hub from its backup, then a node from a copy of its state. Nothing that
# was confirmed is lost or doubled, and everybody is told.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
B_=36.04.08
district_with "$A" "$B_"
enter() { node "$1" --json isi orang nama="$2" jk=P kode_kec="$1" | json id; }
unlock() {
    node "$1" unlock --as "Petugas $1" --passphrase-file "$PASS" >/dev/null || fail "unlock $1"
}

for i in 1 2 3; do enter "$A" "Sebelum $i" >/dev/null || fail isi; done
enter "$B_" "Sebelum lain" >/dev/null
wait_sent 60 "$A"
wait_sent 60 "$B_"
mkdir "$W/backup"
hub backup "$W/backup" >/dev/null || fail "backup"
before=$(enter "$A" "Sesudah cadangan")
after=$(enter "$B_" "Sesudah lain")
wait_sent 60 "$A"
wait_sent 60 "$B_"
is "records before the disk died" "$(hub_count orang)" 6

# The hub's disk dies; the backup is put back as the manual says.
stop hub KILL
rm "$W"/hub/state/hub.db*
cp "$W"/backup/*.db "$W/hub/state/hub.db"
start_hub
merging_stopped() { [ "$(hub --json status | json merging)" = false ]; }
until_true 60 merging_stopped || fail "the hub did not notice that its database is old"
[ -n "$(enter "$A" "Selagi menunggu")" ] || fail "an entry while the hub waits"
hub restore --yes --key "$W/officer.key" --passphrase-file "$PASS" >/dev/null || fail "restore"
wait_sent 60 "$A"
wait_sent 60 "$B_"
holds() { [ "$(hub_count orang)" = "$1" ]; }
until_true 60 holds 7 || fail "records after the restore: $(hub_count orang)"
is "epoch" "$(hub --json status | json epoch)" 2
hub verify >/dev/null || fail "verify after the restore"
is "an answer from before the restore" "$(node "$A" --json show "$before" | json state)" confirmed
node "$B_" --json show "$after" >/dev/null || fail "a record of the other office after the restore"

# The node's disk dies; somebody puts an old copy of its state back.
stop "$A"
cp -a "$W/$A/state" "$W/old"
start_node "$A"
unlock "$A"
for i in 4 5; do enter "$A" "Yang hilang dari salinan $i" >/dev/null || fail isi; done
wait_sent 60 "$A"
stop "$A" KILL
rm -r "$W/$A/state"
mv "$W/old" "$W/$A/state"
start_node "$A"
unlock "$A"
[ -n "$(enter "$A" "Di salinan lama")" ] || fail "an entry at the old copy"
wait_sent 60 "$A"
is "records at the hub in the end" "$(hub_count orang)" 10
names=$(hub --json query 'SELECT count(DISTINCT nama) FROM orang' | json rows.0.cells.0)
is "names at the hub in the end" "$names" 10
has_all() { [ "$(node "$A" --json list orang --max 100 | grep -c '"short"')" -ge 1 ] &&
    [ "$(node "$A" --json status | json records)" = "$1" ]; }
until_true 60 has_all 8 ||
    fail "the old copy did not get back what it had entered: $(node "$A" --json status)"
hub verify >/dev/null || fail "verify in the end"
