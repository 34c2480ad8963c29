"""A stolen laptop: what lies on it, and a program that opens what it can with nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from secrets import token_bytes

from kmslab.crypto import Forged, SecretBytes, pyca
from kmslab.display import PlainError, Table
from kmslab.lab.view import View

NONCE, KEY = 12, 32  # bytes
Files = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Laptop:
    """What the thief holds. `open()` runs the clinic's own program, as he would."""

    files: Files
    program: Callable[[Files], bytes] = field(repr=False)
    lab: View = field(repr=False)  # where the program asks, if it asks

    def open(self) -> bytes:
        """The record, or the refusal of whoever the program asks."""
        return self.program(self.files)

    @property
    def table(self) -> Table:
        return Table(["file", "bytes"], [[name, len(self.files[name])] for name in self.files])

    def __repr__(self) -> str:
        return repr(self.table)

    def _repr_markdown_(self) -> str:
        return self.table._repr_markdown_()


def with_key_file(record: bytes, name: str, lab: View) -> Laptop:
    """The clinic before its KMS: a record sealed with AES-256-GCM, and the key in the next file."""
    key = token_bytes(KEY)
    files = {f"{name}.sealed": lock(record, key), "key.bin": SecretBytes(key)}
    return Laptop(files, lambda files: unlock(files[f"{name}.sealed"], files["key.bin"]), lab)


def that_asks(blob: bytes, name: str, lab: View) -> Laptop:
    """The clinic with a KMS: a ciphertext blob, and a program signed in as one of its users."""
    return Laptop({f"{name}.blob": blob}, lambda files: lab.decrypt(files[f"{name}.blob"]), lab)


class NoKey(PlainError, ValueError):
    """What was given as a key can't be one."""


class NotOpened(PlainError, Forged):
    """The tag does not fit: to a learner it may say which two things that can mean."""


def lock(data: bytes, key: bytes) -> bytes:
    """Seal bytes of any length with AES-256-GCM under a key of 32 bytes; `unlock` opens them."""
    _need_key(key)
    nonce = token_bytes(NONCE)
    return nonce + pyca.aes_gcm_seal(key, nonce, data, b"")


def unlock(sealed: bytes, key: bytes) -> bytes:
    """Open what `lock` sealed, with the key itself; `NotOpened`, a `Forged`, if it is another."""
    _need_key(key)
    try:
        return bytes(pyca.aes_gcm_open(key, sealed[:NONCE], sealed[NONCE:], b""))
    except Forged:
        raise NotOpened("the tag does not fit: another key, or the box was changed") from None


def _need_key(key: object) -> None:
    """Whoever mistakes one of a data key's two copies for the other is told so in a line."""
    if not isinstance(key, bytes):
        meant = ", whose `.plaintext` is one" if hasattr(key, "plaintext") else ""
        raise NoKey(f"a key is bytes, and this is a {type(key).__name__}{meant}")
    if len(key) != KEY:
        raise NoKey(f"a key for AES-256 has {KEY} bytes, and this one has {len(key)}")
