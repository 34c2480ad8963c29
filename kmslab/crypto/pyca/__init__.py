"""The default backend: `cryptography`, which is OpenSSL behind a careful interface.

Rule: a library's exception never leaves this package.
"""

from kmslab.crypto.pyca.exchange import (
    ENCRYPTION,
    agree,
    decapsulate,
    decrypt,
    encapsulate,
    encrypt,
)
from kmslab.crypto.pyca.keys import KEY_SPECS, decompress, generate_key, public_key
from kmslab.crypto.pyca.signatures import SIGNATURES, sign, verify
from kmslab.crypto.pyca.symmetric import (
    HKDFS,
    HMACS,
    aes_gcm_open,
    aes_gcm_open_into,
    aes_gcm_seal,
    aes_gcm_seal_into,
    hkdf,
    hmac,
    kdf_counter,
)

NAME = "cryptography"
ALGORITHMS = frozenset(
    {
        "AES_GCM",
        "KDF_CTR_HMAC_SHA_256",
        "EC_POINT",
        "ECDH",
        "ML_KEM",
        *HMACS,
        *HKDFS,
        *SIGNATURES,
        *ENCRYPTION,
    }
)

__all__ = [
    "ALGORITHMS",
    "KEY_SPECS",
    "NAME",
    "aes_gcm_open",
    "aes_gcm_open_into",
    "aes_gcm_seal",
    "aes_gcm_seal_into",
    "agree",
    "decapsulate",
    "decompress",
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
