"""One lab whose keys are created on first use and then shared, because RSA keys take seconds.

No test changes these keys or closes this lab.
"""

import hashlib
from datetime import UTC, datetime
from functools import cache

from kmslab import CMK, Clock, Lab
from kmslab.crypto.message_types import MESSAGE_TYPES, MessageType
from kmslab.kms.contract.specs import KEY_SPECS, KeyUsage

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

SIGN, ENCRYPT, AGREE = KeyUsage.SIGN_VERIFY, KeyUsage.ENCRYPT_DECRYPT, KeyUsage.KEY_AGREEMENT
LONG_RSA = ("RSA_3072", "RSA_4096")  # for the long tests: slow to make; RSA_2048 for the quick
MAC, ENCAPSULATE = KeyUsage.GENERATE_VERIFY_MAC, KeyUsage.ENCAPSULATE_DECAPSULATE

# Every (key spec, usage), and every valid (key spec, signing algorithm, message type).
USES = [(spec, usage) for spec, row in KEY_SPECS.items() for usage in row.algorithms]
SIGNINGS = [
    (spec, algorithm, form)
    for spec, row in KEY_SPECS.items()
    for algorithm in row.algorithms.get(SIGN, ())
    for form in MESSAGE_TYPES[algorithm]
]


def slow(spec: str, *_: object) -> bool:
    """Whether a case about a key of this spec is for the long tests."""
    return spec in LONG_RSA


@cache
def shared() -> Lab:
    return Lab(clock=Clock.frozen(NOW))


def cmk(spec: str, usage: KeyUsage, number: int = 0) -> CMK:
    """The key of this spec and usage; another number gives another key."""
    return _made(spec, usage, number)


@cache
def _made(spec: str, usage: KeyUsage, number: int) -> CMK:
    return shared().create_cmk(spec=spec, usage=usage)


def public(spec: str, usage: KeyUsage, number: int = 0) -> bytes:
    return cmk(spec, usage, number).public_key().der


HASHES = {
    "256": hashlib.sha256,
    "384": hashlib.sha384,
    "512": hashlib.sha512,
}


def formed(key: CMK, algorithm: str, form: str, message: bytes) -> bytes:
    """The message as a caller sends it to be signed with this message type."""
    if form == MessageType.RAW:
        return message
    if form == MessageType.EXTERNAL_MU:
        return external_mu(public(key.spec, SIGN), message)
    return HASHES[algorithm[-3:]](message).digest()


def external_mu(spki: bytes, message: bytes) -> bytes:
    """FIPS 204, algorithms 2 and 7: the raw public key is bound, then an empty context."""
    raw = spki[22:]
    bound = hashlib.shake_256(raw).digest(64)
    return hashlib.shake_256(bound + b"\0\0" + message).digest(64)
