"""What a program does not wait for: a library is loaded when something needs it, and not before."""

import os
import subprocess
import sys

import pytest

SLOW = {
    *("boto3", "botocore", "Crypto", "IPython", "jupyterlab", "matplotlib", "psycopg", "pydantic"),
    *("rich", "sqlalchemy.dialects.postgresql", "typer", "uvicorn", "yaml"),
}
TO_WAIT_FOR_KMS = {"cryptography", "sqlalchemy"}
COMMAND_NEEDS = {"pydantic", "rich", "typer"}  # Typer brings the others
RUN = "\nfrom kmslab.cli.app import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"


def loaded(program: str, **variables: str) -> set[str]:
    """The modules that a fresh interpreter has loaded at the end of this program."""
    result = subprocess.run(
        [sys.executable, "-c", f"{program}\nimport sys\nprint('\\n' + ' '.join(sys.modules))"],
        env={**os.environ, **variables},
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
        ("from kmslab import course", SLOW | {"sqlalchemy"}),
        ("from kmslab import Lab; Lab().create_cmk().encrypt(b'x')", SLOW),
        ("import kmslab.kms.store.schema", SLOW),
        ("import kmslab.cli.opening", (SLOW | {"sqlalchemy"}) - COMMAND_NEEDS),
    ],
)
def test_a_program_does_not_load_what_it_does_not_use(program, not_loaded):
    assert loaded(program) & not_loaded == set()


@pytest.mark.parametrize("words", ["--version", "--help", "serve --help", "explain --help"])
def test_a_command_that_only_speaks_of_itself_does_not_load_the_kms(words):
    found = loaded(f"import sys\nsys.argv = ['kmslab', *{words.split()}]{RUN}")
    assert found & ((SLOW | TO_WAIT_FOR_KMS) - COMMAND_NEEDS) == set()


@pytest.mark.parametrize("typed", ["kmslab ", "kmslab ke", "kmslab explain kms:Dec"])
def test_completing_a_command_does_not_load_the_kms(typed):
    words = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" "))}
    found = loaded(RUN, _KMSLAB_COMPLETE="complete_bash", **words)
    assert found & ((SLOW | TO_WAIT_FOR_KMS) - COMMAND_NEEDS) == set()
