"""Paging: a List operation hands out its records page by page, with an opaque marker."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

from kmslab.call import Call
from kmslab.contract.errors import fail
from kmslab.contract.records import R, name_of

T = TypeVar("T")


def page(
    call: Call, kind: type[R], prefix: str, *, default: int, most: int
) -> tuple[list[R], dict[str, Any]]:
    """The next records whose names have this prefix, and the answer's paging members."""
    limit, after = _limit(call, default, most), _after(call)
    # A marker of another list, account or Region is not ours.
    if after and not after.startswith(prefix):
        _refuse_marker(call)
    records = call.records.page(kind, prefix, after, limit + 1)
    return records[:limit], _paging([name_of(record) for record in records], limit)


def cut(
    call: Call, items: Sequence[T], name: Callable[[T], str], *, default: int, most: int
) -> tuple[list[T], dict[str, Any]]:
    """The same of a list that is short and at hand; its names tell its items apart."""
    limit, after = _limit(call, default, most), _after(call)
    names = [name(item) for item in items]
    if after and after not in names:
        _refuse_marker(call)
    start = names.index(after) + 1 if after else 0
    return list(items[start : start + limit]), _paging(names[start:], limit)


def _limit(call: Call, default: int, most: int) -> int:
    limit: int = call.get("Limit", default)
    if limit > most:
        fail(
            "ValidationException",
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            f"constraint: Member must have value less than or equal to {most}",
        )
    return limit


def _paging(names: Sequence[str], limit: int) -> dict[str, Any]:
    if len(names) <= limit:
        return {"Truncated": False}
    return {"Truncated": True, "NextMarker": _write(names[limit - 1])}


def _write(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode()


def _after(call: Call) -> str:
    """The name after which to go on; "" from the beginning."""
    marker = call.get("Marker", "")
    try:
        name = urlsafe_b64decode(marker).decode()
    except ValueError:
        _refuse_marker(call)
    # Written again, because the decoder passes over every character that is not base64.
    if _write(name) != marker:
        _refuse_marker(call)
    return name


def _refuse_marker(call: Call) -> NoReturn:
    fail("InvalidMarkerException", f"Invalid marker {call['Marker']}")
