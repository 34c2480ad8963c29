"""00-refused: make the KMS refuse."""

from kmslab import CMK


def refused(key: CMK, other: CMK, record: bytes) -> bytes:
    return other.decrypt(key.encrypt(record))
