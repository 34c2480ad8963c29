"""03-file: bind a sealed file to its name by the encryption context of its data key."""

from kmslab import CMK
from kmslab.course import lock, unlock

Sealed = tuple[bytes, bytes]  # the encrypted data key, and the box


def seal_file(key: CMK, name: str, data: bytes) -> Sealed:
    made = key.generate_data_key({"file": name})
    return made.encrypted, lock(data, made.plaintext)


def unseal_file(key: CMK, name: str, sealed: Sealed) -> bytes:
    encrypted, box = sealed
    return unlock(box, key.decrypt(encrypted, {"file": name}))
