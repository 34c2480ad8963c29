"""The question that is decided: may this caller do this, to that resource, with this request?

It holds everything that a policy, a grant or a condition can refer to.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from kmslab.kms.access import principals
from kmslab.kms.arn import Arn, known_arn
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.records import Grant, Key, Reader, Resource


class Question(NamedTuple):
    """One caller, one permission, one resource; a ReEncrypt asks two of them.

    A tuple, because each call makes one: a frozen dataclass takes longer than some decisions.
    """

    caller: Caller
    operation: str  # as permissions and grants name it: "Decrypt", "ReEncryptFrom"
    resource: str  # an ARN; "*": the whole account; "": what a ciphertext names, which is unknown
    record: Resource | None  # the stored resource, if there is one
    request: Mapping[str, Any]  # AWS's members, validated, with the default algorithms filled in
    now: datetime
    records: Reader
    prefix: str = ""  # of ReEncrypt's members: "Source" or "Destination"
    measurements: Mapping[str, str] = MappingProxyType({})  # of the Recipient's enclave, verified
    cross_account: bool = False  # whether AWS lets callers from other accounts do this
    memo: dict[str, Any] | None = None  # what `condition_keys` has found out for this question
    original: Key | None = None  # CreateKey: the primary key, if it is to make a replica
    same_key: bool | None = None  # ReEncrypt: whether source and destination are one key

    @property
    def action(self) -> str:
        return f"kms:{self.operation}"

    @property
    def key(self) -> Key | None:
        """The resource itself, or the key that a grant was made on."""
        if isinstance(self.record, Grant):
            return self.records.get(Key, self.record.key)
        return self.record if isinstance(self.record, Key) else None

    @property
    def identity(self) -> str:
        """The principal whose policies count, with its path."""
        return principals.identity(self.records, self.caller)

    @property
    def account(self) -> str:
        """The account that owns the resource; for "*" the caller's."""
        if self.resource in ("*", ""):
            return self.caller.account if self.resource else ""
        parse = known_arn if self.record else Arn.parse
        return parse(self.resource).account

    def __repr__(self) -> str:
        """Without the request, which may hold a plaintext."""
        return f"<Question {self.caller.principal} {self.action} {self.resource}>"
