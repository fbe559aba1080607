#!/usr/bin/env bash
# Two people, one netbook: what the operator enters waits until the TKSK has signed it too, through
# kill -9 as well; each signs with the own key; what is refused comes back with its reason.
. "$(dirname "$0")/lib-e2e.sh"
A=36.04.29
T="Petugas $A"
district_with "$A"
add_operator "$A" Budi operator_kec
budi() { node "$A" --as Budi "$@"; }
tksk() { node "$A" --as "$T" "$@"; }
figure() { node "$A" --json status | json "$1"; }
unlock_both() {
    local name
    for name in Budi "$T"; do
        node "$A" unlock --as "$name" --passphrase-file "$PASS" >/dev/null || fail "unlock $name"
    done
}

# Both are unlocked by one user of the machine: each command says who it is.
refused 'several people' 1 node "$A" --lang en isi orang nama=Ani jk=P kode_kec="$A"
answer=$(budi --json isi orang nama=Ani jk=P kode_kec="$A")
ani=$(json id <<<"$answer")
is "it waits" "$(json to_countersign <<<"$answer")" true
is "shown as" "$(budi --json lihat "$ani" | json state)" to_countersign
refused countersign_first 1 tksk --json ubah "$ani" nama=Ana
refused 'themselves' 1 budi --lang en tandatangan "$ani" --yes

# It survives the power cut, is counted while locked, and the TKSK's own work overtakes it.
stop "$A" KILL
start_node "$A"
is "waiting, locked" "$(figure to_countersign)" 1
is "queued, locked" "$(figure queued)" 0
unlock_both
is "waiting for the TKSK" "$(tksk --json status | json to_countersign_mine)" 1
is "waiting for Budi" "$(budi --json status | json to_countersign_mine)" 0
tksk isi orang nama=Siti jk=P kode_kec="$A" >/dev/null || fail "the TKSK enters"
wait_sent 60 "$A"
is "records at the hub" "$(hub_count orang)" 1
is "attention of the TKSK" "$(tksk --json perhatian | json rows.0.kind)" to_countersign

# A file, and what builds on it; all of it in one go, killed on the way.
{
    echo 'nama;jk;kode_kec'
    seq -f "Warga %.0f;L;$A" 5000
} >"$W/orang.csv"
budi import orang "$W/orang.csv" >/dev/null || fail "import"
family=$(budi --json isi keluarga no_kk=3604291234567890 kepala="$ani" alamat="Kp. Baru" rt=1 rw=2 \
    kode_kec="$A" | json id)
[ -n "$family" ] || fail "a family of somebody who waits"
is "waiting" "$(figure to_countersign)" 5002
# The family alone takes along whom it needs.
tksk --json tandatangan "$family" --yes >"$W/signed" 2>/dev/null || fail "sign the family"
is "signed" "$(json signed <"$W/signed")" 2
is "waiting after that" "$(figure to_countersign)" 5000
tksk tandatangan --yes >/dev/null 2>&1 &
signing=$!
some() { [ "$(figure to_countersign)" -lt 5000 ]; }
until_true 30 some || fail "the signing does not begin"
stop "$A" KILL
wait "$signing"
start_node "$A"
unlock_both
tksk tandatangan --yes >/dev/null 2>&1 || fail "sign the rest"
is "waiting at the end" "$(figure to_countersign)" 0
wait_sent 120 "$A"
is "all at the hub" "$(hub_count orang)" 5002
names=$(hub --json query 'SELECT count(DISTINCT nama) FROM orang' | json rows.0.cells.0)
is "each once" "$names" 5002
is "families" "$(hub_count keluarga)" 1
is "author" "$(node "$A" --as Budi --json lihat "$ani" | json history.0.operator_name)" Budi
is "countersigner" "$(budi --json lihat "$ani" | json history.0.countersigned_by.0)" "$T"
is "countersigner at the hub" "$(hub --json show "$ani" | json history.0.countersigned_by.0)" "$T"

# What is refused is a draft of its author, who mends and sends it again.
wrong=$(budi --json isi orang nama=Salah jk=L kode_kec="$A" | json id)
tksk tandatangan tolak "$wrong" --reason 'sudah meninggal' --yes >/dev/null 2>&1 || fail refuse
is "waiting after the refusal" "$(figure to_countersign)" 0
budi draf | grep -q 'sudah meninggal' || fail "the draft does not say why: $(budi draf)"
draft=$(budi --json draf | json rows.0.draft)
budi draft send "$draft" nama=Benar >/dev/null || fail "send the draft"
tksk tandatangan --yes >/dev/null 2>&1 || fail "sign the mended one"
wait_sent 60 "$A"
is "mended" "$(hub_count "orang WHERE nama = 'Benar'")" 1
is "refused" "$(hub_count "orang WHERE nama = 'Salah'")" 0
hub verify >/dev/null || fail verify

# Each locks for oneself.
node "$A" --as Budi lock >/dev/null || fail lock
refused locked 4 budi --json lihat "$ani"
tksk lihat "$ani" >/dev/null || fail "the other one is locked too"
exit 0
