"""The outer layer of the boundary: a Region's domain key seals key material, the root key wraps it.

The store holds domain keys, wrapped, and never the root key. Rule: what is sealed is bound to its
identity, so that rows swapped in the store do not open.
"""

import secrets
from datetime import datetime

from kmslab.crypto import Forged, SecretBytes, frame
from kmslab.crypto.backend import AES_256_KEY
from kmslab.crypto.self_tested import SelfTested
from kmslab.kms import store as stores
from kmslab.kms.contract.records import DomainKey, Reader

PROTECTED = b"protected"  # not a Region's name, so no domain key is bound to the same bytes


class DomainKeys:
    """Seals and opens under a root key, and under the domain keys that it wraps."""

    def __init__(self, root_key: SecretBytes, records: Reader, backends: SelfTested) -> None:
        self._root_key = root_key
        self._records = records
        self._backends = backends
        self._domain_keys: dict[str, SecretBytes] = {}

    def domain(self, records: Reader, region: str, now: datetime) -> tuple[DomainKey, bool]:
        """The domain key that seals in this Region, and whether it is new and has to be stored."""
        if known := [*filter(self.opens, records.find(DomainKey, region=region))]:
            return known[-1], False
        name, key = secrets.token_hex(16), secrets.token_bytes(AES_256_KEY)
        wrapped = self._backends.seal_box(self._root_key, key, _identity(region, name))
        return DomainKey(id=name, region=region, wrapped=wrapped, created=now), True

    def seal(self, domain: DomainKey, secret: bytes, identity: bytes) -> bytes:
        return self._backends.seal_box(self._opened(domain), secret, identity)

    def open(
        self, domain: str, sealed: bytes, identity: bytes, records: Reader | None = None
    ) -> SecretBytes:
        """Raises `Damaged` unless it was sealed under this domain key and with this identity.

        `records`: where the domain key is, if it is yet to be stored.
        """
        record = (records or self._records).get(DomainKey, domain)
        if record is None:
            raise stores.Damaged(f"domain key {domain} is missing")
        try:
            return self._backends.open_box(self._opened(record), sealed, identity)
        except Forged:
            raise stores.Damaged(f"what domain key {domain} seals does not open") from None

    def protect(self, name: str, secret: bytes) -> bytes:
        """Seal a secret that is not a KMS key, under the root key and bound to its name."""
        return self._backends.seal_box(self._root_key, secret, frame(PROTECTED, name.encode()))

    def unprotect(self, name: str, sealed: bytes) -> SecretBytes:
        """Raises `Damaged` for another name, or if another root key sealed it."""
        try:
            return self._backends.open_box(self._root_key, sealed, frame(PROTECTED, name.encode()))
        except Forged:
            raise stores.Damaged(f"{name} does not open") from None

    def opens(self, domain: DomainKey) -> bool:
        """Whether the root key opens this domain key."""
        try:
            self._opened(domain)
        except Forged:
            return False
        return True

    def _opened(self, domain: DomainKey) -> SecretBytes:
        key = self._domain_keys.get(domain.id)
        if key is None:
            identity = _identity(domain.region, domain.id)
            key = self._domain_keys[domain.id] = self._backends.open_box(
                self._root_key, domain.wrapped, identity
            )
        return key


def _identity(region: str, name: str) -> bytes:
    return frame(region.encode(), name.encode())
