"""An index finds what is due, and the time of the next due act is known without SQL."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Executable, text
from sqlalchemy.dialects import postgresql

from kmslab.kms.contract.records import Alias, Grant, Key
from kmslab.kms.store import Store
from kmslab.kms.store.events import written
from kmslab.kms.store.schema import COUNT, DUE, ROWS, STATE
from tests.cases import for_every
from tests.kms.store.samples import HERE, NOON, key

DAY = timedelta(days=1)


def test_due_keys_come_earliest_first_and_no_more_than_asked(store: Store) -> None:
    days = {"a": 3, "b": 1, "c": 2, "d": 9}
    store.commit(put=[key(name, due=NOON + day * DAY) for name, day in days.items()])
    store.commit(put=[key("never")])
    assert [each.id for each in store.due(NOON + 3 * DAY)] == ["b", "c", "a"]
    assert [each.id for each in store.due(NOON + 3 * DAY, limit=2)] == ["b", "c"]
    assert store.due(NOON) == []


def test_next_due_follows_every_commit(store: Store) -> None:
    assert store.next_due is None
    store.commit(put=[key("a", due=NOON + DAY)])
    assert store.next_due == NOON + DAY
    store.commit(put=[key("b", due=NOON)])
    assert store.next_due == NOON
    [first] = store.due(NOON)
    store.commit(put=[replace(first, due=None)])
    assert store.next_due == NOON + DAY
    store.commit(remove=store.due(NOON + DAY))
    assert store.next_due is None


def test_next_due_is_known_when_a_store_is_opened(opened: Callable[[], Store]) -> None:
    opened().commit(put=[key(due=NOON)])
    assert opened().next_due == NOON


def test_next_due_shows_what_others_changed_after_an_own_commit(
    opened: Callable[[], Store],
) -> None:
    one, other = opened(), opened()
    other.commit(put=[key("a", due=NOON)])
    one.commit(put=[key("b", due=NOON + DAY)])
    assert one.next_due == NOON


def test_asking_what_is_due_corrects_next_due(opened: Callable[[], Store]) -> None:
    """Otherwise a call would ask for ever about what another process has already done."""
    one, other = opened(), opened()
    one.commit(put=[key(due=NOON)])
    other.commit(remove=other.due(NOON))
    assert one.next_due == NOON
    assert one.due(NOON) == []
    assert one.next_due is None


def plan(store: Store, statement: Executable, **values: Any) -> str:
    bound = statement.params(**values).compile(compile_kwargs={"literal_binds": True})
    rows = store._database.read(text(f"EXPLAIN QUERY PLAN {bound}"))
    return "\n".join(row[-1] for row in rows)


@pytest.fixture
def sqlite(opened: Callable[[], Store]) -> Store:
    return opened()


def test_due_and_next_due_search_the_index(sqlite: Store) -> None:
    assert "SEARCH key USING INDEX key_by_due (due<?)" in plan(sqlite, DUE, at=1, most=1)
    assert "USING COVERING INDEX key_by_due" in plan(sqlite, STATE)


@pytest.mark.parametrize(
    ("statement", "index"),
    [
        (ROWS[Alias].by("target"), "alias_by_target (target=?)"),
        (ROWS[Grant].by("key", "grantee"), "grant_by_key_and_grantee (key=? AND grantee=?)"),
        (ROWS[Grant].count("key"), "COVERING INDEX grant_by_key_and_grantee (key=?)"),
        (
            ROWS[Grant].page(HERE, "", 10, ("key", "grantee")),
            "grant_by_key_and_grantee (key=? AND grantee=? AND handle>? AND handle<?)",
        ),
        (
            ROWS[Grant].page(HERE, "", 10, ("retiring",)),
            "grant_by_retiring (retiring=? AND handle>? AND handle<?)",
        ),
        (ROWS[Key].one, "sqlite_autoindex_key_1 (arn=?)"),
        (ROWS[Key].page(HERE, "", 10), "sqlite_autoindex_key_1 (arn>? AND arn<?)"),
    ],
)
def test_no_read_scans_or_sorts_a_table(sqlite: Store, statement: Executable, index: str) -> None:
    names = ("target", "key", "grantee", "retiring", "at_name")
    found = plan(sqlite, statement, **dict.fromkeys(names, "x"))
    # Of two indexes that begin with the same columns, SQLite takes either.
    assert index in found.replace("grantee_and_pair", "grantee")
    assert "SCAN" not in found
    assert "TEMP B-TREE" not in found


STATEMENTS = [DUE, STATE, COUNT, written("1", "r", 0, 1)] + [
    statement
    for rows in ROWS.values()
    for statement in (rows.one, rows.version, rows.insert, rows.update, rows.delete)
]


@for_every("statement", STATEMENTS)
def test_every_statement_can_be_said_to_postgresql(statement: Executable) -> None:
    assert str(statement.compile(dialect=postgresql.dialect()))
