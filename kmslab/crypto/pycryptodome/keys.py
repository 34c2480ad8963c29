"""Private keys are made here, and every key is read here: from bytes to the library's objects."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from Crypto.IO import PKCS8
from Crypto.PublicKey import ECC, MLDSA, MLKEM, RSA
from Crypto.PublicKey.ECC import EccKey
from Crypto.PublicKey.MLDSA import MLDSAKey
from Crypto.PublicKey.MLKEM import MLKEMKey
from Crypto.PublicKey.RSA import RsaKey
from Crypto.Util.asn1 import DerSequence

from kmslab.crypto.backend import Malformed
from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.spki import spec_of

Key = RsaKey | EccKey | MLDSAKey | MLKEMKey
K = TypeVar("K", RsaKey, EccKey, MLDSAKey, MLKEMKey)

_GENERATE: dict[str, Callable[[], Key]] = {
    "RSA_2048": partial(RSA.generate, 2048),
    "RSA_3072": partial(RSA.generate, 3072),
    "RSA_4096": partial(RSA.generate, 4096),
    "ECC_NIST_P256": partial(ECC.generate, curve="P-256"),
    "ECC_NIST_P384": partial(ECC.generate, curve="P-384"),
    "ECC_NIST_P521": partial(ECC.generate, curve="P-521"),
    "ECC_SECG_P256K1": partial(ECC.generate, curve="secp256k1"),
    "ECC_NIST_EDWARDS25519": partial(ECC.generate, curve="Ed25519"),
    "ML_DSA_44": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_44),
    "ML_DSA_65": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_65),
    "ML_DSA_87": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_87),
    "ML_KEM_512": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_512),
    "ML_KEM_768": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_768),
    "ML_KEM_1024": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_1024),
}
KEY_SPECS = frozenset(_GENERATE)


def generate_key(spec: str) -> SecretBytes:
    key = _GENERATE[spec]()
    if isinstance(key, RsaKey):
        return SecretBytes(key.export_key(format="DER", pkcs=8))
    return SecretBytes(key.export_key(format="DER"))


def public_key(private: bytes) -> bytes:
    return _read_private(private).public_key().export_key(format="DER")


def private_key(private: bytes, kind: type[K]) -> K:
    key = _read_private(private)
    if not isinstance(key, kind):
        raise RuntimeError(f"the algorithm is not for a {type(key).__name__}")
    return key


def _read_private(private: bytes) -> Key:
    return _READERS[PKCS8.unwrap(private, None)[0]](private)


def _read_rsa(private: bytes) -> RsaKey:
    # What the HSM sealed it has made or checked, and a sealed key is authenticated. So RSA's
    # numbers are not tested for being primes again, which would cost more than signing.
    numbers = DerSequence().decode(PKCS8.unwrap(private, None)[1])
    return RSA.construct(numbers[1:6], consistency_check=False)


_READERS: dict[str, Callable[[bytes], Key]] = {  # by the algorithm that a PKCS#8 key names
    RSA.oid: _read_rsa,
    "1.2.840.10045.2.1": ECC.import_key,
    "1.3.101.112": ECC.import_key,  # Ed25519
    "2.16.840.1.101.3.4.3.17": MLDSA.import_key,
    "2.16.840.1.101.3.4.3.18": MLDSA.import_key,
    "2.16.840.1.101.3.4.3.19": MLDSA.import_key,
    "2.16.840.1.101.3.4.4.1": MLKEM.import_key,
    "2.16.840.1.101.3.4.4.2": MLKEM.import_key,
    "2.16.840.1.101.3.4.4.3": MLKEM.import_key,
}


def peer_key(public: bytes, kind: type[K]) -> K:
    """A public key from anybody: one of our specs, on its curve, in the one form that DER has."""
    spec_of(public)
    key = None
    with suppress(ValueError):
        key = _IMPORTERS[kind](public)
    if not isinstance(key, kind):
        raise Malformed
    return key


_IMPORTERS: dict[type[Key], Callable[[bytes], Key]] = {
    RsaKey: RSA.import_key,
    EccKey: ECC.import_key,
    MLDSAKey: MLDSA.import_key,
    MLKEMKey: MLKEM.import_key,
}
