"""Records what a learner's function asked the KMS for: which operations, on which keys.

Unlike the trail it also keeps what KMS answered, so that a check knows the data keys that were
handed out. It sees each call, by whichever client, view or handle of the lab it was made.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest.mock import patch

from kmslab.kms.arn import as_arn, is_arn
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

SECRET = ("Plaintext", "PrivateKeyPlaintext", "SharedSecret")  # members of answers
BLOBS = ("CiphertextBlob", "PrivateKeyCiphertextBlob", "SharedSecretCiphertextBlob")
NAMES_OF_KEYS = ("KeyId", "SourceKeyId", "DestinationKeyId")
CHOSEN = ("Algorithm", "Spec", "Usage", "Type", "NumberOfBytes")  # ends of such members' names


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call: `answer` if it succeeded, else `error`. `keys` are the ARNs that it named or used.

    A key that was named by an alias, in a call that failed, is not among them.
    """

    operation: str
    caller: Caller
    keys: frozenset[str]
    request: Mapping[str, Any] = field(repr=False)
    answer: Mapping[str, Any] | None = field(repr=False)
    error: KMSError | None = None

    @property
    def in_the_trail(self) -> list[Any]:
        """What was sent and is no secret to the KMS: contexts, tags, descriptions, aliases.

        Left out: plaintexts, blobs, the key's own names, and what is chosen from a list.
        """
        left_out = (*SECRET, *BLOBS, *NAMES_OF_KEYS)
        return [
            sent
            for name, sent in self.request.items()
            if name not in left_out and not name.endswith(CHOSEN)
        ]


class RecordedCalls(list[RecordedCall]):
    """The calls of a function, in order."""

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self]

    def on(self, key: CMK) -> "RecordedCalls":
        """The calls that named or used this key."""
        return RecordedCalls(call for call in self if key.arn in call.keys)

    def of(self, *operations: str) -> "RecordedCalls":
        """The calls of these operations, such as `Decrypt`."""
        return RecordedCalls(call for call in self if call.operation in operations)

    @property
    def refused(self) -> "RecordedCalls":
        return RecordedCalls(call for call in self if call.error)

    @property
    def secrets(self) -> list[bytes]:
        """The plaintexts that KMS handed out, among them data keys; none must be written down."""
        return self._answered(SECRET)

    @property
    def blobs(self) -> list[bytes]:
        """The ciphertexts that KMS handed out, among them encrypted data keys."""
        return self._answered(BLOBS)

    def _answered(self, members: tuple[str, ...]) -> list[bytes]:
        answers = [call.answer for call in self if call.answer]
        return [bytes(answer[name]) for answer in answers for name in members if name in answer]


@contextmanager
def recorded(lab: View) -> Iterator[RecordedCalls]:
    """`with recorded(lab) as calls:` keeps each call that is made to the lab meanwhile."""
    calls, make_call = RecordedCalls(), lab.service.call

    def call(
        name: str, caller: Caller, request: Mapping[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        answer, refusal = None, None
        try:
            answer = make_call(name, caller, request, request_id)
        except KMSError as error:
            refusal = error
            raise
        finally:
            keys = _keys(caller, request, answer or {})
            calls.append(RecordedCall(name, caller, keys, dict(request), answer, refusal))
        return answer

    with patch.object(lab.service, "call", call):
        yield calls


def _keys(caller: Caller, request: Mapping[str, Any], answer: Mapping[str, Any]) -> frozenset[str]:
    named = [each.get(member) for each in (request, answer) for member in NAMES_OF_KEYS]
    named.append(answer.get("KeyMetadata", {}).get("Arn"))
    full = (name if is_arn(name) else f"{caller.here}key/{name}" for name in named if name)
    arns = filter(None, map(as_arn, full))
    return frozenset(str(arn) for arn in arns if arn.kind == "key" and arn.name[:6] != "alias/")
