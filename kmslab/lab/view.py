"""A lab as one caller sees it from one Region: the same verbs for everybody, judged for each.

Everything here is a plain Python word for an AWS call, and goes down the same road as one.
"""

import re
from collections.abc import Mapping
from typing import Any

from kmslab.clock import Clock
from kmslab.kms import reports
from kmslab.kms.access import Explanation
from kmslab.kms.arn import resource_of, root_arn, session_arn
from kmslab.kms.audit import Trail
from kmslab.kms.backing.access_keys import AccessKeyPair
from kmslab.kms.billing import Bill
from kmslab.kms.contract.errors import EXCEPTIONS, fail
from kmslab.kms.contract.records import Caller
from kmslab.kms.contract.specs import SYMMETRIC_DEFAULT, KeyUsage
from kmslab.kms.iam import Iam, Policy, account_number, region_name, session_name
from kmslab.kms.service import Service
from kmslab.lab.client import KmsClient
from kmslab.lab.cmk import CMK, Context
from kmslab.lab.integrations import Bucket, DataTable, Integrations


class View:
    """A lab as one caller sees it from one Region. `Lab` is the first; the others come from it."""

    def __init__(
        self,
        service: Service,
        iam: Iam,
        integrations: Integrations,
        caller: Caller,
        clock: Clock,
    ) -> None:
        self.service = service
        self.iam = iam
        self._integrations = integrations
        self.caller = caller
        self.clock = clock
        self.kms = KmsClient(service, caller)

    def region(self, name: str) -> "View":
        """The same caller in another Region, such as `eu-west-1`."""
        return self._at(self.caller.principal, self.caller.account, region_name(name))

    def account(self, number: str) -> "View":
        """The root user of another account, named by its 12 digits."""
        return self._at(root_arn(account_number(number)), number, self.caller.region)

    def user(self, name: str, policy: Policy = None) -> "View":
        """A user of this account, who may do what his IAM policy and the keys' policies say.

        A new user has no policy. `policy`: a policy document as a dict or JSON, which replaces the
        user's; `kmslab.allow("kms:Decrypt")` writes a short one. Raises ValueError for a name that
        IAM would refuse, MalformedPolicyDocumentException for a policy that it would refuse.
        """
        account = self.caller.account
        arn = self.iam.user(account, name, policy)
        return self._at(arn, account, self.caller.region)

    def role(self, name: str, policy: Policy = None, session: str = "lab") -> "View":
        """A session of a role of this account: the role's policies count, the trail shows both."""
        account = self.caller.account
        self.iam.role(account, name, policy)
        arn = session_arn(account, name, session_name(session))
        return self._at(arn, account, self.caller.region)

    def access_key(self) -> AccessKeyPair:
        """What a program signs its requests with to be this caller at an endpoint.

        A user has one, kept with the store; a role's session gets a new one, for an hour.
        """
        return self.iam.access_keys.of(self.caller.principal)

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
        from kmslab.lab import boto

        return boto.client(self.service, self.caller)

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
        kind, _, name = resource_of(identifier).partition("/")
        return CMK(self, found, name if kind == "alias" else None)

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
        now, records = self.clock.now(), self.service.records
        return reports.explain(action, self.caller, request, now, records)

    @property
    def trail(self) -> Trail:
        """What happened in this account, in all Regions, as CloudTrail tells it, oldest first."""
        return reports.trail(self.service, self.caller.account)

    def bill(self, month: str | None = None) -> Bill:
        """What this account pays in a month, in all Regions, in USD: a table with its total.

        `month`: `2026-01`, of UTC; the running one so far, unless given. Prices are those of
        us-east-1, with their date and source. Raises ValueError for what is no month.
        """
        return reports.bill(self.service, self.caller.account, month)

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
        return View(self.service, self.iam, self._integrations, caller, self.clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.caller.principal} in {self.caller.region}>"


def _key_name(name: str) -> str:
    """Judged before the key is made, which would stay behind without its name."""
    if not re.fullmatch(r"(?!aws/)[a-zA-Z0-9/_-]{1,250}", name, re.ASCII):
        raise ValueError(f"{name!r} is no name for a key: 1 to 250 letters, digits or _-/")
    return name
