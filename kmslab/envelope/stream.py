"""Sealing and opening as bytes come along: whatever their number, memory holds a frame at a time.

A frame is handed on when it has been verified, the last one when all has. So what a stream's writer
has got is provisional until `decrypt_stream` returns; if it raises, throw that away.
"""

import io
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from itertools import count
from typing import Any

from kmslab.crypto import Forged
from kmslab.crypto.backend import GCM_TAG
from kmslab.crypto.self_tested import proven
from kmslab.envelope.errors import NOT_OPENED, DecryptionError, NotAMessage
from kmslab.envelope.keyrings import Keyring, keyrings_of, unwrap
from kmslab.envelope.message import (
    HEADER_IV,
    LONGEST_FRAME,
    MOST,
    MOST_FRAMES,
    RESERVED,
    Context,
    Frame,
    Header,
    Walk,
    read_frame,
    read_header,
)
from kmslab.envelope.signing import Signer, Unsigned, signer_of, verifier_of
from kmslab.envelope.source import Buffer, Source, source_of
from kmslab.envelope.suites import SUITES, MessageKeys, Suite

MIB = 1024 * 1024
Write = Callable[[memoryview | bytes], None]


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """What is known of a message that has been opened: all of it is verified."""

    header: Header

    @property
    def context(self) -> dict[str, str]:
        """The encryption context as it was given, without what the format adds to it."""
        pairs = self.header.context.pairs
        return {key: value for key, value in pairs.items() if not key.startswith(RESERVED)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} suite {self.header.suite}, context {self.context}>"


# ------------------------------------------------------------------------------------------- seal


def encrypt_stream(
    reader: Any,
    writer: Any,
    keyring: Any,
    *,
    context: Mapping[str, str] | None = None,
    suite: int = 0x0578,
    frame_length: int = MIB,
) -> Header:
    """Seal what `reader` gives until its end, and write the message to `writer`.

    `reader`: a binary file, or bytes; `writer`: a binary file, not closed here. `keyring`: a
    keyring, a CMK, or a list of them, each of which can open the message; the first makes the data
    key. `context`: string → string, kept in the message in clear, at most 65,535 bytes with its
    lengths. `suite`: 0x0578, signed (ECDSA P-384), or 0x0478. `frame_length`: bytes that are sealed
    at once, 1 to 2³¹ - 1. ValueError beyond a limit; a KMS's errors pass through. The format is the
    AWS Encryption SDK's.
    """
    chosen, rings = _suite(suite), keyrings_of(keyring)
    if not isinstance(frame_length, int) or not 0 < frame_length <= LONGEST_FRAME:
        raise ValueError(f"a frame has 1 to {LONGEST_FRAME:,} bytes, not {frame_length}")
    signer = signer_of(chosen)
    bound = Context.of({**_allowed(context or {}), **signer.context})
    header, keys = _begin(chosen, rings, bound, frame_length)
    write = _write_all(writer)
    _seal_header(header, keys, signer, write)
    _seal_body(source_of(reader), header, keys, signer, write)
    write(signer.footer())
    return header


def _begin(
    suite: Suite, rings: tuple[Keyring, ...], context: Context, frame_length: int
) -> tuple[Header, MessageKeys]:
    if len(rings) > MOST:
        raise ValueError(f"{len(rings):,} keyrings are too many: a message has room for {MOST:,}")
    first, *others = rings
    data_key, wrapped = first.generate(suite.data_key, context)
    if len(data_key) != suite.data_key:
        raise RuntimeError(f"{first} made a data key of another size than asked for")
    wrapped_keys = (wrapped, *(ring.wrap(data_key, context) for ring in others))
    message_id = secrets.token_bytes(suite.message_id)
    keys = suite.derive(data_key, message_id)
    return Header(suite, message_id, context, wrapped_keys, frame_length, keys.commitment), keys


def _seal_header(
    header: Header, keys: MessageKeys, signer: Signer | Unsigned, write: Write
) -> None:
    encoded = header.encode()
    tag = proven("AES_GCM").aes_gcm_seal(keys.encryption, HEADER_IV, b"", encoded)
    signer.update(encoded + tag)
    write(encoded + tag)


def _seal_body(
    source: Source, header: Header, keys: MessageKeys, signer: Signer | Unsigned, write: Write
) -> None:
    seal, buffer = proven("AES_GCM").aes_gcm_seal_into, Buffer()
    for frame, plaintext in _frames(source, header.frame_length):
        head = frame.head
        sealed = buffer.room(len(head) + frame.length + GCM_TAG)
        sealed[: len(head)] = head
        aad = frame.aad(header.message_id)
        seal(keys.encryption, frame.iv, plaintext, aad, sealed[len(head) :])
        signer.update(sealed)
        write(sealed)


def _frames(source: Source, length: int) -> Iterator[tuple[Frame, memoryview]]:
    """Whole frames, and a final one with what is left over: as in the SDK, that may be nothing."""
    for sequence in count(1):
        plaintext = source.upto(length)
        final = len(plaintext) < length
        if sequence > MOST_FRAMES - (not final):
            raise ValueError(f"a message has at most {MOST_FRAMES:,} frames: make them longer")
        yield Frame(sequence, len(plaintext), final), plaintext
        if final:
            return


def _suite(number: int) -> Suite:
    if number not in SUITES:
        raise ValueError(f"no suite {number!r}: there are {', '.join(map(str, SUITES.values()))}")
    return SUITES[number]


def _allowed(context: Mapping[str, str]) -> Mapping[str, str]:
    for key, value in context.items():
        if not isinstance(key, str) or not isinstance(value, str):
            raise TypeError("an encryption context maps text to text")
        if key.startswith(RESERVED):
            raise ValueError(f"{key!r}: keys that begin with {RESERVED} are the format's own")
    return context


# ------------------------------------------------------------------------------------------- open


def decrypt_stream(reader: Any, writer: Any, keyring: Any) -> Opened:
    """Open the message that `reader` gives, which must end with it, and write its plaintext.

    What `writer` gets is provisional until this returns: each frame is one that a holder of the
    data key has sealed in this place, but only the end tells that the message is whole and by its
    sender. DecryptionError, always the same class, if it does not open.
    """
    rings, write = keyrings_of(keyring), _write_all(writer)
    try:
        return _open(Walk(source_of(reader)), rings, write)
    except (NotAMessage, Forged):
        pass
    raise DecryptionError(NOT_OPENED)  # here, not in the handler: no reason hangs on it


def _open(walk: Walk, rings: tuple[Keyring, ...], write: Write) -> Opened:
    header = read_header(walk)
    tag = walk.take("header tag", GCM_TAG)
    verifier = verifier_of(header.suite, header.context)
    encoded, data_key = header.encode(), unwrap(rings, header)
    keys = header.suite.derive(data_key, header.message_id)
    # GCM alone would let a forger make one message that opens differently under each of two keys.
    committed = compare_digest(keys.commitment, header.commitment)
    if not committed or len(data_key) != header.suite.data_key:
        raise Forged
    proven("AES_GCM").aes_gcm_open(keys.encryption, HEADER_IV, tag, encoded)
    verifier.update(encoded + tag)
    last = memoryview(b"")
    for last, final in _opened_frames(walk, header, keys, verifier.update):
        if not final:
            write(last)
    verifier.read_footer(walk)
    if walk.source.upto(1):
        raise NotAMessage("bytes after the end")
    write(last)
    return Opened(header)


def _opened_frames(
    walk: Walk, header: Header, keys: MessageKeys, update: Callable[[memoryview | bytes], None]
) -> Iterator[tuple[memoryview, bool]]:
    open_into, buffer = proven("AES_GCM").aes_gcm_open_into, Buffer()
    for sequence in count(1):
        frame = read_frame(walk, header, sequence)
        update(frame.head)
        sealed = walk.source.take(frame.length + GCM_TAG)
        update(sealed)
        plaintext = buffer.room(frame.length)
        open_into(keys.encryption, frame.iv, sealed, frame.aad(header.message_id), plaintext)
        yield plaintext, frame.final
        if frame.final:
            return


# ------------------------------------------------------------------------------------------ write


def _write_all(writer: Any) -> Write:
    def write(content: memoryview | bytes) -> None:
        done = 0
        while done < len(content):
            # Who keeps the piece shall get an error, and not what the next frame has made of it.
            with memoryview(content)[done:] as piece:
                written = writer.write(piece)
            if written is None and not isinstance(writer, io.RawIOBase):
                return  # a writer of few words: it takes all
            if not written:
                raise BlockingIOError("the writer takes nothing now: give one that waits")
            done += written

    return write
