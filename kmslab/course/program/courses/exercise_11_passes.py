"""11-passes: is this module's AES-GCM sound? Fresh questions, and every byte of a tag."""

from secrets import token_bytes

from kmslab.crypto import Backend, Forged


def passes(module: Backend, reference: Backend) -> bool:
    key, iv, aad = token_bytes(32), token_bytes(12), token_bytes(20)
    plaintext = token_bytes(1000)
    sealed = reference.aes_gcm_seal(key, iv, plaintext, aad)
    try:
        right = module.aes_gcm_seal(key, iv, plaintext, aad) == sealed
        opens = module.aes_gcm_open(key, iv, sealed, aad) == plaintext
    except Forged:
        return False
    return right and opens and all(_refuses(module, key, iv, sealed, aad, n) for n in range(1, 17))


def _refuses(
    module: Backend, key: bytes, iv: bytes, sealed: bytes, aad: bytes, from_end: int
) -> bool:
    changed = bytearray(sealed)
    changed[-from_end] ^= 1
    try:
        module.aes_gcm_open(key, iv, bytes(changed), aad)
    except Forged:
        return True
    return False
