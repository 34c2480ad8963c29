"""Searches what a learner's program wrote for a secret, as a thief would: in the usual encodings.

A piece of 16 bytes is enough to be found, so that half a key counts too. Such a piece does not
occur by chance.
"""

import zlib
from base64 import b32encode, b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import lru_cache
from itertools import product
from typing import Any

PIECE, STEP = 16, 8  # bytes
MAX_PIECES = 64  # of a long secret: spread over its whole length
SMALL_PIECE = 6  # bytes of a piece that do not occur by chance either
MIN_VALUES = 5  # different bytes in a piece; sixteen zeros prove nothing
MAX_NUMBER = 64  # bytes of a secret that may have been written as one number

Encode = Callable[[bytes], bytes]


def found_in(written: Any, secret: bytes) -> str:
    """How the secret is written there, such as `in base64`; "" if it was not found.

    `written`: bytes, text, or any nesting of them in tuples, lists, dicts and dataclasses.
    """
    texts = [text for text in _texts(written) if text]
    texts += [plain for text in texts if (plain := _decompressed(text))]
    for how, looked_for in _disguises(bytes(secret)) if texts else ():
        if any(looked_for in text for text in texts):
            return how
    return ""


def made_from_data_alone(one: Any, again: Any, other: Any) -> bool:
    """True if a piece is in both of two boxes of the same data, and nothing of it in the third box.

    The third holds other data of the same length. So the piece is no header: it is the data behind
    a constant, or a hash of it.
    """
    ones, agains, others = (b"\0".join(_texts(box)) for box in (one, again, other))
    pieces = (ones[start : start + PIECE] for start in range(len(ones) - PIECE + 1))
    return any(
        piece in agains
        and len(set(piece)) >= MIN_VALUES
        and not any(
            piece[start : start + SMALL_PIECE] in others for start in range(PIECE - SMALL_PIECE + 1)
        )
        for piece in pieces
    )


@lru_cache(4)  # hundreds of texts are searched for the same secret
def _disguises(secret: bytes) -> Sequence[tuple[str, bytes]]:
    """What the secret, or a piece of it, looks like when it is written, and how it is written."""
    return [*_encoded(secret)]


def _encoded(secret: bytes) -> Iterator[tuple[str, bytes]]:
    whole = len(secret) <= MAX_NUMBER
    pieces = [*_pieces(secret)]
    for (order, turn), (how, encodings) in product(ORDERS.items(), ENCODINGS.items()):
        words = ", ".join(filter(None, (how, order))) or "as it is"
        for piece, encode in product(pieces, encodings):
            yield words, encode(turn(piece))
        if whole and pieces:
            yield f"as a number{order and ', ' + order}", _number(turn(secret))


def _pieces(secret: bytes) -> Iterator[bytes]:
    if len(secret) <= PIECE:
        yield from [secret] if secret else []
        return
    starts = [*range(0, len(secret) - PIECE, STEP), len(secret) - PIECE]
    for start in starts[:: -(-len(starts) // MAX_PIECES)]:
        piece = secret[start : start + PIECE]
        if len(set(piece)) >= MIN_VALUES:
            yield piece


def _aligned(encode: Encode, group: int, characters: int, offset: int) -> Encode:
    """What a piece becomes that begins `offset` bytes after the beginning of a group."""

    def encoded(piece: bytes) -> bytes:
        start = -(-offset * characters // group)
        end = (offset + len(piece)) * characters // group
        return encode(bytes(offset) + piece)[start:end]

    return encoded


def _number(secret: bytes) -> bytes:
    return str(int.from_bytes(secret, "big")).encode()


def _decimal(piece: bytes) -> bytes:
    return ", ".join(map(str, piece)).encode()


ORDERS: Mapping[str, Encode] = {
    "": bytes,
    "reversed": lambda data: data[::-1],
    "every bit flipped": lambda data: bytes(byte ^ 0xFF for byte in data),
}
ENCODINGS: Mapping[str, tuple[Encode, ...]] = {
    "": (bytes,),
    "in hexadecimal": (
        lambda data: data.hex().encode(),
        lambda data: data.hex().upper().encode(),
    ),
    "in base64": tuple(
        _aligned(encode, 3, 4, offset)
        for encode in (b64encode, urlsafe_b64encode)
        for offset in range(3)
    ),
    "in base32": tuple(_aligned(b32encode, 5, 8, offset) for offset in range(5)),
    "as Python shows it": (lambda data: repr(data)[2:-1].encode(),),
    "byte by byte in decimal": (_decimal, lambda data: _decimal(data).replace(b" ", b"")),
}


def _texts(written: Any) -> Iterator[bytes]:
    match written:
        case bytes() | bytearray() | memoryview():
            yield bytes(written)
        case str():
            yield written.encode(errors="surrogatepass")
        case int():
            size = (written.bit_length() + 7) // 8
            yield abs(written).to_bytes(size, "big")
        case Mapping():
            yield from _all_texts([*written.keys(), *written.values()])
        case list() | tuple() | set() | frozenset():
            yield from _all_texts(written)
        case _ if is_dataclass(written) and not isinstance(written, type):
            yield from _all_texts(getattr(written, field.name) for field in fields(written))


def _all_texts(many: Any) -> Iterator[bytes]:
    for each in many:
        yield from _texts(each)


def _decompressed(text: bytes) -> bytes:
    with suppress(zlib.error):
        return zlib.decompress(text, wbits=47)  # zlib's format or gzip's
    return b""
