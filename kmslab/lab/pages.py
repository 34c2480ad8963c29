"""Reads a list of AWS KMS to its last page, through a lab's client or boto3's."""

from collections.abc import Callable
from typing import Any


def all_items(operation: Callable[..., dict[str, Any]], member: str, **request: Any) -> list[Any]:
    """What `operation` lists in `member`: `all_items(lab.kms.list_keys, "Keys")`."""
    page = operation(**request)
    items = list(page[member])
    while page.get("Truncated"):
        page = operation(Marker=page["NextMarker"], **request)
        items += page[member]
    return items
