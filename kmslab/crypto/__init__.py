"""Algorithms, and nothing about keys' names, owners or lives: the same small interface twice.

`pyca` is the default backend, `pycryptodome` a second opinion; `backend.Backend` says what both
offer and `self_test` what they must know before they serve. Rule: whoever needs a cipher asks a
backend, a refusal is `Forged` (or, of a public key, `Malformed`), and a secret is a `SecretBytes`,
which doesn't print.
"""

from kmslab.crypto.backend import Backend, Forged, Malformed
from kmslab.crypto.framing import encode_context, frame
from kmslab.crypto.private import read_private_key
from kmslab.crypto.public import PublicKey
from kmslab.crypto.secret import CiphertextBlob, SecretBytes
from kmslab.crypto.spki import compress, spec_of

__all__ = [
    "Backend",
    "CiphertextBlob",
    "Forged",
    "Malformed",
    "PublicKey",
    "SecretBytes",
    "compress",
    "encode_context",
    "frame",
    "read_private_key",
    "spec_of",
]
