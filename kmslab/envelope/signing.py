"""Signed suites: a key pair for one message, whose public half travels in the context.

The private half signs the hash of all bytes before the footer, and is gone. The public half is
bound to the data key where the wrapping key binds the context, as KMS and AES keys do. So who may
open a message, but not wrap keys, can't alter it for its other readers.
"""

import hashlib
from base64 import b64decode, b64encode
from contextlib import suppress
from typing import ClassVar

from kmslab.crypto import Malformed, compress
from kmslab.crypto.backend import Bytes
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.self_tested import proven
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.message import PUBLIC_KEY, Context, Walk
from kmslab.envelope.suites import Signature, Suite


class Signer:
    def __init__(self, signature: Signature) -> None:
        self._how = signature
        self._hash = hashlib.new(signature.hash)
        self._private = proven(signature.algorithm).generate_key(signature.spec)
        public = proven("EC_POINT").public_key(self._private)
        self.context = {PUBLIC_KEY: b64encode(compress(public)).decode()}

    def update(self, content: Bytes) -> None:
        self._hash.update(content)

    def footer(self) -> bytes:
        """Its length is known beforehand, as the SDK promises: every other signature has it."""
        library, digest, signature = proven(self._how.algorithm), self._hash.digest(), b""
        while len(signature) != self._how.size:
            signature = library.sign(self._how.algorithm, self._private, digest, MessageType.DIGEST)
        return len(signature).to_bytes(2, "big") + signature


class Verifier:
    def __init__(self, signature: Signature, context: Context) -> None:
        self._how = signature
        self._hash = hashlib.new(signature.hash)
        self._public = _public_key(signature, context)

    def update(self, content: Bytes) -> None:
        self._hash.update(content)

    def read_footer(self, walk: Walk) -> None:
        """Forged, unless the signature is this message's."""
        signature = walk.field("signature")
        proven(self._how.algorithm).verify(
            self._how.algorithm, self._public, self._hash.digest(), MessageType.DIGEST, signature
        )


class Unsigned:
    """What stands in for both in a suite without signature."""

    context: ClassVar[dict[str, str]] = {}

    def update(self, content: Bytes) -> None: ...

    def footer(self) -> bytes:
        return b""

    def read_footer(self, walk: Walk) -> None: ...


def signer_of(suite: Suite) -> Signer | Unsigned:
    return Signer(suite.signature) if suite.signature else Unsigned()


def verifier_of(suite: Suite, context: Context) -> Verifier | Unsigned:
    if suite.signature:
        return Verifier(suite.signature, context)
    if PUBLIC_KEY in context.pairs:
        raise NotAMessage("a public key, and no signature that it would verify")
    return Unsigned()


def _public_key(signature: Signature, context: Context) -> bytes:
    with suppress(KeyError, ValueError, Malformed):
        point = b64decode(context.pairs[PUBLIC_KEY], validate=True)
        return proven("EC_POINT").decompress(signature.spec, point)
    raise NotAMessage("no public key in the context to verify the signature with")
