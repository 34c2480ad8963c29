"""What a program does not wait for: a library is loaded when something needs it, and not before."""

import subprocess
import sys

import pytest

SLOW = {
    *("boto3", "botocore", "Crypto", "distributed", "IPython", "jupyterlab", "matplotlib"),
    *(
        "psycopg",
        "pyarrow",
        "pydantic",
        "rich",
        "sqlalchemy.dialects.postgresql",
        "typer",
        "uvicorn",
        "yaml",
    ),
}
TO_WAIT_FOR_KMS = {"cryptography", "sqlalchemy"}
COMMAND_NEEDS = {"pydantic", "rich", "typer"}  # Typer brings the others


def loaded(program: str) -> set[str]:
    """The modules that a fresh interpreter has loaded at the end of this program."""
    result = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint('\\n' + ' '.join(sys.modules))"],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
        timeout=60,
    )
    return set(result.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("program", "not_loaded"),
    [
        ("import kmslab.pytest_plugin", SLOW | TO_WAIT_FOR_KMS),
        ("from kmslab import Lab", SLOW | {"sqlalchemy", "kmslab.envelope", "kmslab.lab.seeding"}),
        ("from kmslab import envelope", SLOW | {"sqlalchemy", "kmslab.kms.service"}),
        ("from kmslab import lake", SLOW | {"sqlalchemy", "kmslab.kms.service"}),
        ("from kmslab import course", SLOW | {"sqlalchemy"}),
        ("from kmslab import Lab; Lab().create_cmk().encrypt(b'x')", SLOW | {"cryptography.x509"}),
        ("import kmslab.kms.store.schema", SLOW),
        ("import kmslab.cli.opening", (SLOW | {"sqlalchemy"}) - COMMAND_NEEDS),
    ],
)
def test_a_program_does_not_load_what_it_does_not_use(program, not_loaded):
    assert loaded(program) & not_loaded == set()


def loaded_by_commands(prepare: str, each_of: list[str]) -> set[str]:
    """The modules that are loaded after the command has run for each."""
    return loaded(f"""
import os, sys
from kmslab.cli.app import main
for each in {each_of}:
    {prepare}
    try:
        main()
    except SystemExit:
        pass
""")


def test_a_command_that_only_speaks_of_itself_does_not_load_the_kms():
    words = ["--version", "--help", "serve --help", "encrypt --help", "lab --help"]
    found = loaded_by_commands("sys.argv = ['kmslab', *each.split()]", words)
    assert found & ((SLOW | TO_WAIT_FOR_KMS) - COMMAND_NEEDS) == set()


def test_completing_a_command_does_not_load_the_kms():
    typed = ["kmslab ", "kmslab ke", "kmslab explain kms:Dec", "kmslab encrypt --suite 0x05"]
    bash = "_KMSLAB_COMPLETE='complete_bash', COMP_WORDS=each, COMP_CWORD=str(each.count(' '))"
    found = loaded_by_commands(f"os.environ.update({bash})", typed)
    assert found & ((SLOW | TO_WAIT_FOR_KMS) - COMMAND_NEEDS) == set()
