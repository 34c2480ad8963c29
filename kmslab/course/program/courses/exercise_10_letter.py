"""10-letter: lock a letter of any length with a public key, outside the KMS; the KMS opens it."""

from secrets import token_bytes

from kmslab import CMK, PublicKey
from kmslab.course import lock, unlock
from kmslab.crypto import pyca

Locked = tuple[bytes, bytes]  # the data key, locked by RSA, and the box


def lock_letter(public_key: PublicKey, letter: bytes) -> Locked:
    data_key = token_bytes(32)
    return pyca.encrypt("RSAES_OAEP_SHA_256", public_key.der, data_key), lock(letter, data_key)


def open_letter(key: CMK, locked: Locked) -> bytes:
    wrapped, box = locked
    return unlock(box, key.decrypt(wrapped))
