#!/usr/bin/env bash
# What an enrolled office with bad intent, or nobody at all, can send to the hub: after each of it
# the hub lives, is not bigger, serves a good office at once and has exactly the right records.
. "$(dirname "$0")/lib-e2e.sh"
export B W
start_hub
found_district
HUB_PID=${PID[hub]} /usr/bin/python3 -B tests/e2e/hostile.py || fail "hostile.py"
hub verify >/dev/null || fail verify
kill -0 "${PID[hub]}" || fail "the hub is gone"
