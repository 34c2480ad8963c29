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
