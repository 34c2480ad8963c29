"""Events to rows and back: what the trail is asked by in columns, all else in one JSON text.

One text costs a third of what a column a field would, on every call that the lab answers, and an
event may gain a field without a new schema. The text is ASCII: whatever a caller wrote, lone
surrogates included, can be stored and comes back as it was.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Dialect,
    Index,
    Integer,
    Select,
    String,
    Table,
    insert,
    select,
)

from kmslab.kms.contract.records import Event
from kmslab.kms.store.schema import METADATA, microseconds, moment

EVENTS = Table(
    "event",
    METADATA,
    Column("sequence", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("account", String, nullable=False),  # whose trail it is in
    Column("region", String, nullable=False),
    Column("used", String),  # the key that did the cryptography of a call that succeeded
    Column("used_too", String),  # ReEncrypt has two
    Column("known", String, nullable=False),
)
Index("event_by_used", EVENTS.c.used, EVENTS.c.sequence)
_has_two = EVENTS.c.used_too.is_not(None)  # most have not, and need no place in the index
Index(
    "event_by_used_too",
    *(EVENTS.c.used_too, EVENTS.c.sequence),
    sqlite_where=_has_two,
    postgresql_where=_has_two,
)

Row = tuple[Any, ...]  # the columns but for `sequence`, which the database gives
_WRITTEN = [column.name for column in EVENTS.c if not column.primary_key]
# The members of the text, which is a list: their names would be a third of it. New ones come last.
_KNOWN = [name for name in Event._fields if name == "account" or name not in EVENTS.c]
_known = itemgetter(*[Event._fields.index(name) for name in _KNOWN])


def _unknown(value: Any) -> Any:
    """No reason to lose an event, nor to print what might be secret."""
    return dict(value) if isinstance(value, Mapping) else f"<{type(value).__name__}>"


to_json = json.JSONEncoder(separators=(",", ":"), default=_unknown).encode


def encode(event: Event) -> Row:
    used, used_too, *_ = (*event.used, None, None)
    account = event.recipient or event.account
    return microseconds(event.time), account, event.region, used, used_too, to_json(_known(event))


def decode(row: Sequence[Any]) -> Event:
    sequence, time, account, region, used, used_too, text = row
    parsed = json.loads(text)
    # Before there were callers the text had names, and the account in its column alone.
    known = parsed if isinstance(parsed, dict) else dict(zip(_KNOWN, parsed, strict=False))
    told = {name: tuple(v) if isinstance(v, list) else v for name, v in known.items()}
    return Event(
        **{"account": account} | told,
        sequence=sequence,
        time=moment(time),
        region=region,
        used=tuple(key for key in (used, used_too) if key),
    )


def insert_all(connection: Connection, rows: Sequence[Row]) -> None:
    """By the driver: SQLAlchemy would look at each value for as long as the insert itself takes."""
    sql, named = _insert(connection.dialect)
    connection.exec_driver_sql(
        sql, [dict(zip(_WRITTEN, row, strict=True)) for row in rows] if named else [*rows]
    )


@cache
def _insert(dialect: Dialect) -> tuple[str, bool]:
    """The statement in a database's own words, and whether its parameters have names there."""
    compiled = insert(EVENTS).compile(dialect=dialect, column_keys=_WRITTEN)
    return str(compiled), not compiled.positional


def uses(column: Column[Any], key: str) -> Select[Any]:
    """The last event in which this key was used, by one of the two columns."""
    return select(EVENTS).where(column == key).order_by(EVENTS.c.sequence.desc()).limit(1)


def written(account: str | None, region: str | None, after: int, limit: int | None) -> Select[Any]:
    """The events after this sequence, in the order of writing."""
    query = select(EVENTS).where(EVENTS.c.sequence > after)
    if account is not None:
        query = query.where(EVENTS.c.account == account)
    if region is not None:
        query = query.where(EVENTS.c.region == region)
    return query.order_by(EVENTS.c.sequence).limit(limit)
