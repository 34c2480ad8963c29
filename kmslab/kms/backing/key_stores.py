"""What both types of custom key store share: their secret, and keys that do nothing but encrypt.

Rule: a store's secret (a proxy's credential, a cluster's password) is opened only to be used. It is
bound to the store and to the credential's id, so that rows swapped in the store do not open.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NoReturn

from kmslab.crypto import SecretBytes
from kmslab.kms.backing import Asking, Backing, KeyStoreBacking
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.contract.key_stores import KeyStore, StoreType
from kmslab.kms.contract.records import Key, Reader
from kmslab.kms.store import Damaged


def with_secret(hsm: Hsm, store: KeyStore, secret: str) -> KeyStore:
    """The store with its secret, sealed."""
    return replace(store, sealed=hsm.domain_keys.protect(name_of_secret(store), secret.encode()))


def secret_of(hsm: Hsm, store: KeyStore) -> SecretBytes:
    return hsm.domain_keys.unprotect(name_of_secret(store), store.sealed)


def name_of_secret(store: KeyStore) -> str:
    return f"secret {store.access_key} of key store {store.handle}"


def in_store(
    records: Reader, backings: Mapping[StoreType, KeyStoreBacking], key: Key, asking: Asking
) -> Backing:
    """The backing of a key in a custom key store, for one call."""
    store = records.get(KeyStore, key.store)
    if store is None:
        raise Damaged(f"{key.arn} is in a custom key store that does not exist")
    return backings[store.type].holding(store, key, asking)


class SymmetricOnly:
    """What keys in key stores never need of a `Backing`: all are symmetric, of one Region, and
    none has imported material."""

    def _never(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError("a key in a custom key store is a symmetric encryption key")

    key_pair = public_key = sign = verify = mac = verify_mac = agree = _never
    encapsulate = decapsulate = copy = take = _never
