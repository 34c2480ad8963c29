"""A lab in a file: what another process finds when it opens it, and the root key beside it."""

import os
import sqlite3
import stat
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kmslab import Clock, Lab
from kmslab.kms.backing.blob import fields
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.contract.states import KeyState
from kmslab.kms.operations.policies import default_policy
from kmslab.kms.store import StoreError

POLICY = default_policy("111122223333")

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my.db"


@pytest.fixture
def open_lab(path: Path) -> Callable[[], Lab]:
    return lambda: Lab(store=f"sqlite:///{path}", clock=Clock.frozen(NOW))


def root_key(path: Path) -> Path:
    return path.with_name("my.db.key")


# ------------------------------------------------------------------------------------ opened again


def test_everything_is_there_when_the_lab_is_opened_again(open_lab: Callable[[], Lab]) -> None:
    with open_lab() as lab:
        orders = lab.create_cmk("orders", description="all of them")
        blob = orders.encrypt(b"x", {"a": "1"})
        lab.kms.put_key_policy(KeyId=orders.arn, Policy=POLICY)
        disabled, doomed = lab.create_cmk(), lab.create_cmk()
        disabled.disable()
        doomed.schedule_deletion(7)
        there = lab.region("eu-west-1").create_cmk("orders")
        metadata, trail = orders.metadata, lab.trail

    with open_lab() as lab:
        assert lab.cmk("alias/orders").metadata == metadata
        assert lab.decrypt(blob, {"a": "1"}) == b"x"
        assert lab.kms.get_key_policy(KeyId=orders.arn)["Policy"] == POLICY
        assert lab.cmk(disabled.arn).state is KeyState.DISABLED
        assert lab.cmk(doomed.arn).metadata["DeletionDate"] == NOW + timedelta(days=7)
        assert lab.region("eu-west-1").cmk("alias/orders") == there
        assert lab.trail[: len(trail)] == trail
        lab.cmk(orders.id).encrypt(b"new")


def test_lab_that_is_opened_again_does_not_travel_back(open_lab: Callable[[], Lab]) -> None:
    with open_lab() as lab:
        lab.create_cmk("orders").schedule_deletion(7)
        lab.clock.advance(days=5)
    with open_lab() as lab:
        assert lab.clock.now() == NOW + timedelta(days=5)
        assert lab.cmk("alias/orders").state is KeyState.PENDING_DELETION
        lab.clock.advance(days=2)
    with open_lab() as lab:
        assert lab.clock.now() == NOW + timedelta(days=7)
        assert lab.trail[-1]["eventName"] == "DeleteKey"


def test_running_clock_keeps_its_offset_too(path: Path) -> None:
    with Lab(store=f"sqlite:///{path}") as lab:
        lab.clock.advance(days=30)
    with Lab(store=f"sqlite:///{path}") as lab:
        ahead = lab.clock.now() - datetime.now(UTC)
        assert timedelta(days=29, hours=23) < ahead < timedelta(days=30, hours=1)


def test_clock_that_was_advanced_before_the_lab_was_made_stays_ahead(path: Path) -> None:
    clock = Clock.frozen(NOW)
    clock.advance(days=1)
    with Lab(store=f"sqlite:///{path}", clock=clock) as lab:
        assert lab.clock.now() == NOW + timedelta(days=1)


def test_lab_may_be_opened_again_with_the_clock_it_had(path: Path) -> None:
    clock = Clock.frozen(NOW)
    for days in (1, 2, 3):
        with Lab(store=f"sqlite:///{path}", clock=clock) as lab:
            assert lab.clock.advance(days=1) == NOW + timedelta(days=days)


def test_two_labs_on_one_file_share_keys_and_time(open_lab: Callable[[], Lab]) -> None:
    with open_lab() as one, open_lab() as two:
        orders = one.create_cmk("orders")
        assert two.cmk("alias/orders") == orders
        assert two.decrypt(orders.encrypt(b"x")) == b"x"
        assert "CreateKey" in [event["eventName"] for event in two.trail]


def test_labs_in_memory_share_nothing() -> None:
    with Lab() as one, Lab() as two:
        one.create_cmk("orders")
        assert two.kms.list_keys()["Keys"] == []
        assert two.trail[0]["eventName"] == "ListKeys"


def test_plain_names_are_files_of_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with Lab(store="sqlite:///my.db") as lab:
        lab.create_cmk()
    assert {"my.db", "my.db.key"} <= {file.name for file in tmp_path.iterdir()}


# ------------------------------------------------------------------------------------ the root key


@posix
def test_root_key_is_its_owners_alone(open_lab: Callable[[], Lab], path: Path) -> None:
    open_lab().close()
    key = root_key(path)
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert len(bytes.fromhex(key.read_text("ascii").strip())) == 32
    names = {file.name for file in path.parent.iterdir()} - {"my.db-wal", "my.db-shm"}
    assert names == {"my.db", "my.db.key"}, "no draft stays behind"


@pytest.fixture
def used(open_lab: Callable[[], Lab], path: Path) -> bytes:
    """A file with a key in it, closed; returns a blob of that key."""
    with open_lab() as lab:
        return lab.create_cmk("orders").encrypt(b"x")


def test_missing_root_key_is_a_clear_error(
    open_lab: Callable[[], Lab], path: Path, used: bytes
) -> None:
    saved = root_key(path).read_bytes()
    root_key(path).unlink()
    with pytest.raises(RootKeyError, match=r"The root key .*my\.db\.key is missing\."):
        open_lab()
    assert not root_key(path).exists(), "a new one would hide the mistake"

    root_key(path).write_bytes(saved)
    root_key(path).chmod(0o600)
    with open_lab() as lab:
        assert lab.decrypt(used) == b"x"


def test_wrong_root_key_is_a_clear_error(
    open_lab: Callable[[], Lab], path: Path, used: bytes
) -> None:
    root_key(path).write_text("00" * 32 + "\n", "ascii")
    with pytest.raises(RootKeyError, match="is not the one that the store's keys are sealed under"):
        open_lab()


@posix
@pytest.mark.parametrize("mode", [0o604, 0o640, 0o660, 0o666, 0o644])
def test_root_key_that_others_may_read_is_a_clear_error(
    open_lab: Callable[[], Lab], path: Path, used: bytes, mode: int
) -> None:
    root_key(path).chmod(mode)
    with pytest.raises(RootKeyError, match=r"Others may read the root key .* chmod 600"):
        open_lab()


@pytest.mark.parametrize("text", ["", "00", "zz" * 32, "00" * 33, "é" * 32, "00" * 31])
def test_garbled_root_key_is_a_clear_error(
    open_lab: Callable[[], Lab], path: Path, used: bytes, text: str
) -> None:
    root_key(path).write_text(text, "utf-8")
    with pytest.raises(RootKeyError, match="does not hold a root key of 32 bytes"):
        open_lab()


def test_failed_opening_shows_no_byte_of_the_key(
    open_lab: Callable[[], Lab], path: Path, used: bytes
) -> None:
    wrong = "0123456789abcdef" * 4
    root_key(path).write_text(wrong, "ascii")
    with pytest.raises(RootKeyError) as caught:
        open_lab()
    assert wrong[:12] not in str(caught.value)
    assert caught.value.__cause__ is None


def test_each_store_has_a_root_key_of_its_own(tmp_path: Path) -> None:
    keys = set()
    for name in ("one.db", "two.db"):
        Lab(store=f"sqlite:///{tmp_path / name}").close()
        keys.add((tmp_path / f"{name}.key").read_text("ascii"))
    assert len(keys) == 2


# --------------------------------------------------------------------------------- a changed file


def test_sealed_keys_that_were_swapped_in_the_file_do_not_open(
    open_lab: Callable[[], Lab], path: Path
) -> None:
    with open_lab() as lab:
        one, two = lab.create_cmk(), lab.create_cmk()
        blob = one.encrypt(b"x")
    with sqlite3.connect(path) as raw:
        rows = dict(raw.execute("SELECT key, sealed FROM material").fetchall())
        raw.execute("UPDATE material SET sealed = ? WHERE key = ?", (rows[two.arn], one.arn))
        raw.execute("UPDATE material SET sealed = ? WHERE key = ?", (rows[one.arn], two.arn))
    raw.close()
    with open_lab() as lab:
        for call in (
            lambda: lab.decrypt(blob),
            lambda: lab.cmk(one.arn).encrypt(b"x"),
            lambda: lab.cmk(two.arn).generate_data_key(),
        ):
            with pytest.raises(lab.kms.exceptions.KMSInternalException):
                call()


def test_sealed_key_that_was_changed_in_the_file_does_not_open(
    open_lab: Callable[[], Lab], path: Path, used: bytes
) -> None:
    with sqlite3.connect(path) as raw:
        (sealed,) = raw.execute("SELECT sealed FROM material").fetchone()
        for position in (0, len(sealed) // 2, len(sealed) - 1):
            changed = bytearray(sealed)
            changed[position] ^= 1
            raw.execute("UPDATE material SET sealed = ?", (bytes(changed),))
            raw.commit()
            with open_lab() as lab, pytest.raises(lab.kms.exceptions.KMSInternalException):
                lab.decrypt(used)
    raw.close()


@pytest.mark.parametrize("tables", [["key"], ["key", "material"]])
def test_key_that_was_given_another_spec_in_the_file_does_no_work(
    open_lab: Callable[[], Lab], path: Path, used: bytes, tables: list[str]
) -> None:
    """As an HMAC key it would compute every blob's key, which is an HMAC of the blob's nonce."""
    with sqlite3.connect(path) as raw:
        for table in tables:
            raw.execute(f"UPDATE {table} SET spec = 'HMAC_256'")
        raw.execute("UPDATE key SET usage = 'GENERATE_VERIFY_MAC'")
    raw.close()
    with open_lab() as lab:
        (key,) = lab.kms.list_keys()["Keys"]
        with pytest.raises(lab.kms.exceptions.KMSInternalException):
            lab.cmk(key["KeyId"]).mac(b"\0\0\0\1kmslab\0" + fields(used)[4][2] + b"\0\0\1\0")


def test_neither_a_secret_nor_a_session_token_stands_in_the_file(
    open_lab: Callable[[], Lab], path: Path
) -> None:
    with open_lab() as lab:
        pairs = [lab.access_key(), lab.user("a").access_key(), lab.role("job").access_key()]
        seen = b"".join(each.read_bytes() for each in path.parent.iterdir())
    seen += path.read_bytes()
    assert pairs[2].token
    for pair in pairs:
        assert bytes(pair.secret) not in seen
        assert not pair.token or pair.token.encode() not in seen


def test_file_that_is_no_store_is_left_as_it_is(path: Path) -> None:
    path.write_bytes(b"a letter to nobody" * 100)
    with pytest.raises(StoreError):
        Lab(store=f"sqlite:///{path}")
    assert path.read_bytes() == b"a letter to nobody" * 100


@pytest.mark.parametrize("url", ["my.db", "postgresql://host", "sqlite://my.db", "mysql:///x"])
def test_store_that_is_not_built_is_a_clear_error(url: str) -> None:
    with pytest.raises(ValueError, match=r'Give "sqlite:///my.db" for a store in a file'):
        Lab(store=url)


def test_store_url_of_memory_is_memory() -> None:
    with Lab(store="sqlite://") as lab:
        lab.create_cmk("orders")


def test_answers_are_the_same_in_memory_and_in_a_file(open_lab: Any) -> None:
    answers = []
    for lab in (Lab(clock=Clock.frozen(NOW)), open_lab()):
        with lab:
            cmk = lab.create_cmk("orders")
            metadata = dict(cmk.metadata)
            for random in ("KeyId", "Arn", "CurrentKeyMaterialId"):
                del metadata[random]
            cmk.schedule_deletion(7)
            answers.append((metadata, cmk.metadata["DeletionDate"], type(cmk.state)))
    assert answers[0] == answers[1]
