#!/usr/bin/env bash
# Runs the tests that are built in $B and counts them: run.sh [unit|sim|vectors|e2e|tidy|system]…
# Ends with "N passed, N failed". Output is shown for what fails only.
set -u
cd "$(dirname "$0")/.." || exit 2

B=${B:-$PWD/build}
case $B in /*) ;; *) B=$PWD/$B ;; esac
export B
SEEDS=${SEEDS:-200}
PYTHON=${PYTHON:-/usr/bin/python3}
passed=0 failed=0 skipped=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT

. tests/env.sh
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}

show_failure() { # name, exit code
    echo "FAILED $1 (exit $2)"
    sed 's/^/    /' "$log" | tail -n 60
}

# One program is one test: one NAME SECONDS COMMAND…
one() {
    local name=$1 limit=$2 started=$SECONDS code=0
    shift 2
    timeout --kill-after=10 "$limit" "$@" >"$log" 2>&1 </dev/null || code=$?
    case $code in
    0) passed=$((passed + 1)) && echo "ok     $name ($((SECONDS - started)) s)" ;;
    77) skipped=$((skipped + 1)) && echo "skip   $name: $(tail -n 1 "$log")" ;;
    *) failed=$((failed + 1)) && show_failure "$name" "$code" ;;
    esac
}

# A cmocka program counts its own tests (TAP). One that dies before its plan is through fails too.
cmocka() {
    local name code=0 good bad planned
    name=$(basename "$1")
    CMOCKA_MESSAGE_OUTPUT=TAP timeout --kill-after=10 300 "$1" >"$log" 2>&1 </dev/null || code=$?
    good=$(grep -cE '^ok [0-9]+' "$log")
    bad=$(grep -cE '^not ok [0-9]+' "$log")
    planned=$(sed -n 's/^1\.\.\([0-9]*\)$/\1/p' "$log" | awk '{ n += $1 } END { print n + 0 }')
    if [ "$bad" = 0 ] &&
        { [ "$code" != 0 ] || [ "$good" = 0 ] || [ "$planned" -gt "$good" ]; }; then
        bad=1
    fi
    passed=$((passed + good)) failed=$((failed + bad))
    if [ "$bad" = 0 ]; then
        echo "ok     $name: $good"
    else
        show_failure "$name" "$code"
    fi
}

run_unit() {
    local program corpus
    for program in tests/unit/test_*.c; do
        [ -e "$program" ] || continue
        cmocka "$B/${program%.c}"
    done
    for program in tests/fuzz/fuzz_*.c; do
        [ -e "$program" ] || continue
        corpus=$(basename "$program" .c)
        corpus=${corpus#fuzz_}
        one "replay_$corpus" 120 "$B/tests/fuzz/replay_$corpus" "tests/fuzz/corpus/$corpus"
    done
}

run_sim() {
    compgen -G 'tests/sim/*.c' >/dev/null || return 0
    one "sim, $SEEDS seeds" 1200 "$B/tests/sim/sim" --seeds "$SEEDS"
}

run_vectors() {
    local script
    for script in tests/vectors/*.py; do
        [ -e "$script" ] && one "$script" 120 "$PYTHON" -B "$script"
    done
}

run_e2e() {
    local script
    for script in tests/e2e/*.sh tests/e2e/rows/*.sh; do
        # Files that others source carry no test of their own.
        case $(basename "$script") in lib*.sh | '*.sh') continue ;; esac
        one "$script" 300 bash "$script"
    done
}

# Needs root and a mirror of Debian: not part of `make check`.
run_system() { one tests/system/boot.sh 900 bash tests/system/boot.sh; }

run_tidy() { one tests/tidy.sh 60 bash tests/tidy.sh; }

[ $# -gt 0 ] || set -- tidy unit vectors sim e2e
for part; do
    case $part in
    unit | sim | vectors | e2e | tidy | system) "run_$part" ;;
    *) echo "run.sh: unknown part $part" >&2 && exit 2 ;;
    esac
done

[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ $((passed + skipped)) -gt 0 ]
