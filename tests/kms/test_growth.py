"""A call costs no more when there is more of everything: more keys, aliases, grants and events.

The cost is counted, not timed: the steps that SQLite takes, which are the same on every machine.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from kmslab.bench.big_stores import Size
from kmslab.bench.scale import ANY, CALLS, Filled, opened
from kmslab.kms.store import sqlite
from tests.cases import for_every

SMALL = Size(keys=150, aliases=150, grants=110, events=200)
LARGE = Size(keys=2_000, aliases=2_000, grants=1_600, events=4_000)
MORE = 1.3  # times as many steps, at most


class Steps:
    """Counts what SQLite does on every connection that is made meanwhile."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.number = 0
        self._connect = sqlite._connect
        patch.setattr(sqlite, "_connect", self._counted)

    def _counted(self, place: str) -> sqlite3.Connection:
        raw = self._connect(place)
        raw.set_progress_handler(self._step, 1)
        return raw

    def _step(self) -> int:
        self.number += 1
        return 0

    def of(self, call: Callable[[Filled], object], filled: Filled) -> int:
        """With no record in memory. The first call fills SQLite's own cache of the schema."""
        store = filled.lab._store
        for _ in range(2):
            store._cache.hot, store._cache._warm, store._cache.lists = {}, {}, {}
            before = self.number
            call(filled)
            store.flush()
        return self.number - before


@pytest.fixture(scope="module")
def steps() -> Iterator[Steps]:
    with pytest.MonkeyPatch.context() as patch:
        yield Steps(patch)


@pytest.fixture(scope="module")
def stores(steps: Steps, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Filled]]:
    """A small and a large store."""
    folder = tmp_path_factory.mktemp("stores")
    with ExitStack() as stack:
        yield [opened(stack, folder / f"{size.keys}.db", size) for size in (SMALL, LARGE)]


@for_every("call", [*CALLS, *ANY])
def test_call_takes_no_more_steps_in_a_large_store(
    steps: Steps, stores: list[Filled], call: str
) -> None:
    small, large = (steps.of({**CALLS, **ANY}[call], each) for each in stores)
    assert 0 < large <= MORE * small


def test_no_statement_of_a_call_reads_a_whole_table(stores: list[Filled]) -> None:
    """Whatever a call asks of SQLite is answered from an index, or by a row's number."""
    database = stores[0].lab._store._database
    asked: set[str] = set()
    connections = [database._engine.raw_connection() for _ in range(2)]
    for each in connections:
        each.driver_connection.set_trace_callback(asked.add)
    for each in connections:
        each.close()
    for call in {**CALLS, **ANY}.values():
        stores[0].lab._store._cache.clear()
        call(stores[0])
    stores[0].lab._store.flush()
    with database.snapshot() as connection:
        plans = {
            statement: [
                row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}")
            ]
            for statement in asked
            if statement.startswith(("SELECT", "UPDATE", "DELETE"))
        }
    assert len(plans) > len(CALLS)
    whole = ("SCAN kmslab", "SCAN CONSTANT ROW")  # the table of one row; a value
    wrong = [
        (step, statement)
        for statement, steps in plans.items()
        for step in steps
        if step.startswith(("SCAN", "USE TEMP B-TREE")) and step not in whole
    ]
    assert wrong == []
