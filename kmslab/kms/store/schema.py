"""Records to rows and back: each record class is one table, made from its fields and nothing else.

Only this module restores what SQL cannot hold: an enum's member, which is a string in the table,
and an aware datetime, which is an integer of microseconds. Nothing is guessed: a row that does not
hold what a record needs is `Damaged`.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from types import NoneType
from typing import Any, Generic, NamedTuple, TypeVar, get_args, get_type_hints

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Select,
    String,
    Table,
    bindparam,
    delete,
    func,
    insert,
    select,
    update,
)
from sqlalchemy.types import TypeEngine

from kmslab.kms.arn import known_arn
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import KINDS, AccessKey, Alias, DomainKey, Grant, Key, Material, R
from kmslab.kms.contract.specs import KEY_SPECS
from kmslab.kms.store.errors import UNREADABLE, Damaged, StoreError

T = TypeVar("T")

VERSION = 7

# Fields to find records by, alone or with those before them. Each index ends in the name, so that
# results are in its order.
INDEXED: dict[type[Any], tuple[tuple[str, ...], ...]] = {
    Key: (("primary_arn",), ("store", "external_key")),
    Material: (("key",),),
    DomainKey: (("region",),),
    Alias: (("target",),),
    AccessKey: (("principal",),),
    Grant: (("key", "grantee"), ("key", "grantee", "pair"), ("retiring",)),
    KeyStore: (("type",),),
}

METADATA = MetaData()
# One row: the schema's version, and how many commits have changed records.
ABOUT = Table("kmslab", METADATA, Column("schema", Integer), Column("changes", BigInteger))

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

# PostgreSQL's default order depends on the server's language; SQLite's and Python's do not.
ORDERED = String().with_variant(String(collation="C"), "postgresql")


_ESCAPED = re.compile("\1([\1\2])")
_MEANT = {"\1": "\1", "\2": "\0"}


@dataclass(frozen=True, slots=True)
class Codec:
    column: TypeEngine[Any]
    encode: Callable[[Any], Any]
    decode: Callable[[Any], Any]


def microseconds(value: datetime) -> int:
    """An aware datetime as an integer, as a table holds it."""
    return (value - EPOCH) // MICROSECOND


def moment(stored: int) -> datetime:
    """The aware datetime that a table's integer stands for."""
    return EPOCH + stored * MICROSECOND


class Bytes(LargeBinary):
    """SQLAlchemy would make bytes of a damaged value, and fail for all rows if it cannot."""

    def result_processor(self, *_: Any) -> None:
        return None


def _exact(kind: type[T]) -> Callable[[Any], T]:
    def decode(value: Any) -> T:
        if type(value) is not kind:
            raise TypeError
        return value

    return decode


def _parsed(kind: type[Any], member: type[Any]) -> Callable[[str], Any]:
    """Decodes JSON: a list or an object, all of whose members are of one type."""

    def decode(text: str) -> Any:
        found = _exact(kind)(json.loads(text))
        for each in found.values() if kind is dict else found:
            _exact(member)(each)
        return found

    return decode


def _without_nul(text: str) -> str:
    """PostgreSQL cannot hold the character NUL, which a description may contain."""
    text = str(text)
    if "\0" in text or "\1" in text:
        return text.replace("\1", "\1\1").replace("\0", "\1\2")
    return text


def _with_nul(value: Any) -> str:
    text = _exact(str)(value)
    return _ESCAPED.sub(lambda found: _MEANT[found[1]], text) if "\1" in text else text


CODECS: dict[Any, Codec] = {
    str: Codec(String(), _without_nul, _with_nul),
    bytes: Codec(Bytes(), bytes, _exact(bytes)),
    int: Codec(BigInteger(), int, _exact(int)),
    bool: Codec(Boolean(), bool, _exact(bool)),
    datetime: Codec(BigInteger(), microseconds, moment),
    Mapping[str, str]: Codec(String(), lambda pairs: json.dumps(dict(pairs)), _parsed(dict, str)),
    Mapping[str, Mapping[str, str]]: Codec(String(), json.dumps, _parsed(dict, dict)),
    tuple[str, ...]: Codec(String(), json.dumps, lambda text: tuple(_parsed(list, str)(text))),
}

# What a record's own methods, and what uses it, rely on; it fails if the record is damaged.
RELIED_ON: dict[type[Any], Callable[[Any], object]] = {
    Key: lambda key: (
        KEY_SPECS[key.spec],
        known_arn(key.arn),
        known_arn(key.primary_arn or key.arn),
    ),
    Material: lambda material: (KEY_SPECS[material.spec], known_arn(material.key)),
    Alias: lambda alias: (known_arn(alias.arn), known_arn(alias.target)),
    Grant: lambda grant: known_arn(grant.key),
}


def _codec(kind: Any) -> Codec:
    if kind in CODECS:
        return CODECS[kind]
    if issubclass(kind, StrEnum):
        return Codec(String(), lambda member: member.value, kind)
    raise TypeError(f"a record cannot hold a {kind}")


class Member(NamedTuple):
    """One field: its codec, and whether it may be None."""

    name: str
    codec: Codec
    optional: bool

    @classmethod
    def of(cls, name: str, hint: Any) -> "Member":
        kinds = [kind for kind in get_args(hint) if kind is not NoneType]
        optional = NoneType in get_args(hint)
        return cls(name, _codec(kinds[0] if optional else hint), optional)

    def encode(self, record: Any) -> Any:
        value = getattr(record, self.name)
        if value is not None:
            return self.codec.encode(value)
        if self.optional:
            return None
        raise ValueError(f"{type(record).__name__}.{self.name} cannot be None")

    def decode(self, value: Any) -> Any:
        return None if value is None and self.optional else self.codec.decode(value)


class Rows(Generic[R]):
    """One record class: its table and its statements. Each change is guarded by the version."""

    def __init__(self, kind: type[R]) -> None:
        hints = get_type_hints(kind)
        self.kind = kind
        self.members = [Member.of(field.name, hints[field.name]) for field in fields(kind)]
        self.table = self._table()
        self.name = next(iter(self.table.primary_key))
        version = self.table.c.version
        here = self.name == bindparam("at_name")
        self.one = select(self.table).where(here)
        self.all = select(self.table).order_by(self.name)
        self.version = select(version).where(here).with_for_update(read=True)
        self.insert = insert(self.table)
        self.relied_on = RELIED_ON.get(kind, lambda record: None)
        self.update = update(self.table).where(here, version == bindparam("at_version"))
        self.delete = delete(self.table).where(here, version == bindparam("at_version"))

    def _table(self) -> Table:
        first, *others = self.members
        name = Column(first.name, ORDERED, primary_key=True)
        columns = [Column(each.name, each.codec.column, nullable=each.optional) for each in others]
        table = Table(_table_name(self.kind), METADATA, name, *columns)
        for fields_ in INDEXED.get(self.kind, ()):
            _index(table, *fields_)
        return table

    def by(self, *fields: str) -> Select[Any]:
        """The records with these fields' values, which are given as parameters of their names."""
        return self.all.where(*self._equal(fields))

    def count(self, *fields: str) -> Select[Any]:
        return select(func.count()).select_from(self.table).where(*self._equal(fields))

    def _equal(self, fields: Iterable[str]) -> list[ColumnElement[bool]]:
        """Only fields that have an index: any other would read the whole table."""
        columns = {field: self.table.c[field] for each in INDEXED[self.kind] for field in each}
        return [columns[field] == bindparam(field) for field in fields]

    def encode(self, record: R) -> dict[str, Any]:
        return {member.name: member.encode(record) for member in self.members}

    def decode(self, row: Sequence[Any]) -> R:
        """Raises `Damaged`."""
        pairs = zip(self.members, row, strict=True)
        try:
            record = self.kind(**{member.name: member.decode(value) for member, value in pairs})
            self.relied_on(record)
        except UNREADABLE:
            kind = self.table.name.replace("_", " ")
            raise Damaged(f"{kind} {row[0]!r} cannot be read") from None
        return record

    def page(self, prefix: str, after: str, limit: int, fields: Iterable[str] = ()) -> Select[Any]:
        """A range and not LIKE: no character of a name is special, and the index is used."""
        # One lower limit: of two, SQLite would use the first, and read what the other leaves out.
        begins = self.name > after if after >= prefix else self.name >= prefix
        page = (self.by(*fields) if fields else self.all).where(begins)
        if end := _first_beyond(prefix):
            page = page.where(self.name < end)
        return page.limit(limit)


def _index(table: Table, *fields: str) -> None:
    columns = [table.c[field] for field in fields]
    Index(f"{table.name}_by_{'_and_'.join(fields)}", *columns, *table.primary_key)


def _table_name(kind: type[Any]) -> str:
    name = kind.__name__
    return name[0].lower() + "".join(f"_{c.lower()}" if c.isupper() else c for c in name[1:])


def _first_beyond(prefix: str) -> str:
    """The smallest string above all that begin with `prefix`; "" if there is none."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return ""
    last = ord(stem[-1]) + 1
    return stem[:-1] + chr(0xE000 if last == 0xD800 else last)  # surrogates are not characters


ROWS: dict[type[Any], Rows[Any]] = {kind: Rows(kind) for kind in KINDS}

_KEY = ROWS[Key].table.c
_index(ROWS[Key].table, "due")
# One statement, so that all is from the same moment.
_DUE = select(func.min(_KEY.due)).scalar_subquery().label("due")
STATE = select(ABOUT.c.changes, _DUE, ABOUT.c.schema)
State = tuple[int, datetime | None]
COUNT = update(ABOUT).values(changes=bindparam("count"))
DUE = (
    select(ROWS[Key].table)
    .where(_KEY.due <= bindparam("at"))
    .order_by(_KEY.due, _KEY.arn)
    .limit(bindparam("most", type_=Integer))
)


def parse_state(row: Sequence[Any] | None) -> State:
    """What `STATE` has read. Raises `StoreError`, also if the store has a new schema meanwhile."""
    changes, due, schema = row or (None, None, None)
    if type(schema) is int and schema > VERSION:
        raise StoreError(
            f"A newer kmslab has brought the store up to date (its schema is {schema}, this one "
            f"knows {VERSION}). Start this process again, with that version."
        )
    if type(changes) is not int:
        raise StoreError("The store is damaged: its count of changes is lost. Restore its file.")
    try:
        return changes, None if due is None else moment(due)
    except UNREADABLE:  # a damaged key is never due
        return changes, None
