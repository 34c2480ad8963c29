"""BER, the encoding of CMS (X.690): written as AWS does, and read with lengths of both kinds.

DER is BER with one way to write a value. Some formats, CMS among them, also allow a constructed
value without its length, which ends with two zero bytes. Rule: the reader accepts tags of one byte,
and no part claims more bytes than there are.
"""

from kmslab.crypto.backend import Malformed


class Tag:
    INTEGER, OCTETS, NULL, OBJECT, SEQUENCE, SET = 0x02, 0x04, 0x05, 0x06, 0x30, 0x31
    ZERO, ZERO_BYTES, ONE = 0xA0, 0x80, 0xA1  # [0] around values, [0] in place of a tag, [1]


CONSTRUCTED = 0x20  # the bit of a tag whose content is values
OPEN = 0x80  # in the place of a length: the end is marked
END = b"\0\0"
DEEPEST = 12

Value = tuple[int, bytes | list["Value"]]  # the tag, and the content


def value(tag: int, *content: bytes) -> bytes:
    """Tag, length in its shortest form (DER), content."""
    size = sum(map(len, content))
    if size < OPEN:
        return b"".join([bytes([tag, size]), *content])
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return b"".join([bytes([tag, OPEN | len(length)]), length, *content])


def open_value(tag: int, *content: bytes) -> bytes:
    """A constructed value of indefinite length (X.690 §8.1.3.6)."""
    return b"".join([bytes([tag, OPEN]), *content, END])


def read(data: bytes) -> Value:
    """The one value that these bytes are. Malformed if they are anything else."""
    found, end = _value(data, 0, DEEPEST)
    if end != len(data):
        raise Malformed
    return found


def _value(data: bytes, at: int, depth: int) -> tuple[Value, int]:
    if depth < 0 or len(data) - at < 2 or data[at] & 0x1F == 0x1F:
        raise Malformed
    tag, length = data[at], data[at + 1]
    at += 2
    if length == OPEN and tag & CONSTRUCTED:
        return _until_the_end(data, tag, at, depth)
    if length >= OPEN:
        size = length & 0x7F
        length, at = int.from_bytes(data[at : at + size], "big"), at + size
        if not 1 <= size <= 4:
            raise Malformed
    end = at + length
    if end > len(data):
        raise Malformed
    if not tag & CONSTRUCTED:
        return (tag, data[at:end]), end
    inside, content = data[:end], []
    while at < end:
        part, at = _value(inside, at, depth - 1)
        content.append(part)
    return (tag, content), end


def _until_the_end(data: bytes, tag: int, at: int, depth: int) -> tuple[Value, int]:
    content = []
    while data[at : at + 2] != END:
        part, at = _value(data, at, depth - 1)
        content.append(part)
    return (tag, content), at + 2
