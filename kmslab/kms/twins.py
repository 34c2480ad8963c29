"""Finds and changes the related keys of a multi-Region key: one id and material, many Regions."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kmslab.kms.call import Call
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.records import Key, Reader
from kmslab.kms.names import Finder, Found


def related_in(member: str) -> Finder:
    """The multi-Region key of the named key's id in the caller's Region. It may not exist."""

    def find(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found | None:
        _, _, key_id = request[member].rpartition("/")
        arn = f"{caller.here}key/{key_id}"
        return Found(arn, records.get(Key, arn)) if key_id.startswith("mrk-") else None

    return find


def related(call: Call, key: Key) -> list[Key]:
    """The other keys of a multi-Region key. The call relies on them as on the key itself."""
    keys = call.records.find(Key, primary_arn=key.primary_arn) if key.primary_arn else []
    others = [each for each in keys if each.arn != key.arn]
    call.change.found = [*call.change.found, *others]
    return others


def put_shared(call: Call, key: Key, **shared: Any) -> None:
    """Stage a key with new values of what it shares with its replicas, and stage those too."""
    call.put(*(replace(each, **shared) for each in (key, *related(call, key))))
