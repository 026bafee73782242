#!/bin/sh
# Judges FOCUS 1.2 files with the FinOps Foundation's validator; exit code 0 only when no unexpected rule fails.
# Usage: sh deploy/validate-focus.sh FILE.parquet... ; PYTHON=python3.12 (or newer) makes the validator's own environment
# in VALIDATOR (default ~/.cache/focus-validator). Parquet, not csv: in a csv the validator takes ids of digits for numbers.
set -eu

python=${PYTHON:-python3.12}
home=${VALIDATOR:-${XDG_CACHE_HOME:-$HOME/.cache}/focus-validator}
# contradict the specification's text: docs/focus-export.md says how
known="InvoiceId-C-004-C EffectiveCost-C-005-C"

if [ $# = 0 ]; then sed -n '2,4s/^# //p' "$0" >&2; exit 2; fi
if [ ! -x "$home/bin/focus-validator" ]; then
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' || {
        echo "The validator needs Python 3.12 or newer: name it with PYTHON=/path/to/python3.12." >&2; exit 2; }
    "$python" -m venv "$home"
    # pyarrow 22 and newer need numpy 2, which the validator does not take
    "$home/bin/python" -m pip install -q focus-validator==2.2.1 'pyarrow<22'
fi
packages=$("$home/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
failed=0
for file in "$@"; do
    [ -f "$file" ] || { echo "$file: there is no such file." >&2; exit 2; }
    whole=$(cd "$(dirname "$file")" && pwd)/$(basename "$file")
    result=$(mktemp)
    log=$(mktemp)
    # it reads its list of currencies from the folder it is called in, and ends with 0 whatever it finds
    (cd "$packages" && "$home/bin/focus-validator" --data-file "$whole" --validate-version 1.2 --block-download \
        --output-type unittest --output-destination "$result") >"$log" 2>&1 || { cat "$log" >&2; exit 2; }
    KNOWN=$known "$home/bin/python" - "$result" "$file" <<'PYTHON' || failed=1
import os
import sys
import xml.etree.ElementTree as ET

result, file = sys.argv[1:]
cases = list(ET.parse(result).getroot().iter("testcase"))
skipped = sum(case.find("skipped") is not None for case in cases)
failures = sorted(
    {
        case.get("name", "").split(" ")[0]
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
    }
)
unexpected = [rule for rule in failures if rule not in os.environ["KNOWN"].split()]
print(f"{file}: {len(cases)} rules, {skipped} skipped, failed: {' '.join(failures) or 'none'}")
if not cases or unexpected:
    print(f"{file}: not expected to fail: {' '.join(unexpected) or 'no rule was judged'}")
    sys.exit(1)
PYTHON
    rm -f "$result" "$log"
done
exit $failed
