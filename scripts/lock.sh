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
printf '%s\n' $build | compile lab pyproject.toml --extra boto3 --extra lab "$@"
printf '%s\n' $build | compile test pyproject.toml --extra boto3 --extra lab --extra test \
    --constraint requirements/lab.lock "$@"
echo playwright | compile browser --constraint requirements/test.lock "$@"
# A handout brings its own pip: some Pythons come without, and it is the one that was tried.
echo pip | compile handout --constraint requirements/lab.lock "$@"
