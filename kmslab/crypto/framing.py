"""What is authenticated is framed: no two lists of fields share an encoding.

Fields joined without lengths would let {"ab": "c"} open what {"a": "bc"} sealed. Each field
therefore carries its length, so that the bytes can be taken apart in one way only.
"""

from collections.abc import Mapping


def frame(*fields: bytes) -> bytes:
    """Each field behind its length (four bytes, big-endian), one after the other."""
    return b"".join([len(field).to_bytes(4, "big") + field for field in fields])


def encode_context(context: Mapping[str, str]) -> bytes:
    """An encryption context as bytes: its pairs, sorted by their UTF-8 keys, framed.

    The order of the pairs doesn't matter, each character does: "é" as one code point or as two are
    different contexts, as on AWS. No context and an empty one are the same, `b""`.
    """
    if not context:
        return b""
    # Python orders text by code points, and UTF-8 keeps that order.
    return b"".join([frame(_utf8(key), _utf8(context[key])) for key in sorted(context)])


def _utf8(text: str) -> bytes:
    # JSON can carry half of a surrogate pair, which strict UTF-8 refuses. "surrogatepass" gives it
    # an encoding of its own, so that the code stays injective and never fails.
    return text.encode("utf-8", "surrogatepass")
