"""Key specs: what each kind of KMS key may be used for, with which algorithms, and how long it is.

Source: AWS KMS developer guide, "Key spec reference".
"""

from dataclasses import dataclass
from enum import StrEnum


class KeyUsage(StrEnum):
    ENCRYPT_DECRYPT = "ENCRYPT_DECRYPT"
    SIGN_VERIFY = "SIGN_VERIFY"
    GENERATE_VERIFY_MAC = "GENERATE_VERIFY_MAC"
    KEY_AGREEMENT = "KEY_AGREEMENT"
    ENCAPSULATE_DECAPSULATE = "ENCAPSULATE_DECAPSULATE"


class MessageType(StrEnum):
    """In which form a message comes to be signed."""

    RAW = "RAW"
    DIGEST = "DIGEST"
    EXTERNAL_MU = "EXTERNAL_MU"  # ML-DSA's own digest, which covers the public key (FIPS 204)


class Origin(StrEnum):
    AWS_KMS = "AWS_KMS"
    EXTERNAL = "EXTERNAL"
    AWS_CLOUDHSM = "AWS_CLOUDHSM"
    EXTERNAL_KEY_STORE = "EXTERNAL_KEY_STORE"


SYMMETRIC_DEFAULT = "SYMMETRIC_DEFAULT"


@dataclass(frozen=True, slots=True)
class Spec:
    size: int  # bytes of key material
    symmetric: bool
    algorithms: dict[KeyUsage, tuple[str, ...]]


KEY_SPECS: dict[str, Spec] = {
    SYMMETRIC_DEFAULT: Spec(32, True, {KeyUsage.ENCRYPT_DECRYPT: (SYMMETRIC_DEFAULT,)}),
}

# GenerateDataKey's KeySpec → bytes.
DATA_KEY_SPECS: dict[str, int] = {"AES_128": 16, "AES_256": 32}

# Algorithm → the forms in which it takes a message, and the bytes of that form (None: any number).
MESSAGE_TYPES: dict[str, dict[MessageType, int | None]] = {
    f"{scheme}_SHA_{bits}": {MessageType.RAW: None, MessageType.DIGEST: bits // 8}
    for scheme in ("RSASSA_PSS", "RSASSA_PKCS1_V1_5", "ECDSA")
    for bits in (256, 384, 512)
} | {
    "ED25519_SHA_512": {MessageType.RAW: None},
    "ED25519_PH_SHA_512": {MessageType.DIGEST: 64},
    "ML_DSA_SHAKE_256": {MessageType.RAW: None, MessageType.EXTERNAL_MU: 64},
}
