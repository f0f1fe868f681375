#!/bin/sh
# Usage: programs.sh PROGRAM...  Makes sure that the programs the tests need are on the PATH: chromium for the journeys;
# nginx, caddy and systemd-analyze for deploy/. As root on Debian or Ubuntu it installs what is missing, and starts none of it.
set -eu
PATH=$PATH:/usr/sbin
missing=
for program; do
    command -v "$program" >/dev/null 2>&1 && continue
    case $program in
    chromium) missing="$missing chromium fonts-liberation" ;;
    systemd-analyze) missing="$missing systemd" ;;
    *) missing="$missing $program" ;;
    esac
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "rollcall: these tests need more programs. Install them (Debian: sudo apt-get install$missing)." >&2
    exit 1
fi
echo "Installing$missing ..."
policy=/usr/sbin/policy-rc.d # what Debian asks before it starts a server that was just installed
if [ -e "$policy" ]; then policy=; else printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod +x "$policy"; fi
[ -z "$policy" ] || trap 'rm -f "$policy"' EXIT
missing=$missing "${PYTHON:-python3}" launch/progress.py "installing$missing" sh -c '
    apt-get update -q &&
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends $missing' || {
    echo "rollcall:$missing could not be installed (apt-get's last words are above)." >&2
    exit 1
}
