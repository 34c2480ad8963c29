"""Opens the store at a URL, or raises an error that says what to do."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from kmslab.kms.store import postgresql, sqlite
from kmslab.kms.store.migrations import prepare
from kmslab.kms.store.schema import ABOUT
from kmslab.kms.store.sql import Database
from kmslab.kms.store.store import Store

_FORMS = '"sqlite:///my.db" for a store in a file, or "postgresql://user@host/database"'
_ENCODED = 'In a password, "@" is written "%40".'
_SERVER = ("postgresql", "postgresql+psycopg")


def open_store(url: str | None = None) -> Store:
    """The store at `url`, which is made if it does not exist yet.

    None and "sqlite://" mean a store in memory, which is lost when it is closed. "sqlite:///my.db"
    is a file in the current directory, "sqlite:////srv/my.db" an absolute path;
    "postgresql://user@host/database" is a database that exists already. Raises ValueError for other
    URLs, and `StoreError` if the store cannot be used.
    """
    database = database_at(url)
    try:
        with database.writing, database.transaction() as connection:
            prepare(connection)
        database.prepare()
        return Store(database)
    except BaseException:
        database.close("This store could not be opened.")
        raise


def is_there(url: str) -> bool:
    """Whether there is a store at `url` already. Raises as `open_store` does."""
    parsed = _parsed(url)
    if parsed.drivername in _SERVER:
        database = postgresql.at_server(parsed)
        try:
            return database.has(ABOUT)
        finally:
            database.close("It was only looked at.")
    return parsed.database not in (None, ":memory:") and Path(str(parsed.database)).is_file()


def shown(url: str) -> str:
    """The URL as people may see it: without a password."""
    parsed = _parsed(url)
    return postgresql.shown(parsed) if parsed.drivername in _SERVER else url


def file_of(url: str) -> Path | None:
    """The file of a store; None if it is at a server. Raises ValueError for a store in memory."""
    parsed = _parsed(url)
    if parsed.drivername in _SERVER:
        return None
    if parsed.database in (None, ":memory:"):
        raise ValueError("a store in memory would be lost at once")
    return Path(str(parsed.database)).absolute()


def database_at(url: str | None) -> Database:
    parsed = _parsed("sqlite://" if url is None else url)
    if parsed.drivername in _SERVER:
        return postgresql.at_server(parsed)
    if parsed.database in (None, ":memory:"):
        return sqlite.in_memory()
    return sqlite.in_file(Path(str(parsed.database)).absolute())


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # it may have a part of the password in it
        raise ValueError(f"That is not a store. Give {_FORMS}. {_ENCODED}") from None
    if parsed.host and "@" in parsed.host:  # the end of a password, which would be shown as a host
        raise ValueError(f"That is not a store. Give {_FORMS}. {_ENCODED}")
    at_server = parsed.drivername in _SERVER and parsed.database
    in_file = parsed.drivername == "sqlite" and not parsed.host and not parsed.query
    if not at_server and (not in_file or parsed.database == ""):
        named = parsed.difference_update_query(["password"]).render_as_string(hide_password=True)
        raise ValueError(f"kmslab cannot keep a store in {named!r}. Give {_FORMS}.")
    return parsed
