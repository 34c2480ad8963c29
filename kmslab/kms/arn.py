"""ARNs: the names of AWS's resources, taken apart and put together here and in no other module.

`arn:aws:kms:us-east-1:111122223333:key/1234…` names a partition, a service, a Region, an account
and a resource, which may hold more colons. Records, requests and answers hold ARNs as texts. To
learn what a text names, a module uses `Arn.parse`, or `known_arn` in code that every call runs.
Source: IAM user guide, "Identify AWS resources with Amazon Resource Names (ARNs)", "IAM
identifiers"; AWS STS API reference, "AssumeRole".
"""

import json
import re
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

FIELDS = 6  # with "arn" in front
AWS = "aws"  # the partition of every Region that no other partition has
# Each partition's Regions. Generated from botocore by scripts/contract.py.
PARTITIONS: dict[str, str] = json.loads(
    (Path(__file__).parent / "contract" / "partitions.json").read_bytes()
)["partitions"]

_ACCOUNT = re.compile(r"\d{12}", re.ASCII)
_NAME = r"[\w+=,.@/-]+"
# The resources that can call, by the service that makes them.
SERVICE_NAME = re.compile(r"[a-z0-9.-]+\.amazonaws\.com(\.cn)?", re.ASCII)
_PRINCIPALS: dict[str, re.Pattern[str]] = {
    "iam": re.compile(rf"root|(user|role)/{_NAME}", re.ASCII),
    "sts": re.compile(rf"(assumed-role/{_NAME}/|federated-user/){_NAME}", re.ASCII),
}


class Arn(NamedTuple):
    """One ARN; `str(arn)` is its text. A tuple, which is cheaper to make than a dataclass."""

    partition: str
    service: str
    region: str  # "" for a principal: IAM knows no Regions
    account: str
    resource: str  # "key/1234…", "alias/orders", "root", "user/alice"

    @classmethod
    def parse(cls, text: str) -> "Arn":
        """Raises ValueError unless the text has six fields. Their contents are not checked."""
        fields = text.split(":", FIELDS - 1)
        if len(fields) < FIELDS or fields[0] != "arn":
            raise ValueError(f"{text!r} is not an ARN")
        return cls(*fields[1:])

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account}:{self.resource}"

    @property
    def kind(self) -> str:
        """`key`, `alias`, `root`, `user`, `role`, `assumed-role`, `table`, …"""
        return self.resource.partition("/")[0]

    @property
    def name(self) -> str:
        """What follows the kind: a key's id, an alias's name without `alias/`, a user's name."""
        return self.resource.partition("/")[2]

    @property
    def is_root(self) -> bool:
        """Whether this is an account's root user, who also stands for the account in a policy."""
        return (self.service, self.resource) == ("iam", "root")

    @property
    def is_session(self) -> bool:
        """Whether this is a session of a role, which STS names `assumed-role/<role>/<session>`."""
        return (self.service, self.kind) == ("sts", "assumed-role")

    @property
    def is_principal(self) -> bool:
        """Whether this is the well-formed ARN of a root user, a user, a role or a session."""
        form = _PRINCIPALS.get(self.service)
        if form is None or self.partition not in PARTITIONS or self.region:
            return False
        return bool(_ACCOUNT.fullmatch(self.account) and form.fullmatch(self.resource))

    @property
    def identity(self) -> "Arn":
        """The principal whose IAM policies count: a session's role; any other principal itself."""
        if not self.is_session:
            return self
        role = self.name.rpartition("/")[0]
        return self._replace(service="iam", resource=f"role/{role}")

    @property
    def record_name(self) -> "Arn":
        """What a user's or a role's record is found by: its friendly name, unique in an account.

        An account of a lab has the same users and roles in every partition.
        """
        return self._replace(partition=AWS, resource=f"{self.kind}/{self.friendly_name}")

    @property
    def friendly_name(self) -> str:
        """The name without its path: `alice` of `user/staff/alice`, a session's own name."""
        return self.resource.rpartition("/")[2]


@lru_cache(1_024)
def partition_of(region: str) -> str:
    """The partition of a Region, of a new one by the first part of its name: `eusc-…`."""
    for partition, regions in PARTITIONS.items():
        if re.fullmatch(regions, region, re.ASCII):
            return partition
    start = region.partition("-")[0]
    if re.fullmatch(PARTITIONS[AWS], f"{start}-new-1"):
        return AWS
    starts = {each: regions.startswith(f"^{start}\\-") for each, regions in PARTITIONS.items()}
    return next((each for each, fits in starts.items() if fits), AWS)


def is_region_of(partition: str, region: str) -> bool:
    """Whether a Region of this partition can have this name."""
    return re.fullmatch(PARTITIONS[partition], region, re.ASCII) is not None


def in_partition(principal: str, partition: str) -> str:
    """A principal's ARN as the partition knows it; an AWS service's name unchanged."""
    arn = as_arn(principal)
    if arn is None or arn.partition == partition:
        return principal
    return str(arn._replace(partition=partition))


@lru_cache(4_096)
def known_arn(text: str) -> Arn:
    """`Arn.parse` with a cache, for ARNs of stored records and of authenticated callers only.

    Other texts from requests would push these out of the cache.
    """
    return Arn.parse(text)


@lru_cache(4_096)
def identity_of(principal: str) -> str:
    """The ARN of a caller's `Arn.identity`; an AWS service is its own. Cached like `known_arn`."""
    return str(Arn.parse(principal).identity) if is_arn(principal) else principal


def as_arn(text: str) -> Arn | None:
    """The ARN in a request or a policy; None if the text is not an ARN."""
    try:
        return Arn.parse(text)
    except ValueError:
        return None


def is_arn(text: str) -> bool:
    """Whether a text begins like an ARN, and not like an id, an alias name or an AWS service."""
    return text.startswith("arn:")


def is_service_name(text: str) -> bool:
    """Whether a text is an AWS service's name, perhaps with its Region."""
    return SERVICE_NAME.fullmatch(text) is not None


def resource_of(text: str) -> str:
    """An ARN's resource, such as `user/alice`; any other text unchanged."""
    arn = as_arn(text)
    return arn.resource if arn else text


def arn_prefix(service: str, region: str, account: str = "") -> str:
    """The beginning of all ARNs of a service in a Region, or in an account of that Region."""
    start = f"arn:{partition_of(region)}:{service}:{region}:"
    return f"{start}{account}:" if account else start


def root_arn(account: str, partition: str = AWS) -> str:
    """The account's root user, which in a policy means the whole account."""
    return f"arn:{partition}:iam::{account}:root"


def user_arn(account: str, name: str) -> str:
    return f"{arn_prefix('iam', '', account)}user/{name}"


def role_arn(account: str, name: str) -> str:
    return f"{arn_prefix('iam', '', account)}role/{name}"


def session_arn(account: str, role: str, session: str) -> str:
    """The session's ARN, which lacks the role's path."""
    role = role.rpartition("/")[2]
    return f"{arn_prefix('sts', '', account)}assumed-role/{role}/{session}"
