"""A stolen laptop: its files, and the clinic's program on it, which opens what it can from them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_bytes

from kmslab.crypto import Forged, SecretBytes
from kmslab.crypto.backend import AES_256_KEY
from kmslab.crypto.self_tested import open_box, seal_box
from kmslab.display import PlainError, Table
from kmslab.lab.view import View

Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Laptop:
    """What the thief has. `open()` runs the clinic's own program, as he would."""

    files: Files
    program: Callable[[Files], bytes] = field(repr=False)
    lab: View = field(repr=False)  # as the user whom the program calls the KMS as, if it does

    def open(self) -> bytes:
        """The record. If the program calls the KMS and is refused, that error is raised."""
        return self.program(self.files)

    @property
    def table(self) -> Table:
        return Table(["file", "bytes"], [[name, len(self.files[name])] for name in self.files])

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_markdown_(self) -> str:
        return self.table._repr_markdown_()


def with_key_file(record: bytes, name: str, lab: View) -> Laptop:
    """The clinic before its KMS: a record sealed with AES-256-GCM, and the key beside it."""
    key = token_bytes(AES_256_KEY)
    files = {f"{name}.sealed": lock(record, key), "key.bin": SecretBytes(key)}
    return Laptop(files, lambda files: unlock(files[f"{name}.sealed"], files["key.bin"]), lab)


def with_kms_blob(blob: bytes, name: str, lab: View) -> Laptop:
    """The clinic with a KMS: a ciphertext blob, and a program that is signed in as one user."""
    return Laptop({f"{name}.blob": blob}, lambda files: lab.decrypt(files[f"{name}.blob"]), lab)


class NoKey(PlainError, ValueError):
    """The argument is not a key for AES-256."""


class NotOpened(PlainError, Forged):
    """The tag does not fit. To a learner the text may name the two possible causes."""


def lock(data: bytes, key: bytes) -> bytes:
    """Seal bytes of any length with AES-256-GCM under a key of 32 bytes; `unlock` opens them."""
    _need_key(key)
    return seal_box(key, data, b"")


def unlock(sealed: bytes, key: bytes) -> bytes:
    """Open what `lock` sealed, with the same key; else raise `NotOpened`, which is a `Forged`."""
    _need_key(key)
    try:
        return bytes(open_box(key, sealed, b""))
    except Forged:
        raise NotOpened("the tag does not fit: another key, or the box was changed") from None


def _need_key(key: object) -> None:
    """The error for a whole data key says which part of it is the key."""
    if not isinstance(key, bytes):
        meant = ", whose `.plaintext` is one" if hasattr(key, "plaintext") else ""
        raise NoKey(f"a key is bytes, and this is a {type(key).__name__}{meant}")
    if len(key) != AES_256_KEY:
        raise NoKey(f"a key for AES-256 has {AES_256_KEY} bytes, and this one has {len(key)}")
