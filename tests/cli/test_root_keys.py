"""The command gets a passphrase from a variable, a file or a terminal, and never as an argument."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kmslab import Lab, Passphrase
from kmslab.cli.app import app

STORE = "sqlite:///my.db"
SMALLEST = (1, 1, 8)


@pytest.fixture(autouse=True)
def store(bare: None) -> None:
    with Lab(STORE, root_key=Passphrase("correct horse", cost_for_tests=SMALLEST)) as lab:
        lab.create_cmk("orders")


def keys() -> Result:
    return CliRunner().invoke(app, ["keys", "--store", STORE])


@pytest.mark.parametrize("content", ["correct horse", "correct horse\n", "correct horse\r\nmore\n"])
def test_passphrase_comes_from_a_variable_or_a_file(monkeypatch: Any, content: str) -> None:
    Path("secret").write_text(content, newline="")
    monkeypatch.setenv("KMSLAB_PASSPHRASE_FILE", "secret")
    assert "orders" in keys().stdout
    monkeypatch.delenv("KMSLAB_PASSPHRASE_FILE")
    monkeypatch.setenv("KMSLAB_PASSPHRASE", "correct horse")
    assert "orders" in keys().stdout


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({}, "is made from a passphrase. Give it"),
        ({"KMSLAB_PASSPHRASE": "wrong"}, "That is not the passphrase of this store."),
        (
            {"KMSLAB_PASSPHRASE": "wrong\udcff"},
            "KMSLAB_PASSPHRASE cannot be used: a passphrase has",
        ),
        ({"KMSLAB_PASSPHRASE_FILE": "none"}, "none cannot be read: No such file"),
        ({"KMSLAB_PASSPHRASE_FILE": "empty"}, "empty begins with an empty line"),
        ({"KMSLAB_PASSPHRASE_FILE": "bytes"}, "bytes cannot be read: it is not text in UTF-8"),
        ({"KMSLAB_PASSPHRASE": "x", "KMSLAB_ROOT_KEY": "my.key"}, "not both"),
        ({"KMSLAB_ROOT_KEY": "my.key"}, "is made from a passphrase"),
    ],
    ids=str,
)
def test_other_passphrases_are_one_clear_line(monkeypatch: Any, variables: Any, said: str) -> None:
    Path("empty").touch()
    Path("bytes").write_bytes(b"\xff\xfe")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    result = keys()
    assert said in str(result.exception)
    assert "\n" not in str(result.exception)
    assert "wrong" not in str(result.exception)


TYPED = """
import os, pty, select, sys
child, terminal = pty.fork()
if child == 0:
    os.execv(sys.executable, [sys.executable, "-m", "kmslab", *sys.argv[2:]])
seen = b""
while True:
    if not select.select([terminal], [], [], 0.3)[0]:
        if seen.endswith((b":", b": ")):  # what is typed before it waits for it would be dropped
            os.write(terminal, os.fsencode(sys.argv[1]) + b"\\n")
        continue
    try:
        read = os.read(terminal, 1024)
    except OSError:  # the end, on Linux
        break
    seen += read
    if not read:
        break
print(seen.decode())
sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


@pytest.mark.skipif(os.name != "posix", reason="there is no pty on Windows")
@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("correct horse", "orders"),
        ("b\udcff", "What was typed cannot be used: it is not text in UTF-8."),
        pytest.param("wrong", "is not the", marks=pytest.mark.long),
    ],
)
def test_passphrase_is_asked_for_at_a_terminal_and_not_shown(typed: str, said: str) -> None:
    command = [sys.executable, "-c", TYPED, typed, "keys", "--store", STORE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert said in done.stdout, done.stderr
    assert typed not in done.stdout
    assert done.returncode == (said != "orders")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--new-root-key", "my.key"], "--new-root-key file --new-file my.key"),
        (["--new-root-key", "file", "--new-file", "letter"], "letter is there already."),
        (["--new-file", "my.key"], "it needs --new-root-key file"),
    ],
)
def test_rekey_says_how_a_new_file_is_named(arguments: list[str], said: str) -> None:
    Path("letter").write_bytes(b"Dear clinic")
    result = CliRunner().invoke(
        app, ["rekey", "--store", "sqlite:///my.db", *arguments], env={"COLUMNS": "200"}
    )
    assert result.exit_code == 2
    assert said in result.stderr
    assert Path("letter").read_bytes() == b"Dear clinic"


def test_passphrase_of_a_lab_in_memory_is_refused() -> None:
    result = CliRunner().invoke(app, ["serve", "--passphrase"])
    assert result.exit_code == 2
    assert "it needs --store" in result.stderr
