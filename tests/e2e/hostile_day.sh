#!/usr/bin/env bash
# An enrolled office with bad intent, and what a day at the office brought: lanes and what waits,
# countersignatures, dictionaries, loads, requests. After each the hub is as it was.
. "$(dirname "$0")/lib-e2e.sh"
export B W
start_hub
found_district
HUB_PID=${PID[hub]} /usr/bin/python3 -B tests/e2e/hostile_day.py || fail "hostile_day.py"
hub verify >/dev/null || fail verify
kill -0 "${PID[hub]}" || fail "the hub is gone"
