"""01-seal: seal a record so that only the KMS can open it."""

from kmslab import CMK


def seal_record(key: CMK, record: bytes) -> bytes:
    return key.encrypt(record)


def open_record(key: CMK, blob: bytes) -> bytes:
    return key.decrypt(blob)
