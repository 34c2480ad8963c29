"""A KMS with a fault to attack: it authenticates an encryption context without its words' lengths.

Everything else in it is the clinic's KMS. So a lesson can show live what the lengths are for.
"""

from kmslab.course.clinic.clinic import SEOUL
from kmslab.crypto import pycryptodome
from kmslab.crypto.pyca import Pyca
from kmslab.crypto.secret import SecretBytes
from kmslab.lab.lab import Lab

LENGTH = 4  # bytes before each field that `kmslab.crypto.frame` frames


class CarelessModule(Pyca):
    """A module that pastes a context's words together before AES-GCM authenticates them."""

    NAME = "cryptography, made careless"

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        return super().aes_gcm_seal(key, iv, plaintext, pasted(aad))

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        return super().aes_gcm_open(key, iv, sealed, pasted(aad))


def careless_lab() -> Lab:
    """A lab like any other, except that to it `{"ab": "c"}` and `{"a": "bc"}` are one context."""
    return Lab(region=SEOUL, backends=(CarelessModule(), pycryptodome))


def pasted(aad: bytes) -> bytes:
    """A blob's header and its context's words, without lengths; any other data as it is."""
    header_and_context = _fields(aad)
    if header_and_context is None or len(header_and_context) != 2:
        return aad
    header, context = header_and_context
    words = _fields(context)
    return aad if words is None else header + b"".join(words)


def _fields(framed: bytes) -> list[bytes] | None:
    """What `frame` was given; None if it did not make these bytes."""
    fields = []
    while framed:
        size = int.from_bytes(framed[:LENGTH], "big")
        field, rest = framed[LENGTH : LENGTH + size], framed[LENGTH + size :]
        if len(framed) < LENGTH or len(field) < size:
            return None
        fields.append(field)
        framed = rest
    return fields
