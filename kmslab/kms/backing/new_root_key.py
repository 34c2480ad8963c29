"""A new root key for a store, while it goes on serving: all domain keys are wrapped again, at once.

What domain keys seal stays as it is. Other processes go on with the domain keys that they have
opened. When they need the root key again they read its file again; with a passphrase they have to
be started again. Rule: the next root key is on the disk
before the store is changed to it, and the one before is kept, since old backups need it.
"""

from pathlib import Path
from typing import NamedTuple

from kmslab.crypto import Forged, SecretBytes
from kmslab.kms import store as stores
from kmslab.kms.backing import root_key
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.backing.passphrase import Passphrase
from kmslab.kms.backing.rekeying import swept
from kmslab.kms.backing.root_record import RootRecord
from kmslab.kms.backing.startup import Given, place
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import DomainKey


class NewRootKey(NamedTuple):
    domain_keys: int  # that it wraps
    file: Path | None  # where it is; None: made from a passphrase
    kept: Path | None  # where the one before is, if it was in a file


def change_root_key(
    store: "stores.Store", hsm: Hsm, before: Given, new: Path | Passphrase | None
) -> NewRootKey:
    """Raises `RootKeyError` or `StoreError`; then the root key is the one before.

    `before`: what the store was opened with. `new`: None for a file where the one before was.
    """
    if not store.shared:
        raise ValueError("a lab in memory has a root key of its own")
    backends = hsm.domain_keys.backends
    if isinstance(new, Passphrase):
        made = new.new()
        key = new.root_key(made)
        count = _rewrap(store, hsm, key, RootRecord.of(key, backends, made))
        old = None if isinstance(before, Passphrase) else place(store, before)
        return NewRootKey(count, None, root_key.retire(old) if old else None)
    file = new or place(store, None if isinstance(before, Passphrase) else before)
    key = root_key.in_file(root_key.waiting(file), needed=False)
    count = _rewrap(store, hsm, key, RootRecord.of(key, backends))
    return NewRootKey(count, file, root_key.settle(file))


def _rewrap(store: "stores.Store", hsm: Hsm, key: SecretBytes, record: RootRecord) -> int:
    """How many domain keys it wraps now."""
    keys = hsm.domain_keys
    protecting = apply(store, keys.newest_protecting)
    # Before schema 6, some secrets were sealed under the root key itself.
    swept(store, hsm, lambda part: None if part.domain else protecting)

    def stage(change: Change) -> int:
        before = keys.checked_root(change)
        wrapped = []
        for domain in store.all(DomainKey):
            try:
                wrapped.append(keys.rewrapped(domain, key))
            except Forged:
                continue  # it has not opened before either
        change.put(*wrapped, record.setting(before.stored))
        return len(wrapped)

    count = apply(store, stage)
    keys.take_over(key)
    return count
