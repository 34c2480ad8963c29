"""The second opinion: PyCryptodome, which shares no code with OpenSSL.

Rule: a library's exception never leaves this package.
"""

from kmslab.crypto.pycryptodome.exchange import (
    ENCRYPTION,
    agree,
    decapsulate,
    decrypt,
    encapsulate,
    encrypt,
)
from kmslab.crypto.pycryptodome.keys import KEY_SPECS, generate_key, public_key
from kmslab.crypto.pycryptodome.signatures import SIGNATURES, sign, verify
from kmslab.crypto.pycryptodome.symmetric import (
    HKDFS,
    HMACS,
    aes_gcm_open,
    aes_gcm_seal,
    hkdf,
    hmac,
    kdf_counter,
)

NAME = "PyCryptodome"
ALGORITHMS = frozenset(
    {"AES_GCM", "KDF_CTR_HMAC_SHA_256", "ECDH", "ML_KEM", *HMACS, *HKDFS, *SIGNATURES, *ENCRYPTION}
)

__all__ = [
    "ALGORITHMS",
    "KEY_SPECS",
    "NAME",
    "aes_gcm_open",
    "aes_gcm_seal",
    "agree",
    "decapsulate",
    "decrypt",
    "encapsulate",
    "encrypt",
    "generate_key",
    "hkdf",
    "hmac",
    "kdf_counter",
    "public_key",
    "sign",
    "verify",
]
