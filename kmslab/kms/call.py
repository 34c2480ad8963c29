"""What an operation is given: the checked request, who calls, its roles' records, and `put`.

An operation writes nothing. It reads what the road found and stages records with `put` and
`remove`; the road commits them, or drops them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.contract.records import Alias, Caller, Grant, Key, Material, Reader, Record
from kmslab.kms.contract.specs import Origin


class Part(NamedTuple):
    """One of the operation's roles, as this call fills it."""

    arn: str  # of the resource that access is asked to, which may have no record
    record: Key | Alias | Grant | None = None
    used: Material | None = None
    algorithm: str = ""
    context: Mapping[str, str] = MappingProxyType({})
    prefix: str = ""  # of the members that are about this role
    unnamed: bool = False  # a blob has named it, not the caller

    @property
    def material(self) -> Material:
        if not isinstance(self.record, Key) or self.used is None:
            raise RuntimeError("this role has no key material")
        # What the seal binds the material to: whoever writes the store must not use it otherwise.
        if (self.used.key, self.used.spec) != (self.record.arn, self.record.spec):
            raise RuntimeError(f"{self.record.arn} names material of another key or key spec")
        return self.used


@dataclass(slots=True)
class Call:
    name: str
    caller: Caller
    now: datetime
    request_id: str
    records: Reader
    backings: Mapping[Origin, Hsm]
    new_id: Callable[[], str]
    request: dict[str, Any] = field(default_factory=dict, repr=False)  # it may hold a plaintext
    parts: list[Part] = field(default_factory=list)
    staged: list[Record] = field(default_factory=list)
    removed: list[Record] = field(default_factory=list)
    details: dict[str, Any] = field(default_factory=dict)  # what the event tells besides

    def __getitem__(self, member: str) -> Any:
        return self.request[member]

    def get(self, member: str, default: Any = None) -> Any:
        return self.request.get(member, default)

    @property
    def role(self) -> Part:
        """The first role; most operations have no other."""
        return self.parts[0]

    @property
    def found(self) -> list[Key | Alias | Grant]:
        """The records that the request names, which the operation is given."""
        return [part.record for part in self.parts if part.record]

    def backing(self, key: Key) -> Hsm:
        return self.backings[key.origin]

    def put(self, *records: Record) -> None:
        """Stage records: they are stored if the call succeeds."""
        self.staged.extend(records)

    def remove(self, *records: Record) -> None:
        """Stage records for deletion, if the call succeeds."""
        self.removed.extend(records)
