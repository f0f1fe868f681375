#!/bin/sh
# Makes sure that a Chromium is on the PATH for the end-to-end tests; as root on Debian it installs one.
set -eu
command -v chromium >/dev/null 2>&1 && exit 0
if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null 2>&1; then
    echo "rollcall: the browser tests need chromium on the PATH. Install it (Debian: sudo apt-get install chromium)." >&2
    exit 1
fi
echo "Installing chromium ..."
"${PYTHON:-python3}" launch/progress.py "installing chromium" sh -c '
    apt-get update -q &&
    DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends chromium fonts-liberation' || {
    echo "rollcall: chromium could not be installed (apt-get's last words are above)." >&2
    exit 1
}
