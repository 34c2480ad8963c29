"""02-envelope: seal data of any length under a fresh data key, which only the KMS can decrypt."""

from kmslab import CMK
from kmslab.course import lock, unlock

Sealed = tuple[bytes, bytes]  # the encrypted data key, and the box


def seal(key: CMK, data: bytes) -> Sealed:
    made = key.generate_data_key()
    return made.encrypted, lock(data, made.plaintext)


def unseal(key: CMK, sealed: Sealed) -> bytes:
    encrypted, box = sealed
    return unlock(box, key.decrypt(encrypted))
