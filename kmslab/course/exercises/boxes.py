"""What a learner's `seal` gave back, taken apart and put together wrongly, as a thief would.

A box is bytes, or several bytes in a tuple, list, dict, named tuple or dataclass. Each function
here returns boxes of the same shape, so that they can be handed to the learner's `unseal`.
"""

from base64 import b64encode, urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any

AS_TEXT: tuple[Callable[[bytes], bytes], ...] = (  # how a program may write bytes into text
    bytes,
    lambda data: data.hex().encode(),
    lambda data: data.hex().upper().encode(),
    b64encode,
    urlsafe_b64encode,
)


def parts_of(box: Any) -> list[Any]:
    """The parts of a box, in order; one that is bytes has itself as its only part."""
    if isinstance(box, Mapping):
        return list(box.values())
    if is_dataclass(box) and not isinstance(box, type):
        return [getattr(box, field.name) for field in fields(box)]
    return list(box) if isinstance(box, list | tuple) else [box]


def with_part(box: Any, number: int, part: Any) -> Any:
    """The same box with another part in one place."""
    if isinstance(box, Mapping):
        return {**box, list(box)[number]: part}
    if is_dataclass(box) and not isinstance(box, type):
        return replace(box, **{fields(box)[number].name: part})
    if not isinstance(box, list | tuple):
        return part
    changed = [*box[:number], part, *box[number + 1 :]]
    return getattr(type(box), "_make", type(box))(changed)  # `_make`: a named tuple's


def swapped(box: Any, other: Any) -> Iterator[Any]:
    """The box with each of its parts in turn taken from the other box, where the two differ."""
    theirs = parts_of(other)
    for number, own in enumerate(parts_of(box)):
        if len(parts_of(box)) > 1 and number < len(theirs) and own != theirs[number]:
            yield with_part(box, number, theirs[number])


def exchanged(box: Any, old: bytes, new: bytes) -> Any:
    """The box with some bytes in it, such as an encrypted data key, exchanged for others.

    They are found in the middle of a part too, and in hexadecimal or base64. Returns an equal box
    if they are nowhere in it.
    """
    for number, part in enumerate(parts_of(box)):
        box = with_part(box, number, _exchanged(part, old, new))
    return box


def flipped(data: bytes, *positions: int) -> Iterator[bytes]:
    """Copies of the bytes with one bit flipped in each: first, middle and last byte by default."""
    for position in dict.fromkeys(positions or (0, len(data) // 2, len(data) - 1)) if data else ():
        at = position % len(data)
        yield data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def damaged(box: Any) -> Iterator[tuple[str, Any]]:
    """What happened, in words, and the box after it: bits flipped, a byte more, a byte less."""
    for number, part in enumerate(parts_of(box)):
        if isinstance(part, bytes) and part:
            for changed in flipped(part):
                yield "One bit was flipped", with_part(box, number, changed)
            yield "A byte was appended", with_part(box, number, part + b"\0")
            yield "The last byte was cut off", with_part(box, number, part[:-1])


def _exchanged(part: Any, old: bytes, new: bytes) -> Any:
    if isinstance(part, str):
        return _exchanged(part.encode(), old, new).decode()
    if isinstance(part, bytes):
        for write in AS_TEXT:
            part = part.replace(write(old), write(new))
    return part
