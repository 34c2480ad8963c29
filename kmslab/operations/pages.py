"""Paging: a List operation hands out its records page by page, with an opaque marker."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

from kmslab.call import Call
from kmslab.contract.errors import fail
from kmslab.contract.records import Key, R, name_of


def page(
    call: Call, kind: type[R], prefix: str, *, default: int, most: int, of: Key | None = None
) -> tuple[list[R], dict[str, Any]]:
    """The next records whose names have this prefix (or those of one key), and paging members."""
    limit = call.get("Limit", default)
    if limit > most:
        fail(
            "ValidationException",
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            f"constraint: Member must have value less than or equal to {most}",
        )
    after = _read(call["Marker"], prefix) if "Marker" in call.request else ""
    if of:
        records = [r for r in call.records.find(kind, target=of.arn) if name_of(r) > after]
    else:
        records = call.records.page(kind, prefix, after, limit + 1)
    if len(records) <= limit:
        return records, {"Truncated": False}
    last = name_of(records[limit - 1])
    return records[:limit], {"Truncated": True, "NextMarker": _write(last)}


def _write(name: str) -> str:
    return urlsafe_b64encode(name.encode()).decode()


def _read(marker: str, prefix: str) -> str:
    """The name after which to go on. A marker of another list, account or Region is not ours."""
    try:
        name = urlsafe_b64decode(marker).decode()
    except ValueError:
        name = ""
    # Written again, because the decoder passes over every character that is not base64.
    if not name.startswith(prefix) or _write(name) != marker:
        fail("InvalidMarkerException", f"Invalid marker {marker}")
    return name
