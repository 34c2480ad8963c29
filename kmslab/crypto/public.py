"""A public key in the forms that people hand around: DER, PEM, an object of `cryptography`."""

import textwrap
from base64 import b64encode
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PublicKey:
    """SubjectPublicKeyInfo (RFC 5280). There is nothing secret in it."""

    der: bytes

    @property
    def pem(self) -> str:
        """The same in text (RFC 7468)."""
        lines = textwrap.wrap(b64encode(self.der).decode(), 64)
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])

    def load(self) -> Any:
        """The `cryptography` library's object, to verify or encrypt with and no KMS at hand.

        Raises `cryptography.exceptions.UnsupportedAlgorithm` for ML-KEM-512, which it lacks.
        """
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        return load_der_public_key(self.der)

    def __bytes__(self) -> bytes:
        return self.der

    def __repr__(self) -> str:
        return f"<PublicKey {len(self.der)} bytes>"
