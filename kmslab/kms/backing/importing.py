"""Key material from outside: a key to wrap it under, and a token that remembers that key.

Nothing of an import is stored before its end. The import token itself holds the private wrapping
key, sealed under a domain key and bound to the KMS key's ARN, with the algorithm and the end of its
validity. Once it has been unwrapped, imported material is sealed like any other.
Source: AWS KMS developer guide, "Importing key material".
"""

from datetime import datetime

from kmslab.crypto import CiphertextBlob, Forged, SecretBytes
from kmslab.crypto.wrapping import unwrap
from kmslab.kms import store as stores
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.importing import WRAPPING_KEYS
from kmslab.kms.contract.records import Key


class Importing(Hsm):
    """An `Hsm` that also takes wrapped key material."""

    def import_parameters(
        self, key: Key, algorithm: str, wrapping_key: str, valid_to: datetime
    ) -> tuple[bytes, CiphertextBlob]:
        """A public key to wrap material under, and the token to send with it until `valid_to`."""
        private, public = self.key_pair(wrapping_key)
        terms = " ".join((valid_to.isoformat(), algorithm, wrapping_key)).encode()
        content = terms + b"\n" + private
        return public, CiphertextBlob(self.domain_keys.protect(_token(key), content))

    def unwrap(self, key: Key, token: bytes, wrapped: bytes, now: datetime) -> SecretBytes:
        """The material, not yet compared with the key's spec."""
        try:
            content = self.domain_keys.unprotect(_token(key), token)
        except stores.Damaged:
            fail("InvalidImportTokenException", "The import token is not valid for this key.")
        terms, _, private = bytes(content).partition(b"\n")
        valid_to, algorithm, wrapping_key = terms.decode().split()
        if now > datetime.fromisoformat(valid_to):
            fail("ExpiredImportTokenException", "The import token has expired.")
        size = WRAPPING_KEYS[wrapping_key]
        try:
            return unwrap(SecretBytes(private), wrapped, algorithm, size, self._backend)
        except Forged:
            fail("InvalidCiphertextException")


def _token(key: Key) -> str:
    """The name to which a token is bound: no access key can have it."""
    return f"import token of {key.arn}"
