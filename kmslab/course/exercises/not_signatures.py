"""Says what a learner's program gave back in place of a signature: a hash, a MAC, a text."""

from base64 import b64decode
from collections.abc import Iterator
from contextlib import suppress
from hashlib import sha256
from typing import Any

from kmslab.course.exercises.forgeries import MAX_MESSAGE, verifies
from kmslab.crypto import PublicKey

NUMBER = 32  # bytes of each of the two numbers in a signature on P-256
HASHED_TWICE = (
    "This is a signature of the report's hash, hashed once more: Sign took the hash for a message "
    "like any other. Tell it that it is a digest."
)
HASH_NOT_SIGNED = (
    "What `{}` gives back is the report's hash. A forger who changes a digit computes a new hash: "
    "that takes no key."
)
MAC_NOT_SIGNATURE = (
    "`{}` gives back 32 bytes, the length of a MAC. To check a MAC one needs the secret that made "
    "it, and with that secret one can make MACs too."
)
RESPELT = (
    "What `{}` gives back is a signature of the report by the key, respelt as r‖s, 64 bytes. The "
    "clinic's reports carry it as Sign wrote it, in DER."
)
AS_TEXT = (
    "What `{}` gives back is a signature of the report, written as text. Give back the bytes that "
    "Sign returned."
)
NOT_BYTES = "`{}` should give back bytes: the signature, as Sign made it. It gave back a `{}`."
PART_SIGNED = (
    "What `{}` gives back is a signature of the report's first {:,} bytes. What stands after them "
    "can be changed, and the signature still fits."
)
NOT_A_SIGNATURE = (
    "What `{}` gives back ({:,} bytes) is not a signature of a report of {:,} bytes by the key "
    "that it was given: with that key's public half Busan refuses it."
)


def in_its_place(name: str, public: PublicKey, report: bytes, made: Any) -> str:
    """What the program `name` gave back for the report, if that is not a signature by this key."""
    digest = sha256(report).digest()
    if any(verifies(public, report, each) for each in _from_text(made)):
        return AS_TEXT.format(name)
    if not isinstance(made, bytes):
        return NOT_BYTES.format(name, type(made).__name__)
    if made == digest:
        return HASH_NOT_SIGNED.format(name)
    if len(made) == len(digest):
        return MAC_NOT_SIGNATURE.format(name)
    if verifies(public, digest, made):
        return HASHED_TWICE
    if verifies(public, report, _as_der(made)):
        return RESPELT.format(name)
    if len(report) > MAX_MESSAGE and verifies(public, report[:MAX_MESSAGE], made):
        return PART_SIGNED.format(name, MAX_MESSAGE)
    return NOT_A_SIGNATURE.format(name, len(made), len(report))


def _from_text(made: Any) -> Iterator[bytes]:
    text = made.decode("ascii", "replace") if isinstance(made, bytes) else str(made)
    for decode in (bytes.fromhex, b64decode):
        with suppress(ValueError):
            yield decode(text)


def _as_der(signature: bytes) -> bytes:
    """r‖s as a SEQUENCE of two INTEGERs (RFC 3279 §2.2.3); other bytes unchanged."""
    if len(signature) != 2 * NUMBER:
        return signature
    numbers = b""
    for half in (signature[:NUMBER], signature[NUMBER:]):
        value = int.from_bytes(half, "big")
        size = value.bit_length() // 8 + 1
        numbers += bytes([2, size]) + value.to_bytes(size, "big")
    return bytes([0x30, len(numbers)]) + numbers
