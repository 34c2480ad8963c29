#!/bin/sh
# Resolve requirements/*.lock for every supported Python and system, with hashes and without hosts.
set -eu

compile() {
    lock=$1
    shift
    uv pip compile --universal --python-version 3.11 --fork-strategy fewest --quiet \
        --generate-hashes --no-header --no-annotate --output-file "requirements/$lock.lock" "$@" -
}

build='hatchling editables' # what `pip install -e . --no-build-isolation` needs
# The last version with a wheel for Macs with Intel processors. (pyproject.toml says it of cryptography.)
intel="argon2-cffi-bindings<26; sys_platform == 'darwin' and platform_machine == 'x86_64'"
printf '%s\n' $build "$intel" | compile lab pyproject.toml --extra boto3 --extra lab --extra serve "$@"
printf '%s\n' $build "$intel" | compile test pyproject.toml --extra boto3 --extra lab --extra lake \
    --extra serve --extra test --constraint requirements/lab.lock "$@"
# The oldest versions that pyproject.toml allows, with the tests' own tools as they are in the test lock.
tools='hypothesis jsonschema pytest pytest-timeout pytest-xdist'
pins=$(mktemp)
grep -E "^($(echo $build $tools | tr ' ' '|'))==" requirements/test.lock | sed 's/ .*//' >"$pins"
printf '%s\n' $build $tools | compile oldest pyproject.toml --extra boto3 --extra serve \
    --resolution lowest-direct --constraint "$pins" "$@"
rm "$pins"
echo playwright | compile browser --constraint requirements/test.lock "$@"
# Sphinx, with what the modules import that it describes. awscli, among the clients, pins an older docutils.
printf '%s\n' $build furo matplotlib myst-nb pillow sphinx sphinx-copybutton | compile book pyproject.toml \
    --extra boto3 --extra serve --constraint requirements/lab.lock "$@"
# A handout brings its own pip: some Pythons come without, and it is the one that was tried.
echo pip | compile handout --constraint requirements/lab.lock "$@"
# Clients that the endpoint is tried with, in an environment of their own: they pin libraries that
# the lab has newer. Those for Node have npm's lock.
printf '%s\n' aiobotocore aws-encryption-sdk-cli awscli pymongo pymongocrypt | compile clients "$@"
(cd tests/clients/node && npm install --package-lock-only --omit-lockfile-registry-resolved --silent)
