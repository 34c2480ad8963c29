"""A recipient of CMS messages, written from RFC 5652, RFC 4056 and X.690 alone, for the tests.

It takes nothing from `kmslab`: the private key is an object of `cryptography`.
"""

from typing import Any

from cryptography.hazmat.primitives import hashes, padding
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

# Object identifiers, from the standards' ASN.1 modules.
DATA, ENVELOPED = "1.2.840.113549.1.7.1", "1.2.840.113549.1.7.3"
RSAES_OAEP, MGF_1 = "1.2.840.113549.1.1.7", "1.2.840.113549.1.1.8"
SHA_256, AES_256_CBC = "2.16.840.1.101.3.4.2.1", "2.16.840.1.101.3.4.1.42"


def parsed(data: bytes) -> list[tuple[int, Any]]:
    """All values in `data` (X.690 §8.1): tag, and bytes or the values inside."""
    values, rest = [], data
    while rest:
        value, rest = _first(rest)
        values.append(value)
    return values


def _first(data: bytes) -> tuple[tuple[int, Any], bytes]:
    tag, length, rest = data[0], data[1], data[2:]
    if length == 0x80:
        inside = []
        while rest[:2] != b"\0\0":
            value, rest = _first(rest)
            inside.append(value)
        return (tag, inside), rest[2:]
    if length & 0x80:
        size = length & 0x7F
        length, rest = int.from_bytes(rest[:size], "big"), rest[size:]
    assert len(rest) >= length
    content = rest[:length]
    return (tag, parsed(content) if tag & 0x20 else content), rest[length:]


def oid(content: bytes) -> str:
    """X.690 §8.19."""
    numbers, number = [], 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(map(str, [first, numbers[0] - 40 * first, *numbers[1:]]))


def opened(message: bytes, private: RSAPrivateKey) -> bytes:
    """The content of EnvelopedData with one KeyTransRecipientInfo and AES-256-CBC."""
    [(_, [(_, content_type), (explicit, [(_, enveloped)])])] = parsed(message)
    assert (oid(content_type), explicit) == (ENVELOPED, 0xA0)
    (_, version), (_, [(_, recipient)]), (_, encrypted) = enveloped
    assert version == b"\2"  # RFC 5652 §6.1: a recipient info has not version 0
    (_, version), (named_by, identifier), (_, algorithm), (_, wrapped) = recipient
    assert (version, named_by, len(identifier)) == (b"\2", 0x80, 32)  # §6.2.1
    (_, name), (_, parameters) = algorithm
    assert oid(name) == RSAES_OAEP
    check_parameters(parameters)
    key = private.decrypt(wrapped, OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None))
    (_, content_type), (_, [(_, cipher), (_, iv)]), (constructed, chunks) = encrypted
    assert (oid(content_type), oid(cipher), constructed) == (DATA, AES_256_CBC, 0xA0)
    decryptor = Cipher(AES(key), CBC(iv)).decryptor()
    padded = decryptor.update(b"".join(chunk for _, chunk in chunks)) + decryptor.finalize()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(padded) + unpadder.finalize()


def check_parameters(parameters: list[tuple[int, Any]]) -> None:
    """RFC 4055 §4.1: hash function [0], mask generation function [1]."""
    (hashed, [(_, [(_, digest), _])]), (masked, [(_, [(_, mask), (_, [(_, inner), _])])]) = (
        parameters
    )
    assert (hashed, masked) == (0xA0, 0xA1)
    assert [oid(digest), oid(mask), oid(inner)] == [SHA_256, MGF_1, SHA_256]
