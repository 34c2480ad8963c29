"""Authenticated fields are framed, so that no two lists of fields have the same bytes.

Without lengths, the context {"ab": "c"} would open a message that was sealed with {"a": "bc"}.
Rule: each field comes after its length, so the bytes can be taken apart in one way only.
"""

from collections.abc import Mapping


def frame(*fields: bytes) -> bytes:
    """Each field after its length (four bytes, big-endian)."""
    return b"".join([len(field).to_bytes(4, "big") + field for field in fields])


def check_context(context: object) -> None:
    """Raises TypeError unless it maps text to text, as Python programs may give it by mistake."""
    what = "an encryption context maps text to text, such as {'order': '17'}"
    # `dict` first: asking the abstract Mapping costs as much as all the rest.
    if not isinstance(context, (dict, Mapping)):
        raise TypeError(f"{what}: this is of type {type(context).__name__}")
    for each in (*context, *context.values()):
        if not isinstance(each, str):
            raise TypeError(f"{what}: this one holds a value of type {type(each).__name__}")


def encode_context(context: Mapping[str, str]) -> bytes:
    """An encryption context as bytes: its pairs, framed, sorted by their keys in UTF-8.

    The order of the pairs does not matter, but each code point does: "é" as one code point and as
    two are different contexts, as on AWS. No context and an empty one are the same, `b""`.
    """
    if not context:
        return b""
    # Python orders text by code points, and UTF-8 keeps that order. JSON can contain half of a
    # surrogate pair, which strict UTF-8 refuses. With "surrogatepass" it has an encoding of its
    # own, so no text fails and no two texts have the same bytes.
    return frame(
        *[
            text.encode("utf-8", "surrogatepass")
            for key in sorted(context)
            for text in (key, context[key])
        ]
    )
