"""The backend on PyCryptodome, put together from its parts."""

from kmslab.crypto.pycryptodome.exchange import ENCRYPTION, Exchange
from kmslab.crypto.pycryptodome.keys import GENERATE, Keys
from kmslab.crypto.pycryptodome.signatures import SIGNATURES, Signatures
from kmslab.crypto.pycryptodome.symmetric import HKDFS, HMACS, Symmetric


class Pycryptodome(Symmetric, Keys, Signatures, Exchange):
    """A `Backend`, on PyCryptodome."""

    NAME = "PyCryptodome"
    ALGORITHMS = frozenset(
        {"AES_GCM", "AES_CBC", "AES_KWP", "KDF_CTR_HMAC_SHA_256", "EC_POINT", "ECDH", "ML_KEM"}
        | {*HMACS, *HKDFS, *SIGNATURES, *ENCRYPTION}
    )
    KEY_SPECS = frozenset(GENERATE)
    LONG_EXPONENTS = True
