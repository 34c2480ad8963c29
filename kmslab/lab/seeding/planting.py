"""From what a seed declares to records, in one commit: everything or nothing.

Rule: what exists stays as it is, even if it has changed since it was planted, so that a lab can be
started with its seed again and again. What this seed can never have made (another key spec under
the same id, another secret of the same access key) is an error.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from kmslab.display import Table
from kmslab.kms import store as stores
from kmslab.kms.arn import known_arn
from kmslab.kms.backing.access_keys import AccessKeys, digest_of
from kmslab.kms.backing.hsm import material_id
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import AccessKey, Alias, Key, Material, Principal
from kmslab.kms.contract.specs import KeyUsage, Origin
from kmslab.kms.iam import new_principal
from kmslab.kms.own_acts import OwnActs
from kmslab.lab.seeding.declared import Seed, SeedAccessKey, SeedKey, SeedPrincipal

MADE, THERE = "made", "was there"


class Planted(list[tuple[str, str]]):
    """Each declaration with its outcome, as pairs that show themselves as a table."""

    def table(self) -> Table:
        return Table(["declared", "outcome"], self)

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


@dataclass(frozen=True, slots=True)
class SeedTarget:
    """The lab that a seed is planted in."""

    store: "stores.Store"
    own_acts: OwnActs
    access_keys: AccessKeys
    now: Callable[[], datetime]


def plant(seed: Seed, target: SeedTarget) -> Planted:
    """Raises `SeedError`, and then nothing of it has been stored.

    What is due runs first, as before a call: a key that is to be deleted by now is not there.
    """
    target.own_acts.settle(target.now())
    return apply(target.store, lambda change: SeedAttempt(target, change).plant(seed))


class SeedAttempt:
    """Stages what the seed declares. If others change the same records, a new attempt begins."""

    def __init__(self, target: SeedTarget, change: Change) -> None:
        self._target = target
        self._change = change
        self._now = target.now()
        self._declared: set[str] = set()  # the ARNs of the seed's keys, so far

    def plant(self, seed: Seed) -> Planted:
        """Principals first: a key's policy may name them."""
        planted = Planted()
        planted += [(each.arn, self._principal(each)) for each in seed.principals]
        planted += [(f"access key {each.id}", self._access_key(each)) for each in seed.access_keys]
        for each in seed.keys:
            planted += self._key(each)
        return planted

    def _principal(self, declared: SeedPrincipal) -> str:
        new = new_principal(declared.arn, declared.policy, self._now)
        found = self._change.get(Principal, new.arn)
        if found is None:
            self._change.put(new)
            return MADE
        if found.path != new.path:
            declared.at.wrong(f"{found.arn} has this name already: choose another.")
        return THERE if found.policy == declared.policy else f"{THERE}, with another policy"

    def _access_key(self, declared: SeedAccessKey) -> str:
        found = self._change.get(AccessKey, declared.id)
        keys = self._target.access_keys
        if found is None:
            try:
                new = keys.sealed(declared.principal, declared.id, declared.secret, declared.token)
            except ValueError as error:
                declared.at.wrong(f"{error}.")
            self._change.put(new)
            return MADE
        token = digest_of(declared.token.encode())
        same = (found.principal, found.token) == (declared.principal, token)
        if not same or keys.secret(found) != declared.secret:
            declared.at.wrong(
                f"access key {declared.id} is there already, of {found.principal} and with another "
                "secret or token. Give this one another id."
                if found.principal == declared.principal
                else f"access key {declared.id} is there already and belongs to {found.principal}. "
                "Give this one another id."
            )
        return THERE

    def _key(self, declared: SeedKey) -> Planted:
        here = Caller("", declared.account, declared.region).here
        arn = self._arn(declared, here)
        known = self._change.get(Key, arn) if arn else None
        if known:
            self._compare(declared, known)
        if arn:
            self._check_materials(declared, arn, known)
            self._check_replicas(declared, arn, known)
        if arn in self._declared:
            declared.at.wrong(f"{arn} is declared twice.")
        names = declared.request.get("Aliases", ())
        aliases = [(name, self._alias(declared, here + name, arn)) for name in names]
        there = {each.arn for each in self._related(known)} if known else set()
        try:
            arn = self._target.own_acts.seed_key(
                declared.account, declared.region, declared.request, self._change
            )
        except KMSError as error:
            declared.at.wrong(f"{error.code}: {error}")
        self._declared.add(arn)
        regions = declared.request.get("ReplicaRegions", ())
        replicas = [str(known_arn(arn)._replace(region=each)) for each in regions]
        made = [(each, THERE if each in there else MADE) for each in replicas]
        return Planted([(arn, THERE if known else MADE), *made, *aliases])

    def _related(self, known: Key) -> list[Key]:
        return self._change.find(Key, primary_arn=known.primary_arn) if known.primary_arn else []

    def _arn(self, declared: SeedKey, here: str) -> str | None:
        """The ARN of the key's id, or of the key that its first alias names; else None."""
        if "KeyId" in declared.request:
            return f"{here}key/{declared.request['KeyId']}"
        alias = self._change.get(Alias, here + declared.request["Aliases"][0])
        return alias.target if alias else None

    def _compare(self, declared: SeedKey, known: Key) -> None:
        spec, usage = declared.request["KeySpec"], declared.request.get("KeyUsage", known.usage)
        origin = declared.request.get("Origin", Origin.AWS_KMS)
        if known.origin != origin:
            declared.at.wrong(
                f"{known.arn} is there already with the origin {known.origin}, and is declared "
                f"with {origin}. Give this one another id, or start with a new store."
            )
        if (known.spec, known.usage) != (spec, KeyUsage(usage)):
            declared.at.wrong(
                f"{known.arn} is there already as {known.spec} for {known.usage}, and is declared "
                f"as {spec} for {usage}. Give this one another id, or start with a new store."
            )

    def _check_replicas(self, declared: SeedKey, arn: str, known: Key | None) -> None:
        """A key without a primary cannot get replicas, nor one whose id another key has there."""
        if not declared.request.get("MultiRegion"):
            return
        if known and not known.primary_arn:
            declared.at.wrong(f"{arn} is there already as a single-Region key.")
        related = {each.arn for each in self._related(known)} if known else set()
        for region in declared.request.get("ReplicaRegions", ()):
            replica = str(known_arn(arn)._replace(region=region))
            if replica not in related and self._change.get(Key, replica):
                declared.at.wrong(f"{replica} is there already, and is not a replica of this key.")

    def _check_materials(self, declared: SeedKey, arn: str, known: Key | None) -> None:
        """Material that differs from an existing key's: tests that know it would fail later."""
        region, key_id = declared.region, known_arn(arn).name
        for material in declared.request.get("Materials", ()):
            found = self._change.get(Material, f"{region}/{material_id(key_id, material)}")
            belongs = found is not None and found.key == arn if known else found is None
            if not belongs:
                declared.at.wrong(
                    f"{arn} is there already, with other key material than is declared here. Give "
                    "this one another id, or start with a new store."
                    if known
                    else f"another account has a key of this id and material in {region}. Give "
                    "this one another id."
                )

    def _alias(self, declared: SeedKey, alias: str, arn: str | None) -> str:
        found = self._change.get(Alias, alias)
        if found is None:
            return MADE
        if found in self._change.staged:
            declared.at.wrong(f"{found.name} is declared twice.")
        return THERE if found.target == arn else f"{THERE}, and names another key"
