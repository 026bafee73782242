#!/bin/sh
# Proves the FOCUS export: each bill is imported alone, exported, judged, imported again and exported again.
# Usage: sh deploy/focus-table.sh BILL... ; a line each: rows, rules that fail beside the two known ones, whether totals
# and the second export are the same; exit code 0 only when all is well. DEMO=1 takes the demo organisation as well.
# Works in servers and databases of its own below TMPDIR. For the validator see deploy/validate-focus.sh.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
bin=$here/../.venv/bin
if [ $# = 0 ] && [ -z "${DEMO:-}" ]; then sed -n '2,5s/^# //p' "$0" >&2; exit 2; fi
unset FINOPS_DATABASE_URL FINOPS_REDIS_URL FINOPS_HOME
place=$(mktemp -d)
chmod 711 "$place"
trap 'rm -rf "$place"' EXIT
problems=0

in_home() { home=$1; shift; FINOPS_HOME=$place/$home "$bin/finops" "$@"; }

# The days of everything that a ledger's lines name, with room for charges that start outside their bill.
days() { "$bin/python" -c '
import json, sys
from datetime import date, timedelta
periods = sorted(date.fromisoformat(day) for line in sys.stdin for day in json.loads(line)["billing_periods"])
print("--start", periods[0] - timedelta(31), "--end", periods[-1] + timedelta(62))'; }

# The same rows in any order have the same sum.
content() { LC_ALL=C sort "$1" | sha256sum; }

judge() {  # NAME: what $place/first holds
    name=$1
    in_home first export focus $period -o "$place/1.parquet" >"$place/log" 2>&1
    in_home first export focus $period -o "$place/1.csv" >>"$place/log" 2>&1
    rules=ok
    if ! sh "$here/validate-focus.sh" "$place/1.parquet" >"$place/rules" 2>&1; then
        rules=$(sed -n 's/.*not expected to fail: //p' "$place/rules")
        [ -n "$rules" ] || { cat "$place/rules" >&2; exit 2; }
    fi
    for format in parquet csv; do
        in_home "$format" import "$place/1.$format" --json >"$place/again.json" 2>"$place/log"
        in_home "$format" export focus $period -o "$place/2.csv" >"$place/log" 2>&1
        same=$([ "$(content "$place/1.csv")" = "$(content "$place/2.csv")" ] && echo same || echo OTHER)
        "$bin/python" - "$place/1.parquet" "$place/again.json" "$name" "$format" "$same" "$rules" <<'PYTHON' || problems=1
import json
import sys
from decimal import Decimal

import polars as pl

exported, again, name, format_, same, rules = sys.argv[1:]
rows = pl.read_parquet(exported, columns=["BilledCost", "EffectiveCost"])
(delivery,) = [json.loads(line) for line in open(again)]
totals = [sum(Decimal(one[key]) for one in delivery["totals"]) for key in ("billed_cost", "effective_cost")]
equal = [rows.height, *rows.sum().row(0)] == [delivery["rows_loaded"], *totals] and delivery["reconciled"]
print(f"{name} {format_}: {rows.height} rows, billed {totals[0]}, effective {totals[1]}; imported again"
      f" {'equal' if equal else 'NOT EQUAL'}; exported again {same}; rules outside the two: {rules}")
sys.exit(not (equal and same == "same" and rules == "ok"))
PYTHON
        rm -rf "$place/$format" "$place/2.csv"
    done
    rm -rf "$place/first" "$place/1.parquet" "$place/1.csv"
}

for bill in "$@"; do
    in_home first import "$bill" --json >"$place/first.json" 2>"$place/log" || { cat "$place/first.json" "$place/log" >&2; exit 2; }
    period=$(days <"$place/first.json")
    judge "$(basename "$bill")"
done
if [ -n "${DEMO:-}" ]; then
    in_home first demo load >"$place/log" 2>&1
    period="--start $(date -d '-14 months' +%F) --end $(date +%F)"
    judge "demo organisation"
fi
exit $problems
