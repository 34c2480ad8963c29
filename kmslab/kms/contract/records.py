"""What a KMS remembers: frozen records, changed with `replace`. None holds a plaintext key.

A record's first field is its name in the store and is unique for its class; `version` is 0 until
it is stored, rises with each change, never comes back even if the name is removed and made again,
and is what a commit is guarded by. Times are aware datetimes in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Protocol, TypeVar

from kmslab.kms.arn import AWS, Arn, arn_prefix, is_arn, known_arn, root_arn
from kmslab.kms.contract.specs import KeyManager, KeyUsage, Origin
from kmslab.kms.contract.states import KeyState


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """A KMS key's metadata. Its key material stands in `Material` records, sealed."""

    arn: str
    spec: str
    usage: KeyUsage
    origin: Origin
    state: KeyState
    created: datetime
    description: str
    policy: str
    material: str  # id of the current key material
    manager: KeyManager = KeyManager.CUSTOMER
    tags: Mapping[str, str] = field(default_factory=dict)
    deletion_date: datetime | None = None
    rotation_days: int = 0  # the period of automatic rotation; 0: off
    next_rotation: datetime | None = None
    rotate_at: datetime | None = None  # when somebody asked for a rotation that is still to come
    rotations_on_demand: int = 0
    due: datetime | None = None  # when the service itself must act next; set by the road at commit
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One piece of key material as it lies outside the boundary: sealed under a domain key."""

    handle: str  # "<Region>/<material id>", which is what a ciphertext blob can say of its key
    key: str  # the key's ARN
    spec: str  # the key's
    domain: str  # id of the domain key that seals it
    sealed: bytes
    public: bytes = b""  # of an asymmetric key: SubjectPublicKeyInfo in DER, bound to `sealed`
    number: int = 0  # the key's first material is 0, each rotation adds one
    created: datetime
    rotation: str = ""  # how it came: AUTOMATIC or ON_DEMAND; the first came with the key
    version: int = 0

    @property
    def id(self) -> str:
        return self.handle.rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class DomainKey:
    """The key of one Region that seals key material; itself wrapped by the root key."""

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
        """With its prefix: `alias/orders`."""
        return known_arn(self.arn).resource


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """An IAM user or role, with the policy that says what it may do."""

    arn: str
    policy: str  # a policy document in JSON, or "": it may do nothing by itself
    created: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """What a program signs its requests with."""

    id: str
    principal: str  # the ARN of who signs: a root user, a user, a role's session
    sealed: bytes  # the secret
    token: str = ""  # of a role's session, sent beside the id
    expires: datetime | None = None
    created: datetime
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One key's permission for one grantee, which no policy knows of."""

    handle: str  # "<key ARN>/<grant id>"
    key: str  # the key's ARN
    grantee: str  # a principal's ARN, or a service principal
    retiring: str = ""  # who may give it back, beside the account that made it
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


Record = Key | Material | DomainKey | Alias | Principal | AccessKey | Grant | Setting
KINDS: tuple[type[Record], ...] = (
    Key,
    Material,
    DomainKey,
    Alias,
    Principal,
    AccessKey,
    Grant,
    Setting,
)
Resource = Key | Alias | Grant  # a record that a policy or a grant can be about
R = TypeVar("R", bound=Record)


def name_of(record: Record) -> str:
    """A record's name in the store, which is its first field."""
    name: str = getattr(record, type(record).__slots__[0])
    return name


TRACKING_BEGAN = datetime(2026, 4, 23, tzinfo=UTC)  # of last uses; developer guide


@dataclass(frozen=True, slots=True)
class LastUse:
    """The last time that a key has done cryptography; kept with the events, not with the key."""

    operation: str
    time: datetime
    request_id: str


class Reader(Protocol):
    """The store as every room but the road sees it: records can be read, by name or in order."""

    def get(self, kind: type[R], name: str) -> R | None: ...
    def find(self, kind: type[R], **equal: str) -> list[R]: ...
    def page(self, kind: type[R], prefix: str, after: str = "", limit: int = 100) -> list[R]: ...
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
    """Who calls, and where: a principal, the account that it belongs to, and a Region.

    `principal` is what the trail shows: the ARN of a root user, a user or a role's session, or an
    AWS service's name (`dynamodb.amazonaws.com`). `via` is a service that calls on the principal's
    behalf (`s3.us-east-1.amazonaws.com`).
    """

    principal: str
    account: str
    region: str
    via: str = ""
    source_arn: str = ""  # the resource for which a service calls
    source: NetworkSource | None = None  # None: from within this process

    def kms_arn(self, resource: str) -> Arn:
        """The ARN of a KMS resource in this account and Region, such as `key/1234…`."""
        return Arn(AWS, "kms", self.region, self.account, resource)

    @property
    def here(self) -> str:
        """What every ARN of a KMS resource in this account and Region begins with."""
        return arn_prefix("kms", self.region, self.account)

    @property
    def is_service(self) -> bool:
        """Whether an AWS service calls for itself."""
        return not is_arn(self.principal)

    @property
    def is_root(self) -> bool:
        """Whether the account's root user calls."""
        return not self.is_service and known_arn(self.principal).is_root

    @property
    def identity(self) -> str:
        """The principal whose policies count: a session's role; any other caller itself."""
        return self.principal if self.is_service else str(known_arn(self.principal).identity)

    @property
    def account_principal(self) -> str:
        """What a policy names to mean all of the caller's account. A service is in no account."""
        return self.principal if self.is_service else root_arn(self.account)


class Event(NamedTuple):
    """What one call knew when it ended. The trail shapes it into CloudTrail's form when it is read.

    `request` and `response` are redacted by the contract before they get here. A tuple, because
    every call makes one, and a frozen dataclass takes four times as long to make.
    """

    time: datetime
    operation: str
    principal: str  # ARN, or "" when the service itself acted
    account: str  # the caller's
    region: str
    request_id: str
    recipient: str = ""  # whose trail this is in, if not the caller's: the owner of the key
    via: str = ""  # the service that called on the principal's behalf
    source: tuple[str, ...] = ()  # the caller's `NetworkSource`
    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    resources: tuple[str, ...] = ()
    used: tuple[str, ...] = ()  # keys that have done cryptography in this call
    extra: Mapping[str, Any] = MappingProxyType({})
    error_code: str = ""
    error_message: str = ""
    sequence: int = 0  # its place in the store, in the order of writing; 0 until it is there
