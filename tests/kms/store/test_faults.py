"""A full disk, a file that is cut off, rots or is put back from a copy: an error, no half change.

The service goes on by itself when the store can be used again.
"""

import os
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event as listening

from kmslab import Lab
from kmslab.display import PlainError
from kmslab.kms import wire
from kmslab.kms.contract.records import Setting
from kmslab.kms.store import Store, StoreError
from tests.kms.store.samples import event, setting

FULL = r"could not grow: the disk is full\. Nothing was written; make room"
WORDS = "x" * 4_000  # about a page


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my.db"


@contextmanager
def full(store: Store) -> Iterator[None]:
    """Within, the database cannot grow by a page, as on a full disk."""
    database = store._database

    def limit(raw: sqlite3.Connection, _: Any) -> None:
        pages = raw.execute("PRAGMA page_count").fetchone()[0]
        raw.execute(f"PRAGMA max_page_count = {pages}")

    database.rest()
    listening.listen(database._engine, "connect", limit)
    try:
        yield
    finally:
        listening.remove(database._engine, "connect", limit)
        database.rest()


def names(store: Store) -> list[str]:
    return [each.name for each in store.all(Setting)]


def fill(store: Store) -> int:
    """Commit until an error, and return how many commits were not refused."""
    for number in range(1_000):
        try:
            store.commit(put=[setting(WORDS, f"{number:03}")], events=[event(number)])
        except StoreError:
            return number
    raise AssertionError("the disk is not full")


def test_full_disk_refuses_changes_whole_and_goes_on_when_there_is_room(
    path: Path, opened: Callable[[], Store]
) -> None:
    store = opened()
    store.commit(put=[setting("1")])
    with full(store):
        done = fill(store)
        for _ in range(3):
            with pytest.raises(StoreError, match=FULL):
                store.commit(put=[setting(WORDS, "more"), setting(WORDS, "and more")])
        assert len(names(store)) == done + 1, "reading works"
    store.commit(put=[setting("3", "third")], events=[event(999)])
    assert names(store) == [*(f"{number:03}" for number in range(done)), "number", "third"]
    assert [each.request_id for each in store.events()] == [
        event(number).request_id for number in (*range(done), 999)
    ]
    store.close()
    with sqlite3.connect(path) as raw:
        assert raw.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    raw.close()


def test_events_wait_while_the_disk_is_full_and_none_is_lost(
    opened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They wait up to a bound; a call beyond it fails and leaves no event."""
    monkeypatch.setattr("kmslab.kms.store.writer.BOUND", 5)
    monkeypatch.setattr("kmslab.kms.store.writer.AGAIN", 0)
    store = opened()
    with full(store):
        fill(store)
        stored = len(store.events())
        large = [event(number)._replace(extra={"x": WORDS}) for number in range(20)]
        for each in large[:5]:
            store.log(each)
        for each in large[5:]:
            with pytest.raises(StoreError, match=FULL):
                store.log(each)
    assert [each.request_id for each in store.events()[stored:]] == [
        each.request_id for each in large[:5]
    ]


def test_calls_fail_at_once_while_no_more_events_are_taken(
    opened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Trying again for each of them would take longer, the more of them wait."""
    monkeypatch.setattr("kmslab.kms.store.writer.BOUND", 5)
    monkeypatch.setattr("kmslab.kms.store.writer.AGAIN", 1_000)
    store = opened()
    with full(store):
        fill(store)
        for _ in range(5):
            store.log(event()._replace(extra={"x": WORDS}))
        with pytest.raises(StoreError, match=FULL):
            store.log(event())
        monkeypatch.setattr(store._outbox, "write", lambda: pytest.fail("it was tried again"))
        with pytest.raises(StoreError, match=FULL):
            store.log(event())
        monkeypatch.undo()


def test_lab_on_a_full_disk_answers_with_an_error_and_changes_nothing(path: Path) -> None:
    with Lab(f"sqlite:///{path}") as lab:
        blob = lab.create_cmk("orders").encrypt(b"x")
        with full(lab._store):
            fill(lab._store)
            before = lab.kms.list_keys()["Keys"]
            body = wire.dump({"Description": WORDS})
            answer = wire.handle(lab.service, lab.caller, "TrentService.CreateKey", body)
            assert (answer.status, answer.body) == (500, b'{"__type":"KMSInternalException"}')
            assert lab.kms.list_keys()["Keys"] == before
            assert lab.decrypt(blob) == b"x"
        assert lab.create_cmk().encrypt(b"x")


# ------------------------------------------------------------------------------ what is in a file


@pytest.mark.parametrize("size", [0, 16, 4096, 10_000, -1])
def test_file_that_was_cut_off_is_an_error_until_it_is_whole_again(
    path: Path, opened: Callable[[], Store], size: int
) -> None:
    store = opened()
    store.commit(put=[setting(WORDS, str(number)) for number in range(20)])
    store._database.rest()
    store.refresh()
    whole = path.read_bytes()
    os.truncate(path, size % len(whole))
    uses: list[Callable[[], object]] = [
        lambda: store.commit(put=[setting("2", "other")]),
        lambda: store.all(Setting),
        lambda: store.get(Setting, "3"),
        lambda: store.log(event()) or store.flush(),
        store.refresh,
    ]
    for use in uses:
        with pytest.raises(StoreError, match="has become smaller while the lab was open"):
            use()
    path.write_bytes(whole)  # into the same file
    store.commit(put=[setting("3", "third")])
    assert len(names(store)) == 21
    assert len(store.events()) == 1


def test_older_copy_in_the_files_place_is_noticed(
    path: Path, opened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`cp backup.db my.db` writes into the same file. What is cached is newer than that."""
    monkeypatch.setattr("kmslab.kms.store.polling.POLL", 0)
    store = opened()
    store.commit(put=[setting("1")])
    store._database.rest()
    shutil.copy(path, path.with_name("backup.db"))
    store.commit(put=[replace(store.all(Setting)[0], value="2")])
    store._database.rest()
    assert store.get(Setting, "number").value == "2"
    path.write_bytes(path.with_name("backup.db").read_bytes())
    for _ in range(2):
        with pytest.raises(StoreError, match=r"is older than it was: .* Close the lab and open it"):
            store.refresh()
    again = opened()
    assert again.get(Setting, "number").value == "1"


@pytest.mark.parametrize("count", [6, pytest.param(200, marks=pytest.mark.long)])
def test_any_bytes_of_the_file_may_rot_and_no_plaintext_is_wrong(path: Path, count: int) -> None:
    """Policies and names are not sealed: they may change unnoticed, as SECURITY.md says."""
    blobs = {}
    with Lab(f"sqlite:///{path}") as lab:
        for number in range(8):
            name = f"key-{number}"
            blobs[name] = lab.create_cmk(name).encrypt(name.encode())
    whole = path.read_bytes()
    root_key = path.with_name("my.db.key")
    for number in range(count):
        wrong = bytearray(whole)
        for _ in range(random.choice([1, 1, 10])):
            wrong[random.randrange(len(wrong))] = random.randrange(256)
        rotten = path.with_name(f"{number}.db")
        rotten.write_bytes(wrong)
        with suppress(PlainError), Lab(f"sqlite:///{rotten}", root_key=root_key) as lab:
            use(lab, blobs)


def use(lab: Lab, blobs: dict[str, Any]) -> None:
    for name, blob in blobs.items():
        with suppress(PlainError):
            assert lab.decrypt(blob) == name.encode()
    calls: list[Callable[[], object]] = [
        lab.kms.list_keys,
        lab.kms.list_aliases,
        lab.kms.create_key,
        lambda: repr(lab.trail),
        lab.bill,
    ]
    for call in calls:
        with suppress(PlainError):
            call()
