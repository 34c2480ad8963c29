"""Finds the custom key store that a request names, for a role of THE TABLE."""

from collections.abc import Mapping
from typing import Any

from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.key_stores import KeyStore, handle
from kmslab.kms.contract.records import Reader
from kmslab.kms.names import Finder, Found

NO_STORE = ("CustomKeyStoreNotFoundException", "The custom key store is not found.")


def key_store_in(member: str) -> Finder:
    """The store of this id in the caller's account and Region. Access is decided for "*"."""

    def find(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found | None:
        if member not in request:
            return None
        store = records.get(KeyStore, handle(caller.account, caller.region, request[member]))
        return Found("*", store, problem=() if store else NO_STORE)

    return find
