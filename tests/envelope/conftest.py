import importlib
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kmslab import CMK, Lab
from kmslab.envelope import RawAesKeyring, RawRsaKeyring

AES_KEY = bytes(range(32))
SUITES = (0x0478, 0x0578)


@pytest.fixture(scope="session")
def sdk() -> ModuleType:
    """tests/envelope/sdk.py. A fixture, because AWS's SDK takes seconds to import."""
    return importlib.import_module("tests.envelope.sdk")


@pytest.fixture(scope="module")
def lab():
    with Lab() as lab:
        yield lab


@pytest.fixture(scope="module")
def orders(lab: Lab) -> CMK:
    return lab.create_cmk("orders")


@pytest.fixture(scope="session")
def rsa_pem() -> bytes:
    key = rsa.generate_private_key(65537, 2048)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture
def aes_ring() -> RawAesKeyring:
    return RawAesKeyring("clinic", "aes", AES_KEY)


@pytest.fixture
def rsa_ring(rsa_pem: bytes) -> RawRsaKeyring:
    return RawRsaKeyring("clinic", "rsa", rsa_pem)
