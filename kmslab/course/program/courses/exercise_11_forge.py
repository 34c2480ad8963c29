"""11-forge: change the record in a blob, where a KMS compares one byte of the tag."""

from collections.abc import Callable

from kmslab.errors import InvalidCiphertextException

TAG = 16  # bytes, at a blob's end


def change_record(blob: bytes, decrypt: Callable[[bytes], bytes]) -> bytes:
    changed = bytearray(blob)
    changed[-TAG - 1] ^= 1  # the last byte before the tag
    for last in range(256):
        changed[-1] = last
        try:
            decrypt(bytes(changed))
        except InvalidCiphertextException:
            continue
        return bytes(changed)
    raise ValueError("this KMS compares more of the tag")
