"""12-replay: bind a sealed file to its name and its version, so that no old one comes back."""

from kmslab import CMK
from kmslab.course import lock, unlock

Sealed = tuple[bytes, bytes]  # the encrypted data key, and the box


def save_version(key: CMK, name: str, version: str, data: bytes) -> Sealed:
    made = key.generate_data_key({"file": name, "version": version})
    return made.encrypted, lock(data, made.plaintext)


def load_version(key: CMK, name: str, version: str, sealed: Sealed) -> bytes:
    encrypted, box = sealed
    return unlock(box, key.decrypt(encrypted, {"file": name, "version": version}))
