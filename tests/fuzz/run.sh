#!/usr/bin/env bash
# Runs every fuzzer in $B for FUZZ_SECONDS over its corpus; new inputs stay in $B, crashes too.
set -eu
cd "$(dirname "$0")/../.."
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    found=$B/found/${name#fuzz_}
    corpus=tests/fuzz/corpus/${name#fuzz_}
    mkdir -p "$found" "$corpus"
    echo "== $name"
    "$B/tests/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-20}" -timeout=5 -rss_limit_mb=512 \
        -print_final_stats=0 -artifact_prefix="$found/crash-" \
        "$found" "$corpus"
done
