#!/bin/sh
# Make .venv and install a lock and kmslab into it: sh scripts/setup.sh lab|test
# `clients` has .venv-clients and no kmslab: AWS's clients on their own, with those for Node beside.
# Does nothing when the same has been installed here before. Names what is missing on the machine.
set -eu

lock=$1
venv=${VENV:-.venv}
more=
npm=
if [ "$lock" = clients ]; then
    venv=${VENV:-.venv-clients}
    more=tests/clients/node/package-lock.json
    npm=$(command -v npm) || true # without it the clients for Node are left out
fi
state=$(cat "requirements/$lock.lock" pyproject.toml $more | cksum)
state="$state $npm $PWD" # a moved folder is set up anew

if [ "$(cat "$venv/$lock.installed" 2>/dev/null)" = "$state" ] && "$venv/bin/python" -c '' 2>/dev/null; then
    exit 0
fi

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
if ! "$venv/bin/python" -c "import pip; $new_enough" 2>/dev/null; then
    for python in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        "$python" -c "$new_enough" 2>/dev/null && break
        python=
    done
    if [ -z "$python" ]; then
        found=$("${PYTHON:-python3}" --version 2>/dev/null) || found="not there"
        echo "kmslab needs Python 3.11 or newer; ${PYTHON:-python3} is $found." >&2
        echo "If you have one elsewhere: make $lock PYTHON=/where/it/is/python3" >&2
        exit 1
    fi
    if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
        echo "This Python comes without venv. On Debian and Ubuntu: sudo apt install python3-venv" >&2
        exit 1
    fi
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

echo "Installing requirements/$lock.lock into $venv. This happens once and takes a minute or two."
pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
$pip --require-hashes -r "requirements/$lock.lock"
if [ "$lock" != clients ]; then
    $pip --no-deps --no-build-isolation -e .
elif [ "$npm" ]; then
    (cd tests/clients/node && "$npm" ci --ignore-scripts --no-audit --no-fund --silent)
fi

echo "$state" >"$venv/$lock.installed"
