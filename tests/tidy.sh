#!/usr/bin/env bash
# What a compiler does not check: sizes, include directions, one place for each foreign library, and
# the form of lines. Prints each finding as file:line: text; exits 1 when there is one.
set -u
cd "$(dirname "$0")/.." || exit 2
export LC_ALL=C.UTF-8

FILE_LINES_MAX=600
FUNCTION_LINES_MAX=70
COLUMNS_MAX=100

findings=$(mktemp)
trap 'rm -f "$findings"' EXIT

mapfile -t code < <(find common proto node hub tests -name '*.[ch]' | sort)
mapfile -t text < <(find common proto node hub tests .ci \( -name '*.[ch]' -o -name '*.def' \
    -o -name '*.sql' -o -name '*.sh' -o -name '*.py' \) | sort)
text+=(Makefile .ci/run .ci/deps)

# --- sizes -----------------------------------------------------------------------------------

awk -v most="$FILE_LINES_MAX" '
    function say() { if (lines > most) print name ":1: " lines " lines, " most " at most" }
    FNR == 1 { say(); name = FILENAME }
    { lines = FNR }
    END { say() }' "${code[@]}" >>"$findings"

# A function starts with "{" and ends with "}" in the first column; its head is not counted.
awk -v most="$FUNCTION_LINES_MAX" '
    /^\{/ { start = FNR }
    /^\}/ && start {
        if (FNR - start - 1 > most)
            print FILENAME ":" start ": function of " FNR - start - 1 " lines, " most " at most"
        start = 0
    }' "${code[@]}" >>"$findings"

# --- include directions ----------------------------------------------------------------------

# may FROM TO…: files whose path starts with FROM include, of our own, what starts with a TO only.
may() {
    local from=$1 pattern
    shift
    pattern=$(printf '|%s' "$@")
    for file in "${code[@]}"; do
        case $file in "$from"*) ;; *) continue ;; esac
        # The deepest rule counts: common/tkskctl/ has one of its own.
        [ "$from" != common/ ] || case $file in common/tkskctl/*) continue ;; esac
        grep -nE '^#include "' "$file" |
            grep -vE "^[0-9]+:#include \"((${pattern#|})[^\"]*|[a-z0-9_]+\.sql\.h)\"" |
            sed "s#^\([0-9]*\):\(.*\)#$file:\1: $from may not \2#"
    done
}
{
    may common/ common/
    may common/tkskctl/ common/ proto/
    may proto/ common/ proto/
    may node/ common/ proto/ node/
    may hub/ common/ proto/ hub/
    may tests/ common/ proto/ node/ hub/ tests/
} >>"$findings"
grep -nE '^#include "(common/tkskctl|tests)/' "${code[@]}" | grep -vE '^(common/tkskctl|tests)/' |
    sed 's|$| (only from its own directory)|' >>"$findings"

# --- foreign libraries -----------------------------------------------------------------------

# only HEADER PLACES: the tests may include anything, to play what is on the other side.
only() {
    grep -nE "^ *# *include <$1" "${code[@]}" | grep -vE "^(($2)[^:]*|tests/[^:]*):" |
        sed "s#\$# belongs to $2#"
}
{
    only 'sodium' 'common/crypto'
    only 'msgpack' 'proto/codec\.c'
    only 'c?zmq' 'common/loop|hub/hub_access'
    only 'sqlite3' 'common/db|node/node_store|hub/hub_store'
    only 'confuse' 'common/config\.c|proto/policy_text(_fields\.c|_inside\.h|\.c)'
    only 'jansson' 'common/admin|common/tkskctl/|proto/admin_|(node|hub)/[a-z_]*admin'
    only 'z(std|dict)' 'proto/compress\.c'
    only 'systemd/' 'common/service\.c'
    only 'cmocka' 'tests/'
} >>"$findings"

# --- form ------------------------------------------------------------------------------------

{
    grep -nE '[[:blank:]]+$' "${text[@]}" | sed 's|:\([0-9]*\):.*|:\1: blanks at the end|'
    grep -nE "^.{$((COLUMNS_MAX + 1)),}" "${text[@]}" | grep -v '^Makefile:' |
        sed "s|:\([0-9]*\):.*|:\1: over $COLUMNS_MAX columns|"
    grep -nP '\t' "${code[@]}" | sed 's|:\([0-9]*\):.*|:\1: a tab|'
    grep -nE '(^typedef .*|^\} *)[a-z0-9]_t;' "${code[@]}" | sed 's|$| (no _t on our types)|'
    grep -nE '\b(TODO|FIXME|XXX)\b' "${code[@]}"
} >>"$findings"

# --- the rows of the people's needs -----------------------------------------------------------

# Each row of README's table has the script that it names, whose name begins with the row's number
# (others may stand before it), and each number of a script's name stands in the table and at the
# script's head.
rows_of_name() { # rows_of_name SCRIPT: 07-08-09-ppks-psks.sh is 7 8 9
    grep -oE '^([0-9]{2}-)+' <<<"$1" | tr -s - '\n' | sed 's/^0//'
}
table=$(sed -nE 's#^\| ([0-9]+) \|.*\| ([0-9][a-z0-9-]*\.sh) \|$#\1 \2#p' README.md)
[ -n "$table" ] || echo "README.md:1: no table of rows and their scripts" >>"$findings"
while read -r row script; do
    [ -e "tests/e2e/rows/$script" ] && rows_of_name "$script" | grep -qx "$row" ||
        echo "README.md:1: row $row: $script does not show it"
done <<<"$table" >>"$findings"
for path in tests/e2e/rows/[0-9]*; do
    script=${path##*/}
    for row in $(rows_of_name "$script"); do
        grep -qxF "$row $script" <<<"$table" || echo "$path:1: row $row is not in README.md's table"
        grep -qE "^# Row $row: " "$path" || echo "$path:1: does not say row $row in its head"
    done
done >>"$findings"
cut -d ' ' -f 1 <<<"$table" | sort -n | uniq -d | sed 's/.*/README.md:1: row & twice/' >>"$findings"

cat "$findings"
count=$(wc -l <"$findings")
[ "$count" = 0 ] || echo "$count findings"
[ "$count" = 0 ]
