"""A lab with an external key store that is connected to a proxy which can be told to fail."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from key_manager import KeyManager
from xks_proxy import Proxy, new_credential

from kmslab import CMK, Lab
from kmslab.lab.key_stores import CustomKeyStore
from tests.kms.key_stores.proxies import Unreliable

CREDENTIAL = new_credential()


@pytest.fixture
def manager(tmp_path: Path) -> KeyManager:
    """The external key manager, with one key."""
    manager = KeyManager(tmp_path / "keys.json")
    manager.create("patients")
    return manager


@pytest.fixture
def credential() -> tuple[str, str]:
    return CREDENTIAL


@pytest.fixture
def proxy(manager: KeyManager) -> Iterator[Unreliable]:
    with Unreliable(Proxy(manager, dict([CREDENTIAL]), lambda line: None)).running() as proxy:
        yield proxy


@pytest.fixture
def vault(lab: Lab, proxy: Unreliable) -> CustomKeyStore:
    return lab.create_key_store("vault", proxy.url, CREDENTIAL)


@pytest.fixture
def patients(lab: Lab, vault: CustomKeyStore) -> CMK:
    """A key that stands on the external key."""
    return lab.create_cmk("patients", key_store=vault, external_key="patients")


@pytest.fixture
def cluster_store(lab: Lab) -> CustomKeyStore:
    return lab.create_key_store("cluster")
