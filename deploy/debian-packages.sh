#!/bin/sh
# Installs the programs that some tests drive (Chromium, Prometheus) from Debian's packages, where that can be done.
# Elsewhere those tests are skipped and say so; with CI=true what is missing is an error.
set -eu

missing=""
command -v chromium >/dev/null 2>&1 || missing="$missing chromium"
command -v chromedriver >/dev/null 2>&1 || missing="$missing chromium-driver"
command -v prometheus >/dev/null 2>&1 || missing="$missing prometheus"
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    echo "Installing$missing ..."
    export DEBIAN_FRONTEND=noninteractive
    # a policy of 101 keeps a package's own service from being started
    policy=/usr/sbin/policy-rc.d
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' >"$policy"
        chmod +x "$policy"
        trap 'rm -f "$policy"' EXIT
    fi
    # shellcheck disable=SC2086 # the names are separate words
    if apt-get -qq update && apt-get -qq install -y --no-install-recommends $missing >/dev/null; then
        exit 0
    fi
fi
echo "Not installed:$missing. Tests that need them are skipped." >&2
[ "${CI:-}" != true ]
