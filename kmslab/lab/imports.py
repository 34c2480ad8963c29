"""Bringing one's own key material: what a client does between AWS KMS's two calls for an import."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kmslab.crypto import CiphertextBlob, Malformed, PublicKey, as_pkcs8
from kmslab.crypto.wrapping import wrap
from kmslab.kms.contract.specs import KEY_SPECS


@dataclass(frozen=True, slots=True)
class ImportParameters:
    """A wrapping key, and the token that belongs to it. Both can be used until `valid_to`."""

    public_key: PublicKey
    token: CiphertextBlob
    algorithm: str
    valid_to: datetime  # 24 hours after they were made, in UTC

    def wrap(self, material: bytes) -> CiphertextBlob:
        """`material`, wrapped under this public key: see `kmslab.wrap`."""
        return wrap(self.public_key.der, material, self.algorithm)


def as_imported(material: Any, spec: str) -> bytes:
    """The material as AWS KMS takes it: a private key as PKCS#8 DER, other material as it is.

    The service says what is wrong with bytes that are not a private key.
    """
    if KEY_SPECS[spec].sizes:
        return bytes(material)
    try:
        return as_pkcs8(material)
    except Malformed:
        return material.encode() if isinstance(material, str) else bytes(material)
