"""The boundary of a store, opened with its root key: from a file, or made from a passphrase.

Rule: a wrong root key is an error before the first call, since no key could be used.
"""

from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from itertools import chain
from os.path import exists
from pathlib import Path

from kmslab.clock import Clock
from kmslab.crypto import Backend, SecretBytes
from kmslab.crypto.self_tested import SelfTested
from kmslab.kms import store as stores
from kmslab.kms.backing import root_key
from kmslab.kms.backing.access_keys import AccessKeys
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.backing.importing import Importing
from kmslab.kms.backing.passphrase import Passphrase
from kmslab.kms.backing.recipients import Recipients
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.backing.root_record import RootRecord, Stretching
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import AccessKey, DomainKey

Given = Path | Passphrase | None


class PassphraseNeeded(RootKeyError):
    """The root key of the store is made from a passphrase, which was not given."""


def started(store: "stores.Store", given: Given, backends: tuple[Backend, ...]) -> Importing:
    """Raises `RootKeyError`. `given`: by default a file beside the store's."""
    if not store.shared:
        return Importing(root_key.in_memory(), store, backends)
    made = _stretching(store, given, backends)
    hsm = (
        _from_passphrase(store, given, made, backends)
        if made
        else _from_file(store, place(store, given), backends)
    )
    hsm.domain_keys.mend_record(made)
    for domain in store.all(DomainKey):  # so that they stay open if the root key is changed
        hsm.domain_keys.opens(domain)
    return hsm


def place(store: "stores.Store", given: Given) -> Path:
    """The file with the root key."""
    if isinstance(given, Passphrase):
        raise RootKeyError(
            "A passphrase was given, but this store's root key is in a file. Give that file, or "
            "none if it is beside the store. `kmslab rekey --new-root-key passphrase` changes it."
        )
    named = given or (store.path and root_key.beside(store.path))
    if named is None:
        raise RootKeyError(
            "A store in PostgreSQL needs a root key, in a file that only its owner may read: "
            "Lab(store=…, root_key=…), or --root-key FILE. It is made on first use."
        )
    return named


def _stretching(
    store: "stores.Store", given: Given, backends: tuple[Backend, ...]
) -> Stretching | None:
    """How a passphrase becomes the store's root key; None if that is in a file.

    The passphrase with which a new store is opened first becomes its own.
    """
    try:
        record = RootRecord.find(store)
    except stores.Damaged:
        if isinstance(given, Passphrase):
            raise
        return None  # what the root key has sealed shows whether it is the right one
    if record is None and isinstance(given, Passphrase) and not store.is_used:
        fresh = given.new()
        new = RootRecord.of(given.root_key(fresh), SelfTested(backends), fresh)

        def stage(change: Change) -> RootRecord:
            found = RootRecord.find(change)
            if found is None:
                change.put(new.setting(None))
            return found or new

        record = apply(store, stage)
    return record.stretching if record else None


def _from_passphrase(
    store: "stores.Store", given: Given, made: Stretching, backends: tuple[Backend, ...]
) -> Importing:
    if not isinstance(given, Passphrase):
        raise PassphraseNeeded(
            "The root key of this store is made from a passphrase. Give it: "
            "Lab(store=…, root_key=Passphrase(…)); for a command, in KMSLAB_PASSPHRASE, or in a "
            "file that KMSLAB_PASSPHRASE_FILE names."
        )
    try:
        hsm = Importing(given.root_key(made), store, backends)
    except ValueError:
        raise stores.Damaged("the record of its root key cannot be read") from None
    if not hsm.domain_keys.is_right():
        raise RootKeyError("That is not the passphrase of this store.")
    return hsm


def _from_file(store: "stores.Store", file: Path, backends: tuple[Backend, ...]) -> Importing:
    """If a change of the root key was interrupted after its commit, the rest of it is done here."""
    waiting = root_key.waiting(file)
    for path in [path for path in (file, waiting) if exists(path)] or [file]:
        hsm = Importing(root_key.in_file(path, needed=store.is_used), store, backends)
        if _opens(store, hsm):
            if path == waiting:
                root_key.settle(file)
            hsm.domain_keys.read_again = partial(_read_again, file)
            return hsm
    raise RootKeyError(
        f"The root key {file} is not the one that the store's keys are sealed under. "
        "Put the right file back, or start with a new store."
    )


def _read_again(file: Path) -> Iterator[SecretBytes]:
    """What may be the root key now, if another process is changing it."""
    for path in (root_key.waiting(file), file):
        if exists(path):
            with suppress(RootKeyError):
                yield root_key.in_file(path, needed=True)


def _opens(store: "stores.Store", hsm: Hsm) -> bool:
    """Whether the root key opens anything that is sealed; the rest may be damaged."""
    domains = map(hsm.domain_keys.opens, store.all(DomainKey))
    if (known := hsm.domain_keys.is_right()) is not None:
        return known or any(domains)  # a record that says no may be damaged itself
    opened = chain(  # a store of schema 5, or with a damaged record
        domains,
        map(AccessKeys(store, hsm, Clock().now).opens, store.all(AccessKey)),
        Recipients(store, hsm.domain_keys).opens(),
    )
    return next(opened, True) or any(opened)
