"""What a KMS remembers: frozen records, changed with `replace`. None holds a plaintext key.

A record's first field is its name in the store and is unique in its class. `version` is 0 until the
record is stored and rises with each change. It never repeats, even if a name is removed and stored
again, so a commit can check that nothing has changed since a record was read. Times are aware
datetimes in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from kmslab.kms.arn import known_arn
from kmslab.kms.contract.events import LastUse
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
    """A key that seals a Region's key material, or what belongs to none. The root key wraps it."""

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
    pair: str = ""  # a pair of the constraints, to find it by: see `required_pairs`
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


class Reader(Protocol):
    """The store as all modules but the service see it: records can only be read."""

    def get(self, kind: type[R], name: str) -> R | None: ...
    def find(self, kind: type[R], **equal: str) -> list[R]: ...
    def are_fewer(self, kind: type[R], most: int, **equal: str) -> bool: ...
    def page(
        self, kind: type[R], prefix: str, after: str = "", limit: int = 100, **equal: str
    ) -> list[R]: ...
    def last_use(self, key: str) -> LastUse | None: ...
