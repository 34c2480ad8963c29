"""Key specs and algorithms: what each kind of KMS key is for, and what each algorithm takes.

A new key spec or algorithm is a row here; no code branches on their names.
Source: AWS KMS developer guide, "Key spec reference".
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class KeyUsage(StrEnum):
    ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
    SIGN_VERIFY = "SIGN_VERIFY"
    GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
    KEY_AGREEMENT = "KEY_AGREEMENT"
    ENCAPSULATE_DECAPSULATE = "ENCAPSULATE_DECAPSULATE"


class Origin(StrEnum):
    AWS_KMS = "AWS_KMS"
    EXTERNAL = "EXTERNAL"
    AWS_CLOUDHSM = "AWS_CLOUDHSM"
    EXTERNAL_KEY_STORE = "EXTERNAL_KEY_STORE"


class Reach(StrEnum):
    SINGLE_REGION = "single-Region"
    PRIMARY = "multi-Region primary"
    REPLICA = "multi-Region replica"


# MultiRegionKeyType in a multi-Region key's metadata.
MULTI_REGION_TYPES = {Reach.PRIMARY: "PRIMARY", Reach.REPLICA: "REPLICA"}


class KeyManager(StrEnum):
    CUSTOMER = "CUSTOMER"
    AWS = "AWS"  # made by an AWS service for the account, which may only view it


class KeyKind(StrEnum):
    SYMMETRIC = "symmetric encryption"
    ASYMMETRIC = "asymmetric"
    HMAC = "HMAC"


@dataclass(frozen=True, slots=True)
class Spec:
    kind: KeyKind
    algorithms: Mapping[KeyUsage, tuple[str, ...]]
    size: int = 0  # bytes of key material that KMS makes; 0 for an asymmetric key
    sizes: range = range(0)  # bytes of key material that it takes from outside


# The member of DescribeKey and GetPublicKey that lists a key's algorithms.
ALGORITHMS_MEMBER: dict[KeyUsage, str] = {
    KeyUsage.ENCRYPT_DECRYPT: "EncryptionAlgorithms",
    KeyUsage.SIGN_VERIFY: "SigningAlgorithms",
    KeyUsage.GENERATE_VERIFY_MAC: "MacAlgorithms",
    KeyUsage.KEY_AGREEMENT: "KeyAgreementAlgorithms",
    KeyUsage.ENCAPSULATE_DECAPSULATE: "EncapsulationAlgorithms",
}

SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"
_OAEP = ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256")
_PSS = ("RSASSA_PSS_SHA_256", "RSASSA_PSS_SHA_384", "RSASSA_PSS_SHA_512")
_PKCS1 = ("RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PKCS1_V1_5_SHA_384", "RSASSA_PKCS1_V1_5_SHA_512")


def _asymmetric(usage: KeyUsage, *algorithms: str) -> Spec:
    return Spec(KeyKind.ASYMMETRIC, {usage: algorithms})


def _curve(ecdsa: str) -> Spec:
    usages = {KeyUsage.SIGN_VERIFY: (ecdsa,), KeyUsage.KEY_AGREEMENT: ("ECDH",)}
    return Spec(KeyKind.ASYMMETRIC, usages)


def _hmac(bits: int, longest: int) -> Spec:
    """AWS does not publish how long a generated HMAC key is; here it is as long as the tag."""
    usages = {KeyUsage.GENERATE_VERIFY_MAC: (f"HMAC_SHA_{bits}",)}
    return Spec(KeyKind.HMAC, usages, bits // 8, range(bits // 8, longest + 1))


_RSA = Spec(
    KeyKind.ASYMMETRIC, {KeyUsage.ENCRYPT_DECRYPT: _OAEP, KeyUsage.SIGN_VERIFY: (*_PKCS1, *_PSS)}
)
_ML_DSA = _asymmetric(KeyUsage.SIGN_VERIFY, "ML_DSA_SHAKE_256")
_ML_KEM = _asymmetric(KeyUsage.ENCAPSULATE_DECAPSULATE, "ML_KEM")

KEY_SPECS: dict[str, Spec] = {
    SYMMETRIC_DEFAULT: Spec(
        KeyKind.SYMMETRIC, {KeyUsage.ENCRYPT_DECRYPT: (SYMMETRIC_DEFAULT,)}, 32, range(32, 33)
    ),
    "RSA_2048": _RSA,
    "RSA_3072": _RSA,
    "RSA_4096": _RSA,
    "ECC_NIST_P256": _curve("ECDSA_SHA_256"),
    "ECC_NIST_P384": _curve("ECDSA_SHA_384"),
    "ECC_NIST_P521": _curve("ECDSA_SHA_512"),
    "ECC_SECG_P256K1": _asymmetric(KeyUsage.SIGN_VERIFY, "ECDSA_SHA_256"),
    "ECC_NIST_EDWARDS25519": _asymmetric(
        KeyUsage.SIGN_VERIFY, "ED25519_SHA_512", "ED25519_PH_SHA_512"
    ),
    "ML_DSA_44": _ML_DSA,
    "ML_DSA_65": _ML_DSA,
    "ML_DSA_87": _ML_DSA,
    "ML_KEM_512": _ML_KEM,
    "ML_KEM_768": _ML_KEM,
    "ML_KEM_1024": _ML_KEM,
    "HMAC_224": _hmac(224, 64),
    "HMAC_256": _hmac(256, 64),
    "HMAC_384": _hmac(384, 128),
    "HMAC_512": _hmac(512, 128),
}

# What a grant may allow by key usage, besides DescribeKey, CreateGrant and RetireGrant.
_GRANTED: dict[KeyUsage, frozenset[str]] = {
    KeyUsage.ENCRYPT_DECRYPT: frozenset({"Encrypt", "Decrypt", "ReEncryptFrom", "ReEncryptTo"}),
    KeyUsage.SIGN_VERIFY: frozenset({"Sign", "Verify"}),
    KeyUsage.GENERATE_VERIFY_MAC: frozenset({"GenerateMac", "VerifyMac"}),
    KeyUsage.KEY_AGREEMENT: frozenset({"DeriveSharedSecret"}),
    KeyUsage.ENCAPSULATE_DECAPSULATE: frozenset({"Encapsulate", "Decapsulate"}),
}
_GRANTED_BY_KIND: dict[KeyKind, frozenset[str]] = {
    KeyKind.SYMMETRIC: frozenset(
        f"GenerateDataKey{each}"
        for each in ("", "WithoutPlaintext", "Pair", "PairWithoutPlaintext")
    ),
    KeyKind.ASYMMETRIC: frozenset({"GetPublicKey"}),
    KeyKind.HMAC: frozenset(),
}


def grantable(spec: str, usage: KeyUsage) -> frozenset[str]:
    """The operations that a grant on such a key may list."""
    always = {"DescribeKey", "CreateGrant", "RetireGrant"}
    return _GRANTED[usage] | _GRANTED_BY_KIND[KEY_SPECS[spec].kind] | always


# RSA encryption takes k − 2h − 2 bytes, k the modulus's length and h the hash's (RFC 8017 §7.1.1).
RSA_PLAINTEXT: dict[tuple[str, str], int] = {
    (f"RSA_{bits}", algorithm): bits // 8 - 2 * hashed - 2
    for bits in (2048, 3072, 4096)
    for algorithm, hashed in zip(_OAEP, (20, 32), strict=True)
}

# GenerateDataKey's KeySpec → bytes.
DATA_KEY_SPECS: dict[str, int] = {"AES_128": 16, "AES_256": 32}
