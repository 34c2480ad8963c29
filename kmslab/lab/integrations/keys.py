"""The keys that a pretend service uses, and in whose name it calls the KMS.

With a customer managed key or the AWS managed key, the service calls on behalf of its user, and the
call says through which service it comes. With an AWS owned key it calls as itself, from its own
account, so that no customer sees the key, the call or the price.
Sources: AWS KMS developer guide, "AWS KMS keys", "kms:ViaService"; the policies are those that AWS
shows for such keys.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kmslab.crypto import CiphertextBlob, SecretBytes, encode_context
from kmslab.crypto.self_tested import open_box, seal_box
from kmslab.kms.arn import root_arn
from kmslab.kms.contract.records import Caller
from kmslab.kms.contract.specs import KeyManager
from kmslab.kms.service import Service

AWS_MANAGED, AWS_OWNED = "aws-managed", "aws-owned"  # a customer managed key is given by its name
SERVICES = "amazon"  # the services' account; a customer's has 12 digits

Context = Mapping[str, str]
USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")
WATCH = ("kms:Describe*", "kms:Get*", "kms:List*")


@dataclass(frozen=True, slots=True)
class Integration:
    """A service, and what the policy of the AWS managed key that it creates allows."""

    name: str
    title: str
    policy_id: str
    description: str
    through: tuple[str, ...]  # to all principals of the account, through the service
    directly: tuple[str, ...]  # to the account, whose IAM policies then decide
    itself: tuple[str, ...] = ()  # to the service itself

    @property
    def principal(self) -> str:
        return f"{self.name}.amazonaws.com"

    @property
    def alias(self) -> str:
        return f"alias/aws/{self.name}"

    def via(self, region: str) -> str:
        """The value of `kms:ViaService`."""
        return f"{self.name}.{region}.amazonaws.com"

    def managed_policy(self, account: str, region: str) -> str:
        """It names no principal: all who may use the service may use the key through it."""
        all_who_may = (
            f"Allow access through {self.title} for all principals in the account that are "
            f"authorized to use {self.title}"
        )
        through = {"kms:CallerAccount": account, "kms:ViaService": self.via(region)}
        root = {"AWS": root_arn(account)}
        statements = [
            _allow(all_who_may, {"AWS": "*"}, self.through)
            | {"Condition": {"StringEquals": through}},
            _allow("Allow direct access to key metadata to the account", root, self.directly),
        ]
        if self.itself:
            sid = (
                f"Allow {self.title.removeprefix('Amazon ')} Service with service principal name "
                f"{self.principal} to describe the key directly"
            )
            statements.append(_allow(sid, {"Service": self.principal}, self.itself))
        return _document(self.policy_id, statements)

    def owned_policy(self) -> str:
        """AWS shows this policy to nobody."""
        own = _allow(f"Allow {self.title} alone", {"Service": self.principal}, ("kms:*",))
        return _document(f"owned-{self.name}", [own])


S3 = Integration(
    "s3",
    "S3",
    "auto-s3-2",
    "Default key that protects my S3 objects when no other key is defined",
    (*USE, "kms:DescribeKey"),
    WATCH,
)
DYNAMODB = Integration(
    "dynamodb",
    "Amazon DynamoDB",
    "auto-dynamodb-1",
    "Default key that protects my DynamoDB data when no other key is defined",
    (*USE, "kms:CreateGrant", "kms:DescribeKey"),
    (*WATCH, "kms:RevokeGrant"),
    itself=WATCH,
)


def _allow(sid: str, principal: Mapping[str, str], actions: tuple[str, ...]) -> dict[str, Any]:
    return {
        "Sid": sid,
        "Effect": "Allow",
        "Principal": principal,
        "Action": list(actions),
        "Resource": "*",
    }


def _document(name: str, statements: list[dict[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Id": name, "Statement": statements}, indent=2)


class ServiceKeys:
    """The calls of one service to the KMS."""

    def __init__(self, service: Service, integration: Integration) -> None:
        self.it = integration
        self.ask = service.call
        self._seed = service.own_acts.seed_key

    def key_id(self, key: str, account: str, region: str) -> str:
        """The key id for a request. AWS managed and AWS owned keys are made on their first use."""
        if key in (AWS_MANAGED, self.it.alias):
            return self._made(account, region, self.it.managed_policy(account, region))
        if key == AWS_OWNED:
            return self._made(SERVICES, region, self.it.owned_policy())
        return key

    def on_behalf(self, caller: Caller, region: str, *, owned: bool) -> Caller:
        """The caller that the KMS sees when this caller uses the service."""
        if owned:
            return Caller(self.it.principal, SERVICES, region)
        return replace(caller, region=region, via=self.it.via(region))

    def _made(self, account: str, region: str, policy: str) -> str:
        wanted = {
            "Aliases": [self.it.alias],
            "Description": self.it.description,
            "Policy": policy,
            "KeyManager": KeyManager.AWS,
            "RotationPeriodInDays": 365,  # three years until May 2022
        }
        return self._seed(account, region, wanted)


@dataclass(frozen=True, slots=True)
class Sealed:
    """A stored object: the content under a data key, and the data key under a KMS key."""

    content: CiphertextBlob  # a box, as in `crypto/self_tested.py`
    data_key: CiphertextBlob
    context: Context
    owned: bool  # whether AWS owns the KMS key


def check_name(kind: str, pattern: str, name: str) -> None:
    if not re.fullmatch(pattern, name, re.ASCII):
        raise ValueError(f"{name!r} is not a name for a {kind}: it must match {pattern}")


def seal(data_key: bytes, content: bytes, context: Context) -> CiphertextBlob:
    return CiphertextBlob(seal_box(data_key, content, encode_context(context)))


def unseal(data_key: bytes, sealed: bytes, context: Context) -> SecretBytes:
    return open_box(data_key, sealed, encode_context(context))
