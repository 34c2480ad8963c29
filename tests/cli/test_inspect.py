"""`inspect`: what anyone can read of messages, without a key and without a KMS."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kmslab import envelope
from kmslab.cli.app import app
from kmslab.envelope import RawAesKeyring
from tests.cli.test_sealing import POSIX, done, invoke, written

pytestmark = pytest.mark.usefixtures("bare")
RING = RawAesKeyring("clinic", "the 열쇠", bytes(32))
MESSAGE = envelope.encrypt(
    b"x" * 2500, RING, context={"album": "여름", "\x1b[2J": "y"}, frame_length=1000
)


def test_a_message_is_explained_field_by_field(tmp_path: Path):
    written("a.encrypted", MESSAGE)
    result = invoke("inspect", "a.encrypted")
    done(result)
    assert result.stdout == f"{envelope.inspect(MESSAGE)!r}\n"
    assert "\x1b" not in result.stdout


def test_the_fields_fit_the_terminal_and_nothing_is_cut(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    arn = f"arn:aws:kms:us-east-1:111122223333:key/{'1234567' * 5}"
    written("a", envelope.encrypt(b"", RING, context={"key": arn}))
    view = envelope.inspect(Path("a").read_bytes())
    shown = view.table().fitted(80)
    assert max(map(len, shown.splitlines())) <= 80
    assert f"    {arn}" in shown.splitlines()
    assert sorted(shown.replace("─", "").split()) == sorted(repr(view).replace("─", "").split())
    assert CliRunner().invoke(app, ["inspect", "a"]).stdout == f"{shown}\n"


def test_programs_get_the_header_as_json(tmp_path: Path):
    written("a.encrypted", MESSAGE)
    told = json.loads(invoke("inspect", "a.encrypted", "--json").stdout)
    message_id = told.pop("message_id")
    assert len(bytes.fromhex(message_id)) == 32
    assert "aws-crypto-public-key" in told["context"]
    del told["context"]["aws-crypto-public-key"]
    assert told == {
        "file": "a.encrypted",
        "bytes": len(MESSAGE),
        "version": 2,
        "suite": "0x0578",
        "signed": True,
        "context": {"album": "여름", "\x1b[2J": "y"},
        "encrypted_data_keys": [{"provider": "clinic", "key": "the 열쇠"}],
        "frame_length": 1000,
        "problem": None,
    }


def test_an_unsigned_message_of_the_first_version_says_so(tmp_path: Path):
    policy = envelope.Policy(commitment_policy="FORBID_ENCRYPT_ALLOW_DECRYPT")
    written("old", envelope.encrypt(b"", RING, suite=0x0078, policy=policy))
    told = json.loads(invoke("inspect", "old", "--json").stdout)
    assert (told["version"], told["suite"], told["signed"]) == (1, "0x0078", False)
    assert told["context"] == {}


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_what_is_not_a_message_is_a_line_each_and_the_rest_is_shown(
    form: list[str], tmp_path: Path
):
    written("a", MESSAGE)
    written("b", b"Dear clinic")
    written("c", MESSAGE[:-1])
    written("d", b"")
    Path("folder").mkdir()
    result = invoke("inspect", "a", "none", "b", "folder", "c", "d", *form)
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "none: No such file or directory",
        "b: not a message, at byte 1: the format has the versions 1 and 2 only",
        "folder: is a folder: --recursive takes the files in it",
        f"c: not a message, at byte {len(MESSAGE) - 103:,}: "
        "the message is cut off: 1 bytes are missing",
        "d: not a message, at byte 0: the message is cut off: 1 bytes are missing",
    ]
    if form:
        told = [json.loads(line) for line in result.stdout.splitlines()]
        assert [each["file"] for each in told] == ["a", "b", "c", "d"]
        assert [bool(each["problem"]) for each in told] == [False, True, True, True]
    else:
        assert [line for line in result.stdout.splitlines() if line.endswith(":")] == [
            *("a:", "b:", "c:", "d:")
        ]


def test_in_a_folder_it_takes_what_is_named_as_a_message(tmp_path: Path):
    written("top/a.encrypted", MESSAGE)
    written("top/in/b.encrypted", MESSAGE)
    written("top/in/b")
    result = invoke("inspect", "top", "-r", "--json")
    done(result)
    found = [json.loads(line)["file"] for line in result.stdout.splitlines()]
    assert found == ["top/a.encrypted", "top/in/b.encrypted"]


@POSIX
def test_a_pipe_can_be_explained(tmp_path: Path):
    reading, writing = os.pipe()
    os.write(writing, MESSAGE)
    os.close(writing)
    told = json.loads(invoke("inspect", f"/dev/fd/{reading}", "--json").stdout)
    os.close(reading)
    assert told["bytes"] == len(MESSAGE)
    assert json.loads(invoke("inspect", "-", "--json", data=MESSAGE).stdout)["version"] == 2
