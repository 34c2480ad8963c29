"""The table of who opened whose messages counts what the tests tried, and names no lost test."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.envelope.conftest import ALL_SUITES

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_only_what_was_tried_is_counted() -> None:
    command = [sys.executable, "-m", "tests.envelope.matrix", "-k", "every_suite"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stdout  # also if a test that it lists is not there
    rows = [line for line in done.stdout.splitlines() if line.startswith("| 0x")]
    first = "| 6 | 12 + 6 unframed |"
    assert rows == [f"| 0x{suite:04x} {first}{'  |' * 6}" for suite in ALL_SUITES]
