#!/usr/bin/env bash
# make bench: all of tests/bench, or those named (BENCH='merge wire'). Each prints what it measured,
# against what, and what is wanted; one that misses is named in the end. Not part of the tests:
# times on a shared machine say little alone.
set -u
cd "$(dirname "$0")/../.." || exit 2
export B=${B:-$PWD/build}
missed=()
for script in tests/bench/bench_*; do
    name=$(basename "$script")
    name=${name#bench_} name=${name%.*}
    [ $# = 0 ] || [[ " $* " = *" $name "* ]] || continue
    echo "== $name"
    case $script in
    *.c) "$B/tests/bench/bench_$name" ;;
    *.sh) bash "$script" ;;
    esac || missed+=("$name")
done
[ "${#missed[@]}" = 0 ] || { echo "missed: ${missed[*]}"; exit 1; }
