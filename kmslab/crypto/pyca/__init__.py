"""The default backend: `cryptography`, which is OpenSSL behind a careful interface.

Rule: an exception of that library never leaves this package.
"""

from kmslab.crypto.pyca.exchange import ENCRYPTION, Exchange
from kmslab.crypto.pyca.keys import GENERATE, Keys
from kmslab.crypto.pyca.signatures import SIGNATURES, Signatures
from kmslab.crypto.pyca.symmetric import HKDFS, HMACS, Symmetric


class Pyca(Symmetric, Keys, Signatures, Exchange):
    """A `Backend`, on `cryptography`."""

    NAME = "cryptography"
    ALGORITHMS = frozenset(
        {"AES_GCM", "AES_CBC", "AES_KWP", "KDF_CTR_HMAC_SHA_256", "EC_POINT", "ECDH", "ML_KEM"}
        | {*HMACS, *HKDFS, *SIGNATURES, *ENCRYPTION}
    )
    KEY_SPECS = frozenset(GENERATE)
    LONG_EXPONENTS = False


pyca = Pyca()
