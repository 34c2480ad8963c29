"""A lab as one caller sees it from one Region. Every view has the same methods.

Rule: each method makes calls of AWS's API, with plain Python arguments. The service authorises and
records them like any other call.
"""

import re
from collections.abc import Mapping
from typing import Any

from kmslab.clock import Clock
from kmslab.crypto import check_context
from kmslab.kms import reports
from kmslab.kms.access import Explanation
from kmslab.kms.arn import resource_of, root_arn, session_arn
from kmslab.kms.audit import Trail
from kmslab.kms.backing.access_keys import AccessKeyPair
from kmslab.kms.billing import Bill
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import EXCEPTIONS, fail
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.specs import SYMMETRIC_DEFAULT, KeyUsage, Origin
from kmslab.kms.iam import Iam, Policy, account_number, region_name, session_name
from kmslab.kms.service import Service
from kmslab.lab.client import KmsClient
from kmslab.lab.cmk import CMK, tag_list
from kmslab.lab.integrations import Bucket, DataTable, Integrations
from kmslab.lab.key_stores import CustomKeyStore, CustomKeyStores
from kmslab.lab.key_uses import Context

SHAPES = [operation.input for operation in MODEL.operations.values()]
MEMBERS = frozenset(name for shape in SHAPES if shape for name in shape.members)


class View:
    """A lab as one caller sees it from one Region. `Lab` is the first view and makes the others."""

    def __init__(
        self,
        service: Service,
        iam: Iam,
        integrations: Integrations,
        caller: Caller,
        clock: Clock,
    ) -> None:
        self.caller = caller
        self.clock = clock
        self.kms = KmsClient(service, caller)
        self._service = service
        self._iam = iam
        self._integrations = integrations

    @property
    def service(self) -> Service:
        """The lab's KMS. Another way in, such as the endpoint, passes its calls to it."""
        return self._service

    @property
    def iam(self) -> Iam:
        """The lab's users, roles and access keys. Another way in finds callers there."""
        return self._iam

    def region(self, name: str) -> "View":
        """The same caller in another Region, such as `eu-west-1`."""
        return self._at(self.caller.principal, self.caller.account, region_name(name))

    def account(self, number: str) -> "View":
        """The root user of another account, named by its 12 digits."""
        return self._at(root_arn(account_number(number)), number, self.caller.region)

    def user(self, name: str, policy: Policy = None) -> "View":
        """A user of this account, who may do what the user's and the keys' policies allow.

        A new user has no policy. `policy`: a policy document as a dict or JSON, which replaces the
        user's; `kmslab.allow("kms:Decrypt")` writes a short one. `name` may have a path in front:
        `staff/alice`. Raises ValueError for a name that IAM would refuse,
        MalformedPolicyDocumentException for such a policy.
        """
        account = self.caller.account
        arn = self.iam.user(account, name, policy)
        return self._at(arn, account, self.caller.region)

    def role(self, name: str, policy: Policy = None, session: str = "lab") -> "View":
        """A session of a role of this account, with the role's policy. The trail names both."""
        account = self.caller.account
        self.iam.role(account, name, policy)
        arn = session_arn(account, name, session_name(session))
        return self._at(arn, account, self.caller.region)

    def access_key(self) -> AccessKeyPair:
        """The access key with which a program calls an endpoint as this caller.

        A user's access key is kept with the store; a role's session gets a new one for an hour.
        """
        return self.iam.access_keys.of(self.caller.principal)

    def bucket(self, name: str, key: CMK | str | None = None) -> Bucket:
        """A bucket that encrypts its objects as Amazon S3 does; made if it does not exist.

        `key`: a CMK (or a key's id, ARN or alias), `aws-managed` (the default of a new bucket) or
        `aws-owned`. It encrypts the objects that are written from now on. The bucket
        calls the KMS for this caller.
        """
        chosen = key.arn if isinstance(key, CMK) else key
        return self._integrations.buckets.bucket(name, self.caller, chosen)

    def table(self, name: str, key: CMK | str | None = None) -> DataTable:
        """A table of this account and Region, encrypted as Amazon DynamoDB does it.

        `key`: as for a bucket, but only a new table takes it. To make one under a customer managed
        key, this caller needs `kms:DescribeKey` and `kms:CreateGrant`. Raises the KMS's errors.
        """
        chosen = key.arn if isinstance(key, CMK) else key
        return self._integrations.tables.table(name, self.caller, chosen)

    def boto3(self) -> Any:
        """A real boto3 client for KMS whose calls stay in this process. Needs `kmslab[boto3]`."""
        from kmslab.lab import boto

        return boto.client(self.service, self.caller)

    def create_key_store(
        self, name: str, url: str | None = None, credential: tuple[str, str] | None = None
    ) -> CustomKeyStore:
        """A custom key store of this name, connected: the existing one, or a new one.

        `url`: of an external key store's proxy, such as `http://127.0.0.1:8700/kms/xks/v1`;
        `credential`: the id and the secret with which requests to it are signed. Without them a
        simulated CloudHSM cluster is made for the store. Connecting takes some seconds by the lab's
        clock, which moves on. Raises `XksProxyUriUnreachableException`, for example.
        """
        clusters, account = self._integrations.clusters, self.caller.account
        stores = CustomKeyStores(self.kms, self.clock, clusters, account)
        return stores.create(name, url, credential)

    def create_cmk(
        self,
        name: str | None = None,
        spec: str = SYMMETRIC_DEFAULT,
        usage: str = KeyUsage.ENCRYPT_DECRYPT,
        description: str = "",
        tags: Mapping[str, str] | None = None,
        multi_region: bool = False,
        key_store: CustomKeyStore | None = None,
        external_key: str | None = None,
        origin: str = Origin.AWS_KMS,
    ) -> CMK:
        """A new KMS key (CMK); with a name also its alias, `alias/<name>`.

        `key_store`: the custom key store for its material; `external_key`: the id of the key on
        which it stands, if that is an external key store. `origin`: EXTERNAL for a key that waits
        for key material that you import. `multi_region`: whether it is a multi-Region primary,
        which `cmk.replicate` copies.

        A key of the same kind that has this name already is returned as it is, so that running a
        cell twice makes one key; a key of another kind raises AlreadyExistsException.
        """
        place = key_store.type if key_store else origin
        store_id = key_store.id if key_store else None
        kind = {
            "KeySpec": spec,
            "KeyUsage": usage,
            "MultiRegion": multi_region,
            "Origin": place,
            "CustomKeyStoreId": store_id,
        }
        if name is not None and (found := self._named(_key_name(name), kind)):
            return found
        created = self.kms.create_key(
            KeySpec=spec,
            KeyUsage=usage,
            MultiRegion=multi_region or None,
            Description=description,
            Tags=tag_list(tags),
            Origin=None if place == Origin.AWS_KMS else place,
            CustomKeyStoreId=store_id,
            XksKeyId=external_key,
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
        """The plaintext of a ciphertext blob, which names its key itself."""
        answer = self.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)
        return bytes(answer["Plaintext"])

    def explain(
        self,
        action: str,
        key: CMK | str | None = None,
        context: Context = None,
        **members: Any,
    ) -> Explanation:
        """Whether this caller may do `action`, and which policies decide it. Makes no call.

        `action`: as in policies, such as `kms:Decrypt`; `key`: a CMK, or a key's id, ARN or alias;
        `context`: the encryption context that the call would have; `members`: what else it would
        have, by AWS's names, such as `ReplicaRegion="eu-west-1"`. Raises TypeError for other names.
        """
        if unknown := members.keys() - MEMBERS:
            raise TypeError(f"{sorted(unknown)[0]!r} is not a member of any request to AWS KMS")
        named = key.arn if isinstance(key, CMK) else key
        if context is not None:
            check_context(context)
        members |= {"KeyId": named, "EncryptionContext": context}
        request = {name: value for name, value in members.items() if value is not None}
        now, records = self.clock.now(), self.service.records
        return reports.explain(action, self.caller, request, now, records)

    @property
    def trail(self) -> Trail:
        """The events of this account in all Regions, in CloudTrail's form, oldest first."""
        return reports.trail(self.service, self.caller.account)

    def bill(self, month: str | None = None) -> Bill:
        """What this account pays for a month, in all Regions, in USD: a table with its total.

        `month`: such as `2026-01`, in UTC; by default the current month so far. Prices are those of
        us-east-1, with their date and source. Raises ValueError if `month` has another form.
        """
        return reports.bill(self.service, self.caller.account, month)

    def _named(self, name: str, kind: Mapping[str, Any]) -> CMK | None:
        alias = f"alias/{name}"
        try:
            found = self.kms.describe_key(KeyId=alias)["KeyMetadata"]
        except EXCEPTIONS["NotFoundException"]:
            return None
        if any(found.get(member) != value for member, value in kind.items()):
            arn = self.caller.here + alias
            fail("AlreadyExistsException", f"An alias with the name {arn} already exists")
        return CMK(self, found, name)

    def _at(self, principal: str, account: str, region: str) -> "View":
        caller = Caller(principal, account, region)
        return View(self.service, self.iam, self._integrations, caller, self.clock)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.caller.principal} in {self.caller.region}>"


def _key_name(name: str) -> str:
    """Checked before the key is made, which would otherwise be left without its alias."""
    if not re.fullmatch(r"(?!aws/)[a-zA-Z0-9/_-]{1,250}", name, re.ASCII):
        raise ValueError(f"{name!r} is not a key name: it needs 1 to 250 letters, digits or _-/")
    return name
