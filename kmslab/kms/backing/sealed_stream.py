"""A stream of bytes, sealed under a root key: what a backup file is.

    kmslab backup ␤ {"format": 1, "salt": …, "root key": …} ␤ chunk chunk … last chunk

Each file has a key of its own, derived from the root key and the file's salt (SP 800-108). A chunk
is 64 KiB of the compressed stream, sealed by AES-256-GCM with the file's first two lines as
authenticated data. Its IV counts the chunks and marks the last one, as in STREAM (Hoang and others,
2015). So a file that is cut off, put together or changed anywhere does not open.
"""

import json
import secrets
import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from kmslab.crypto import Forged, SecretBytes
from kmslab.crypto.backend import AES_256_KEY, GCM_IV, GCM_TAG
from kmslab.crypto.self_tested import SelfTested
from kmslab.display import PlainError
from kmslab.kms.backing.root_record import RootRecord
from kmslab.kms.store import UNREADABLE

MAGIC = b"kmslab backup\n"
FORMAT = 1
LABEL = b"kmslab backup"
SALT = 32
CHUNK = 64 * 1024
LONGEST = 4 * 1024  # bytes of the second line


class BackupError(PlainError):
    """The file is not a backup that can be opened. The text says why."""


class Head(NamedTuple):
    """What anyone can read. `root_key` recognises the root key that opens the rest."""

    salt: bytes
    root_key: RootRecord
    encoded: bytes  # the file's first two lines

    @classmethod
    def new(cls, root_key: RootRecord) -> "Head":
        salt = secrets.token_bytes(SALT)
        members = {
            "format": FORMAT,
            "salt": b64encode(salt).decode(),
            "root key": json.loads(root_key.setting(None).value),
        }
        return cls(salt, root_key, MAGIC + json.dumps(members).encode() + b"\n")

    @classmethod
    def read(cls, file: BinaryIO) -> "Head":
        """Raises `BackupError`."""
        if file.read(len(MAGIC)) != MAGIC:
            raise BackupError("it is not a backup of kmslab")
        line = file.readline(LONGEST)
        try:
            members = json.loads(line)
            if type(members["format"]) is int and members["format"] > FORMAT:
                raise BackupError("a newer kmslab made it. Use that version, or a newer one")
            salt = b64decode(members["salt"], validate=True)
            root_key = RootRecord.decoded(members["root key"])
        except UNREADABLE:
            raise BackupError("it is damaged at its beginning") from None
        return cls(salt, root_key, MAGIC + line)

    def is_of(self, root_key: SecretBytes) -> bool:
        """Whether this root key opens the rest."""
        return self.root_key.is_of(root_key, SelfTested())

    def key(self, root_key: SecretBytes, backends: SelfTested) -> SecretBytes:
        derive = backends.proven("KDF_CTR_HMAC_SHA_256").kdf_counter
        return derive(root_key, LABEL, self.salt, AES_256_KEY)


def sealed(
    head: Head, root_key: SecretBytes, pieces: Iterable[bytes], backends: SelfTested
) -> Iterator[bytes]:
    """The bytes of the file."""
    yield head.encoded
    key = head.key(root_key, backends)
    seal = backends.proven("AES_GCM").aes_gcm_seal
    waiting, number = bytearray(), 0
    for piece in _compressed(pieces):
        waiting += piece
        while len(waiting) > CHUNK:  # the last chunk is never empty
            yield seal(key, _iv(number, last=False), bytes(waiting[:CHUNK]), head.encoded)
            del waiting[:CHUNK]
            number += 1
    yield seal(key, _iv(number, last=True), bytes(waiting), head.encoded)


def opened(head: Head, root_key: SecretBytes, file: BinaryIO) -> Iterator[bytes]:
    """The pieces of the stream, in other sizes. Raises `BackupError`, perhaps only at the end."""
    backends = SelfTested()
    unpack = zlib.decompressobj()
    for chunk in _chunks(head.key(root_key, backends), head.encoded, file, backends):
        while chunk:  # a part at a time: what is very regular may become a thousand times as long
            try:
                yield unpack.decompress(chunk, CHUNK)
            except zlib.error:
                raise BackupError("it was not made as a backup is") from None
            chunk = unpack.unconsumed_tail
    if not unpack.eof or unpack.unused_data:
        raise BackupError("it was not made as a backup is")


def _chunks(key: SecretBytes, aad: bytes, file: BinaryIO, backends: SelfTested) -> Iterator[bytes]:
    unseal = backends.proven("AES_GCM").aes_gcm_open
    number, here = 0, file.read(CHUNK + GCM_TAG)
    while True:
        following = file.read(CHUNK + GCM_TAG)
        try:
            yield unseal(key, _iv(number, last=not following), here, aad)
        except Forged:
            place = len(aad) + number * (CHUNK + GCM_TAG)
            raise BackupError(f"it is damaged or cut off, after byte {place}") from None
        if not following:
            return
        number, here = number + 1, following


def _iv(number: int, *, last: bool) -> bytes:
    return (2 * number + last).to_bytes(GCM_IV, "big")


def _compressed(pieces: Iterable[bytes]) -> Iterator[bytes]:
    pack = zlib.compressobj(1)
    for piece in pieces:
        yield pack.compress(piece)
    yield pack.flush()
