from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kmslab.kms.store import Store, open_store
from tests.postgresql import PostgreSql

Opener = Callable[[], Store]
# All the claims about stores are tried on PostgreSQL too, in the long tests.
AT_SERVER: Any = pytest.param("postgresql", marks=pytest.mark.long)


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'my.db'}"


@pytest.fixture
def new_database(request: pytest.FixtureRequest) -> Callable[[], str]:
    """Makes an empty database at a server, and returns its URL."""

    def new() -> str:
        server: PostgreSql = request.getfixturevalue("postgresql")
        return server.new()

    return new


@pytest.fixture(params=["file", AT_SERVER])
def shared_url(
    request: pytest.FixtureRequest, tmp_path: Path, new_database: Callable[[], str]
) -> str:
    """A store that several processes can use: a file, or a database at a server."""
    return f"sqlite:///{tmp_path / 'my.db'}" if request.param == "file" else new_database()


@pytest.fixture(params=["memory", "file", AT_SERVER])
def store(
    request: pytest.FixtureRequest, url: str, new_database: Callable[[], str]
) -> Iterator[Store]:
    urls = {"memory": lambda: None, "file": lambda: url, "postgresql": new_database}
    store = open_store(urls[request.param]())
    yield store
    store.close()


@pytest.fixture
def opened(url: str) -> Iterator[Opener]:
    """Opens the same store again at each call, as another process would."""
    stores: list[Store] = []

    def another() -> Store:
        stores.append(open_store(url))
        return stores[-1]

    yield another
    for store in stores:
        store.close()
