"""06-mend: give a box another data key after its data key has leaked."""

from kmslab import CMK
from kmslab.course import lock, unlock


def mend(key: CMK, encrypted: bytes, box: bytes) -> tuple[bytes, bytes]:
    data = unlock(box, key.decrypt(encrypted))
    fresh = key.generate_data_key()
    return fresh.encrypted, lock(data, fresh.plaintext)
