from collections.abc import Callable
from functools import cache

import pytest

from kmslab.crypto import Backend, pyca, pycryptodome

BACKENDS: tuple[Backend, ...] = (pyca, pycryptodome)
KeyOf = Callable[[str], bytes]


@pytest.fixture(scope="session", params=BACKENDS, ids=lambda backend: backend.NAME)
def backend(request: pytest.FixtureRequest) -> Backend:
    return request.param


@pytest.fixture(params=[10, pytest.param(1, marks=pytest.mark.long)], ids="every {}. case".format)
def step(request: pytest.FixtureRequest) -> int:
    """`cases[::step]`: a sample of the published cases in the quick tests, all in the long ones."""
    return request.param


@pytest.fixture(scope="session")
def key_of() -> KeyOf:
    """A private key of each spec, made once, by the library that makes it faster."""
    return cache(_make)


@pytest.fixture(scope="session")
def stranger_of() -> KeyOf:
    """Another key of each spec."""
    return cache(_make)


def _make(spec: str) -> bytes:
    maker = pyca if spec in pyca.KEY_SPECS else pycryptodome
    return maker.generate_key(spec)
