"""Messages in memory: bytes in, bytes out."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmslab.crypto.backend import Bytes
from kmslab.envelope.policy import STRICT, Policy
from kmslab.envelope.stream import MIB, Opened, decrypt_stream, encrypt_stream


@dataclass(frozen=True, slots=True, repr=False)
class Decrypted(Opened):
    """A decrypted message: its `plaintext`, its `context` and its `header`."""

    plaintext: bytes

    def __repr__(self) -> str:
        return f"<Decrypted {len(self.plaintext):,} bytes, context {self.context}>"


def encrypt(
    data: Bytes,
    keyring: Any,
    *,
    context: Mapping[str, str] | None = None,
    suite: int | None = None,
    frame_length: int = MIB,
    policy: Policy = STRICT,
    threads: int = 2,
) -> bytes:
    """Encrypt `data` to a message, which any AWS Encryption SDK with one of the keys can open.

    `keyring`: a CMK, a keyring, or a list of them. Each of them can open the message; the first
    makes the data key. `context`: string → string; the message contains it in clear. `suite`:
    0x0578 (the default), signed, or 0x0478, unsigned; older ones if the `policy` allows them.
    Raises ValueError beyond a limit (see `encrypt_stream`), and the KMS's own errors.
    """
    options: dict[str, Any] = {"suite": suite, "frame_length": frame_length, "threads": threads}
    out = _prepared(len(_bytes(data)) * 65 // 64 + 4096)
    encrypt_stream(data, out, keyring, context=context, policy=policy, **options)
    return _written(out)


def decrypt(
    message: Bytes,
    keyring: Any,
    *,
    context: Mapping[str, str] | None = None,
    policy: Policy = STRICT,
    threads: int = 2,
) -> Decrypted:
    """Decrypt a message with the first of the keyrings that can open it.

    `context`: pairs that it must have been encrypted with; without it, look at the answer's.
    Raises DecryptionError, whatever the reason, if none can, and returns no part of the plaintext.
    """
    out = _prepared(len(_bytes(message)))
    opened = decrypt_stream(
        message, out, keyring, context=context, policy=policy, unverified=True, threads=threads
    )
    return Decrypted(opened.header, _written(out))


def _prepared(size: int) -> io.BytesIO:
    """So large that it seldom grows. The system gives memory only where it is written."""
    return io.BytesIO(bytes(size))


def _written(out: io.BytesIO) -> bytes:
    out.truncate()
    return out.getvalue()  # which copies nothing


def _bytes(data: Bytes) -> Bytes:
    if not isinstance(data, bytes | bytearray | memoryview):
        raise TypeError(f"expected bytes, not {type(data).__name__}: encode text, read files")
    return data
