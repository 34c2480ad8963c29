"""Makes the schema in a new store and brings an older one up to date, one process at a time.

It runs inside a transaction that has the write lock. Another program's database is left as it is.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress

from sqlalchemy import Connection, insert, inspect, select, text, update

from kmslab.kms.contract.required_pairs import required_pair
from kmslab.kms.store.errors import UNREADABLE, StoreError
from kmslab.kms.store.schema import ABOUT, METADATA, VERSION


def _callers(connection: Connection) -> None:
    """Schema 1 had no callers: no users, roles, access keys, grants or key managers."""
    for name in ("principal", "access_key", "grant"):
        METADATA.tables[name].create(connection)
    column = "manager VARCHAR NOT NULL DEFAULT 'CUSTOMER'"
    connection.execute(text(f'ALTER TABLE "key" ADD COLUMN {column}'))
    connection.execute(text("DROP INDEX event_by_used_too"))  # it indexed every event
    table = METADATA.tables["event"]
    next(index for index in table.indexes if index.name == "event_by_used_too").create(connection)


def _paths(connection: Connection) -> None:
    """Schema 2 found grants by key alone, and no user or role had a path."""
    table = METADATA.tables["grant"]  # made with its new indexes, if the store had none
    for index in table.indexes:
        if index.name in ("grant_by_key_and_grantee", "grant_by_retiring"):
            index.create(connection, checkfirst=True)
    connection.execute(text("DROP INDEX IF EXISTS grant_by_key"))
    if "path" not in _columns(connection, "principal"):
        column = "path VARCHAR NOT NULL DEFAULT ''"
        connection.execute(text(f"ALTER TABLE principal ADD COLUMN {column}"))


def _sessions(connection: Connection) -> None:
    """Schema 3 had session tokens as they are. They are valid for an hour, so they are dropped."""
    connection.execute(text("PRAGMA secure_delete = ON"))
    connection.execute(text("DELETE FROM access_key WHERE token <> ''"))


def _elsewhere(connection: Connection) -> None:
    """Schema 4 had only single-Region keys whose material KMS had made and kept itself."""
    columns = {
        "key": (
            "lacks_material BOOLEAN NOT NULL DEFAULT FALSE",
            "expires BIGINT",
            "pending_expires BIGINT",
            "primary_arn VARCHAR NOT NULL DEFAULT ''",
            "ready BIGINT",
            "deletion_days BIGINT NOT NULL DEFAULT 0",
            "store VARCHAR NOT NULL DEFAULT ''",
            "external_key VARCHAR NOT NULL DEFAULT ''",
        ),
        "material": (
            "imported BOOLEAN NOT NULL DEFAULT FALSE",
            "expires BIGINT",
            "description VARCHAR NOT NULL DEFAULT ''",
        ),
    }
    for table, added in columns.items():
        for column in added:
            connection.execute(text(f'ALTER TABLE "{table}" ADD COLUMN {column}'))
    for index in METADATA.tables["key"].indexes:
        index.create(connection, checkfirst=True)
    METADATA.tables["key_store"].create(connection)


def _protecting(connection: Connection) -> None:
    """Schema 5 had access keys and the like sealed under the root key itself, which still opens
    them. What is sealed since names its domain key, and an older kmslab could not open that."""


def _pairs(connection: Connection) -> None:
    """Schema 6 found all grants of a principal for a key, and an account's events among those of
    all accounts, which took longer the more there were."""
    table = METADATA.tables["grant"]
    if "pair" not in _columns(connection, "grant"):
        column = "pair VARCHAR NOT NULL DEFAULT ''"
        connection.execute(text(f'ALTER TABLE "grant" ADD COLUMN {column}'))
    handle, constraints = table.c.handle, table.c.constraints
    constrained = select(handle, constraints).where(constraints != "{}")
    for name, written in connection.execute(constrained).all():
        with suppress(*UNREADABLE):  # without a pair, a grant is found all the same
            pair = required_pair(json.loads(written))
            connection.execute(update(table).where(handle == name).values(pair=pair))
    for each in (table, METADATA.tables["event"]):
        for index in each.indexes:
            index.create(connection, checkfirst=True)


def _columns(connection: Connection, table: str) -> set[str]:
    return {column["name"] for column in inspect(connection).get_columns(table)}


# Schema version → the step to the next version.
STEPS: dict[int, Callable[[Connection], None]] = {
    1: _callers,
    2: _paths,
    3: _sessions,
    4: _elsewhere,
    5: _protecting,
    6: _pairs,
}


def prepare(
    connection: Connection,
    version: int = VERSION,
    steps: Mapping[int, Callable[[Connection], None]] = STEPS,
) -> None:
    """Bring the store to this version's schema, or raise `StoreError` and change nothing."""
    tables = inspect(connection).get_table_names()
    if ABOUT.name in tables:
        _migrate(connection, version, steps)
    elif tables:
        raise StoreError("The store is another program's database. Name another file.")
    else:
        METADATA.create_all(connection, checkfirst=False)
        connection.execute(insert(ABOUT).values(schema=version, changes=0))


def _migrate(
    connection: Connection, version: int, steps: Mapping[int, Callable[[Connection], None]]
) -> None:
    found = connection.execute(select(ABOUT.c.schema)).scalar()
    if type(found) is not int or found < 1:
        raise StoreError("The store is damaged: its version is lost. Restore its file from a copy.")
    if found > version:
        raise StoreError(
            f"The store was written by a newer kmslab (its schema is {found}, this one knows "
            f"{version}). Use that version, or a newer one."
        )
    for step in range(found, version):
        steps[step](connection)
    if found < version:
        connection.execute(update(ABOUT).values(schema=version))
