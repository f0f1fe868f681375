#!/bin/sh
# Usage: environment.sh VENV REQUIREMENTS STAMP...
# Makes the virtual environment if it is missing or broken, installs what REQUIREMENTS pins (every file checked
# against its hash) and touches each STAMP. PYTHON names the interpreter to make it from (default: python3).
set -eu
venv=$1 requirements=$2
shift 2
python=${PYTHON:-python3}

fail() {
    echo "rollcall: $1" >&2
    exit 1
}

patiently() { # WHAT COMMAND...: says every few seconds that it is still WHAT
    "$python" launch/progress.py "$@"
}

echo "Preparing the Python environment in $venv ..."
if ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    command -v "$python" >/dev/null 2>&1 ||
        fail "$python is not installed. Install Python 3.11 or newer (Debian, Ubuntu: apt-get install python3 python3-venv)."
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        fail "$python is $("$python" -V 2>&1), but 3.11 or newer is needed. Name another: make PYTHON=python3.12 run"
    "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
        fail "the Python module venv is missing. Install it (Debian, Ubuntu: apt-get install python3-venv)."
    rm -rf "$venv"
    patiently "making $venv" "$python" -m venv "$venv" || fail "$python -m venv $venv failed. Is this folder yours to write?"
fi

python=$venv/bin/python
echo "Installing the packages of $requirements ($(grep -c == "$requirements")) ..."
patiently "installing packages" "$python" -m pip install --progress-bar off --disable-pip-version-check --no-deps \
    --require-hashes -r "$requirements" ||
    fail "the packages of $requirements could not be installed (see above). Is the package index reachable?"
touch "$@"
