"""`Lab`: an empty AWS of your own, and its views: the same verbs, another caller or place.

Everything here is a plain Python word for an AWS call, and goes down the same road as one.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from kmslab import books, inquiry, seeding
from kmslab.access import Explanation
from kmslab.backing import rootkey
from kmslab.backing.access_keys import AccessKeyPair, AccessKeys
from kmslab.backing.hsm import Hsm
from kmslab.backing.modules import BACKENDS
from kmslab.billing import Bill
from kmslab.clock import Clock
from kmslab.cmk import CMK, Context
from kmslab.contract.errors import EXCEPTIONS, fail
from kmslab.contract.records import Caller, DomainKey
from kmslab.contract.specs import SYMMETRIC_DEFAULT, KeyUsage
from kmslab.crypto import Backend, Forged
from kmslab.directory import Directory, Policy, account_number, region_name, session_name
from kmslab.faces.client import KmsClient
from kmslab.inspection import Inspection
from kmslab.integrations import Bucket, DataTable, Integrations
from kmslab.names import KEY_ID
from kmslab.seeding import Ground, Planted, Seed
from kmslab.service import Service
from kmslab.shown import Trail
from kmslab.store import open_store
from kmslab.store.offset import StoredOffset
from kmslab.store.rehearsal import rehearsal
from kmslab.throttle import Throttle
from kmslab.trail_file import TrailFile

ACCOUNT, REGION = "111122223333", "us-east-1"  # of a lab that is told of no others


class View:
    """A lab as one caller sees it from one Region. `Lab` is the first; the others come from it."""

    def __init__(
        self,
        service: Service,
        directory: Directory,
        integrations: Integrations,
        caller: Caller,
        clock: Clock,
    ) -> None:
        self._service = service
        self._directory = directory
        self._integrations = integrations
        self.caller = caller
        self.clock = clock
        self.kms = KmsClient(service, caller)
        self._ask = Inspection(service, clock).ask  # for an endpoint

    def region(self, name: str) -> "View":
        """The same caller in another Region, such as `eu-west-1`."""
        return self._at(self.caller.principal, self.caller.account, region_name(name))

    def account(self, number: str) -> "View":
        """The root user of another account, named by its 12 digits."""
        return self._at(f"arn:aws:iam::{account_number(number)}:root", number, self.caller.region)

    def user(self, name: str, policy: Policy = None) -> "View":
        """A user of this account, who may do what his IAM policy and the keys' policies say.

        A new user has no policy. `policy`: a policy document, as a dict or as JSON, which replaces
        the one he has; `kmslab.access.allow("kms:Decrypt")` writes a short one. Raises ValueError
        for a name that IAM would refuse, MalformedPolicyDocumentException for such a policy.
        """
        account = self.caller.account
        arn = self._directory.user(account, name, policy)
        return self._at(arn, account, self.caller.region)

    def role(self, name: str, policy: Policy = None, session: str = "lab") -> "View":
        """A session of a role of this account: the role's policies count, the trail shows both."""
        account = self.caller.account
        self._directory.role(account, name, policy)
        arn = f"arn:aws:sts::{account}:assumed-role/{name}/{session_name(session)}"
        return self._at(arn, account, self.caller.region)

    def access_key(self) -> AccessKeyPair:
        """What a program signs its requests with to be this caller at an endpoint.

        A user has one, kept with the store; a role's session gets a new one, for an hour.
        """
        return self._directory.access_keys.of(self.caller.principal)

    def bucket(self, name: str, key: CMK | str | None = None) -> Bucket:
        """An object bucket as this caller uses it, encrypted as one of S3; made if it is not there.

        `key`: a CMK (or a key's id, ARN or alias), `aws-managed`, which a new bucket has unless
        told otherwise, or `aws-owned`. It counts for the objects that are written from now on.
        """
        chosen = key.arn if isinstance(key, CMK) else key
        return self._integrations.buckets.bucket(name, self.caller, chosen)

    def table(self, name: str, key: CMK | str | None = None) -> DataTable:
        """A table of this account and Region as this caller uses it, encrypted as one of DynamoDB.

        `key`: as for a bucket, but only for a table that is not there yet; making one needs
        `kms:DescribeKey` and `kms:CreateGrant` on a customer's key. Raises what the KMS answers.
        """
        chosen = key.arn if isinstance(key, CMK) else key
        return self._integrations.tables.table(name, self.caller, chosen)

    def boto3(self) -> Any:
        """A real boto3 client for KMS whose calls end in this process. Needs `kmslab[boto3]`."""
        from kmslab.faces import boto

        return boto.client(self._service, self.caller)

    def create_cmk(
        self,
        name: str | None = None,
        spec: str = SYMMETRIC_DEFAULT,
        usage: str = KeyUsage.ENCRYPT_DECRYPT,
        description: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> CMK:
        """A new KMS key (CMK); with a name also its alias, `alias/<name>`.

        A key of the same spec and usage that has this name already is returned as it is, so that
        running a cell twice makes one key; a key of another kind raises AlreadyExistsException.
        """
        if name is not None and (found := self._named(_key_name(name), spec, usage)):
            return found
        written = [{"TagKey": key, "TagValue": value} for key, value in (tags or {}).items()]
        created = self.kms.create_key(
            KeySpec=spec, KeyUsage=usage, Description=description, Tags=written or None
        )
        cmk = CMK(self, created["KeyMetadata"], name)
        if name is not None:
            self.kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=cmk.arn)
        return cmk

    def cmk(self, identifier: str) -> CMK:
        """The key with this key id, key ARN, alias name (`alias/orders`) or alias ARN."""
        found = self.kms.describe_key(KeyId=identifier)["KeyMetadata"]
        _, is_alias, name = identifier.partition("alias/")
        return CMK(self, found, name if is_alias else None)

    def decrypt(self, blob: bytes, context: Context = None) -> bytes:
        """The plaintext of a ciphertext blob. The blob itself says which key made it."""
        answer = self.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
        return bytes(answer["Plaintext"])

    def explain(
        self, action: str, key: CMK | str | None = None, context: Context = None
    ) -> Explanation:
        """Whether this caller may do this, and who decides: shows itself. Nothing is done.

        `action`: as policies have it, such as `kms:Decrypt`; `key`: a CMK, or a key's id, ARN or
        alias; `context`: the encryption context of the call that is meant.
        """
        named = key.arn if isinstance(key, CMK) else key
        members = {"KeyId": named, "EncryptionContext": context}
        request = {name: value for name, value in members.items() if value is not None}
        now, records = self.clock.now(), self._service.records
        return inquiry.inquire(action, self.caller, request, now, records)

    @property
    def trail(self) -> Trail:
        """What happened in this account, in all Regions, as CloudTrail tells it, oldest first."""
        return Trail(books.trail(self._service, self.caller.account))

    def bill(self, month: str | None = None) -> Bill:
        """What this account pays in a month, in all Regions, in USD: a table with its total.

        `month`: `2026-01`, of UTC; the running one so far, unless given. Prices are those of
        us-east-1, with their date and source. Raises ValueError for what is no month.
        """
        return books.bill(self._service, self.caller.account, month)

    def _named(self, name: str, spec: str, usage: str) -> CMK | None:
        alias = f"alias/{name}"
        try:
            found = self.kms.describe_key(KeyId=alias)["KeyMetadata"]
        except EXCEPTIONS["NotFoundException"]:
            return None
        if (found["KeySpec"], found["KeyUsage"]) != (spec, usage):
            arn = self.caller.here + alias
            fail("AlreadyExistsException", f"An alias with the name {arn} already exists")
        return CMK(self, found, name)

    def _at(self, principal: str, account: str, region: str) -> "View":
        caller = Caller(principal, account, region)
        return View(self._service, self._directory, self._integrations, caller, self.clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.caller.principal} in {self.caller.region}>"


class Lab(View):
    """An empty AWS of your own: in memory, or kept in a file with its root key beside it.

    `store`: None for memory, or `sqlite:///my.db`. `clock`: what the lab's own clock stands on,
    wall time unless given. `ids`: a function of no arguments that returns each new key's id, a UUID
    in lower case; in memory only, since ids in a file would repeat. `backends`: the cryptographic
    libraries, the preferred one first. `throttle`: whether AWS's request quotas are kept.
    `trail`: a file to which every event is appended as a line of JSON. Raises `StoreError` or
    `RootKeyError` when a store cannot be opened, OSError when that file cannot.
    """

    def __init__(
        self,
        store: str | None = None,
        clock: Clock | None = None,
        ids: Callable[[], str] | None = None,
        account: str = ACCOUNT,
        region: str = REGION,
        backends: tuple[Backend, ...] = BACKENDS,
        throttle: bool = False,
        trail: str | Path | None = None,
    ) -> None:
        if ids is not None and store is not None:
            raise ValueError(
                "ids can be chosen for a lab in memory only: in a file they would repeat"
            )
        caller = Caller(
            f"arn:aws:iam::{account_number(account)}:root", account, region_name(region)
        )
        self._store = open_store(store)
        try:
            hsm = self._start_hsm(backends)
            own = (clock or Clock()).kept_in(StoredOffset(self._store))
            copy = TrailFile(trail) if trail else None
        except BaseException:
            self._store.close()
            raise
        quotas = Throttle() if throttle else None
        new_id = _judged(ids or _uuid)
        service = Service(self._store, hsm, own, new_id, quotas)
        if copy:
            books.copy_trail(self._store, copy.write)
        directory = Directory(self._store, hsm, own.now)
        self._ground = Ground(self._store, hsm, directory.access_keys, own.now, new_id)
        super().__init__(service, directory, Integrations(service), caller, own)

    def _start_hsm(self, backends: tuple[Backend, ...]) -> Hsm:
        """Prove the root key before anything is served: a wrong one would open nothing."""
        database = self._store.path
        if database is None:
            return Hsm(rootkey.in_memory(), self._store, backends)
        sealed = bool(self._store.page(DomainKey, "", limit=1))
        hsm = Hsm(rootkey.beside(database, needed=sealed), self._store, backends)
        try:
            hsm.safe.prove_root_key()
        except Forged:
            raise rootkey.RootKeyError(
                f"The root key beside {database} is not the one that its keys are sealed under. "
                "Put the right file back, or start with a new store."
            ) from None
        return hsm

    @classmethod
    def from_seed(
        cls,
        path: str | Path,
        store: str | None = None,
        account: str | None = None,
        region: str | None = None,
        **options: Any,
    ) -> Self:
        """A lab that has all that a file declares: users, access keys, keys with their ids.

        `account`, `region`: the lab's own, unless given those of the file. `options`: as for a lab.
        Raises `SeedError` for a file that is wrong, and then nothing has been made.
        """
        seed = seeding.read(Path(path), account or ACCOUNT, region or REGION)
        lab = cls(store, account=account or seed.account, region=region or seed.region, **options)
        try:
            lab._plant(seed)
        except BaseException:
            lab.close()
            raise
        return lab

    def seed(self, path: str | Path) -> Planted:
        """Make what a file declares, all of it or nothing; tells what was made and what was there.

        What is there stays as it is. Raises `SeedError`. `docs/seeds.md` describes the file.
        """
        here = self.caller
        return self._plant(seeding.read(Path(path), here.account, here.region))

    def _plant(self, seed: Seed) -> Planted:
        return seeding.plant(seed, self._ground)

    @property
    def _access_keys(self) -> AccessKeys:
        """For an endpoint, which looks up who has signed."""
        return self._directory.access_keys

    def close(self) -> None:
        """Store what is waiting and let go of the store. A closed lab answers nothing."""
        self._store.close()

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """`with lab.rehearsal():` undoes all that happens in it, trail included. In memory only."""
        with rehearsal(self._store), self._integrations.rehearsal():
            yield

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _uuid() -> str:
    return str(uuid4())


def _judged(ids: Callable[[], str]) -> Callable[[], str]:
    """An id of another form could not be told from an alias, or read again in a blob's header."""

    def new_id() -> str:
        name = ids()
        if not KEY_ID.fullmatch(name):
            raise ValueError(f"{name!r} is no key id: ids has to return UUIDs in lower case")
        return name

    return new_id


def _key_name(name: str) -> str:
    """Judged before the key is made, which would stay behind without its name."""
    if not re.fullmatch(r"(?!aws/)[a-zA-Z0-9/_-]{1,250}", name, re.ASCII):
        raise ValueError(f"{name!r} is no name for a key: 1 to 250 letters, digits or _-/")
    return name
