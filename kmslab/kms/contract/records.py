"""What a KMS remembers: frozen records, changed with `replace`. None holds a plaintext key.

A record's first field is its name in the store and is unique in its class. `version` is 0 until the
record is stored and rises with each change. It never repeats, even if a name is removed and stored
again, so a commit can check that nothing has changed since a record was read. Times are aware
datetimes in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from kmslab.kms.arn import (
    Arn,
    arn_prefix,
    identity_of,
    in_partition,
    is_arn,
    known_arn,
    partition_of,
    root_arn,
)
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.specs import KeyManager, KeyUsage, Origin, Reach
from kmslab.kms.contract.states import KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A KMS key's metadata. Its key material is sealed in `Material` records."""

    arn: str
    spec: str
    usage: KeyUsage
    origin: Origin
    state: KeyState
    created: datetime
    description: str
    policy: str
    material: str  # id of the current key material; "" if none has been imported yet
    manager: KeyManager = KeyManager.CUSTOMER
    tags: Mapping[str, str] = field(default_factory=dict)
    deletion_date: datetime | None = None
    rotation_days: int = 0  # the period of automatic rotation; 0: off
    next_rotation: datetime | None = None
    rotate_at: datetime | None = None  # when a rotation on demand was requested that has not run
    rotations_on_demand: int = 0
    lacks_material: bool = False  # whether any material that it has used is not imported (any more)
    expires: datetime | None = None  # when the first of its imported key materials expires
    pending_expires: datetime | None = None  # when the material expires that is pending rotation
    primary_arn: str = ""  # of its multi-Region primary; "": a single-Region key
    ready: datetime | None = None  # when it stops being Creating or Updating
    deletion_days: int = 0  # the waiting period, which begins when the last replica is gone
    store: str = ""  # handle of the custom key store; "": KMS's own
    external_key: str = ""  # id of the key in the external key manager
    due: datetime | None = None  # when the service must act on it next; set at commit
    version: int = 0

    @property
    def id(self) -> str:
        return known_arn(self.arn).name

    @property
    def region(self) -> str:
        return known_arn(self.arn).region

    @property
    def account(self) -> str:
        return known_arn(self.arn).account

    @property
    def reach(self) -> Reach:
        if not self.primary_arn:
            return Reach.SINGLE_REGION
        return Reach.PRIMARY if self.primary_arn == self.arn else Reach.REPLICA


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One piece of key material as it is outside the boundary: sealed under a domain key."""

    handle: str  # "<Region>/<material id>", so that a ciphertext blob can name it
    key: str  # the key's ARN
    spec: str  # the key's
    domain: str  # id of the domain key that seals it
    sealed: bytes  # b"": imported, and deleted or expired since
    public: bytes = b""  # an asymmetric key's SubjectPublicKeyInfo in DER, bound to `sealed`
    number: int = 0  # 0 for the key's first material; each rotation adds one
    created: datetime
    rotation: str = ""  # AUTOMATIC or ON_DEMAND; "" for the key's first material
    imported: bool = False
    expires: datetime | None = None
    description: str = ""
    version: int = 0

    @property
    def id(self) -> str:
        return self.handle.rpartition("/")[2]

    @property
    def is_gone(self) -> bool:
        """Whether it was imported, and has been deleted or has expired since."""
        return self.imported and not self.sealed

    @property
    def is_pending(self) -> bool:
        """Whether it was imported for the next rotation. It can still be exchanged."""
        return self.imported and self.number > 0 and not self.rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainKey:
    """A Region's key that seals key material. The root key wraps it."""

    id: str
    region: str
    wrapped: bytes
    created: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Alias:
    arn: str
    target: str  # the key's ARN
    created: datetime
    updated: datetime
    version: int = 0

    @property
    def name(self) -> str:
        """With its prefix, such as `alias/orders`."""
        return known_arn(self.arn).resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An IAM user or role, with the policy that says what it may do."""

    arn: str  # in partition `aws` and without its path: see `Arn.record_name`
    path: str = ""  # "aws-reserved/sso.amazonaws.com/", between `role/` and the name
    policy: str  # a policy document in JSON; "" if it has none
    created: datetime
    version: int = 0

    def full_arn(self, partition: str) -> str:
        """With its path, as policies and grants in this partition name it."""
        arn = known_arn(self.arn)
        named = f"{arn.kind}/{self.path}{arn.name}"
        return str(arn._replace(partition=partition, resource=named))


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """The credentials with which a program signs its requests."""

    id: str
    principal: str  # the signer's ARN: a root user, a user or a role's session
    sealed: bytes  # the secret
    token: str = ""  # digest of the session token that a role's session sends with the id
    expires: datetime | None = None
    created: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """A permission on one key for one grantee, in addition to all policies."""

    handle: str  # "<key ARN>/<grant id>"
    key: str  # the key's ARN
    grantee: str  # a principal's ARN, or a service principal
    retiring: str = ""  # a principal that may retire it, as may the account that made it
    operations: tuple[str, ...]
    constraints: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    source_arn: str = ""
    name: str = ""
    issuer: str  # ARN of the root user of the account that made it
    created: datetime
    version: int = 0

    @property
    def id(self) -> str:
        return self.handle.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One of the lab's own values that must outlive a process, such as the clock's offset."""

    name: str
    value: str
    version: int = 0


Record = Key | Material | DomainKey | Alias | Principal | AccessKey | Grant | KeyStore | Setting
KINDS: tuple[type[Record], ...] = (
    Key,
    Material,
    DomainKey,
    Alias,
    Principal,
    AccessKey,
    Grant,
    KeyStore,
    Setting,
)
Resource = Key | Alias | Grant | KeyStore  # a record that a request can name
R = TypeVar("R", bound=Record)


def name_of(record: Record) -> str:
    """A record's name in the store: its first field."""
    name: str = getattr(record, type(record).__slots__[0])
    return name


TRACKING_BEGAN = datetime(2026, 4, 23, tzinfo=UTC)  # AWS records last uses since; developer guide


@dataclass(frozen=True, slots=True)
class LastUse:
    """A key's last cryptographic use. It is kept with the events, not with the key."""

    operation: str
    time: datetime
    request_id: str


class Reader(Protocol):
    """The store as all modules but the service see it: records can only be read."""

    def get(self, kind: type[R], name: str) -> R | None: ...
    def find(self, kind: type[R], **equal: str) -> list[R]: ...
    def count(self, kind: type[R], **equal: str) -> int: ...
    def page(
        self, kind: type[R], prefix: str, after: str = "", limit: int = 100, **equal: str
    ) -> list[R]: ...
    def last_use(self, key: str) -> LastUse | None: ...


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

    def __post_init__(self) -> None:
        """The principal of the same name in the Region's partition calls: `arn:aws-cn:…`."""
        principal = in_partition(self.principal, self.partition)
        object.__setattr__(self, "principal", principal)

    @property
    def partition(self) -> str:
        return partition_of(self.region)

    def kms_arn(self, resource: str) -> Arn:
        """The ARN of a KMS resource in this account and Region, such as `key/1234…`."""
        return Arn(self.partition, "kms", self.region, self.account, resource)

    @property
    def here(self) -> str:
        """The beginning of all ARNs of KMS resources in this account and Region."""
        return arn_prefix("kms", self.region, self.account)

    @property
    def is_service(self) -> bool:
        """Whether an AWS service calls in its own name."""
        return not is_arn(self.principal)

    @property
    def is_root(self) -> bool:
        """Whether the account's root user calls."""
        return not self.is_service and known_arn(self.principal).is_root

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


class Event(NamedTuple):
    """What one call stores about itself. The trail shows it in CloudTrail's form when it is read.

    `request` and `response` are already redacted by the contract. A tuple, because every call makes
    one, and a frozen dataclass takes four times as long to make.
    """

    time: datetime
    operation: str
    principal: str  # ARN, or "" when the service itself acted
    account: str  # the caller's
    region: str
    request_id: str
    recipient: str = ""  # the trail's account, if not the caller's: the key's owner
    via: str = ""  # the service that called on the principal's behalf
    source: tuple[str, ...] = ()  # the caller's `NetworkSource`
    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    resources: tuple[str, ...] = ()
    used: tuple[str, ...] = ()  # keys that this call used for cryptography
    extra: Mapping[str, Any] = MappingProxyType({})
    error_code: str = ""
    error_message: str = ""
    sequence: int = 0  # its place in the store, in the order of writing; 0 until stored


class Elsewhere(NamedTuple):
    """The event that a call leaves in another Region, about a key there.

    `name`: of the operation that KMS carries out there, with its request and answer.
    """

    name: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]


DAMAGED = "DamagedEvent"


def damaged(event: Event) -> Event:
    """An event to show in the place of one that cannot be read."""
    return Event(
        time=event.time,
        operation=DAMAGED,
        principal="",
        account=event.recipient or event.account,
        region=event.region,
        request_id=f"the event in place {event.sequence}",
        error_code=DAMAGED,
        error_message="This event is damaged in the store and cannot be read.",
        sequence=event.sequence,
    )
