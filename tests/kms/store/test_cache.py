"""The cache never returns a record that a commit of this process has replaced; it is bounded."""

import random
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest

from kmslab.kms.contract.records import Setting
from kmslab.kms.store import Conflict, Store, sqlite
from kmslab.kms.store.sql import Database
from kmslab.kms.store.store import Store as StoreClass
from tests.kms.store.samples import setting


def test_second_get_asks_no_database(store: Store) -> None:
    store.commit(put=[setting("1")])
    first = store.get(Setting, "number")
    assert store.get(Setting, "number") is first


def test_absence_is_never_cached(store: Store) -> None:
    assert store.get(Setting, "number") is None
    store.commit(put=[setting("1")])
    assert store.get(Setting, "number") is not None


def test_hit_never_waits(store: Store) -> None:
    """It does not, even while another thread is inside a transaction."""
    store.commit(put=[setting("1")])
    with store._database.writing, store._database.transaction():
        seen: list[object] = []
        reader = threading.Thread(target=lambda: seen.append(store.get(Setting, "number")))
        reader.start()
        reader.join(timeout=10)
        assert not reader.is_alive()
    assert seen != [None]


def test_cache_is_bounded_and_keeps_what_is_used() -> None:
    store = StoreClass(prepared(), cached=10)
    for number in range(100):
        store.commit(put=[setting("", str(number))])
    kept = store.get(Setting, "0")
    for number in range(1, 100):
        store.get(Setting, str(number))
        assert store.get(Setting, "0") is kept
    assert len(store._cache.hot) + len(store._cache._warm) <= 20
    store.close()


def prepared() -> Database:
    from kmslab.kms.store.migrations import prepare

    database = sqlite.in_memory()
    with database.writing, database.transaction() as connection:
        prepare(connection)
    return database


class Race:
    """Threads on one store, until the writers have changed records so many times."""

    def __init__(self, store: Store, wanted: int) -> None:
        self.store, self.wanted = store, wanted
        self.rounds = 0
        self.floor = {"a": 0, "b": 0}  # the newest value whose commit has returned
        self.phase = 0  # even: the record "gone" does not exist
        self.problems: list[str] = []

    def run(self, *works: Callable[[], None]) -> None:
        def again(work: Callable[[], None]) -> None:
            while self.rounds < self.wanted:
                work()

        threads = [threading.Thread(target=again, args=[work]) for work in works]
        usual = sys.getswitchinterval()
        sys.setswitchinterval(1e-5)  # seconds; by default 0.005
        try:
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        finally:
            sys.setswitchinterval(usual)
        assert self.problems == []

    def change(self) -> None:
        name = random.choice("ab")
        old = self.store.get(Setting, name)
        value = int(old.value) + 1
        with suppress(Conflict):
            self.store.commit(put=[replace(old, value=str(value))])
            self.floor[name] = max(self.floor[name], value)
            self.rounds += 1

    def read(self) -> None:
        name = random.choice("ab")
        least = self.floor[name]
        if int(self.store.get(Setting, name).value) < least:
            self.problems.append(f"{name} fell behind {least}")

    def make_and_remove(self) -> None:
        self.phase += 1
        self.store.commit(put=[setting("", "gone")])
        self.store.commit(remove=self.store.page(Setting, "gone"))
        self.phase += 1
        self.rounds += 1
        time.sleep(0)

    def look_for_the_removed(self) -> None:
        phase = self.phase
        found = self.store.get(Setting, "gone")
        if found and phase == self.phase and phase % 2 == 0:
            self.problems.append("it is still there")

    def forget(self) -> None:
        """Drops cached records, so that reads and commits race to enter them."""
        self.store._cache.clear()
        time.sleep(0.001)


@pytest.mark.parametrize("changes", [50, pytest.param(5_000, marks=pytest.mark.long)])
def test_no_thread_sees_an_older_version_after_a_commit_returned(
    store: Store, changes: int
) -> None:
    store.commit(put=[setting("0", "a"), setting("0", "b")])
    race = Race(store, changes)
    race.run(race.change, race.change, race.read, race.read, race.forget)


@pytest.mark.parametrize("removals", [10, pytest.param(200, marks=pytest.mark.long)])
def test_no_thread_sees_a_record_after_its_removal_returned(store: Store, removals: int) -> None:
    race = Race(store, removals)
    race.run(race.make_and_remove, race.look_for_the_removed, race.look_for_the_removed)


def test_many_threads_lose_no_change(store: Store) -> None:
    store.commit(put=[setting("0")])

    def count() -> None:
        for _ in range(25):
            add_one(store)

    threads = [threading.Thread(target=count) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.get(Setting, "number").value == "150"
    assert store.page(Setting, "")[0].value == "150"


def add_one(store: Store) -> None:
    while True:
        old = store.get(Setting, "number")
        try:
            store.commit(put=[replace(old, value=str(int(old.value) + 1))])
        except Conflict:
            continue
        return


def test_interrupt_inside_a_commit_leaves_no_stale_record(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The user presses Ctrl-C when the change is stored but not yet in the cache."""
    store.commit(put=[setting("1")])
    old = store.get(Setting, "number")

    def interrupted(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(store._cache, "committed", interrupted)
        with pytest.raises(KeyboardInterrupt):
            store.commit(put=[replace(old, value="2")])
    assert store.get(Setting, "number").value == "2"
