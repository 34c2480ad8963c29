"""Events to rows and back: columns for what the trail is searched by, one JSON text for the rest.

One text costs a third of what a column for each field would, on every call that the lab answers,
and an event may gain a field without a new schema. The text is ASCII: everything that a caller
wrote, even a lone surrogate, can be stored and comes back as it was.
"""

import json
from collections.abc import Mapping, Sequence
from operator import itemgetter
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    Select,
    String,
    Table,
    insert,
    select,
)

from kmslab.kms.contract.events import Event, damaged
from kmslab.kms.store.errors import UNREADABLE
from kmslab.kms.store.schema import EPOCH, METADATA, microseconds, moment

EVENTS = Table(
    "event",
    METADATA,
    Column("sequence", BigInteger().with_variant(Integer(), "sqlite"), primary_key=True),
    Column("time", BigInteger, nullable=False),
    Column("account", String, nullable=False),  # the owner of the trail that holds the event
    Column("region", String, nullable=False),
    Column("used", String),  # the key that did a successful call's cryptography
    Column("used_too", String),  # ReEncrypt uses two keys
    Column("known", String, nullable=False),
)
Index("event_by_account", EVENTS.c.account, EVENTS.c.sequence)
Index("event_by_used", EVENTS.c.used, EVENTS.c.sequence)
_has_two = EVENTS.c.used_too.is_not(None)  # few events have: the index holds only these
Index(
    "event_by_used_too",
    *(EVENTS.c.used_too, EVENTS.c.sequence),
    sqlite_where=_has_two,
)

Row = tuple[Any, ...]  # all columns except `sequence`, which the database sets
WRITE = insert(EVENTS)
# The fields that the text lists, without their names, which would be a third of it. Add new ones at
# the end.
_KNOWN = [name for name in Event._fields if name == "account" or name not in EVENTS.c]
_TYPES = [
    (Mapping, NoneType) if NoneType in get_args(kind) else get_origin(kind) or kind
    for kind in get_type_hints(Event).values()
]
_known = itemgetter(*[Event._fields.index(name) for name in _KNOWN])


def _unknown(value: Any) -> Any:
    """A value that JSON lacks must not lose the event. It may be secret: its type alone is kept."""
    return dict(value) if isinstance(value, Mapping) else f"<{type(value).__name__}>"


# Without a check for cycles, which the contract's values cannot have: it costs a tenth.
to_json = json.JSONEncoder(separators=(",", ":"), default=_unknown, check_circular=False).encode


def encode(event: Event) -> Row:
    used, used_too, *_ = (*event.used, None, None)
    account = event.recipient or event.account
    return microseconds(event.time), account, event.region, used, used_too, to_json(_known(event))


def decode(row: Sequence[Any]) -> Event:
    """The event, or one in its place that says that it is damaged."""
    try:
        event = _decode(row)
        if not all(map(isinstance, event, _TYPES)):
            raise TypeError
    except UNREADABLE:
        return _damaged(*row[:4])
    return event


def _damaged(sequence: int, time: Any, account: Any, region: Any) -> Event:
    try:
        known = moment(time)
    except UNREADABLE:
        known = EPOCH
    return damaged(Event(known, "", "", str(account), str(region), "", sequence=sequence))


def _decode(row: Sequence[Any]) -> Event:
    sequence, time, account, region, used, used_too, text = row
    parsed = json.loads(text)
    # In schema 1 the text was an object with names, and the account was only in its column.
    known = parsed if isinstance(parsed, dict) else dict(zip(_KNOWN, parsed, strict=False))
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in known.items()}
    return Event(
        **{"account": account} | fields,
        sequence=sequence,
        time=moment(time),
        region=region,
        used=tuple(key for key in (used, used_too) if key),
    )


def uses(column: Column[Any], key: str) -> Select[Any]:
    """The last event that names this key in this column."""
    return select(EVENTS).where(column == key).order_by(EVENTS.c.sequence.desc()).limit(1)


def nth_last(account: str | None, number: int) -> Select[Any]:
    """The sequence of the event after which so many were written."""
    query = select(EVENTS.c.sequence)
    if account is not None:
        query = query.where(EVENTS.c.account == account)
    return query.order_by(EVENTS.c.sequence.desc()).offset(number).limit(1)


def written(account: str | None, region: str | None, after: int, limit: int | None) -> Select[Any]:
    """The events that were written after this sequence, in that order."""
    query = select(EVENTS).where(EVENTS.c.sequence > after)
    if account is not None:
        query = query.where(EVENTS.c.account == account)
    if region is not None:
        query = query.where(EVENTS.c.region == region)
    return query.order_by(EVENTS.c.sequence).limit(limit)
