#!/usr/bin/env bash
# The generator of synthetic people: the same seed gives the same people, numbers are unique
# unless they are meant to be shared, and defects come in the shares that auditors counted.
set -u
cd "$(dirname "$0")/../.." || exit 2
people=${B:?}/tests/gen/people
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

"$people" --seed 5 --count 3000 --area 36.04.29 --out-dir "$T/a" || fail "does not run"
"$people" --seed 5 --count 3000 --area 36.04.29 --out-dir "$T/b"
diff -r "$T/a" "$T/b" || fail "one seed, two results"
"$people" --seed 5 --count 100 --area 36.04.29 --collection orang >"$T/short.csv"
head -n 101 "$T/a/orang.csv" | cmp -s - "$T/short.csv" || fail "the count changes who comes first"
"$people" --seed 6 --count 3000 --area 36.04.29 --collection orang | cmp -s - "$T/a/orang.csv" &&
    fail "two seeds, one result"

# Of 3,000 rows 11.2 % have a bad NIK: 336, give or take four standard deviations.
kinds='blank\|15\|17\|zero\|last_0\|exponent\|date\|sex'
bad=$(grep -c ",nik_\($kinds\)," "$T/a/orang.truth.csv")
[ "$bad" -gt 266 ] && [ "$bad" -lt 406 ] || fail "$bad bad NIK of 3000"
"$people" --seed 5 --count 3000 --area 36.04.29 --profile clean --out-dir "$T/clean"
bad=$(grep -c ',nik_' "$T/clean/orang.truth.csv")
[ "$bad" -gt 8 ] && [ "$bad" -lt 55 ] || fail "$bad bad NIK of 3000 in a clean register"

shared=$(cut -d, -f3 "$T/a/orang.csv" | grep -x '[0-9]\{16\}' | grep -vx '0*' | sort |
    uniq -d | wc -l)
meant=$(grep -c ',nik_shared,' "$T/a/orang.truth.csv")
[ "$shared" -le "$meant" ] || fail "$shared NIK are shared, $meant were meant to be"
women=$(awk -F, '$5 == "P"' "$T/a/orang.csv" | wc -l)
[ "$women" -gt 1350 ] && [ "$women" -lt 1650 ] || fail "$women women of 3000"
"$people" --seed 1 --count 200 --area 36.04.29 --profile every --out-dir "$T/every"
met=$(cut -d, -f2 "$T/every/orang.truth.csv" | sort -u | wc -l)
[ "$met" = 14 ] || fail "a kind of defect is missing: $met lines of 14"
"$people" --seed 1 --count 5 --area 99.99.99 --collection orang 2>/dev/null &&
    fail "an unknown area"
exit 0
