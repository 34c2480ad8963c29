"""10-both: lock a letter under an RSA key and an ML-KEM key, so that both must be broken."""

from hashlib import sha256
from secrets import token_bytes

from kmslab import CMK, PublicKey
from kmslab.course import lock, unlock
from kmslab.crypto import pyca

Locked = tuple[bytes, bytes, bytes]  # a secret locked by RSA, ML-KEM's ciphertext, and the box


def lock_both(rsa_public: PublicKey, kem_public: PublicKey, letter: bytes) -> Locked:
    one = token_bytes(32)
    capsule, two = pyca.encapsulate(kem_public.der)
    wrapped = pyca.encrypt("RSAES_OAEP_SHA_256", rsa_public.der, one)
    return wrapped, capsule, lock(letter, sha256(one + two).digest())


def open_both(rsa_key: CMK, kem_key: CMK, locked: Locked) -> bytes:
    wrapped, capsule, box = locked
    one, two = rsa_key.decrypt(wrapped), kem_key.decapsulate(capsule)
    return unlock(box, sha256(one + two).digest())
