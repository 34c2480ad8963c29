"""Who calls: a principal, its account, and where the request came from."""

from dataclasses import dataclass, field
from typing import NamedTuple

from kmslab.kms.arn import (
    arn_prefix,
    identity_of,
    in_partition,
    is_arn,
    known_arn,
    partition_of,
    root_arn,
)


class NetworkSource(NamedTuple):
    """Where a request came from, as far as its transport knows."""

    ip: str = ""
    user_agent: str = ""
    host: str = ""  # the Host header that the client sent
    tls_version: str = ""  # "TLSv1.3"; "": not encrypted
    cipher: str = ""
    access_key: str = ""  # the id that the request was signed with


@dataclass(frozen=True, slots=True)
class Caller:
    """A principal that calls, its account, and the Region that it calls.

    `principal` is what the trail shows: the ARN of a root user, a user or a role's session, or an
    AWS service's name (`dynamodb.amazonaws.com`). `via` is a service that calls on the principal's
    behalf (`s3.us-east-1.amazonaws.com`).
    """

    principal: str
    account: str
    region: str
    via: str = ""
    source_arn: str = ""  # the resource for which a service calls
    source: NetworkSource | None = None  # None: the call comes from this process
    # What follows from these, found once for a caller and not at every call.
    partition: str = field(init=False, repr=False, compare=False)
    is_service: bool = field(init=False, repr=False, compare=False)  # calls in its own name
    is_root: bool = field(init=False, repr=False, compare=False)  # the account's root user

    def __post_init__(self) -> None:
        """The principal of the same name in the Region's partition calls: `arn:aws-cn:…`."""
        partition = partition_of(self.region)
        principal = in_partition(self.principal, partition)
        is_service = not is_arn(principal)
        known = {
            "partition": partition,
            "principal": principal,
            "is_service": is_service,
            "is_root": not is_service and known_arn(principal).is_root,
        }
        for name, value in known.items():
            object.__setattr__(self, name, value)

    @property
    def here(self) -> str:
        """The beginning of all ARNs of KMS resources in this account and Region."""
        return arn_prefix("kms", self.region, self.account)

    def is_home(self, account: str) -> bool:
        """Whether the caller is of this account; an AWS service is at home in every account."""
        return self.account == account or self.is_service

    @property
    def identity(self) -> str:
        """The principal whose policies count: a session's role; any other caller itself.

        A session's ARN has no path, so this lacks the role's: see `access.principals.identity`.
        """
        return identity_of(self.principal)

    @property
    def services(self) -> tuple[str, ...]:
        """The names by which a policy or a grant can mean the service: also with its Region."""
        first, *rest = self.principal.split(".")
        return (self.principal, ".".join([first, self.region, *rest]))

    @property
    def account_principal(self) -> str:
        """What a policy names to mean the caller's whole account; for a service its own name."""
        return self.principal if self.is_service else root_arn(self.account, self.partition)
