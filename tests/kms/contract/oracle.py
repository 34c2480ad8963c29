"""What botocore's own KMS model requires, worked out slowly, without kms.json and kmslab.

`requests` gives a request with every member filled, `sentences` what AWS says of a request, and
`faults` every way in which one value of a request can be wrong.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from botocore.loaders import Loader

_LOADER = Loader(extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False)
SERVICE = _LOADER.load_service_model("kms", "service-2")
SHAPES: dict[str, dict[str, Any]] = SERVICE["shapes"]
OPERATIONS: dict[str, dict[str, Any]] = SERVICE["operations"]

# One of these fits each string of the model, whatever its pattern.
SAMPLES = (
    "alias/orders-of-the-clinic",
    "111122223333",
    "eu-west-1",
    "0123456789abcdef" * 4,
    "cluster-abcdefghijk",
    "https://xks.example.com",
    "/kms/xks/v1",
    "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789",
    "ABCDEFGHIJKLMNOPQRST",
    "abcdefghijklmnopqrstuvwxyz0123456789+/abcdefgh",
    "arn:aws:s3:us-east-1:111122223333:bucket",
    "s3.amazonaws.com",
    "default",
)
# A letter that each pattern allows, to make a value longer, and one that none allows in front.
LONGER, FOREIGN = "1", "\x07"


def example(name: str, *, secret: bytes = b"") -> Any:
    """A value that fits a shape; a secret one is made of `secret`, if that is given."""
    shape = SHAPES[name]
    kind = shape["type"]
    if kind == "structure":
        return {
            member: example(target["shape"], secret=secret)
            for member, target in shape["members"].items()
        }
    if kind == "list":
        return [example(shape["member"]["shape"], secret=secret)]
    if kind == "map":
        return {"order": example(shape["value"]["shape"])}
    return _secret(name, secret) if secret and is_secret(name) else _leaf(shape)


def is_secret(name: str) -> bool:
    shape = SHAPES[name]
    return (
        shape["type"] == "blob"
        or shape.get("sensitive", False)
        or name
        in {
            "GrantTokenType",
            "RecipientInfo",  # AWS's events name it in additionalEventData
        }
    )


def _secret(name: str, secret: bytes) -> Any:
    return secret if SHAPES[name]["type"] == "blob" else secret.decode()


def _leaf(shape: dict[str, Any]) -> Any:
    match shape["type"]:
        case "string" if "enum" in shape:
            return shape["enum"][-1]
        case "string":
            return next(sample for sample in SAMPLES if not _complaints(shape, sample))
        case "integer":
            return shape["min"]
        case "boolean":
            return True
        case "blob":
            return b"\x00\xff some bytes"
        case "timestamp":
            return datetime(2026, 1, 5, 8, 30, 15, 250_000, tzinfo=UTC)
        case kind:
            raise NotImplementedError(kind)


# ------------------------------------------------------------------------------ what AWS would say


def sentences(name: str, value: Any, at: str = "") -> list[str]:
    """AWS's sentence for each violation in a value of a shape, in the order of the model."""
    shape = SHAPES[name]
    if shape["type"] == "structure":
        return _of_structure(shape, value, at)
    found = [_sentence(name, value, at, text) for text in _complaints(shape, value)]
    if shape["type"] == "list" and SHAPES[shape["member"]["shape"]]["type"] == "structure":
        for number, item in enumerate(value, start=1):
            place = f"{at}.{number}.member"
            nothing = (
                f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
            )
            inside = [nothing] if item is None else sentences(shape["member"]["shape"], item, place)
            found.extend(inside)
    elif shape["type"] == "list":
        text = _collective("Member", shape["member"]["shape"], value)
        found += [_sentence(name, value, at, text)] if text else []
    elif shape["type"] == "map":
        text = _collective("Map value", shape["value"]["shape"], list(value.values()))
        found += [_sentence(name, value, at, text)] if text else []
    return found


def _of_structure(shape: dict[str, Any], value: dict[str, Any], at: str) -> list[str]:
    found = []
    for member, target in shape["members"].items():
        place = (at + "." if at else "") + member[0].lower() + member[1:]
        if value.get(member) is not None:
            found += sentences(target["shape"], value[member], place)
        elif member in shape.get("required", []):
            found.append(
                f"Value null at '{place}' failed to satisfy constraint: Member must not be null"
            )
    return found


def _sentence(name: str, value: Any, at: str, text: str) -> str:
    element = SHAPES[name].get("member", {"shape": name})["shape"]
    shown = "" if is_secret(element) else f" '{_java(value)}'"
    return f"Value{shown} at '{at}' failed to satisfy constraint: {text}"


def _java(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return "[" + ", ".join(map(_java, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}={_java(v)}" for k, v in value.items()) + "}"
    return str(value)


def _complaints(shape: dict[str, Any], value: Any) -> list[str]:
    texts = _demands(shape)
    size = value if isinstance(value, int) else len(value) if "max" in shape else 0
    wrong = {
        "enum": "enum" in shape and value not in shape["enum"],
        "max": "max" in shape and size > shape["max"],
        "min": "min" in shape and size < shape["min"],
        "pattern": "pattern" in shape and not re.fullmatch(shape["pattern"], value, re.ASCII),
    }
    return [text for trait, text in texts.items() if wrong[trait]]


# AWS prints some enums in an order of its own; public reports show these.
PRINTED = [["HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"]]


def _printed(enum: list[str]) -> str:
    return ", ".join(next((order for order in PRINTED if set(order) == set(enum)), enum))


def _demands(shape: dict[str, Any]) -> dict[str, str]:
    word = "value" if shape["type"] == "integer" else "length"
    texts = {
        "enum": f"Member must satisfy enum value set: [{_printed(shape.get('enum', []))}]",
        "max": f"Member must have {word} less than or equal to {shape.get('max')}",
        "min": f"Member must have {word} greater than or equal to {shape.get('min')}",
        "pattern": f"Member must satisfy regular expression pattern: {shape.get('pattern')}",
    }
    return {trait: text for trait, text in texts.items() if trait in shape}


def _collective(label: str, name: str, items: list[Any]) -> str | None:
    shape = SHAPES[name]
    if all(item is not None and not _complaints(shape, item) for item in items):
        return None
    demands = [*_demands(shape).values(), "Member must not be null"]
    return f"{label} must satisfy constraint: [{', '.join(demands)}]"


# ---------------------------------------------------------------------------------- invalid values


@dataclass(frozen=True)
class Fault:
    """One invalid value of a request. `path` leads to it; an index is a number."""

    operation: str
    path: tuple[str | int, ...]
    label: str
    value: Any

    def __str__(self) -> str:
        return f"{self.operation}-{'.'.join(map(str, self.path))}-{self.label}"

    @property
    def request(self) -> dict[str, Any]:
        return put(request(self.operation), self.path, self.value)


def request(operation: str) -> dict[str, Any]:
    """A valid request of this operation that has every member."""
    return dict(example(OPERATIONS[operation]["input"]["shape"]))


def put(tree: dict[str, Any], path: tuple[str | int, ...], value: Any) -> dict[str, Any]:
    """The tree with one value replaced."""
    tree = copy.deepcopy(tree)
    place: Any = tree
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    return tree


def faults(operation: str) -> Iterator[Fault]:
    """Every value of the right type that the model forbids, one by one."""
    for path, name, required in _places(OPERATIONS[operation]["input"]["shape"]):
        for label, value in _bad_values(SHAPES[name], required):
            yield Fault(operation, path, label, value)


def mismatches(operation: str) -> Iterator[Fault]:
    """Every member with a value of a wrong type."""
    for path, name, _ in _places(OPERATIONS[operation]["input"]["shape"]):
        for label, value in WRONG[SHAPES[name]["type"]].items():
            yield Fault(operation, path, label, value)


def _places(name: str) -> Iterator[tuple[tuple[str | int, ...], str, bool]]:
    """The places of values in a request: path, shape, and whether null is forbidden there."""
    shape = SHAPES[name]
    inner: list[tuple[str | int, str, bool]] = []
    if shape["type"] == "structure":
        required = shape.get("required", [])
        inner = [(m, t["shape"], m in required) for m, t in shape["members"].items()]
    elif shape["type"] == "list":
        inner = [(0, shape["member"]["shape"], True)]
    elif shape["type"] == "map":
        inner = [("order", shape["value"]["shape"], True)]
    for step, target, needed in inner:
        yield (step,), target, needed
        yield from (((step, *path), *rest) for path, *rest in _places(target))


def _bad_values(shape: dict[str, Any], required: bool) -> Iterator[tuple[str, Any]]:
    if required:
        yield "null", None
    if "enum" in shape:
        yield "out of enum", "NO_SUCH_VALUE"
    if "pattern" in shape:
        yield "wrong pattern", FOREIGN + _leaf(shape)[1:]
    if shape["type"] == "integer":
        yield "too small", shape["min"] - 1
        yield "too big", shape["max"] + 1
    elif "max" in shape:
        yield "too long", _stretched(shape, shape["max"] + 1)
        if shape["min"] > 0:
            yield "too short", _stretched(shape, shape["min"] - 1)


def _stretched(shape: dict[str, Any], length: int) -> Any:
    if shape["type"] == "list":
        return [_leaf(SHAPES[shape["member"]["shape"]])] * length
    if shape["type"] == "blob":
        return b"\x07" * length
    return _leaf(shape)[:length].ljust(length, LONGER)


# ------------------------------------------------------------------------------------- wrong types

# What SerializationException says, by what was expected. Every one of these texts is a guess.
LIST, STRUCTURE = (
    "Start of list found where not expected",
    "Start of structure or map found where not expected.",
)
WRONG: dict[str, dict[str, Any]] = {
    "string": {"number": 5, "true": True, "bytes": b"x", "list": ["x"], "object": {"x": "x"}},
    "integer": {"string": "5", "decimal": 5.5, "false": False, "huge": 2**31, "list": [5]},
    "boolean": {"string": "true", "number": 1, "object": {}},
    "blob": {"number": 5, "true": True, "list": [1], "object": {}},
    "timestamp": {"string": "2026-01-05", "true": True, "list": [1]},
    "list": {"string": "x", "object": {"x": "x"}},
    "map": {"string": "x", "list": ["x"]},
    "structure": {"string": "x", "list": [{}]},
}
NOUNS = {
    "string": "a String",
    "integer": "an Integer",
    "boolean": "a Boolean",
    "blob": "a Blob",
    "timestamp": "a Timestamp",
}
TOKENS = {
    "number": "NUMBER_VALUE",
    "huge": "NUMBER_VALUE",
    "decimal": "DECIMAL_VALUE",
    "string": "STRING_VALUE",
    "bytes": "BYTES_VALUE",
    "true": "TRUE_VALUE",
    "false": "FALSE_VALUE",
}


def shape_at(fault: Fault) -> str:
    """The name of the shape at a fault's place."""
    places = _places(OPERATIONS[fault.operation]["input"]["shape"])
    return next(name for path, name, _ in places if path == fault.path)


def serialization_text(fault: Fault) -> str:
    if fault.label in ("list", "object"):
        return LIST if fault.label == "list" else STRUCTURE
    noun = NOUNS.get(SHAPES[shape_at(fault)]["type"])
    return (
        f"{TOKENS[fault.label]} can not be converted to {noun}" if noun else "Unexpected field type"
    )
