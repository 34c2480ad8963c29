"""Makes private keys, and reads all keys: from bytes to the library's objects."""

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
class KeyKind(Generic[K]):
    """Keys for the same algorithms. (The library's class does not say: EccKey is for several.)"""

    names: tuple[str, ...]  # object identifiers of the algorithms, as in PKCS#8
    generate: dict[str, Callable[[], K]]  # by key spec
    read_public: Callable[[bytes], K]
    read_private: Callable[[bytes], K]


def _read_rsa(private: bytes) -> RsaKey:
    # Safe: the caller made or checked this key, and kept it authenticated. Testing again whether
    # RSA's numbers are primes would take many times as long as signing.
    numbers = DerSequence().decode(PKCS8.unwrap(private, None)[1])
    return RSA.construct(numbers[1:6], consistency_check=False)


def _read_point(public: bytes) -> EccKey:
    key = ECC.import_key(public)
    if key.pointQ.is_point_at_infinity():  # the library reads two zeros as that point
        raise ValueError
    return key


RSA_KEY: KeyKind[RsaKey] = KeyKind(
    names=(RSA.oid,),
    generate={
        "RSA_2048": partial(RSA.generate, 2048),
        "RSA_3072": partial(RSA.generate, 3072),
        "RSA_4096": partial(RSA.generate, 4096),
    },
    read_public=RSA.import_key,
    read_private=_read_rsa,
)
EC_KEY: KeyKind[EccKey] = KeyKind(
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
ED25519_KEY: KeyKind[EccKey] = KeyKind(
    names=("1.3.101.112",),
    generate={"ECC_NIST_EDWARDS25519": partial(ECC.generate, curve="Ed25519")},
    read_public=ECC.import_key,
    read_private=ECC.import_key,
)
ML_DSA_KEY: KeyKind[MLDSAKey] = KeyKind(
    names=("2.16.840.1.101.3.4.3.17", "2.16.840.1.101.3.4.3.18", "2.16.840.1.101.3.4.3.19"),
    generate={
        "ML_DSA_44": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_44),
        "ML_DSA_65": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_65),
        "ML_DSA_87": partial(MLDSA.generate, param_set=MLDSA.ML_DSA_87),
    },
    read_public=MLDSA.import_key,
    read_private=MLDSA.import_key,
)
ML_KEM_KEY: KeyKind[MLKEMKey] = KeyKind(
    names=("2.16.840.1.101.3.4.4.1", "2.16.840.1.101.3.4.4.2", "2.16.840.1.101.3.4.4.3"),
    generate={
        "ML_KEM_512": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_512),
        "ML_KEM_768": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_768),
        "ML_KEM_1024": partial(MLKEM.generate, param_set=MLKEM.ML_KEM_1024),
    },
    read_public=MLKEM.import_key,
    read_private=MLKEM.import_key,
)

_KINDS: tuple[KeyKind[Any], ...] = (RSA_KEY, EC_KEY, ED25519_KEY, ML_DSA_KEY, ML_KEM_KEY)
GENERATE: dict[str, Callable[[], Key]] = {
    spec: make for kind in _KINDS for spec, make in kind.generate.items()
}
_CURVES = {"ECC_NIST_P256": "P-256", "ECC_NIST_P384": "P-384"}  # of compressed points


class Keys:
    """The part of a backend that makes keys."""

    def generate_key(self, spec: str) -> SecretBytes:
        key = GENERATE[spec]()
        if isinstance(key, RsaKey):
            return SecretBytes(key.export_key(format="DER", pkcs=8))
        return SecretBytes(key.export_key(format="DER"))

    def public_key(self, private: bytes) -> bytes:
        key: Key = private_key(private, *_KINDS)
        return key.public_key().export_key(format="DER")

    def decompress(self, spec: str, point: bytes) -> bytes:
        check_compressed(spec, point)
        try:
            key = ECC.import_key(point, curve_name=_CURVES[spec])
            return bytes(key.export_key(format="DER"))
        except ValueError:
            pass
        raise Malformed


def private_key(private: bytes, *kinds: KeyKind[K]) -> K:
    with suppress(ValueError):
        name = PKCS8.unwrap(private, None)[0]
        for kind in kinds:
            if name in kind.names:
                return kind.read_private(private)
    raise RuntimeError("not a private key for this algorithm")


def peer_key(public: bytes, kind: KeyKind[K]) -> K:
    """A public key from anybody. Malformed unless it is of one of our specs, and in strict DER."""
    if spec_of(public) in kind.generate:
        with suppress(ValueError):
            return kind.read_public(public)
    raise Malformed
