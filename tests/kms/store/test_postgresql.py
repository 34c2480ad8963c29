"""A store in PostgreSQL: what the other tests claim of stores, and what only a server can do."""

import itertools
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kmslab import Lab
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.contract.records import Setting
from kmslab.kms.store import Store, StoreError, is_there, open_store, shown
from tests.cases import for_every
from tests.kms.store.samples import event, key, setting
from tests.postgresql import FAST, IMMEDIATE, PostgreSql
from tests.small_disk import small_disk

psycopg = pytest.importorskip("psycopg")


@pytest.fixture
def url(new_database: Callable[[], str]) -> str:
    return new_database()


@pytest.fixture
def stopped(postgresql: PostgreSql) -> Iterator[PostgreSql]:
    """A server that a test may stop."""
    yield postgresql
    if not postgresql.is_running:
        postgresql.start()


def test_lab_at_a_server_is_found_again(url: str, tmp_path: Path) -> None:
    root_key = tmp_path / "root.key"
    with Lab(url, root_key=root_key) as lab:
        blob = lab.create_cmk("orders").encrypt(b"card 4242")
    with Lab(url.replace("postgresql://", "postgresql+psycopg://"), root_key=root_key) as lab:
        assert lab.decrypt(blob) == b"card 4242"
        names = [event["eventName"] for event in lab.trail]
    assert names[-4:] == ["CreateKey", "CreateAlias", "Encrypt", "Decrypt"]


def test_lab_at_a_server_needs_the_root_key_that_it_had(url: str, tmp_path: Path) -> None:
    with pytest.raises(RootKeyError, match=r"needs a root key, in a file .*root_key=…"):
        Lab(url)
    with Lab(url, root_key=tmp_path / "root.key") as lab:
        lab.create_cmk()
    with pytest.raises(RootKeyError, match="is missing"):
        Lab(url, root_key=tmp_path / "another.key")
    (tmp_path / "another.key").touch(0o600)
    (tmp_path / "another.key").write_text("00" * 32, "ascii")
    with pytest.raises(RootKeyError, match="is not the one"):
        Lab(url, root_key=tmp_path / "another.key")


def test_looking_for_a_store_makes_none(url: str) -> None:
    assert not is_there(url)
    open_store(url).close()
    assert is_there(url)


def test_url_is_shown_without_its_user_and_password() -> None:
    url = "postgresql+psycopg://alice:hunter2@db.example.com:5433/lab?password=hunter2"
    assert shown(url) == "postgresql://db.example.com:5433/lab"
    assert shown("sqlite:///my.db") == "sqlite:///my.db"


@for_every("wrong", ["password", "database", "port"])
def test_server_that_cannot_be_used_is_one_clear_line(url: str, wrong: str) -> None:
    server, _, name = url.rpartition("/")
    other, text = {
        "password": (url.replace("@", "x@"), "cannot be reached: .*authentication"),
        "database": (f"{server}/nothing", "cannot be reached: .*does not exist"),
        "port": (f"{server.rpartition(':')[0]}:1/{name}", "cannot be reached: Connection refused"),
    }[wrong]
    with pytest.raises(StoreError, match=text) as refused:
        open_store(other)
    assert url.partition("@")[0].rpartition(":")[2] not in str(refused.value)
    assert "\n" not in str(refused.value)


def test_another_programs_database_is_left_alone(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("CREATE TABLE key (value TEXT)")
    with pytest.raises(StoreError, match="another program's database"):
        open_store(url)
    with psycopg.connect(url) as raw:
        tables = raw.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        assert tables.fetchall() == [("key",)]


@pytest.mark.parametrize("how", [FAST, IMMEDIATE])
def test_service_resumes_when_the_server_does(
    url: str, stopped: PostgreSql, how: signal.Signals
) -> None:
    """With every connection of the pool cut, the first call after the start works again."""
    store = open_store(url)
    store.commit(put=[setting("1")])
    store.log(event(1))
    stopped.stop(how)
    for _ in range(3):
        with pytest.raises(StoreError, match=r"cannot be reached: .* works? again"):
            store.commit(put=[setting("2", "other")], events=[event(2)])
    with pytest.raises(StoreError):
        store.page(Setting, "")
    stopped.start()
    store.commit(put=[setting("3", "third")])
    assert [each.name for each in store.page(Setting, "")] == ["number", "third"]
    assert len(store.events()) == 1, "what was logged meanwhile waited; a failed commit is dropped"
    store.close()


def test_nothing_is_answered_from_the_cache_while_the_server_is_away(
    url: str, stopped: PostgreSql, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = open_store(url)
    store.commit(put=[key()])
    stopped.stop()
    monkeypatch.setattr("kmslab.kms.store.polling.POLL", 0)
    monkeypatch.setattr("kmslab.kms.store.polling.AGAIN", 0)
    for _ in range(3):
        with pytest.raises(StoreError, match="cannot be reached"):
            store.refresh()
    stopped.start()
    assert not store.refresh()
    store.close()


def cut(url: str) -> None:
    """End every other session of this database, as a failing network does."""
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


@pytest.mark.parametrize("cuts", [4, pytest.param(100, marks=pytest.mark.long)])
def test_connections_that_are_cut_at_any_moment_lose_no_commit(url: str, cuts: int) -> None:
    """A commit whose answer was lost may have happened. It is done wholly, or not at all."""
    store, done, over = open_store(url), [], threading.Event()
    unknown: list[int] = []

    def work() -> None:
        for number in itertools.count():
            if over.is_set():
                return
            names = (f"{number}-a", f"{number}-b")
            try:
                store.commit(put=[setting("1", name) for name in names], events=[event(number)])
                done.append(number)
            except StoreError:
                unknown.append(number)

    worker = threading.Thread(target=work)
    worker.start()
    for _ in range(cuts):
        time.sleep(0.02)
        cut(url)
    over.set()
    worker.join()
    found = {each.name for each in store.all(Setting)}
    wholly = {number for number in (*done, *unknown) if f"{number}-a" in found}
    assert {*done} <= wholly
    assert found == {f"{number}-{part}" for number in wholly for part in "ab"}
    events = [each.request_id for each in store.events()]
    assert sorted(events) == sorted(event(number).request_id for number in wholly)
    assert done
    store.close()


@pytest.mark.long
def test_server_that_only_reads_says_so(url: str) -> None:
    store = open_store(url)
    store.commit(put=[setting("1")])
    name = url.rpartition("/")[2]
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    cut(url)
    with pytest.raises(StoreError, match=r"cannot be written: its server only reads\. Name the"):
        store.commit(put=[setting("2", "other")])
    assert [each.name for each in store.all(Setting)] == ["number"]
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("SET default_transaction_read_only = off")
        raw.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    cut(url)
    store.commit(put=[setting("2", "other")])
    store.close()


@pytest.mark.long
def test_full_disk_of_the_server_refuses_changes_whole(postgresql: PostgreSql) -> None:
    with (
        tempfile.TemporaryDirectory() as place,  # pytest's folders are root's alone
        small_disk(Path(place) / "disk", megabytes=16) as disk,
    ):
        store = open_store(postgresql.on_disk(disk.folder))
        store.commit(put=[setting("1")])
        disk.fill()
        done, error = 0, None
        while error is None:
            try:
                store.commit(put=[setting("x" * 1_000, f"{done:04}")], events=[event(done)])
                done += 1
            except StoreError as found:
                error = found
        assert "the disk of its server is full. Nothing was written; make room" in str(error)
        assert len(store.all(Setting)) == done + 1
        disk.empty()
        store.commit(put=[setting("3", "third")])
        assert len(store.all(Setting)) == done + 2
        assert len(store.events()) == done
        store.close()
        postgresql.forget_disk()


@pytest.mark.long
def test_store_that_has_lost_commits_is_noticed(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a switch to a copy of the database that was behind."""
    monkeypatch.setattr("kmslab.kms.store.polling.POLL", 0)
    monkeypatch.setattr("kmslab.kms.store.polling.AGAIN", 0)
    store = open_store(url)
    for number in range(3):
        store.commit(put=[setting("1", str(number))])
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute("UPDATE kmslab SET changes = 2")
    for _ in range(2):
        with pytest.raises(StoreError, match=r"is older than it was: .* Close the lab and open it"):
            store.refresh()
    store.close()


def test_commit_is_on_the_servers_disk_whatever_the_server_prefers(url: str) -> None:
    with psycopg.connect(url, autocommit=True) as raw:
        raw.execute(f"ALTER DATABASE {url.rpartition('/')[2]} SET synchronous_commit = off")
    store = open_store(url)
    with store._database._connection() as connection:
        assert connection.exec_driver_sql("SHOW synchronous_commit").scalar() == "on"
    store.close()


@for_every("level", ["repeatable read", "serializable"])
def test_transactions_wait_for_each_other_whatever_the_server_prefers(url: str, level: str) -> None:
    with psycopg.connect(url, autocommit=True) as raw:
        database = url.rpartition("/")[2]
        raw.execute(f"ALTER DATABASE {database} SET default_transaction_isolation = '{level}'")
    stores = open_store(url), open_store(url)
    errors: list[BaseException] = []

    def work(store: Store, place: int) -> None:
        try:
            for number in range(20):
                store.commit(
                    put=[setting("1", f"{level} {place} {number}")], events=[event(number)]
                )
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(each, at)) for at, each in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len([*stores[0].page(Setting, f"{level} ")]) == 40
    for each in stores:
        each.close()


def test_description_with_nul_comes_back(url: str) -> None:
    store = open_store(url)
    for number, text in enumerate(["\0", "a\0\1\2b", "\1\2", "\1\1\2", "\1"]):
        sample = key(str(number), description=text)
        store.commit(put=[sample])
        store._cache.clear()
        assert store.get(type(sample), sample.arn).description == text
    store.close()


@pytest.mark.long
def test_database_of_a_fork_is_its_own(url: str) -> None:
    """`test_fork` tries all the ways; a connection that two processes use would mix answers."""
    import os

    store: Store = open_store(url)
    store.commit(put=[setting("1")])
    if (child := os.fork()) == 0:
        try:
            store.commit(put=[setting("2", "child")])
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    store.commit(put=[setting("3", "parent")])
    assert [each.name for each in store.page(Setting, "")] == ["child", "number", "parent"]
    store.close()
