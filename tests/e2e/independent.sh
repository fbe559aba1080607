#!/usr/bin/env bash
# An office that shares no code with ours, written from PROTOCOL.md alone, goes the way of a record
# at the real hub, beside the district's own office.
. "$(dirname "$0")/lib-e2e.sh"
export B W
start_hub
found_district
start_node "$DISTRICT"
/usr/bin/python3 -B tests/e2e/independent.py || fail "independent.py"
