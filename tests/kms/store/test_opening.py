"""If a store cannot be opened, the error says why and what to do, and the file is unchanged."""

import os
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from sqlalchemy import text

from kmslab.kms.contract.records import Setting
from kmslab.kms.store import Store, StoreError, open_store
from kmslab.kms.store.migrations import prepare
from kmslab.kms.store.schema import VERSION
from tests.cases import for_every
from tests.kms.store.samples import ended, setting, start


@pytest.mark.parametrize("url", [None, "sqlite://", "sqlite:///:memory:"])
def test_store_in_memory_is_shared_with_no_other(url: str | None) -> None:
    one, other = open_store(url), open_store(url)
    one.commit(put=[setting("1")])
    assert other.get(Setting, "number") is None
    assert not one.shared
    assert one.path is None
    one.close()
    other.close()


def test_file_is_made_and_found_again(tmp_path: Path, opened: Callable[[], Store]) -> None:
    one = opened()
    one.commit(put=[setting("1")])
    one.close()
    again = opened()
    assert again.get(Setting, "number") is not None
    assert again.shared
    assert again.path == tmp_path / "my.db"


def test_closed_store_is_one_whole_file(tmp_path: Path, opened: Callable[[], Store]) -> None:
    store = opened()
    store.commit(put=[setting("1")])
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["my.db"]


def test_commits_are_synced_and_leave_readers_alone(opened: Callable[[], Store]) -> None:
    database = opened()._database
    assert [tuple(row) for row in database.read(text("PRAGMA journal_mode"))] == [("wal",)]
    assert [tuple(row) for row in database.read(text("PRAGMA synchronous"))] == [(2,)]  # FULL


def test_relative_file_stays_the_same_when_the_process_moves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path)
    store = open_store("sqlite:///my.db")
    monkeypatch.chdir("elsewhere")
    store.commit(put=[setting("1")])
    store._database.rest()
    assert store.page(Setting, "") != []
    store.close()
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_name_with_every_sort_of_character_is_the_files_name(tmp_path: Path) -> None:
    name = "a b%20?#&ü열.db"
    store = open_store(f"sqlite:///{tmp_path}/{quote(name)}")
    store.close()
    assert [each.name for each in tmp_path.iterdir()] == [name]


@for_every(
    "url",
    [
        "postgresql://alice:hunter2@host",
        "postgresql://alice@host?password=hunter2",
        "postgresql://alice:my@hunter2@host/db",
        "postgresql://alice:my@hunter2:1@host:1/db",
        "postgresql://alice:hunter2@host:port/db",
        "mysql://alice:hunter2@host/db",
        "my.db",
        "",
        "/home/alice/my.db",
        "sqlite://my.db",
        "sqlite:///",
        "sqlite:///my.db?mode=ro",
    ],
)
def test_url_that_is_no_store_is_a_value_error_without_its_password(url: str) -> None:
    with pytest.raises(ValueError, match=re.escape("sqlite:///my.db")) as refused:
        open_store(url)
    assert "hunter2" not in str(refused.value)


def test_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"The directory .*nowhere does not exist. Make it"):
        open_store(f"sqlite:///{tmp_path}/nowhere/my.db")
    assert list(tmp_path.iterdir()) == []


def test_directory_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="cannot be opened"):
        open_store(f"sqlite:///{tmp_path}")


@pytest.mark.parametrize("size", [17, 100_000])
def test_file_that_is_no_database_is_left_alone(tmp_path: Path, url: str, size: int) -> None:
    (tmp_path / "my.db").write_bytes(b"Dear diary,\n" * size)
    with pytest.raises(StoreError, match="is not an SQLite database"):
        open_store(url)
    assert (tmp_path / "my.db").read_bytes() == b"Dear diary,\n" * size
    assert len(list(tmp_path.iterdir())) == 1


def test_another_programs_database_is_left_alone(tmp_path: Path, url: str) -> None:
    path = tmp_path / "my.db"
    with sqlite3.connect(path) as raw:
        raw.execute("CREATE TABLE key (value TEXT)")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreError, match="another program's database"):
        open_store(url)
    assert path.read_bytes() == before
    assert len(list(tmp_path.iterdir())) == 1


def test_empty_file_becomes_a_store(tmp_path: Path, opened: Callable[[], Store]) -> None:
    (tmp_path / "my.db").touch()
    opened().commit(put=[setting("1")])


def test_newer_schema_asks_for_a_newer_version(
    tmp_path: Path, url: str, opened: Callable[[], Store]
) -> None:
    opened().commit(put=[setting("1")])
    with sqlite3.connect(tmp_path / "my.db") as raw:
        raw.execute("UPDATE kmslab SET schema = 99")
    raw.close()
    with pytest.raises(StoreError, match="newer kmslab"):
        open_store(url)


def test_process_that_runs_while_a_newer_version_migrates_stores_nothing_more(
    tmp_path: Path, opened: Callable[[], Store]
) -> None:
    store = opened()
    store.commit(put=[setting("1")])
    with closing(sqlite3.connect(tmp_path / "my.db")) as raw:
        raw.execute("UPDATE kmslab SET schema = schema + 1")
        raw.commit()
    with pytest.raises(StoreError, match="Start this process again, with that version"):
        store.commit(put=[setting("2", "other")])
    store._polling.look_at_next()
    with pytest.raises(StoreError, match="A newer kmslab has brought the store up to date"):
        store.refresh()
    with closing(sqlite3.connect(tmp_path / "my.db")) as raw:
        assert raw.execute("SELECT name FROM setting").fetchall() == [("number",)]


def test_older_schema_is_brought_up_to_date_step_by_step(opened: Callable[[], Store]) -> None:
    store = opened()
    store.commit(put=[setting("1")])
    steps = {
        VERSION: lambda it: it.execute(text("ALTER TABLE setting ADD COLUMN note VARCHAR")),
        VERSION + 1: lambda it: it.execute(text("UPDATE setting SET note = 'migrated'")),
    }
    for _ in range(2):  # the second time there is nothing to do
        with store._database.writing, store._database.transaction() as connection:
            prepare(connection, VERSION + 2, steps)
    [row] = store._database.read(text("SELECT value, note FROM setting"))
    assert tuple(row) == ("1", "migrated")
    [row] = store._database.read(text("SELECT schema FROM kmslab"))
    assert tuple(row) == (VERSION + 2,)


def test_failing_step_leaves_the_older_schema(opened: Callable[[], Store]) -> None:
    store = opened()
    steps = {
        VERSION: lambda it: it.execute(text("ALTER TABLE setting ADD COLUMN note VARCHAR")),
        VERSION + 1: lambda it: it.execute(text("nonsense")),
    }
    with (
        pytest.raises(StoreError),
        store._database.writing,
        store._database.transaction() as connection,
    ):
        prepare(connection, VERSION + 2, steps)
    assert "note" not in str(store._database.read(text("SELECT sql FROM sqlite_master")))
    [row] = store._database.read(text("SELECT schema FROM kmslab"))
    assert tuple(row) == (VERSION,)


AS_NOBODY = """
import os
if hasattr(os, "geteuid") and os.geteuid() == 0:
    open_store().close()  # what is imported late, before other rights apply
    os.setuid(65534)
try:
    open_store("sqlite:///" + sys.argv[1])
except StoreError as error:
    print(error)
"""


@pytest.fixture
def public(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A directory that other users may enter; pytest's own directories are private."""
    monkeypatch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # others may not write its data
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)
        Path(name).chmod(0o755)


@pytest.mark.skipif(os.name != "posix", reason="rights are set otherwise on Windows")
@pytest.mark.parametrize(
    ("file_mode", "directory_mode"), [(0o444, 0o777), (0o666, 0o555)], ids=["file", "directory"]
)
def test_file_that_may_not_be_written_is_left_alone(
    public: Path, file_mode: int, directory_mode: int
) -> None:
    path = public / "my.db"
    open_store(f"sqlite:///{path}").close()
    before = path.read_bytes()
    path.chmod(file_mode)
    public.chmod(directory_mode)
    said = ended(start(AS_NOBODY, path))
    path.chmod(0o644)
    assert "Give yourself the right" in said or "may you write there" in said
    assert str(path) in said
    assert path.read_bytes() == before


def test_file_that_was_deleted_is_not_made_again_empty(
    tmp_path: Path, opened: Callable[[], Store]
) -> None:
    store = opened()
    store.commit(put=[setting("1")])
    store._database.rest()
    (tmp_path / "my.db").unlink()
    with pytest.raises(StoreError, match="was moved, replaced or deleted"):
        store.commit(put=[setting("2", "other")])
    assert list(tmp_path.iterdir()) == []


def test_store_locked_by_another_program_says_so(
    tmp_path: Path, opened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmslab.kms.store.sql.PATIENCE", 0)
    store = opened()
    raw = sqlite3.connect(tmp_path / "my.db", isolation_level=None)
    raw.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreError, match="locked by another process"):
        store.commit(put=[setting("1")])
    raw.execute("ROLLBACK")
    raw.close()
    store.commit(put=[setting("1")])


def test_store_that_another_process_is_making_is_waited_for(
    tmp_path: Path, opened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kmslab.kms.store.sqlite.WAIT", 0)
    maker = sqlite3.connect(tmp_path / "my.db", isolation_level=None)
    maker.execute("BEGIN EXCLUSIVE")
    pauses = []

    def pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 2:
            maker.execute("ROLLBACK")

    clock = SimpleNamespace(monotonic=time.monotonic, sleep=pause)
    monkeypatch.setattr("kmslab.kms.store.sql.time", clock)
    opened().commit(put=[setting("1")])
    assert len(pauses) == 2
    maker.close()


def test_error_does_not_print_what_was_to_be_stored(
    tmp_path: Path, opened: Callable[[], Store]
) -> None:
    store = opened()
    with sqlite3.connect(tmp_path / "my.db") as raw:
        raw.execute("DROP TABLE setting")
    raw.close()
    with pytest.raises(StoreError) as refused:
        store.commit(put=[setting("hunter2")])
    assert "hunter2" not in f"{refused.value} {refused.value.__cause__}"


def test_closing_twice_does_nothing(store: Store) -> None:
    store.close()
    store.close()


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.get(Setting, "number"),
        lambda store: store.page(Setting, ""),
        lambda store: store.commit(put=[setting("2", "other")]),
        lambda store: store.events(),
    ],
)
def test_closed_store_says_that_it_is_closed(store: Store, use: Callable[[Store], object]) -> None:
    store.commit(put=[setting("1")])
    assert store.get(Setting, "number") is not None
    store.close()
    with pytest.raises(StoreError, match="closed"):
        use(store)
