"""Paging: a List operation returns its records page by page, with an opaque marker."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeVar

from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import R, name_of

T = TypeVar("T")


def stored_page(
    call: Call,
    kind: type[R],
    prefix: str,
    *,
    default: int,
    maximum: int,
    also: Sequence[R] = (),
    **equal: str,
) -> tuple[list[R], dict[str, Any]]:
    """The next records whose names have this prefix, and the answer's paging members.

    `also`: records that are shown unless the store has one of the same name.
    `equal`: values of fields that an index has.
    """
    limit, after = _limit(call, default, maximum), _after(call, prefix)
    records = call.records.page(kind, prefix, after, limit + 1, **equal)
    if also:
        named = {name_of(each): each for each in (*also, *records) if name_of(each) > after}
        records = [named[name] for name in sorted(named)]
    return records[:limit], _paging([name_of(record) for record in records], limit)


def page_of(
    call: Call, items: Mapping[str, T], prefix: str, *, default: int, maximum: int
) -> tuple[list[T], dict[str, Any]]:
    """A page of items that are already in memory, sorted by name."""
    limit, after = _limit(call, default, maximum), _after(call, prefix)
    names = sorted(name for name in items if name > after)
    return [items[name] for name in names[:limit]], _paging(names, limit)


def _limit(call: Call, default: int, maximum: int) -> int:
    limit: int = call.get("Limit", default)
    if limit > maximum:
        fail(
            "ValidationException",
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            f"constraint: Member must have value less than or equal to {maximum}",
        )
    return limit


def _paging(names: Sequence[str], limit: int) -> dict[str, Any]:
    if len(names) <= limit:
        return {"Truncated": False}
    return {"Truncated": True, "NextMarker": _write(names[limit - 1])}


def _write(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode()


def _after(call: Call, prefix: str) -> str:
    """The name after which the page begins, which may no longer exist; "" for the first page."""
    marker = call.get("Marker", "")
    try:
        name = urlsafe_b64decode(marker).decode()
    except ValueError:
        _refuse_marker(call)
    # Encoded again, because the decoder skips every character that is not base64. The prefix
    # excludes markers of other lists, accounts and Regions.
    if _write(name) != marker or (name and not name.startswith(prefix)):
        _refuse_marker(call)
    return name


def _refuse_marker(call: Call) -> NoReturn:
    fail("InvalidMarkerException", f"Invalid marker {call['Marker']}")
