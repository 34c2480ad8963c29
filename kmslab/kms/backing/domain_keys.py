"""The outer layer of the boundary: domain keys seal whatever is secret, the root key wraps them.

Each Region has a domain key for the material of its KMS keys. One more protects what belongs to no
Region, such as the secrets of access keys. The store holds domain keys, wrapped, and never the root
key. Rule: what is sealed is bound to its identity, so that rows swapped in the store do not open.
"""

import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from math import inf

from kmslab.crypto import Forged, SecretBytes, frame
from kmslab.crypto.backend import AES_256_KEY
from kmslab.crypto.self_tested import SelfTested
from kmslab.kms import store as stores
from kmslab.kms.backing import sealed_stream
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.backing.root_record import NAME, Records, RootRecord, Stretching
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import DomainKey, Reader, Setting

PROTECTED = "protected"  # stands in the place of a Region, and is not the name of one
ID = 16  # bytes
CHANGED = (
    "The root key of this store was changed while this process was running. Start the process "
    "again, with the new root key."
)

New = list[DomainKey | Setting]  # to be stored together with what the domain key seals


class DomainKeys:
    """Seals and opens under the domain keys that the root key wraps."""

    def __init__(self, root_key: SecretBytes, store: "stores.Store", backends: SelfTested) -> None:
        self.backends = backends
        self.read_again: Callable[[], Iterable[SecretBytes]] = tuple  # root keys there may be now
        self._root_key = root_key
        self._records = store
        self._domain_keys: dict[str, SecretBytes] = {}

    def sealed_stream(self, records: Records, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """A backup file of these pieces. `records`: of the state that is backed up.

        Raises `RootKeyError` if that has another root key.
        """
        head = sealed_stream.Head.new(self.checked_root(records))
        return sealed_stream.sealed(head, self._root_key, pieces, self.backends)

    # ------------------------------------------------------------------------------- domain keys

    def domain(self, records: Reader, region: str, now: datetime) -> tuple[DomainKey, New]:
        """The domain key that seals in this Region, and what has to be stored if that is new."""
        known = [each for each in records.find(DomainKey, region=region) if self.opens(each)]
        if known:
            # A new record's version is above all others' (`store/writes.py`); before that it is 0.
            return max(known, key=lambda domain: domain.version or inf), []
        return self.new(records, region, now)

    def new(self, records: Reader, region: str, now: datetime) -> tuple[DomainKey, New]:
        """A new domain key of this Region. Raises `RootKeyError` if the root key was changed.

        The root key's record is stored again with it. So if another process changes the root key
        at the same time, one of the two commits has to start over.
        """
        record = self.checked_root(records)
        name, key = secrets.token_hex(ID), secrets.token_bytes(AES_256_KEY)
        domain = self._wrapped(DomainKey(id=name, region=region, wrapped=b"", created=now), key)
        return domain, [domain, record.setting(record.stored)]

    def checked_root(self, records: Records) -> RootRecord:
        """The record of the root key that this process has."""
        found = RootRecord.find(records)
        if found and not found.is_of(self._root_key, self.backends):
            self._root_key = self._new_root_key(found)
        return found or RootRecord.of(self._root_key, self.backends)

    def _new_root_key(self, record: RootRecord) -> SecretBytes:
        """The store's root key was changed while this process was running."""
        for key in self.read_again():
            if record.is_of(key, self.backends):
                return key
        raise RootKeyError(CHANGED)

    def is_right(self) -> bool | None:
        """Whether the root key is the store's. None: nothing in the store says so.

        If its record is damaged, the domain keys say it.
        """
        try:
            record = RootRecord.find(self._records)
        except stores.Damaged:
            record = None
        if record and record.is_of(self._root_key, self.backends):
            return True
        if any(map(self._wraps, self._records.all(DomainKey))):
            return True
        return False if record else None

    def mend_record(self, stretching: Stretching | None) -> None:
        """Write the root key's record anew if it is damaged, though this is the root key."""

        def stage(change: Change) -> None:
            try:
                record = RootRecord.find(change)
            except stores.Damaged:
                record = None
            setting = change.get(Setting, NAME)
            is_damaged = setting and not (record and record.is_of(self._root_key, self.backends))
            if is_damaged and any(map(self._wraps, self._records.all(DomainKey))):
                change.put(
                    RootRecord.of(self._root_key, self.backends, stretching).setting(setting)
                )

        with suppress(stores.Damaged):  # the whole row cannot be read
            apply(self._records, stage)

    def _wraps(self, domain: DomainKey) -> bool:
        """Whether this very record opens: one that is open already proves nothing."""
        try:
            self.backends.open_box(self._root_key, domain.wrapped, _identity(domain))
        except Forged:
            return False
        return True

    def opens(self, domain: DomainKey) -> bool:
        """Whether the root key opens this domain key."""
        try:
            self._opened(domain)
        except (Forged, RootKeyError):
            return False
        return True

    def rewrapped(self, domain: DomainKey, root_key: SecretBytes) -> DomainKey:
        """The same domain key under another root key. Raises Forged."""
        return self._wrapped(domain, self._opened(domain), root_key)

    def take_over(self, root_key: SecretBytes) -> None:
        """From now on, this is the root key. The domain keys stay open."""
        self._root_key = root_key

    def _wrapped(
        self, domain: DomainKey, key: bytes, root_key: SecretBytes | None = None
    ) -> DomainKey:
        wrapped = self.backends.seal_box(root_key or self._root_key, key, _identity(domain))
        return replace(domain, wrapped=wrapped)

    def _opened(self, domain: DomainKey) -> SecretBytes:
        key = self._domain_keys.get(domain.id)
        if key is None:
            key = self._domain_keys[domain.id] = self._unwrapped(domain)
        return key

    def _unwrapped(self, domain: DomainKey) -> SecretBytes:
        """If the root key was changed meanwhile, it is read again. Raises Forged."""
        before = self._root_key
        try:
            return self.backends.open_box(before, domain.wrapped, _identity(domain))
        except Forged:
            self._check()
            if self._root_key is before:
                raise
        return self.backends.open_box(self._root_key, domain.wrapped, _identity(domain))

    def _check(self) -> None:
        with suppress(stores.Damaged):  # a damaged record says nothing of the root key
            self.checked_root(self._records)

    # ----------------------------------------------------------------------------- key material

    def seal(self, domain: DomainKey, secret: bytes, identity: bytes) -> bytes:
        return self.backends.seal_box(self._opened(domain), secret, identity)

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
            return self.backends.open_box(self._opened(record), sealed, identity)
        except Forged:
            raise stores.Damaged(f"what domain key {domain} seals does not open") from None

    # ---------------------------------------------------------------------------- other secrets

    def protect(self, name: str, secret: bytes, domain: DomainKey | None = None) -> bytes:
        """Seal a secret that is not a KMS key, bound to its name. Its domain key's id is in front.

        `domain`: by default the newest for such secrets, which is made and stored if needed.
        """
        domain = domain or apply(self._records, self.newest_protecting)
        return bytes.fromhex(domain.id) + self.seal(domain, secret, _name(name))

    def unprotect(self, name: str, sealed: bytes) -> SecretBytes:
        """Raises `Damaged` for another name, or if another key sealed it."""
        domain = self.protecting(sealed)
        try:
            if domain:
                return self.backends.open_box(self._opened(domain), sealed[ID:], _name(name))
            return self.backends.open_box(self._root_key, sealed, _name(name))
        except Forged:
            raise stores.Damaged(f"{name} does not open") from None

    def protecting(self, sealed: bytes) -> DomainKey | None:
        """The domain key of a protected secret. None before schema 6: the root key sealed it."""
        return self._records.get(DomainKey, sealed[:ID].hex())

    def newest_protecting(self, change: Change) -> DomainKey:
        domain, new = self.domain(change, PROTECTED, datetime.now(UTC))
        change.put(*new)
        return domain


def _identity(domain: DomainKey) -> bytes:
    return frame(domain.region.encode(), domain.id.encode())


def _name(name: str) -> bytes:
    return frame(PROTECTED.encode(), name.encode())
