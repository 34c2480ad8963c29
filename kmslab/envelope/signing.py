"""Signed suites: each data key has a key pair, whose public key is in the message's context.

The private key signs the hash of all bytes before the footer, and is forgotten with the data key.
KMS and AES keyrings bind the public key to the data key, as they do with the whole context. So a
reader who may open messages but not wrap keys cannot alter one for other readers.
"""

import hashlib
from base64 import b64decode, b64encode
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

from kmslab.crypto import Malformed, SecretBytes, compress
from kmslab.crypto.backend import Bytes
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.self_tested import proven
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.message import PUBLIC_KEY, Context, FieldReader
from kmslab.envelope.suites import Signature, Suite


@dataclass(frozen=True, slots=True)
class SigningKey:
    how: Signature
    private: SecretBytes

    @classmethod
    def new(cls, how: Signature) -> Self:
        return cls(how, SecretBytes(proven(how.algorithm).generate_key(how.spec)))

    @property
    def context(self) -> dict[str, str]:
        public = proven("EC_POINT").public_key(self.private)
        return {PUBLIC_KEY: b64encode(compress(public)).decode()}


class Signer:
    def __init__(self, key: SigningKey) -> None:
        self._how, self._private = key.how, key.private
        self._hash = hashlib.new(key.how.hash)

    def update(self, content: Bytes) -> None:
        self._hash.update(content)

    def footer(self) -> bytes:
        """As with the SDK, its length is known in advance: about every second signature has it."""
        backend, digest, signature = proven(self._how.algorithm), self._hash.digest(), b""
        while len(signature) != self._how.size:
            signature = backend.sign(self._how.algorithm, self._private, digest, MessageType.DIGEST)
        return len(signature).to_bytes(2, "big") + signature


class Verifier:
    def __init__(self, signature: Signature, context: Context) -> None:
        self._how = signature
        self._hash = hashlib.new(signature.hash)
        self._public = _public_key(signature, context)

    def update(self, content: Bytes) -> None:
        self._hash.update(content)

    def read_footer(self, fields: FieldReader) -> None:
        """Raises Forged unless this key signed this message."""
        signature = fields.field("signature")
        proven(self._how.algorithm).verify(
            self._how.algorithm, self._public, self._hash.digest(), MessageType.DIGEST, signature
        )


class Unsigned:
    """Takes the place of both if the suite has no signature."""

    def update(self, content: Bytes) -> None: ...

    def footer(self) -> bytes:
        return b""

    def read_footer(self, fields: FieldReader) -> None: ...


def signer_of(key: SigningKey | None) -> Signer | Unsigned:
    return Signer(key) if key else Unsigned()


def verifier_of(suite: Suite, context: Context) -> Verifier | Unsigned:
    if suite.signature:
        return Verifier(suite.signature, context)
    if PUBLIC_KEY in context.pairs:
        raise NotAMessage("there is a public key in the context, but this suite has no signature")
    return Unsigned()


def _public_key(signature: Signature, context: Context) -> bytes:
    with suppress(KeyError, ValueError, Malformed):
        point = b64decode(context.pairs[PUBLIC_KEY], validate=True)
        return proven("EC_POINT").decompress(signature.spec, point)
    raise NotAMessage("there is no public key in the context to verify the signature")
