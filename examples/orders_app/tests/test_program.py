"""The whole program, as a process of its own: it finds the lab's endpoint in its environment."""

import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).parents[1] / "orders.py"


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, PROGRAM, *arguments]
    return subprocess.run(command, input=stdin, capture_output=True, timeout=60, check=False)


def test_an_order_is_stored_and_read_by_two_processes(kms_endpoint, kms_lab):
    assert run("put", "17", stdin=b'{"card": "4242"}').returncode == 0
    read = run("get", "17")
    assert (read.returncode, read.stdout, read.stderr) == (0, b'{"card": "4242"}', b"")
    assert [event["eventName"] for event in kms_lab.trail][-2:] == ["GenerateDataKey", "Decrypt"]
