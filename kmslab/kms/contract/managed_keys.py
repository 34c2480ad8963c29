"""AWS managed keys: keys that AWS's services make in an account, each for its predefined alias.

ListAliases shows a predefined alias before its key exists. The first DescribeKey of the alias, or
the first use of the service, makes the key. No customer can change either of them. Each Region has
its own.
Sources: AWS KMS developer guide, "AWS KMS keys"; AWS KMS API reference, "ListAliases" and
"DescribeKey". The policies of S3's and DynamoDB's keys are those that AWS shows; the other
services' are formed after them. The services are those whose documentation names the alias.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmslab.kms.arn import partition_of, root_arn
from kmslab.kms.contract.specs import KeyManager

USE = ("kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*")
WATCH = ("kms:Describe*", "kms:Get*", "kms:List*")


@dataclass(frozen=True, slots=True)
class ManagedKey:
    """The key that a service makes in an account, and what the key's policy allows."""

    name: str
    title: str
    policy_id: str
    description: str
    through: tuple[str, ...]  # to all principals of the account, through the service
    directly: tuple[str, ...]  # to the account, whose IAM policies then decide
    itself: tuple[str, ...] = ()  # to the service itself
    service: str = ""  # its name in a service principal, if it is not `name`

    @property
    def principal(self) -> str:
        return f"{self.service or self.name}.amazonaws.com"

    @property
    def alias(self) -> str:
        return f"alias/aws/{self.name}"

    def via(self, region: str) -> str:
        """The value of `kms:ViaService`."""
        return f"{self.service or self.name}.{region}.amazonaws.com"

    def seed(self, account: str, region: str) -> dict[str, Any]:
        """The request with which the service makes the key in an account and a Region."""
        return self._seed(self._policy(account, region))

    def owned_seed(self) -> dict[str, Any]:
        """The request for a key in the service's own account. Customers cannot see its policy."""
        own = _allow(f"Allow {self.title} alone", {"Service": self.principal}, ("kms:*",))
        return self._seed(_document(f"owned-{self.name}", [own]))

    def _seed(self, policy: str) -> dict[str, Any]:
        return {
            "Aliases": [self.alias],
            "Description": self.description,
            "Policy": policy,
            "KeyManager": KeyManager.AWS,
            "RotationPeriodInDays": 365,  # three years until May 2022
        }

    def _policy(self, account: str, region: str) -> str:
        """It names no principal: all who may use the service may use the key through it."""
        all_who_may = (
            f"Allow access through {self.title} for all principals in the account that are "
            f"authorized to use {self.title}"
        )
        through = {"kms:CallerAccount": account, "kms:ViaService": self.via(region)}
        root = {"AWS": root_arn(account, partition_of(region))}
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


S3 = ManagedKey(
    "s3",
    "S3",
    "auto-s3-2",
    "Default key that protects my S3 objects when no other key is defined",
    (*USE, "kms:DescribeKey"),
    WATCH,
)
DYNAMODB = ManagedKey(
    "dynamodb",
    "Amazon DynamoDB",
    "auto-dynamodb-1",
    "Default key that protects my DynamoDB data when no other key is defined",
    (*USE, "kms:CreateGrant", "kms:DescribeKey"),
    (*WATCH, "kms:RevokeGrant"),
    itself=WATCH,
)


def _other(name: str, title: str, service: str = "") -> ManagedKey:
    return ManagedKey(
        name,
        title,
        f"auto-{name}-1",
        f"Default key that protects my {title} data when no other key is defined",
        (*USE, "kms:CreateGrant", "kms:DescribeKey"),
        (*WATCH, "kms:RevokeGrant"),
        service=service,
    )


_KEYS = (
    S3,
    DYNAMODB,
    _other("acm", "ACM"),
    _other("backup", "AWS Backup"),
    _other("codecommit", "CodeCommit"),
    _other("dax", "DynamoDB Accelerator"),
    _other("dms", "DMS"),
    _other("ebs", "EBS", service="ec2"),
    _other("elasticfilesystem", "EFS"),
    _other("kinesis", "Kinesis"),
    _other("kinesisvideo", "Kinesis Video Streams"),
    _other("lambda", "Lambda"),
    _other("rds", "RDS"),
    _other("redshift", "Redshift"),
    _other("secretsmanager", "AWS Secrets Manager"),
    _other("ses", "SES"),
    _other("sns", "SNS"),
    _other("sqs", "SQS"),
    _other("ssm", "SSM"),
)
MANAGED_KEYS: dict[str, ManagedKey] = {key.alias: key for key in _KEYS}  # by predefined alias
