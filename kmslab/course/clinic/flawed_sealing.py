"""FLAWED on purpose: how the portal of the breach drill seals the rows of its table, and its notes.

AES is sound in both, and each flaw is marked where it stands. The drill attacks this module;
nothing may be protected by it.
"""

from collections.abc import Sequence

from kmslab.crypto import pyca
from kmslab.crypto.unsafe_modes import aes_ecb

FIELD = 16  # bytes: a field of a row, which is also one block of AES
IV = 12  # bytes before a note's ciphertext


def seal_row(key: bytes, fields: Sequence[str]) -> bytes:
    """Each field is filled up with spaces to 16 bytes."""
    padded = b"".join(field.encode("ascii").ljust(FIELD) for field in fields)
    return aes_ecb(key, padded)  # FLAW: equal fields become equal blocks


class NoteSealer:
    """Seals notes with AES-GCM; the nonce is the number of the note."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._notes = 0  # FLAW: a restarted program begins with the same nonces again

    def seal(self, note: bytes) -> bytes:
        """Nonce (12 bytes), ciphertext (as long as the note), tag (16 bytes)."""
        iv = self._notes.to_bytes(IV, "big")
        self._notes += 1
        return iv + pyca.aes_gcm_seal(self._key, iv, note, b"")
