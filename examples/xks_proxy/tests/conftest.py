"""A proxy with one key, on a socket of its own."""

import pytest
from key_manager import KeyManager
from xks_proxy import Proxy, new_credential, running


@pytest.fixture
def keys(tmp_path):
    keys = KeyManager(tmp_path / "keys.json")
    keys.create("patients")
    return keys


@pytest.fixture
def lines():
    """What the proxy has logged."""
    return []


@pytest.fixture
def proxy(keys, lines):
    return Proxy(keys, dict([new_credential()]), lines.append)


@pytest.fixture
def address(proxy):
    with running(proxy) as server:
        yield server.url
