"""Writes many rows at once, for stores that are made to measure them. No call is answered so."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy import BigInteger, bindparam, insert, select, text

from kmslab.kms.contract.events import Event
from kmslab.kms.contract.records import Record
from kmslab.kms.store.events import EVENTS, WRITE, encode
from kmslab.kms.store.schema import COUNT, MICROSECOND, ROWS, STATE, parse_state
from kmslab.kms.store.statements import Cursor
from kmslab.kms.store.store import Store

_copied = [column for column in EVENTS.c if column.name != "sequence"]
_moved = [
    column + bindparam("later", type_=BigInteger) if column is EVENTS.c.time else column
    for column in _copied
]
AGAIN = insert(EVENTS).from_select(
    _copied,
    select(*_moved)
    .where(EVENTS.c.sequence > bindparam("after", type_=BigInteger))
    .where(EVENTS.c.sequence <= bindparam("last", type_=BigInteger))
    .order_by(EVENTS.c.sequence),
)
CACHE = text("PRAGMA cache_size = -2000000")  # 2 GB: pages are written once, at the commit


class Bulk:
    """Writes inside one transaction. The records and their names must be new."""

    def __init__(self, cursor: Cursor) -> None:
        self._cursor = cursor

    def put(self, records: Sequence[Record]) -> None:
        for kind in {type(record) for record in records}:
            rows = [ROWS[kind].encode(each) for each in records if type(each) is kind]
            self._cursor.run_all(ROWS[kind].insert, [(*row.values(),) for row in rows])

    def log(self, events: Sequence[Event]) -> None:
        self._cursor.run_all(WRITE, [encode(event) for event in events])

    def log_again(self, after: int, number: int, later: timedelta) -> None:
        """Copy the events that were written next after this sequence, with later times."""
        values = {"after": after, "last": after + number, "later": later // MICROSECOND}
        self._cursor.run(AGAIN, values)


@contextmanager
def bulk(store: Store) -> Iterator[Bulk]:
    """All or nothing. Other processes see it as one change."""
    database = store._database
    with database.writing, database.commit() as cursor:
        if store.path:
            cursor.run(CACHE, {})
        yield Bulk(cursor)
        changes, *_ = parse_state(cursor.one(STATE, {}))
        cursor.run(COUNT, {"count": changes + 1})
    store._look()
