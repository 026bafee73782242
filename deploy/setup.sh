#!/bin/sh
# Makes .venv where there is none and installs the packages of a lock file and the product itself into it.
# Usage: sh deploy/setup.sh LOCKFILE; PYTHON=/path/to/python chooses the interpreter.
set -eu

new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }
has_venv() { "$1" -c 'import ensurepip, venv' 2>/dev/null; }

find_python() {
    seen=""
    for name in ${PYTHON:-python3 python3.11 python3.12 python3.13 python3.14 /usr/bin/python3}; do
        command -v "$name" >/dev/null 2>&1 || continue
        new_enough "$name" || continue
        seen=$name
        if has_venv "$name"; then echo "$name"; return; fi
    done
    if [ -n "$seen" ]; then
        echo "$seen has no venv module: install it (on Debian and Ubuntu: apt-get install python3-venv) and try again." >&2
    else
        echo "Python 3.11 or newer was not found: install it, or name it with PYTHON=/path/to/python." >&2
    fi
    return 1
}

if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    echo "Making .venv with $("$python" --version) ..."
    "$python" -m venv --clear .venv
fi
echo "Installing the packages of $1 ..."
.venv/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r "$1"
.venv/bin/python -m pip install -qq --disable-pip-version-check --no-deps --no-build-isolation -e .
