"""Imports of key material: the words for them, and which algorithm wraps which material.

Source: AWS KMS developer guide, "Download the wrapping public key and import token"; the API
reference of GetParametersForImport.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from kmslab.kms.contract.specs import KEY_SPECS, KeyKind


class ExpirationModel(StrEnum):
    EXPIRES = "KEY_MATERIAL_EXPIRES"
    DOES_NOT_EXPIRE = "KEY_MATERIAL_DOES_NOT_EXPIRE"

    @classmethod
    def of(cls, expires: datetime | None) -> "ExpirationModel":
        return cls.EXPIRES if expires else cls.DOES_NOT_EXPIRE


class ImportType(StrEnum):
    NEW = "NEW_KEY_MATERIAL"
    EXISTING = "EXISTING_KEY_MATERIAL"


class ImportState(StrEnum):
    IMPORTED = "IMPORTED"
    PENDING_IMPORT = "PENDING_IMPORT"


class MaterialState(StrEnum):
    CURRENT = "CURRENT"
    NON_CURRENT = "NON_CURRENT"
    PENDING_ROTATION = "PENDING_ROTATION"
    PENDING_MULTI_REGION = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"


VALID = timedelta(hours=24)  # how long a wrapping key and its import token can be used
LONGEST = timedelta(days=365)  # until imported material expires

# Wrapping key spec → bytes of its modulus. SM2 is offered in AWS's China Regions only.
WRAPPING_KEYS = {"RSA_2048": 256, "RSA_3072": 384, "RSA_4096": 512}
# RSAES_PKCS1_V1_5 has been refused since October 10, 2023.
DIRECT = frozenset({"RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"})
HYBRID = frozenset({"RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"})


def wraps(spec: str, algorithm: str, wrapping_key: str) -> bool:
    """Whether AWS KMS offers this algorithm and wrapping key for material of this key spec."""
    if wrapping_key not in WRAPPING_KEYS:
        return False
    is_rsa = spec.startswith("RSA_")
    if algorithm in HYBRID:
        return is_rsa or spec.startswith("ECC_")
    too_long = is_rsa or (spec, wrapping_key) == ("ECC_NIST_P521", "RSA_2048")
    return algorithm in DIRECT and not too_long


def usual_wrapping(spec: str) -> str:
    """An algorithm that takes this material with every wrapping key."""
    hybrid = KEY_SPECS[spec].kind is KeyKind.ASYMMETRIC and wraps(
        spec, "RSA_AES_KEY_WRAP_SHA_256", "RSA_2048"
    )
    return "RSA_AES_KEY_WRAP_SHA_256" if hybrid else "RSAES_OAEP_SHA_256"
