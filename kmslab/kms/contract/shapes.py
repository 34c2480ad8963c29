"""Shapes: the form of requests, answers and their members, as the contract states it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from kmslab.kms.contract.source import KMS

# Grant tokens must not be logged, although the model does not mark them as sensitive. AWS's events
# name a recipient elsewhere.
NEVER_SHOWN = frozenset({"GrantTokenType", "RecipientInfo"})


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """`kind` is structure, list, map, string, integer, boolean, blob or timestamp."""

    name: str
    kind: str
    members: Mapping[str, "Shape"]  # of a structure, in the model's order
    required: tuple[str, ...]
    deprecated: tuple[str, ...]
    member: "Shape | None"  # of a list
    key: "Shape | None"  # of a map
    value: "Shape | None"
    enum: tuple[str, ...]
    pattern: str | None
    low: int | None  # the minimum and maximum length, or value of an integer
    high: int | None
    secret: bool  # never shown in an event or an error's text


@cache
def shape(name: str) -> Shape:
    """The shape that the contract calls `name`."""
    entry = KMS["shapes"][name]
    members = {member: shape(target) for member, target in entry.get("members", {}).items()}
    parts = {part: shape(entry[part]) for part in ("member", "key", "value") if part in entry}
    return Shape(
        name=name,
        kind=entry["type"],
        members=members,
        required=tuple(entry.get("required", ())),
        deprecated=tuple(entry.get("deprecated", ())),
        member=parts.get("member"),
        key=parts.get("key"),
        value=parts.get("value"),
        enum=tuple(entry.get("enum", ())),
        pattern=entry.get("pattern"),
        low=entry.get("min"),
        high=entry.get("max"),
        secret=_secret(name, entry, [*members.values(), *parts.values()]),
    )


def _secret(name: str, entry: dict[str, Any], inside: list[Shape]) -> bool:
    """Whether this shape is a secret, or holds only secrets."""
    itself = entry["type"] == "blob" or entry.get("sensitive", False) or name in NEVER_SHOWN
    return itself or (bool(inside) and all(part.secret for part in inside))


def camel(member: str) -> str:
    """A member's name as error texts and CloudTrail write it: `KeyId` → `keyId`."""
    if member.startswith("AWS"):
        return member
    return member[0].lower() + member[1:]
