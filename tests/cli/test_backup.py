"""`backup`, `restore`, `rekey`: what they print, and one clear line for each mistake."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kmslab import Lab
from kmslab.cli.app import app
from kmslab.display import PlainError
from kmslab.kms.backing import rekeying
from tests.cli.test_serve import serving

STORE, OTHER = "sqlite:///my.db", "sqlite:///new.db"


@pytest.fixture(autouse=True)
def blob(bare: None, monkeypatch: pytest.MonkeyPatch) -> bytes:
    monkeypatch.setattr(rekeying, "NOTICED", 0)
    with Lab(STORE) as lab:
        return lab.create_cmk("orders").encrypt(b"x")


def invoke(*arguments: str) -> Result:
    result = CliRunner().invoke(app, arguments)
    if result.exception and not isinstance(result.exception, SystemExit | PlainError):
        raise result.exception
    return result


def refused(*arguments: str) -> str:
    """The one line that the command prints."""
    result = invoke(*arguments)
    assert isinstance(result.exception, PlainError)
    assert "\n" not in str(result.exception)
    assert not result.stdout
    return str(result.exception)


def test_backup_dry_run_and_restore(blob: bytes) -> None:
    assert invoke("backup", "my.backup", "--store", STORE).stdout == (
        "my.backup: 1 key and 4 events of 1 account.\n"
    )
    said = invoke("restore", "my.backup", "--dry-run", "--root-key", "my.db.key")
    assert said.stdout == (
        "my.backup: 1 key and 4 events of 1 account. Sealed records that open: 1.\n"
    )
    assert not Path("new.db").exists()
    said = invoke("restore", "my.backup", "--store", OTHER, "--root-key", "my.db.key")
    assert "are in sqlite:///new.db. Sealed records that open: 1." in said.stdout
    assert "Commands find that with KMSLAB_ROOT_KEY=my.db.key." in said.stdout
    with Lab(OTHER, root_key="my.db.key") as lab:
        assert lab.decrypt(blob) == b"x"


def test_root_key_is_named_by_a_variable_too(monkeypatch: pytest.MonkeyPatch) -> None:
    invoke("backup", "my.backup", "--store", STORE)
    monkeypatch.setenv("KMSLAB_ROOT_KEY", "my.db.key")
    assert "Sealed records that open: 1" in invoke("restore", "my.backup", "--dry-run").stdout


def test_rekey_new_file_and_passphrase(blob: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    assert invoke("rekey", "--store", STORE).stdout == (
        "Records sealed anew: 1, under 2 new domain keys.\n"
    )
    said = invoke("rekey", "--store", STORE, "--new-root-key", "file").stdout
    assert re.search(r"The one before is kept as .*my\.db\.key\.until-", said)
    monkeypatch.setenv("KMSLAB_NEW_PASSPHRASE", "correct horse")
    said = invoke("rekey", "--store", STORE, "--new-root-key", "passphrase").stdout
    assert "made from the new passphrase" in said
    assert "Start the processes that serve this store again" in said
    assert "is made from a passphrase" in refused("keys", "--store", STORE)
    monkeypatch.setenv("KMSLAB_PASSPHRASE", "correct horse")
    assert "orders" in invoke("keys", "--store", STORE).stdout
    assert "correct horse" not in said


def test_link_is_not_overwritten_even_if_asked() -> None:
    Path("link").symlink_to("elsewhere")
    assert "not a regular file" in refused("backup", "link", "--store", STORE, "--overwrite")
    assert not Path("elsewhere").exists()


MISTAKES: dict[str, tuple[list[str], str]] = {
    "no store to back up": (["backup", "x", "--store", OTHER], "There is no store at sqlite"),
    "no store to rekey": (["rekey", "--store", OTHER], "There is no store at sqlite"),
    "there already": (["backup", "my.db", "--store", STORE], "my.db is there already. --overwrite"),
    "no folder": (["backup", "no/x", "--store", STORE], "no/x cannot be written: No such file"),
    "no backup": (["restore", "x", "--store", OTHER], "x cannot be restored: No such file"),
    "no backup either": (
        ["restore", "my.db", "--store", OTHER],
        "The backup my.db cannot be opened: it is not a backup of kmslab.",
    ),
    "store is there": (
        ["restore", "whole", "--store", STORE, "--root-key", "my.db.key"],
        "my.db is there already. Restore to another place.",
    ),
    "no root key": (["restore", "whole", "--store", OTHER], "new.db.key is missing"),
    "no root key named": (["restore", "whole", "--dry-run"], "--root-key FILE"),
    "no terminal": (
        ["rekey", "--store", STORE, "--new-root-key", "passphrase"],
        "There is no terminal to ask for a passphrase",
    ),
}


@pytest.mark.parametrize(("command", "said"), MISTAKES.values(), ids=MISTAKES)
def test_mistake_is_one_clear_line_and_writes_nothing(command: list[str], said: str) -> None:
    invoke("backup", "whole", "--store", STORE)
    before = {path.name for path in Path().iterdir()} - {"my.db-wal", "my.db-shm"}
    assert said in refused(*command)
    assert {path.name for path in Path().iterdir()} - {"my.db-wal", "my.db-shm"} == before


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["restore", "x"], "give it, or --dry-run"),
        (["restore", "x", "--dry-run", "--store", OTHER], "give it, or --dry-run"),
        (["restore", "x", "--store", "my.db"], "That is not a store"),
        (["restore", "x", "--store", "sqlite://"], "in memory"),
        (["rekey", "--store", STORE, "--new-file", "x"], "--new-root-key file"),
        (["backup", "x"], "--store"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_wrong_arguments_are_explained(command: list[str], said: str) -> None:
    result = invoke(*command)
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.replace("│", " ").split())


def test_damaged_record_is_named_and_the_rest_is_restored() -> None:
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect("my.db")) as raw:
        raw.execute("UPDATE material SET sealed = X'00'")
        raw.commit()
    invoke("backup", "my.backup", "--store", STORE)
    result = invoke("restore", "my.backup", "--store", OTHER, "--root-key", "my.db.key")
    assert "Does not open, as it did not in the store: Material us-east-1/" in result.stderr
    assert "Some records are damaged" in str(result.exception)
    assert Path("new.db").exists()


@contextmanager
def used(kms: Any) -> Iterator[list[bytes]]:
    """Calls of each kind, until the block ends; then all of them must have succeeded."""
    over, troubles, blobs = threading.Event(), list[BaseException](), list[bytes]()

    def work() -> None:
        try:
            while not over.is_set():
                key = kms.create_key()["KeyMetadata"]["KeyId"]
                sealed = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
                kms.disable_key(KeyId=key)
                kms.enable_key(KeyId=key)
                assert kms.decrypt(CiphertextBlob=sealed)["Plaintext"] == b"x"
                blobs.append(sealed)
        except BaseException as error:
            troubles.append(error)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        yield blobs
    finally:
        over.set()
        worker.join()
    assert not troubles


@pytest.mark.long
@pytest.mark.skipif(os.name != "posix", reason="signals are others on Windows")
@pytest.mark.parametrize("where", ["file", "server"])
def test_store_that_is_served_is_backed_up_and_rekeyed_and_callers_notice_nothing(
    request: pytest.FixtureRequest, blob: bytes, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two servers under load; the commands are processes of their own."""
    monkeypatch.setenv("KMSLAB_ROOT_KEY", "my.db.key" if where == "file" else "server.key")
    store = STORE if where == "file" else request.getfixturevalue("postgresql").new()
    with (
        serving("--store", store) as one,
        serving("--store", store) as two,
        used(one.client()) as blobs,
        used(two.client()) as others,
    ):
        for command in (
            ["backup", "first"],
            ["rekey"],
            ["rekey", "--new-root-key", "file"],
            ["backup", "second"],
            ["rekey"],
        ):
            run = [sys.executable, "-m", "kmslab", *command, "--store", store]
            done = subprocess.run(run, capture_output=True, text=True, timeout=100)
            assert done.returncode == 0, done.stderr
    blobs += others
    assert len(blobs) > 10
    [old] = Path().glob("*.key.until-*")
    for backup, key in (("first", old), ("second", os.environ["KMSLAB_ROOT_KEY"])):
        said = invoke("restore", backup, "--dry-run", "--root-key", str(key))
        assert "Does not open" not in said.stderr, said.stderr
        assert said.exit_code == 0
    with Lab(store, root_key=os.environ["KMSLAB_ROOT_KEY"]) as lab:
        assert {bytes(lab.decrypt(each)) for each in blobs} == {b"x"}
