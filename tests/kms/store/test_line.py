"""Commits that wait at the same time share a transaction; each fails for its own reasons only."""

import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

import pytest

from kmslab import Lab
from kmslab.kms.contract.records import Record, Setting
from kmslab.kms.store import Conflict, Store, open_store
from tests.kms.store.samples import event, setting
from tests.waiting import until


def together(store: Store, *commits: Callable[[], None]) -> list[BaseException | None]:
    """What became of each commit; all waited, in this order, before the first was stored."""
    outcomes: list[BaseException | None] = [None] * len(commits)

    def run(place: int, commit: Callable[[], None]) -> None:
        try:
            commit()
        except BaseException as error:
            outcomes[place] = error

    threads = []
    with store._database.writing:
        for place, commit in enumerate(commits):
            threads.append(threading.Thread(target=run, args=(place, commit)))
            threads[-1].start()
            until(lambda: len(store._line._waiting) == len(threads))
    for thread in threads:
        thread.join()
    return outcomes


def putting(store: Store, *records: Record) -> Callable[[], None]:
    return lambda: store.commit(put=records, events=[event()])


@contextmanager
def statements(store: Store) -> Iterator[list[str]]:
    """What SQLite runs meanwhile for a store in memory, which has one connection."""
    seen: list[str] = []
    connection = store._database._engine.raw_connection().driver_connection
    connection.set_trace_callback(seen.append)
    yield seen
    connection.set_trace_callback(None)


def test_commits_that_wait_together_are_stored_in_one_transaction() -> None:
    store = open_store()
    with statements(store) as seen:
        commits = [putting(store, setting("1", str(number))) for number in range(5)]
        assert together(store, *commits) == [None] * 5
    assert seen.count("COMMIT") == 1
    versions = [each.version for each in store.page(Setting, "")]
    assert versions == [versions[0] + number for number in range(5)]
    assert len(store.events()) == 5
    store.close()


def test_making_a_key_asks_the_database_nothing_before_its_commit() -> None:
    """And a commit takes no more than a check and a write for each record."""
    with Lab() as lab:
        for _ in range(2):  # the first makes the domain key, the second reads it
            lab.kms.create_key()
        with statements(lab.service._store) as seen:
            lab.kms.create_key()
    verbs = [statement.split()[0] for statement in seen]
    assert verbs == ["BEGIN", *["SELECT"] * 3, *["INSERT"] * 3, "UPDATE", "COMMIT"]


def test_each_of_two_waiting_commits_of_one_record_is_guarded(store: Store) -> None:
    store.commit(put=[setting("1")])
    old = store.get(Setting, "number")
    assert old
    first, second = (putting(store, replace(old, value=value)) for value in "23")
    stored, refused, other = together(store, first, second, putting(store, setting("1", "other")))
    assert stored is other is None
    assert isinstance(refused, Conflict)
    assert {each.name: each.value for each in store.page(Setting, "")} == {
        "number": "2",
        "other": "1",
    }
    assert len(store.events()) == 2


def test_record_that_cannot_be_stored_fails_its_own_commit_only(store: Store) -> None:
    broken = replace(setting("1", "broken"), value=None)
    outcomes = together(
        store,
        putting(store, setting("1", "a")),
        putting(store, setting("1", "b"), broken),
        putting(store, setting("1", "c")),
    )
    assert [type(each) for each in outcomes] == [type(None), ValueError, type(None)]
    assert [each.name for each in store.page(Setting, "")] == ["a", "c"]
    assert len(store.events()) == 2


def test_name_that_a_waiting_commit_takes_is_taken_for_the_next(store: Store) -> None:
    first, second = (putting(store, setting(value)) for value in "12")
    stored, refused = together(store, first, second)
    assert stored is None
    assert isinstance(refused, Conflict)


def test_commit_reads_the_store_before_it_writes(store: Store) -> None:
    """A removal frees the name for the next commit of the same transaction."""
    store.commit(put=[setting("1")])
    old = store.get(Setting, "number")
    assert old
    outcomes = together(store, lambda: store.commit(remove=[old]), putting(store, setting("2")))
    assert outcomes == [None, None]
    new = store.get(Setting, "number")
    assert new
    assert (new.value, new.version > old.version) == ("2", True)


class Interrupting(deque[Any]):
    """Ctrl+C comes when so many have left the line."""

    left = 2

    def popleft(self) -> Any:
        first = super().popleft()
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt
        return first


def test_interrupted_thread_takes_no_other_commit_with_it(store: Store) -> None:
    store._line._waiting = Interrupting()
    outcomes = together(store, *(putting(store, setting("1", name)) for name in "abc"))
    assert [*map(type, outcomes)].count(KeyboardInterrupt) == 1
    stored = {name for name, error in zip("abc", outcomes, strict=True) if error is None}
    assert {each.name for each in store.page(Setting, "")} == stored
    assert len(stored) == len(store.events()) == 2


def test_commit_that_was_interrupted_while_it_waited_is_not_stored_later(store: Store) -> None:
    class Interrupted:
        def __enter__(self) -> None:
            raise KeyboardInterrupt

        def __exit__(self, *_: object) -> None: ...

    writing, store._database.writing = store._database.writing, cast(Any, Interrupted())
    with pytest.raises(KeyboardInterrupt):
        store.commit(put=[setting("1", "regretted")])
    store._database.writing = writing
    store.commit(put=[setting("1", "wanted")])
    assert [each.name for each in store.page(Setting, "")] == ["wanted"]
