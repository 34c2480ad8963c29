"""New domain keys for a store, while it goes on serving.

A domain key is never deleted: what other processes were sealing meanwhile still opens, and so does
whatever was overlooked. Each step is an ordinary commit, guarded by the versions of the records. If
a step loses against another commit it starts over; if the process is killed, the next one goes on.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from kmslab.kms import store as stores
from kmslab.kms.backing.domain_keys import PROTECTED
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.backing.sealed import KINDS, Kind, Sealed
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.records import DomainKey, Setting, name_of

STEP = 100  # records in one commit, so that nobody waits long for it
NOTICED = 1.0  # seconds after which all processes seal under a new domain key
UNDER_WAY = "rekeying"  # the record of a rekeying that has not ended: its domain keys by Region

# Under which domain key a sealed part belongs; None: it stays as it is.
Aim = Callable[[Sealed], DomainKey | None]


@dataclass(frozen=True, slots=True)
class Rekeyed:
    """What was done. `unopened`: records that did not open, and so are as they were."""

    domain_keys: int
    sealed: int
    unopened: tuple[str, ...]
    went_on: bool = False  # whether an earlier run had been interrupted


def rekey(store: "stores.Store", hsm: Hsm, now: datetime) -> Rekeyed:
    """Seal everything anew, under new domain keys. Raises `RootKeyError` or `StoreError`."""
    went_on, new = apply(store, partial(_begin, store, hsm, now))
    if store.shared:
        time.sleep(NOTICED)
    done, unopened = swept(store, hsm, lambda part: _other(new.get(part.region), part))
    apply(store, _end)
    return Rekeyed(len(new), done, unopened, went_on)


def _begin(
    store: "stores.Store", hsm: Hsm, now: datetime, change: Change
) -> tuple[bool, dict[str, DomainKey]]:
    """The new domain keys by Region; those of an interrupted run, if there was one."""
    if under_way := change.get(Setting, UNDER_WAY):
        return True, _interrupted(change, under_way)
    new = {}
    for region in sorted({domain.region for domain in store.all(DomainKey)} | {PROTECTED}):
        new[region], records = hsm.domain_keys.new(change, region, now)
        change.put(*records)
    names = {region: domain.id for region, domain in new.items()}
    change.put(Setting(name=UNDER_WAY, value=json.dumps(names)))
    return False, new


def _interrupted(change: Change, under_way: Setting) -> dict[str, DomainKey]:
    try:
        names: Mapping[str, str] = json.loads(under_way.value)
        found = {region: change.get(DomainKey, name) for region, name in names.items()}
    except stores.UNREADABLE:
        raise stores.Damaged(f"the record of its {UNDER_WAY} cannot be read") from None
    return {region: domain for region, domain in found.items() if domain}


def _end(change: Change) -> None:
    if under_way := change.get(Setting, UNDER_WAY):
        change.remove(under_way)


def _other(new: DomainKey | None, part: Sealed) -> DomainKey | None:
    return new if new and new.id != part.domain else None


def swept(store: "stores.Store", hsm: Hsm, aim: Aim) -> tuple[int, tuple[str, ...]]:
    """Seal anew until a whole pass finds nothing to do: meanwhile, others may seal the old way."""
    total, unopened = 0, set[str]()
    while done := sum(_pass(store, hsm, kind, aim, unopened) for kind in KINDS):
        total += done
    return total, tuple(sorted(unopened))


def _pass(store: "stores.Store", hsm: Hsm, kind: Kind, aim: Aim, unopened: set[str]) -> int:
    total, after = 0, ""

    def stage(change: Change) -> tuple[int, str]:
        page = change.page(kind.record, kind.prefix, after, STEP)
        done = sum(_reseal(change, hsm, kind, record, aim, unopened) for record in page)
        return done, name_of(page[-1]) if page else ""

    while True:
        done, after = apply(store, stage)
        total += done
        if not after:
            return total


def _reseal(
    change: Change, hsm: Hsm, kind: Kind, record: Any, aim: Aim, unopened: set[str]
) -> bool:
    try:
        part = kind.part(hsm, record)
        domain = aim(part) if part else None
        if part and domain:
            change.put(part.resealed(domain))
            return True
    except stores.Damaged:
        unopened.add(f"{kind.name} {name_of(record)}")
    return False
