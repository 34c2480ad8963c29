"""Cryptographic modules with a fault in their AES-GCM, and labs whose HSM is such a module.

A self-test notices some of them. Each fault is a real way to get AES-GCM wrong; all else works.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256

from kmslab.course.clinic.clinic import SEOUL
from kmslab.crypto import Forged, SecretBytes, pycryptodome
from kmslab.crypto.backend import GCM_IV, GCM_TAG, Bytes, OpenInto, SealInto
from kmslab.crypto.pyca import Pyca
from kmslab.crypto.self_test import KNOWN_ANSWERS
from kmslab.lab.lab import Lab


class OneBitWrong(Pyca):
    """It gets the last bit of each tag wrong. Everything else works."""

    NAME = "one bit wrong"

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        sealed = super().aes_gcm_seal(key, iv, plaintext, aad)
        return sealed[:-1] + bytes([sealed[-1] ^ 1])

    def aes_gcm_sealer(self, key: bytes) -> SealInto:
        def seal(iv: bytes, plaintext: Bytes, aad: bytes, sealed: memoryview) -> None:
            sealed[:] = self.aes_gcm_seal(key, iv, bytes(plaintext), aad)

        return seal


class ComparesLess(Pyca):
    """It opens a box as soon as some bytes of its tag are right."""

    COMPARED = slice(0)

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        if len(sealed) < GCM_TAG:
            raise Forged
        plaintext = decrypted(key, iv, sealed)
        right = self.aes_gcm_seal(key, iv, plaintext, aad)[-GCM_TAG:]
        if right[self.COMPARED] != sealed[-GCM_TAG:][self.COMPARED]:
            raise Forged
        return SecretBytes(plaintext)

    def aes_gcm_opener(self, key: bytes) -> OpenInto:
        def open_into(iv: bytes, sealed: Bytes, aad: bytes, plaintext: memoryview) -> None:
            plaintext[:] = self.aes_gcm_open(key, iv, bytes(sealed), aad)

        return open_into


class LastByteOnly(ComparesLess):
    """Of a box's tag it compares only the last byte: it passes every self-test of this lab."""

    NAME, COMPARED = "compares one byte", slice(-1, None)


class FourBytesOnly(ComparesLess):
    NAME, COMPARED = "compares four bytes", slice(4)


class ComparesNothing(ComparesLess):
    NAME = "compares nothing"


class RefusesAll(Pyca):
    NAME = "refuses everything"

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        raise Forged


class OpensWrongly(Pyca):
    NAME = "opens with one bit wrong"

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        opened = super().aes_gcm_open(key, iv, sealed, aad)
        return SecretBytes(opened[:-1] + bytes(byte ^ 1 for byte in opened[-1:]))


class IgnoresAad(Pyca):
    NAME = "ignores what is authenticated only"

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        return super().aes_gcm_seal(key, iv, plaintext, b"")

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        return super().aes_gcm_open(key, iv, sealed, b"")


class IgnoresIv(Pyca):
    NAME = "ignores the nonce"

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        return super().aes_gcm_seal(key, bytes(GCM_IV), plaintext, aad)

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        return super().aes_gcm_open(key, bytes(GCM_IV), sealed, aad)


class StartOnly(Pyca):
    """It encrypts the first 64 bytes of a plaintext and leaves the others as they are."""

    NAME, ENCRYPTED = "encrypts the first 64 bytes only", 64

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        sealed = super().aes_gcm_seal(key, iv, plaintext, aad)
        return (
            sealed[: self.ENCRYPTED] + plaintext[self.ENCRYPTED :] + sealed[-GCM_TAG:]
            if (len(plaintext) > self.ENCRYPTED)
            else sealed
        )

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        start = min(self.ENCRYPTED, len(sealed) - GCM_TAG)
        plaintext = decrypted(key, iv, sealed)[:start] + sealed[start:-GCM_TAG]
        if self.aes_gcm_seal(key, iv, plaintext, aad) != sealed:
            raise Forged
        return SecretBytes(plaintext)


Question = tuple[bytes, ...]  # a key, an IV, a plaintext and what is authenticated only


def _question(arguments: Mapping[str, bytes]) -> Question:
    return tuple(arguments[name] for name in ("key", "iv", "plaintext", "aad"))


PUBLISHED = frozenset(
    _question(known.arguments) for known in KNOWN_ANSWERS if known.function == "aes_gcm_seal"
)


class ByHeart(Pyca):
    """It knows the published answers by heart, and some others, and encrypts nothing else."""

    NAME = "knows the answers by heart"

    def __init__(self, others: Iterable[Question] = ()) -> None:
        self._known = PUBLISHED | {*others}

    def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
        if (key, iv, plaintext, aad) in self._known:
            return super().aes_gcm_seal(key, iv, plaintext, aad)
        return plaintext + sha256(key + iv + plaintext + aad).digest()[:GCM_TAG]

    def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
        for plaintext in (sealed[:-GCM_TAG], decrypted(key, iv, sealed)):
            if self.aes_gcm_seal(key, iv, plaintext, aad) == sealed:
                return SecretBytes(plaintext)
        raise Forged


def decrypted(key: bytes, iv: bytes, sealed: bytes) -> bytes:
    """What is in a box, without a look at its tag: AES-GCM encrypts as it decrypts, by XOR."""
    return Pyca().aes_gcm_seal(key, iv, sealed[:-GCM_TAG], b"")[:-GCM_TAG]


def faulty_lab() -> Lab:
    """A lab like any other, except that the first of its two modules gets one bit wrong."""
    return Lab(region=SEOUL, backends=(OneBitWrong(), pycryptodome))


def lax_lab() -> Lab:
    """A lab whose module passes every self-test, and compares one byte of each tag."""
    return Lab(region=SEOUL, backends=(LastByteOnly(), pycryptodome))
