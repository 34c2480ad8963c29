from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kmslab.kms.store import Store, open_store

Opener = Callable[[], Store]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'my.db'}"


@pytest.fixture(params=["memory", "file"])
def store(request: pytest.FixtureRequest, url: str) -> Iterator[Store]:
    with_file = request.param == "file"
    store = open_store(url if with_file else None)
    yield store
    store.close()


@pytest.fixture
def opened(url: str) -> Iterator[Opener]:
    """Opens the same file again at each call, as another process would."""
    stores: list[Store] = []

    def another() -> Store:
        stores.append(open_store(url))
        return stores[-1]

    yield another
    for store in stores:
        store.close()
