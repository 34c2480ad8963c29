"""Events to rows and back: what the trail is asked by in columns, all else in one JSON text.

One text costs a third of what a column a field would, on every call that the lab answers, and an
event may gain a field without a new schema. The text is ASCII: whatever a caller wrote, lone
surrogates included, can be stored and comes back as it was.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, Select, String, Table, insert, select

from kmslab.contract.records import Event
from kmslab.store.schema import METADATA, microseconds, moment

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
for _column in (EVENTS.c.used, EVENTS.c.used_too):
    Index(f"event_by_{_column.name}", _column, EVENTS.c.sequence)
INSERT = insert(EVENTS)

# The members of the text and their defaults. One that has its default is left out.
_KNOWN = {name: Event._field_defaults.get(name) for name in Event._fields if name not in EVENTS.c}


def _unknown(value: Any) -> Any:
    """No reason to lose an event, nor to print what might be secret."""
    return dict(value) if isinstance(value, Mapping) else f"<{type(value).__name__}>"


to_json = json.JSONEncoder(separators=(",", ":"), default=_unknown).encode


def encode(event: Event) -> dict[str, Any]:
    members = event._asdict()
    known = {name: members[name] for name, default in _KNOWN.items() if members[name] != default}
    if event.recipient:
        known["caller_account"] = event.account
    used, used_too, *_ = (*event.used, None, None)
    return {
        "used": used,
        "used_too": used_too,
        "time": microseconds(event.time),
        "account": event.recipient or event.account,
        "region": event.region,
        "known": to_json(known),
    }


def decode(row: Sequence[Any]) -> Event:
    sequence, time, account, region, used, used_too, text = row
    known: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value
        for name, value in json.loads(text).items()
    }
    return Event(
        sequence=sequence,
        time=moment(time),
        account=known.pop("caller_account", account),
        region=region,
        used=tuple(key for key in (used, used_too) if key),
        **known,
    )


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
