"""A store whose files are moved, replaced or deleted while it is open stores nothing more."""

import logging
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.kms import wire
from kmslab.kms.contract.records import Setting
from kmslab.kms.store import StoreError, open_store
from tests.kms.store.samples import setting

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows keeps open files in place")
LOST = "moved, replaced or deleted while the lab was open"


def _move(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def _replace(path: Path) -> None:
    shutil.copy(path, path.with_name("copy.db"))
    path.with_name("copy.db").replace(path)


def _replace_by_link(path: Path) -> None:
    _move(path)
    path.symlink_to("nowhere.db")


def _delete_all(path: Path) -> None:
    for each in path.parent.iterdir():
        each.unlink()


HARMS: dict[str, Callable[[Path], object]] = {
    "moved": _move,
    "deleted": Path.unlink,
    "replaced": _replace,
    "replaced by a link": _replace_by_link,
    "directory moved": lambda path: path.parent.rename(path.parent.with_name("elsewhere")),
    "log deleted": lambda path: path.with_name("my.db-wal").unlink(),
    "log moved": lambda path: path.with_name("my.db-wal").rename(path.with_name("log")),
    "index deleted": lambda path: path.with_name("my.db-shm").unlink(),
    "all deleted": _delete_all,
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in" / "my.db"


@pytest.mark.parametrize("harm", HARMS.values(), ids=HARMS)
def test_nothing_is_stored_in_files_that_are_no_longer_there(
    path: Path, harm: Callable[[Path], object]
) -> None:
    store = open_store(f"sqlite:///{path}")
    store.commit(put=[setting("1")])
    harm(path)
    uses: list[Callable[[], object]] = [
        lambda: store.commit(put=[setting("2", "other")]),
        lambda: store.commit(put=[setting("2", "other")]),
        lambda: store.get(Setting, "number"),
        lambda: store.events(),
        store.refresh,
    ]
    for use in uses:
        with pytest.raises(StoreError, match=LOST):
            use()
    store.close()


def test_file_that_was_put_back_works_again_and_has_everything(path: Path) -> None:
    url = f"sqlite:///{path}"
    store = open_store(url)
    store.commit(put=[setting("1")])
    _move(path)
    with pytest.raises(StoreError, match=LOST):
        store.commit(put=[setting("2", "other")])
    path.with_name("elsewhere.db").rename(path)
    store.commit(put=[setting("3", "third")])
    store.close()
    with_all = open_store(url)
    assert [each.name for each in with_all.all(Setting)] == ["number", "third"]
    with_all.close()


def test_move_in_the_middle_of_a_commit_is_noticed(path: Path) -> None:
    store = open_store(f"sqlite:///{path}")
    with (
        pytest.raises(StoreError, match=LOST),
        store._database.writing,
        store._database.transaction(),
    ):
        _move(path)
    store.close()


def test_files_of_a_store_that_rested_may_be_new(path: Path) -> None:
    store, other = (open_store(f"sqlite:///{path}") for _ in range(2))
    store.commit(put=[setting("1")])
    store._database.rest()
    other.close()  # as the last one it deletes the log
    store.commit(put=[setting("2", "other")])
    store.close()


@pytest.mark.parametrize("gone", ["my.db-wal", "my.db-shm"])
def test_files_are_known_before_the_first_commit(path: Path, gone: str) -> None:
    """Each worker of a server begins so: it has read, and not stored anything yet."""
    store = open_store(f"sqlite:///{path}")
    store._database.rest()
    assert store.get(Setting, "number") is None
    path.with_name(gone).unlink()
    with pytest.raises(StoreError, match=LOST):
        store.commit(put=[setting("1")])
    store.close()


def test_log_of_a_store_that_is_gone_is_kept(path: Path) -> None:
    url = f"sqlite:///{path}"
    store = open_store(url)
    store.commit(put=[setting("1")])
    _move(path)
    for prepare in (lambda: None, path.touch):
        prepare()
        with pytest.raises(StoreError, match=r"my\.db-wal beside it is not"):
            open_store(url)
        assert path.with_name("my.db-wal").stat().st_size
    path.with_name("elsewhere.db").replace(path)
    store.close()
    again = open_store(url)
    assert again.get(Setting, "number")
    again.close()


@pytest.mark.parametrize("content", [b"", b"\n", b"SQLite format 3\0", b"\0" * 511])
def test_empty_file_beside_a_root_key_is_not_a_new_store(path: Path, content: bytes) -> None:
    Lab(f"sqlite:///{path}").close()
    path.write_bytes(content)
    with pytest.raises(StoreError, match=r"cut off, but its root key my\.db\.key is there"):
        Lab(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_files_are_their_owners_alone(path: Path) -> None:
    with Lab(f"sqlite:///{path}") as lab:
        lab.create_cmk("orders")
        modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["my.db", "my.db-wal", "my.db-shm", "my.db.key"], 0o600)


def test_in_process_the_error_is_the_stores_and_on_the_wire_kms_and_one_line(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    lab = Lab(f"sqlite:///{path}")
    cmk = lab.create_cmk("orders")
    _move(path)
    for call in (lab.create_cmk, lambda: cmk.encrypt(b"x"), lambda: lab.trail):
        with pytest.raises(StoreError, match=LOST):
            call()
    with caplog.at_level(logging.ERROR):
        answer = wire.handle(lab.service, lab.caller, "TrentService.CreateKey", b"{}")
    assert (answer.status, b"KMSInternalException" in answer.body) == (500, True)
    [record] = caplog.records
    assert LOST in record.getMessage()
    assert record.exc_info is None
    assert "\n" not in record.getMessage()
    path.with_name("elsewhere.db").rename(path)
    lab.close()
