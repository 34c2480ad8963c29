"""CBOR (RFC 8949), as far as COSE and attestation documents need it.

Rule: the reader accepts integers, bytes, texts, arrays, maps, null and tag 18, of definite lengths,
and nothing else. What it returns was made of all the bytes, and no part claims more than is there.
"""

from collections.abc import Mapping
from itertools import chain
from typing import Any, NamedTuple

from kmslab.crypto.backend import Malformed

UNSIGNED, NEGATIVE, BYTES, TEXT, ARRAY, MAP, TAG = range(7)  # the major types
NULL = 0xF6
SIZES = {24: 1, 25: 2, 26: 4, 27: 8}  # bytes in which an argument follows its head
DEEPEST = 4  # an attestation document has three levels: tag, array, map; its payload two


class Tagged(NamedTuple):
    tag: int
    value: Any


def read(data: bytes) -> Any:
    """The one item that these bytes are. Malformed if they are anything else."""
    item, end = _item(data, 0, DEEPEST)
    if end != len(data):
        raise Malformed
    return item


def _item(data: bytes, at: int, depth: int) -> tuple[Any, int]:
    """The item that begins there, and where it ends."""
    if at >= len(data) or depth < 0:
        raise Malformed
    if data[at] == NULL:
        return None, at + 1
    major, argument, at = _head(data, at)
    if major in (UNSIGNED, NEGATIVE):
        return (argument if major == UNSIGNED else -1 - argument), at
    if major == TAG:
        value, at = _item(data, at, depth - 1)
        return Tagged(argument, value), at
    if argument > len(data) - at:  # each item takes at least a byte; a bomb claims far more
        raise Malformed
    if major in (BYTES, TEXT):
        content = data[at : at + argument]
        return (content if major == BYTES else _text(content)), at + argument
    items, at = _items(data, at, depth - 1, argument * (2 if major == MAP else 1))
    return (_map(items[::2], items[1::2]) if major == MAP else items), at


def _items(data: bytes, at: int, depth: int, count: int) -> tuple[list[Any], int]:
    items = []
    for _ in range(count):
        item, at = _item(data, at, depth)
        items.append(item)
    return items, at


def _head(data: bytes, at: int) -> tuple[int, int, int]:
    """Major type, argument, and where the head ends."""
    major, short = data[at] >> 5, data[at] & 31
    if major > TAG or short not in {*range(24), *SIZES}:  # floats, or an indefinite length
        raise Malformed
    if short < 24:
        return major, short, at + 1
    end = at + 1 + SIZES[short]
    if end > len(data):
        raise Malformed
    return major, int.from_bytes(data[at + 1 : end], "big"), end


def _text(written: bytes) -> str:
    try:
        return written.decode()
    except UnicodeDecodeError:
        raise Malformed from None


def _map(names: list[Any], values: list[Any]) -> dict[int | str, Any]:
    """Two values of one name would leave open which of them was signed."""
    if not all(isinstance(name, int | str) for name in names) or len(set(names)) != len(names):
        raise Malformed
    return dict(zip(names, values, strict=True))


def write(value: Any) -> bytes:
    """The shortest form, with maps in their own order. It writes what `read` accepts."""
    match value:
        case None:
            return bytes([NULL])
        case int():
            return _written(UNSIGNED, value) if value >= 0 else _written(NEGATIVE, -1 - value)
        case bytes():
            return _written(BYTES, len(value)) + value
        case str():
            return _written(TEXT, len(value.encode())) + value.encode()
        case Tagged(tag=tag, value=tagged):
            return _written(TAG, tag) + write(tagged)
        case list():
            return _written(ARRAY, len(value)) + b"".join(map(write, value))
        case Mapping():
            pairs = chain.from_iterable(value.items())
            return _written(MAP, len(value)) + b"".join(map(write, pairs))
    raise TypeError(f"CBOR is not written for {type(value).__name__} here")


def _written(major: int, argument: int) -> bytes:
    if argument < 24:
        return bytes([major << 5 | argument])
    short, size = next((s, size) for s, size in SIZES.items() if argument < 1 << 8 * size)
    return bytes([major << 5 | short]) + argument.to_bytes(size, "big")
