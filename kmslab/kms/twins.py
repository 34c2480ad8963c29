"""Finds the key that shares a named key's id in another Region, for a role of THE TABLE."""

from collections.abc import Mapping
from typing import Any

from kmslab.kms.contract.records import Caller, Key, Reader
from kmslab.kms.names import Finder, Found


def related_in(member: str) -> Finder:
    """The multi-Region key of the named key's id in the caller's Region. It may not exist."""

    def find(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found | None:
        _, _, key_id = request[member].rpartition("/")
        arn = f"{caller.here}key/{key_id}"
        return Found(arn, records.get(Key, arn)) if key_id.startswith("mrk-") else None

    return find
