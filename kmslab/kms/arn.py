"""ARNs: the names of AWS's resources, taken apart and put together here and in no other module.

`arn:aws:kms:us-east-1:111122223333:key/1234…` names a partition, a service, a Region, an account
and a resource, which may hold more colons. Records, requests and answers hold ARNs as texts. To
learn what a text names, a module uses `Arn.parse`, or `known_arn` in code that every call runs.
Source: IAM user guide, "Identify AWS resources with Amazon Resource Names (ARNs)", "IAM
identifiers"; AWS STS API reference, "AssumeRole".
"""

import re
from functools import lru_cache
from typing import NamedTuple

FIELDS = 6  # with "arn" in front
AWS = "aws"  # the partition of all ARNs that the lab makes

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
        if form is None or (self.partition, self.region) != (AWS, ""):
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
    def without_path(self) -> "Arn":
        """Names a user or a role by its friendly name, which is unique in an account."""
        if self.kind not in ("user", "role"):
            return self
        return self._replace(resource=f"{self.kind}/{self.friendly_name}")

    @property
    def friendly_name(self) -> str:
        """The name without its path: `alice` of `user/staff/alice`, a session's own name."""
        return self.resource.rpartition("/")[2]


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
    start = f"arn:{AWS}:{service}:{region}:"
    return f"{start}{account}:" if account else start


def root_arn(account: str) -> str:
    """The account's root user, which in a policy means the whole account."""
    return f"{arn_prefix('iam', '', account)}root"


def user_arn(account: str, name: str) -> str:
    return f"{arn_prefix('iam', '', account)}user/{name}"


def role_arn(account: str, name: str) -> str:
    return f"{arn_prefix('iam', '', account)}role/{name}"


def session_arn(account: str, role: str, session: str) -> str:
    """The session's ARN, which lacks the role's path."""
    role = role.rpartition("/")[2]
    return f"{arn_prefix('sts', '', account)}assumed-role/{role}/{session}"
