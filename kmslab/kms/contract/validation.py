"""Validation: the contract's constraints on a request's values, and AWS's texts for violations.

Each shape's validator is compiled once. It adds a sentence for every violation, in the order of the
model's members. `codec` has made sure before that values have the right types.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kmslab.kms.contract.shapes import Shape, camel

# A value, where it stands ("tags.1.member.tagKey"), and the list of sentences to add to.
Validator = Callable[[Any, str, list[str]], None]

SHOWN = 4_096  # characters of a value; twice as many as are allowed, if that is more
MOST = 100  # violations that a text lists; it counts all
NOT_NULL = "Member must not be null"
# AWS's texts list an enum's values in an order that is not the model's. Known orders, by shape:
PRINTED_ORDER: dict[str, tuple[str, ...]] = {
    "MacAlgorithmSpec": ("HMAC_SHA_384", "HMAC_SHA_256", "HMAC_SHA_224", "HMAC_SHA_512"),
}


@dataclass(frozen=True, slots=True)
class Constraint:
    text: str
    holds: Callable[[Any], Any]


def message(found: list[str]) -> str:
    """One text for all violations, as AWS joins them."""
    errors = "error" if len(found) == 1 else "errors"
    listed = "; ".join(found[:MOST]) + ("..." if len(found) > MOST else "")
    return f"{len(found)} validation {errors} detected: {listed}"


def missing(member: str) -> str:
    """The text for a missing member that the model leaves optional and the service requires."""
    return message([_null(camel(member))])


# AWS reaches a proxy on port 443 of a public name. The lab also takes one on this machine, on any
# port and without TLS.
ALSO: dict[str, str] = {"XksProxyUriEndpointType": r"https?://(localhost|127\.0\.0\.1)(:\d{1,5})?"}


def validator(shape: Shape, dot: str = "") -> Validator | None:
    """The validator of a shape; None if every value is valid."""
    if shape.kind == "structure":
        return _structure(shape, dot)
    if shape.kind == "list" and shape.member and shape.member.kind == "structure":
        return _structures(shape, shape.member)
    rules = [*_own(shape), *_inner(shape)]
    return _rules(shape, rules) if rules else None


def _structure(shape: Shape, dot: str) -> Validator | None:
    validators = {name: validator(member, dot=".") for name, member in shape.members.items()}
    fields = [
        (name, dot + camel(name), name in shape.required, inner)
        for name, inner in validators.items()
        if inner or name in shape.required
    ]

    def check(value: Any, at: str, found: list[str]) -> None:
        for name, step, required, inner in fields:
            item = value.get(name)
            if item is None:
                if required:
                    found.append(_null(at + step))
            elif inner is not None:
                inner(item, at + step, found)

    return check if fields else None


def _structures(shape: Shape, member: Shape) -> Validator:
    """Names each violation in a list of structures by its place: `tags.1.member.tagKey`."""
    own = _rules(shape, _own(shape))
    inner = validator(member, dot=".")

    def check(value: Any, at: str, found: list[str]) -> None:
        own(value, at, found)
        for index, item in enumerate(value, 1):
            place = f"{at}.{index}.member"
            if item is None:
                found.append(_null(place))
            elif inner is not None:
                inner(item, place, found)

    return check


def _rules(shape: Shape, constraints: list[Constraint]) -> Validator:
    rules = [(constraint.holds, constraint.text) for constraint in constraints]
    shown = not shape.secret and not (shape.member and shape.member.kind == "structure")

    longest = max(SHOWN, 2 * (shape.high or 0)) if shape.kind == "string" else SHOWN

    def check(value: Any, at: str, found: list[str]) -> None:
        for holds, text in rules:
            if not holds(value):
                named = f"Value '{_cut(_written(value), longest)}'" if shown else "Value"
                found.append(f"{named} at '{at}' failed to satisfy constraint: {text}")

    return check


def _own(shape: Shape) -> list[Constraint]:
    """The constraints on the value itself."""
    found: list[Constraint] = []
    if shape.enum:
        options = ", ".join(PRINTED_ORDER.get(shape.name, shape.enum))
        holds = frozenset(shape.enum).__contains__
        found.append(Constraint(f"Member must satisfy enum value set: [{options}]", holds))
    if shape.kind == "integer":
        found.extend(_value_bounds(shape.low, shape.high))
    else:
        found.extend(_length_bounds(shape.low, shape.high))
    if shape.pattern is not None:
        text = f"Member must satisfy regular expression pattern: {shape.pattern}"
        pattern = f"(?:{shape.pattern})|{ALSO[shape.name]}" if shape.name in ALSO else shape.pattern
        # ASCII: AWS's \w and \d mean Latin letters and digits; the whole value has to match.
        found.append(Constraint(text, re.compile(pattern, re.ASCII).fullmatch))
    return found


def _value_bounds(low: int | None, high: int | None) -> Iterator[Constraint]:
    if high is not None:
        yield Constraint(f"Member must have value less than or equal to {high}", high.__ge__)
    if low is not None:
        yield Constraint(f"Member must have value greater than or equal to {low}", low.__le__)


def _length_bounds(low: int | None, high: int | None) -> Iterator[Constraint]:
    if high is not None:
        text = f"Member must have length less than or equal to {high}"
        yield Constraint(text, lambda value: len(value) <= high)
    if low is not None:
        text = f"Member must have length greater than or equal to {low}"
        yield Constraint(text, lambda value: len(value) >= low)


def _inner(shape: Shape) -> list[Constraint]:
    """The constraints on the elements of a list or map of plain values, in one sentence."""
    if shape.member:
        return [_each("Member", shape.member, list)]
    if shape.key and shape.value:
        keys = [_each("Map keys", shape.key, list)] if _own(shape.key) else []
        return [*keys, _each("Map value", shape.value, dict.values)]
    return []


def _each(label: str, shape: Shape, parts: Callable[[Any], Iterable[Any]]) -> Constraint:
    constraints = _own(shape)
    listed = ", ".join([*(each.text for each in constraints), NOT_NULL])
    tests = [each.holds for each in constraints]

    def holds(value: Any) -> bool:
        items = parts(value)
        if not tests:
            return None not in items
        return all(item is not None and all(t(item) for t in tests) for item in items)

    return Constraint(f"{label} must satisfy constraint: [{listed}]", holds)


def _null(at: str) -> str:
    return f"Value null at '{at}' failed to satisfy constraint: {NOT_NULL}"


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[:length]}..."


def _written(value: Any) -> str:
    """A value as AWS's texts write it: `[a, b]`, `{key=value}`, `null`."""
    if value is None:
        return "null"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{k}={_written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_written(item) for item in value) + "]"
    return str(value)
