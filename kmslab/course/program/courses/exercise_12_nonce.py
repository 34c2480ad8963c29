"""12-nonce: read a note that was sealed with the nonce of another, known one."""


def recover(known: bytes, box: bytes, other: bytes) -> bytes:
    sealed, wanted = box[12:-16], other[12:-16]
    return bytes(a ^ b ^ c for a, b, c in zip(known, sealed, wanted, strict=False))
