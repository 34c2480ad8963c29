"""Converting values: into the service and out of it, along the contract's shapes.

A conversion is a table that says what becomes of each leaf: `ACCEPT` takes Python's values,
`DECODE` JSON's, `ENCODE` makes JSON, `REDACT` what an event may keep. All of them walk structures,
lists and maps in the same way. Only a value's type is checked here; `validation` does the rest.
"""

import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kmslab.kms.contract.shapes import Shape, camel

Convert = Callable[[Any], Any]

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class TypeMismatch(TypeError):
    """A value of the wrong type. `path` leads to it, outermost member first."""

    def __init__(self, value: object, kind: str) -> None:
        super().__init__(mismatch_text(value, kind))
        self.path: list[str] = []


# ---------------------------------------------------------------------------------------- leaves


def text(value: Any) -> str:
    if type(value) is str and value.isascii():
        return value
    if not isinstance(value, str):
        raise TypeMismatch(value, "string")
    try:
        value.encode()
    except UnicodeEncodeError:  # half a surrogate pair, which cannot be encoded
        raise TypeMismatch(value, "string") from None
    return str.__str__(value)


def number(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -(2**31) <= value < 2**31:
        return int(value)
    raise TypeMismatch(value, "integer")


def flag(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    raise TypeMismatch(value, "boolean")


def blob(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value  # SecretBytes stays what it is
    if isinstance(value, str):
        return text(value).encode()
    if isinstance(value, (bytearray, memoryview)):
        return bytes(value)
    raise TypeMismatch(value, "blob")


def moment(value: Any) -> datetime:
    """In UTC; a naive time is local time, as in boto3."""
    if not isinstance(value, datetime):
        raise TypeMismatch(value, "timestamp")
    try:
        return value.astimezone(UTC)
    except (OverflowError, ValueError, OSError):
        raise TypeMismatch(value, "timestamp") from None


def from_base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeMismatch(value, "blob")
    try:
        return binascii.a2b_base64(value, strict_mode=True)
    except ValueError:  # binascii.Error is one; a letter beyond ASCII is another
        raise TypeMismatch(value, "blob") from None


def from_epoch(value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeMismatch(value, "timestamp")
    try:
        return EPOCH + round(value * 1000) * MILLISECOND
    except (OverflowError, ValueError):  # infinite, no number, or beyond the year 9999
        raise TypeMismatch(value, "timestamp") from None


def to_base64(value: Any) -> str:
    return binascii.b2a_base64(blob(value), newline=False).decode("ascii")


def to_epoch(value: Any) -> float:
    milliseconds = (moment(value) - EPOCH) // MILLISECOND
    return milliseconds / 1000 if milliseconds % 1000 else milliseconds // 1000


def to_cloudtrail(value: Any) -> str:
    """`Aug 10, 2022, 10:38:27 PM`. Not strftime: its month names follow the machine's language."""
    at = moment(value)
    hour, half = at.hour % 12 or 12, "AM" if at.hour < 12 else "PM"
    day = f"{MONTHS[at.month - 1]} {at.day}, {at.year}"
    return f"{day}, {hour}:{at.minute:02}:{at.second:02} {half}"


# ----------------------------------------------------------------------------------- conversions


@dataclass(frozen=True, slots=True)
class Conversion:
    leaves: Mapping[str, Convert]
    rename: Callable[[str], str] = str
    secrets: bool = True  # whether secrets are kept


_PLAIN: dict[str, Convert] = {"string": text, "integer": number, "boolean": flag}

ACCEPT = Conversion(_PLAIN | {"blob": blob, "timestamp": moment})
DECODE = Conversion(_PLAIN | {"blob": from_base64, "timestamp": from_epoch})
ENCODE = Conversion(_PLAIN | {"blob": to_base64, "timestamp": to_epoch})
REDACT = Conversion(_PLAIN | {"timestamp": to_cloudtrail}, rename=camel, secrets=False)


def converter(shape: Shape, conversion: Conversion) -> Convert:
    """A function that converts a value of this shape, or raises `TypeMismatch`."""
    build = _CONTAINERS.get(shape.kind)
    return build(shape, conversion) if build else conversion.leaves[shape.kind]


def _structure(shape: Shape, conversion: Conversion) -> Convert:
    """Leaves out members that are null or unknown, and secrets unless they are kept."""
    fields = {
        name: (conversion.rename(name), converter(member, conversion))
        for name, member in shape.members.items()
        if conversion.secrets or not member.secret
    }

    def convert(value: Any) -> dict[str, Any]:
        answer = {}
        name = ""
        try:
            # `dict` first: asking the abstract Mapping costs as much as converting a member.
            mapping = value if isinstance(value, dict) else _mapping(value)
            for name, item in mapping.items():
                field = fields.get(name)
                if field is not None and item is not None:
                    shown, element = field
                    plain = element is text and type(item) is str and item.isascii()
                    answer[shown] = item if plain else element(item)
        except TypeMismatch as mismatch:
            mismatch.path[:0] = [name] if name else []
            raise
        return answer

    return convert


def _list(shape: Shape, conversion: Conversion) -> Convert:
    """Keeps a null element: `validation` decides whether it is allowed."""
    assert shape.member
    element = converter(shape.member, conversion)

    def convert(value: Any) -> list[Any]:
        if not isinstance(value, (list, tuple)):
            raise TypeMismatch(value, "list")
        return [None if item is None else element(item) for item in value]

    return convert


def _map(shape: Shape, conversion: Conversion) -> Convert:
    """A map's keys are texts and are never renamed."""
    assert shape.value
    element = converter(shape.value, conversion)

    def convert(value: Any) -> dict[str, Any]:
        mapping = value if isinstance(value, dict) else _mapping(value)
        if element is text and type(mapping) is dict and _plain(mapping):
            return mapping.copy()
        return {text(k): None if v is None else element(v) for k, v in mapping.items()}

    return convert


def _plain(mapping: dict[Any, Any]) -> bool:
    """Whether `text` would return each key and each value itself; one call instead of many."""
    for pair in mapping.items():
        for each in pair:
            if type(each) is not str or not each.isascii():
                return False
    return True


def _mapping(value: Any) -> Mapping[Any, Any]:
    if isinstance(value, Mapping):
        return value
    raise TypeMismatch(value, "structure")


_CONTAINERS: dict[str, Callable[[Shape, Conversion], Convert]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
}


# ----------------------------------------------------------------------------------------- texts

# AWS publishes no texts for SerializationException; its services have sent texts of these forms.
_TOKENS: dict[type, str] = {int: "NUMBER_VALUE", float: "DECIMAL_VALUE", str: "STRING_VALUE"}
_NOUNS = {
    "string": "a String",
    "integer": "an Integer",
    "boolean": "a Boolean",
    "blob": "a Blob",
    "timestamp": "a Timestamp",
}


def mismatch_text(value: object, kind: str) -> str:
    """SerializationException's text where `kind` was expected; it never holds the value."""
    if isinstance(value, Mapping):
        return "Start of structure or map found where not expected."
    if isinstance(value, (list, tuple)):
        return "Start of list found where not expected"
    if kind not in _NOUNS:
        return "Unexpected field type"
    if isinstance(value, bool):
        token = f"{value}_VALUE".upper()
    else:
        token = _TOKENS.get(type(value), f"{type(value).__name__}_VALUE".upper())
    return f"{token} can not be converted to {_NOUNS[kind]}"
