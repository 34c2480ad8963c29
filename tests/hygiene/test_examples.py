"""The examples as readers meet them: programs that never name kmslab, tests that run alone."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
SUITES = sorted(path.parent for path in EXAMPLES.rglob("pytest.ini"))
PROGRAMS = sorted(path for suite in SUITES for path in suite.glob("*.py"))


def named(path: Path) -> str:
    return path.name


@pytest.mark.parametrize("program", PROGRAMS, ids=named)
def test_no_program_needs_kmslab(program):
    assert "import kmslab" not in program.read_text(encoding="utf-8")
    assert "from kmslab" not in program.read_text(encoding="utf-8")


def test_the_application_speaks_to_aws_and_never_names_kmslab():
    source = (EXAMPLES / "orders_app" / "orders.py").read_text(encoding="utf-8")
    assert "import boto3\n" in source
    assert "kmslab" not in source


@pytest.mark.long
@pytest.mark.parametrize("suite", SUITES, ids=named)
def test_its_tests_pass_in_their_own_folder(suite, tmp_path):
    copy = shutil.copytree(suite, tmp_path / suite.name)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:asyncio"]
    run = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
