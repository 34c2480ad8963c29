"""From what a seed declares to records, in one commit: all of it or nothing.

Rule: what is there stays as it is, even where it has changed since it was planted, so that a lab
can be started with its seed again and again. What could never have come from this seed (another key
spec under the same id, another secret of the same access key) is an error.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import uuid4

from kmslab.display import Table
from kmslab.kms import audit, lifecycle
from kmslab.kms.arn import known_arn
from kmslab.kms.backing.access_keys import AccessKeys
from kmslab.kms.backing.hsm import Hsm, material_id
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import (
    AccessKey,
    Alias,
    Caller,
    Event,
    Key,
    LastUse,
    Material,
    Principal,
    R,
    Reader,
    Record,
    name_of,
)
from kmslab.kms.contract.specs import KeyUsage, Origin
from kmslab.kms.operations import keys
from kmslab.kms.store import Conflict, Store
from kmslab.lab.seeding.declared import Seed, SeedAccessKey, SeedKey, SeedPrincipal

ATTEMPTS = 50  # while others change the same records
MADE, THERE = "made", "was there"


class Planted(list[tuple[str, str]]):
    """What a seed declares, and what became of each: pairs that show themselves as a table."""

    def table(self) -> Table:
        return Table(["declared", "outcome"], self)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


@dataclass(frozen=True, slots=True)
class Ground:
    """The lab that a seed is planted in."""

    store: Store
    hsm: Hsm
    access_keys: AccessKeys
    now: Callable[[], datetime]
    new_id: Callable[[], str]


def plant(seed: Seed, ground: Ground) -> Planted:
    """Raises `SeedError`, and then nothing of it has been stored."""
    for _ in range(ATTEMPTS):
        bed = _Bed(ground)
        planted = bed.plant(seed)
        try:
            if bed.staged:
                put = [lifecycle.stamp(record) for record in bed.staged]
                ground.store.commit(put=put, events=bed.events)
        except Conflict:
            continue  # others have just made something of it: look again
        return planted
    raise RuntimeError("others keep changing what the seed declares")


class _Staged(list[Record]):
    """The records to store, so far, and a reader of what the store will then hold."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._named: dict[Any, Any] = {}  # by kind and name

    def extend(self, records: Any) -> None:
        for record in records:
            self.append(record)
            self._named[type(record), name_of(record)] = record

    def get(self, kind: type[R], name: str) -> R | None:
        staged: R | None = self._named.get((kind, name))
        return staged or self._store.get(kind, name)

    def find(self, kind: type[R], **equal: str) -> list[R]:
        [(field, value)] = equal.items()
        staged = [each for each in self._of(kind) if getattr(each, field) == value]
        return self._store.find(kind, **equal) + staged

    def page(self, kind: type[R], prefix: str, after: str = "", limit: int = 100) -> list[R]:
        found = self._store.page(kind, prefix, after, limit)
        found += [each for each in self._of(kind) if name_of(each).startswith(prefix)]
        return sorted((each for each in found if name_of(each) > after), key=name_of)[:limit]

    def last_use(self, key: str) -> LastUse | None:
        return self._store.last_use(key)

    def _of(self, kind: type[R]) -> Iterator[R]:
        return (record for (of, _), record in self._named.items() if of is kind)


class _Bed:
    """One attempt: everything is staged here, and the caller stores it."""

    def __init__(self, ground: Ground) -> None:
        self.staged = _Staged(ground.store)
        self.events: list[Event] = []
        self._ground = ground
        self._now = ground.now()

    @property
    def _records(self) -> Reader:
        return self.staged

    def plant(self, seed: Seed) -> Planted:
        """Principals first: a key's policy may name them."""
        planted = Planted()
        planted += [(each.arn, self._principal(each)) for each in seed.principals]
        planted += [(f"access key {each.id}", self._access_key(each)) for each in seed.access_keys]
        declared: dict[str, SeedKey] = {}
        for each in seed.keys:
            planted += self._key(each, declared)
        return planted

    def _principal(self, declared: SeedPrincipal) -> str:
        found = self._records.get(Principal, declared.arn)
        if found is None:
            new = Principal(arn=declared.arn, policy=declared.policy, created=self._now)
            self.staged.extend([new])
            return MADE
        return THERE if found.policy == declared.policy else f"{THERE}, with another policy"

    def _access_key(self, declared: SeedAccessKey) -> str:
        found = self._records.get(AccessKey, declared.id)
        keys = self._ground.access_keys
        if found is None:
            try:
                new = keys.sealed(declared.principal, declared.id, declared.secret, declared.token)
            except ValueError as error:
                declared.at.wrong(f"{error}.")
            self.staged.extend([new])
            return MADE
        same = (found.principal, found.token) == (declared.principal, declared.token)
        if not same or keys.secret(found) != declared.secret:
            declared.at.wrong(
                f"access key {declared.id} is there already, of {found.principal} and with another "
                "secret or token. Give this one another id."
                if found.principal == declared.principal
                else f"access key {declared.id} is there already and belongs to {found.principal}. "
                "Give this one another id."
            )
        return THERE

    def _key(self, declared: SeedKey, others: dict[str, SeedKey]) -> Planted:
        here = Caller("", declared.account, declared.region)
        arn = here.here + "key/" + self._id(declared, here)
        known = self._records.get(Key, arn)
        if known:
            self._compare(declared, known)
        self._check_materials(declared, arn)
        if arn in others:
            declared.at.wrong(f"{arn} is declared twice.")
        others[arn] = declared
        planted = Planted([(arn, THERE if known else MADE)])
        for name in declared.request.get("Aliases", ()):
            planted.append((name, self._alias(declared, here.here + name, arn)))
        call = Call(
            name="SeedKey",
            caller=here,
            now=self._now,
            request_id=str(uuid4()),
            records=self._records,
            backings={Origin.AWS_KMS: self._ground.hsm},
            new_id=self._ground.new_id,
            request={**declared.request, "KeyId": known_arn(arn).name},
            staged=self.staged,
        )
        before = len(self.staged)
        try:
            keys.seed(call)
        except KMSError as error:
            declared.at.wrong(f"{error.code}: {error}")
        self._log(call, self.staged[before:])
        return planted

    def _id(self, declared: SeedKey, here: Caller) -> str:
        """A key without an id is the one that its first alias names."""
        if "KeyId" in declared.request:
            return str(declared.request["KeyId"])
        alias = self._records.get(Alias, here.here + declared.request["Aliases"][0])
        return known_arn(alias.target).name if alias else self._ground.new_id()

    def _compare(self, declared: SeedKey, known: Key) -> None:
        spec, usage = declared.request["KeySpec"], declared.request.get("KeyUsage", known.usage)
        if (known.spec, known.usage) != (spec, KeyUsage(usage)):
            declared.at.wrong(
                f"{known.arn} is there already as {known.spec} for {known.usage}, and is declared "
                f"as {spec} for {usage}. Give this one another id, or start with a new store."
            )

    def _check_materials(self, declared: SeedKey, arn: str) -> None:
        """Of a key that is there too: else a test that knows the material would fail far away."""
        region, name = declared.region, known_arn(arn).name
        is_there = self._records.get(Key, arn) is not None
        for known in declared.request.get("Materials", ()):
            found = self._records.get(Material, f"{region}/{material_id(name, known)}")
            belongs = found is None if not is_there else found is not None and found.key == arn
            if not belongs:
                declared.at.wrong(
                    f"{arn} is there already, with other key material than is declared here. Give "
                    "this one another id, or start with a new store."
                    if is_there
                    else f"another account has a key of this id and material in {region}. Give "
                    "this one another id."
                )

    def _alias(self, declared: SeedKey, alias: str, arn: str) -> str:
        found = self._records.get(Alias, alias)
        if found is None:
            return MADE
        if found in self.staged:
            declared.at.wrong(f"{found.name} is declared twice.")
        return THERE if found.target == arn else f"{THERE}, and names another key"

    def _log(self, call: Call, staged: list[Record]) -> None:
        if any(isinstance(record, Key) for record in staged):
            self.events.append(audit.event(replace(call, staged=staged)))
