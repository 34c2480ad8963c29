"""Private keys are made here, and every key is read here: from bytes to the library's objects."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from Crypto.IO import PKCS8
from Crypto.PublicKey import ECC, MLDSA, MLKEM, RSA
from Crypto.PublicKey.ECC import EccKey
from Crypto.PublicKey.MLDSA import MLDSAKey
from Crypto.PublicKey.MLKEM import MLKEMKey
from Crypto.PublicKey.RSA import RsaKey
from Crypto.Util.asn1 import DerSequence

from kmslab.crypto.backend import Malformed
from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.spki import check_compressed, spec_of

Key = RsaKey | EccKey | MLDSAKey | MLKEMKey
K = TypeVar("K", bound=Key)


@dataclass(frozen=True, slots=True)
class Kind(Generic[K]):
    """Keys for the same algorithms. (A class of the library is not enough: ECC has several.)"""

    names: tuple[str, ...]  # the algorithms that a PKCS#8 key of this kind may name
    generate: dict[str, Callable[[], K]]  # by key spec
    read_public: Callable[[bytes], K]
    read_private: Callable[[bytes], K]


def _read_rsa(private: bytes) -> RsaKey:
    # What the HSM sealed it has made or checked, and a sealed key is authenticated. So RSA's
    # numbers are not tested for being primes again, which would cost more than signing.
    numbers = DerSequence().decode(PKCS8.unwrap(private, None)[1])
    return RSA.construct(numbers[1:6], consistency_check=False)


def _read_point(public: bytes) -> EccKey:
    key = ECC.import_key(public)
    if key.pointQ.is_point_at_infinity():  # two zeros, which the library takes for that point
        raise ValueError
    return key


RSA_KEY: Kind[RsaKey] = Kind(
    names=(RSA.oid,),
    generate={
        "RSA_2048": partial(RSA.generate, 2048),
        "RSA_3072": partial(RSA.generate, 3072),
        "RSA_4096": partial(RSA.generate, 4096),
    },
    read_public=RSA.import_key,
    read_private=_read_rsa,
)
EC_KEY: Kind[EccKey] = Kind(
    names=("1.2.840.10045.2.1",),
    generate={
        "ECC_NIST_P256": partial(ECC.generate, curve="P-256"),
        "ECC_NIST_P384": partial(ECC.generate, curve="P-384"),
        "ECC_NIST_P521": partial(ECC.generate, curve="P-521"),
        "ECC_SECG_P256K1": partial(ECC.generate, curve="secp256k1"),
    },
    read_public=_read_point,
    read_private=ECC.import_key,
)
ED25519_KEY: Kind[EccKey] = Kind(
    names=("1.3.101.112",),
    generate={"ECC_NIST_EDWARDS25519": partial(ECC.generate, curve="Ed25519")},
    read_public=ECC.import_key,
    read_private=ECC.import_key,
)
ML_DSA_KEY: Kind[MLDSAKey] = Kind(
    names=("2.16.840.1.101.3.4.3.17", "2.16.840.1.101.3.4.3.18", "2.16.840.1.101.3.4.3.19"),
    generate={
        "ML_DSA_44": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_44),
        "ML_DSA_65": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_65),
        "ML_DSA_87": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_87),
    },
    read_public=MLDSA.import_key,
    read_private=MLDSA.import_key,
)
ML_KEM_KEY: Kind[MLKEMKey] = Kind(
    names=("2.16.840.1.101.3.4.4.1", "2.16.840.1.101.3.4.4.2", "2.16.840.1.101.3.4.4.3"),
    generate={
        "ML_KEM_512": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_512),
        "ML_KEM_768": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_768),
        "ML_KEM_1024": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_1024),
    },
    read_public=MLKEM.import_key,
    read_private=MLKEM.import_key,
)

_KINDS: tuple[Kind[Any], ...] = (RSA_KEY, EC_KEY, ED25519_KEY, ML_DSA_KEY, ML_KEM_KEY)
_GENERATE: dict[str, Callable[[], Key]] = {
    spec: make for kind in _KINDS for spec, make in kind.generate.items()
}
KEY_SPECS = frozenset(_GENERATE)
_CURVES = {"ECC_NIST_P256": "P-256", "ECC_NIST_P384": "P-384"}  # whose points are compressed


def generate_key(spec: str) -> SecretBytes:
    key = _GENERATE[spec]()
    if isinstance(key, RsaKey):
        return SecretBytes(key.export_key(format="DER", pkcs=8))
    return SecretBytes(key.export_key(format="DER"))


def public_key(private: bytes) -> bytes:
    key: Key = private_key(private, *_KINDS)
    return key.public_key().export_key(format="DER")


def decompress(spec: str, point: bytes) -> bytes:
    check_compressed(spec, point)
    try:
        key = ECC.import_key(point, curve_name=_CURVES[spec])
        return bytes(key.export_key(format="DER"))
    except ValueError:
        pass
    raise Malformed


def private_key(private: bytes, *kinds: Kind[K]) -> K:
    with suppress(ValueError):
        name = PKCS8.unwrap(private, None)[0]
        for kind in kinds:
            if name in kind.names:
                return kind.read_private(private)
    raise RuntimeError("no private key for this algorithm")


def peer_key(public: bytes, kind: Kind[K]) -> K:
    """A public key from anybody: one of our specs, on its curve, in the one form that DER has."""
    if spec_of(public) in kind.generate:
        with suppress(ValueError):
            return kind.read_public(public)
    raise Malformed
