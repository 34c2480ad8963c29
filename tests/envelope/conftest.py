import importlib
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kmslab import CMK, Lab
from kmslab.envelope import Policy, RawAesKeyring, RawRsaKeyring

AES_KEY = bytes(range(32))
SUITES = (0x0478, 0x0578)  # with key commitment
OLD_SUITES = (0x0014, 0x0046, 0x0078, 0x0114, 0x0146, 0x0178, 0x0214, 0x0346, 0x0378)
ALL_SUITES = OLD_SUITES + SUITES
SIGNED = {0x0214: 71, 0x0346: 103, 0x0378: 103, 0x0578: 103}  # and the signature's length
WRITE_OLD = Policy(commitment_policy="FORBID_ENCRYPT_ALLOW_DECRYPT")
READ_ALL = Policy(commitment_policy="REQUIRE_ENCRYPT_ALLOW_DECRYPT")


def writing(suite: int) -> Policy:
    return READ_ALL if suite in SUITES else WRITE_OLD


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
