"""10-swap: put another letter in the place of one that a thief cannot read."""

from kmslab import PublicKey
from kmslab.crypto import pyca


def replace_letter(public_key: PublicKey, locked: bytes) -> bytes:
    return pyca.encrypt("RSAES_OAEP_SHA_256", public_key.der, b"R-017: do not operate.")
