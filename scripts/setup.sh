#!/bin/sh
# Make .venv and install a lock and kmslab into it: sh scripts/setup.sh lab|test
# `clients` has .venv-clients and no kmslab: AWS's clients on their own, with those for Node beside.
# `book` has .venv-book: Sphinx, and what it takes to import kmslab.
# Does nothing when the same has been installed here before. What can be wrong with the machine is
# said before anything is installed.
set -eu

lock=$1
venv=${VENV:-.venv}
room=750 # MB, what the lab's lock takes
more=
npm=
if [ "$lock" = clients ]; then
    venv=${VENV:-.venv-clients}
    more=tests/clients/node/package-lock.json
    npm=$(command -v npm) || true # without it the clients for Node are left out
elif [ "$lock" = book ]; then
    venv=${VENV:-.venv-book}
fi

state() { # what is to be installed for a lock; a moved folder is set up anew
    echo "$(cat "requirements/$1.lock" pyproject.toml $more | cksum) $npm $PWD"
}

is_installed() {
    [ "$(cat "$venv/$1.installed" 2>/dev/null)" = "$(state "$1")" ]
}

if "$venv/bin/python" -c '' 2>/dev/null; then
    if is_installed "$lock"; then exit 0; fi
    if [ "$lock" = lab ] && is_installed test; then exit 0; fi # which has all of the lab's
fi

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# ------------------------------------------------------------------------ before anything is changed

new_enough='import sys; sys.exit(sys.version_info < (3, 11))'
python=
if ! "$venv/bin/python" -c "import pip; $new_enough" 2>/dev/null; then
    if [ "${PYTHON:-}" ]; then
        set -- "$PYTHON"
    else
        set -- python3 python3.14 python3.13 python3.12 python3.11
    fi
    found=$("$1" --version 2>/dev/null) || found="not there"
    without_venv=
    for candidate; do
        "$candidate" -c "$new_enough" 2>/dev/null || continue
        python=$candidate
        "$python" -c 'import ensurepip, venv' 2>/dev/null && break
        without_venv=${without_venv:-$python}
        python=
    done
    elsewhere="If you have another one elsewhere: make $lock PYTHON=/where/it/is/python3"
    if [ -z "$python" ] && [ "$without_venv" ]; then
        fail "$without_venv comes without venv. On Debian and Ubuntu: sudo apt install python3-venv" \
            "$elsewhere"
    elif [ -z "$python" ]; then
        fail "kmslab needs Python 3.11 or newer; $1 is $found." "$elsewhere"
    fi
fi

written=$(dirname "$venv")
if [ -d "$venv" ]; then written=$venv; fi
if ! [ -w "$written" ]; then
    fail "Nothing can be written in $(cd "$written" && pwd)." \
        "Copy kmslab to a folder in which you may write, and start it there."
fi
free=$(df -Pk "$written" | awk 'NR == 2 { print int($4 / 1024) }')
if [ "${free:-$room}" -lt "$room" ]; then
    fail "kmslab needs $room MB on this disk, and $free MB are free."
fi

# ---------------------------------------------------------------------------------------- install

while sleep 2 >/dev/null 2>&1 && kill -0 $$ 2>/dev/null; do printf .; done & # it still runs
dots=$!
trap 'kill $dots 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM # else the dots would go on

pip() {
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@" ||
        fail "" "The packages could not be installed; pip says above why. It needs the network, once." \
            "The same command tries again."
}

printf 'Installing requirements/%s.lock into %s. This happens once and takes some minutes ' "$lock" "$venv"
if [ "$python" ]; then
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi
pip --require-hashes -r "requirements/$lock.lock"
if [ "$lock" != clients ]; then
    pip --no-deps --no-build-isolation -e .
elif [ "$npm" ]; then
    (cd tests/clients/node && "$npm" ci --ignore-scripts --no-audit --no-fund --silent)
fi
echo " done."

state "$lock" >"$venv/$lock.installed"
