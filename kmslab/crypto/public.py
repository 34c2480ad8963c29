"""A public key in its usual forms: DER, PEM, and an object of `cryptography`."""

import textwrap
from base64 import b64encode
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class PublicKey:
    """SubjectPublicKeyInfo (RFC 5280). Nothing in it is secret."""

    der: bytes

    @property
    def pem(self) -> str:
        """The key as text (RFC 7468)."""
        lines = textwrap.wrap(b64encode(self.der).decode(), 64)
        return "\n".join(["-----BEGIN PUBLIC KEY-----", *lines, "-----END PUBLIC KEY-----", ""])

    def load(self) -> Any:
        """An object of `cryptography`, with which you can verify or encrypt without any KMS.

        Raises `cryptography.exceptions.UnsupportedAlgorithm` for ML-KEM-512, which it lacks.
        """
        from cryptography.hazmat.primitives.serialization import load_der_public_key

        return load_der_public_key(self.der)

    def __bytes__(self) -> bytes:
        return self.der

    def __repr__(self) -> str:
        return f"<PublicKey {len(self.der)} bytes>"
