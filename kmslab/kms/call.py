"""What an operation gets: the checked request, the caller, the records of its roles, and `put`.

An operation writes nothing. It stages records with `put` and `remove`, and `Service.call` commits
them or drops them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from kmslab.kms.arn import as_arn
from kmslab.kms.backing import Backing, KeyStoreBacking
from kmslab.kms.backing.key_stores import in_store
from kmslab.kms.backing.recipients import Recipient
from kmslab.kms.changes import Change
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.events import Elsewhere
from kmslab.kms.contract.key_stores import StoreType
from kmslab.kms.contract.records import Key, Material, Reader, Record, Resource
from kmslab.kms.contract.specs import Origin
from kmslab.kms.contract.states import KeyState
from kmslab.kms.lifecycle import check_moves, shown_state
from kmslab.kms.store import Damaged


class FilledRole(NamedTuple):
    """One of the operation's roles as this call fills it."""

    arn: str  # of the resource that the caller needs a permission for; it may have no record
    record: Resource | None = None
    used: Material | None = None
    algorithm: str = ""
    context: Mapping[str, str] = MappingProxyType({})
    prefix: str = ""  # of the request's members that are about this role
    named_by_blob: bool = False  # only a ciphertext blob names the key; the request does not
    problem: tuple[str, ...] = ()  # an error, raised only after the caller was authorised

    @property
    def material(self) -> Material:
        key, used = self.record, self.used
        # The seal binds the material to both, so that a changed store cannot put it to other use.
        if not isinstance(key, Key) or not used or (used.key, used.spec) != (key.arn, key.spec):
            raise Damaged(f"{self.arn} has no key material, or that of another key or key spec")
        return used


@dataclass(slots=True)
class Call:
    name: str
    caller: Caller
    now: datetime
    request_id: str
    records: Reader
    backings: Mapping[Origin, Backing]
    key_stores: Mapping[StoreType, KeyStoreBacking]
    new_id: Callable[[], str]
    request: dict[str, Any] = field(default_factory=dict, repr=False)  # it may hold a plaintext
    recipient: Recipient | None = None  # the enclave that the answer is sealed for, verified
    roles: list[FilledRole] = field(default_factory=list)
    change: Change = field(init=False, repr=False)  # a new one for each attempt
    details: dict[str, Any] = field(default_factory=dict)  # what else the event says
    elsewhere: dict[str, Elsewhere] = field(default_factory=dict)  # by keys' ARNs

    def __getitem__(self, member: str) -> Any:
        return self.request[member]

    def get(self, member: str, default: Any = None) -> Any:
        return self.request.get(member, default)

    @property
    def role(self) -> FilledRole:
        """The first role; most operations have no other."""
        return self.roles[0]

    @property
    def found(self) -> list[Resource]:
        """The records that the request names; the operation is called with them."""
        return [role.record for role in self.roles if role.record]

    def is_cross_account(self, role: FilledRole) -> bool:
        """True if another account owns the resource: a refusal's event does not name it."""
        arn = as_arn(role.arn)
        return arn is None or arn.account != self.caller.account

    def state_of(self, key: Key) -> KeyState:
        return shown_state(self.records, key, self.now)

    def backing(self, key: Key) -> Backing:
        """The place of the key's material. A custom key store is told for which call it is used."""
        if key.store:
            return in_store(self.records, self.key_stores, key, self)
        return self.backings[key.origin]

    def put(self, *records: Record) -> None:
        """Stage records: they are stored if the call succeeds."""
        check_moves(self.name, self.change.found, records)
        self.change.put(*records)

    def remove(self, *records: Record) -> None:
        """Stage records for deletion, if the call succeeds."""
        check_moves(self.name, self.change.found, removed=records)
        self.change.remove(*records)
