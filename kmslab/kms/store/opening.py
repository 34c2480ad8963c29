"""Opens the store at a URL, or raises an error that says what to do."""

from pathlib import Path

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from kmslab.kms.store import sql
from kmslab.kms.store.migrations import prepare
from kmslab.kms.store.store import Store

_FORMS = 'None for a store in memory, or "sqlite:///my.db" for one in a file'


def open_store(url: str | None = None) -> Store:
    """The store at `url`, which is made if it does not exist yet.

    None and "sqlite://" mean a store in memory, which is lost when it is closed. "sqlite:///my.db"
    is a file in the current directory, "sqlite:////srv/my.db" an absolute path. Raises ValueError
    for other URLs, and `StoreError` if the file cannot be used.
    """
    database = _database(url)
    try:
        with database.writing, database.transaction() as connection:
            prepare(connection)
        database.let_readers_in()
        return Store(database)
    except BaseException:
        database.close("This store could not be opened.")
        raise


def is_there(url: str) -> bool:
    """Whether there is a store at `url` already. Raises ValueError as `open_store` does."""
    file = _parsed(url).database
    return file not in (None, ":memory:") and Path(str(file)).is_file()


def _database(url: str | None) -> sql.Database:
    file = _parsed(url).database if url is not None else None
    if file in (None, ":memory:"):
        return sql.in_memory()
    return sql.in_file(Path(str(file)).absolute())


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(f"That is not a store. Give {_FORMS}.") from None
    if parsed.drivername != "sqlite" or parsed.host or parsed.query or parsed.database == "":
        shown = parsed.render_as_string(hide_password=True)
        raise ValueError(f"kmslab cannot keep a store in {shown!r}. Give {_FORMS}.")
    return parsed
