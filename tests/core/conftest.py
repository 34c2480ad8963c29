"""What the core's tests share: a lab, a way to claim a refusal, and one example of every request.

A new operation needs its example in `EXAMPLES`; the tests over THE TABLE then include it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import pytest

from kmslab import Clock, Lab
from kmslab.contract.errors import KMSError
from kmslab.contract.records import Key
from kmslab.contract.states import KeyState

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

Refused = Callable[[str, str], AbstractContextManager[Any]]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(clock=Clock.frozen(NOW)) as lab:
        yield lab


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """One for a whole module: for tests that make their own keys and never look at all of them."""
    with Lab(clock=Clock.frozen(NOW)) as lab:
        yield lab


@pytest.fixture
def key(lab: Lab) -> str:
    """The ARN of an enabled symmetric key."""
    return lab.create_cmk().arn


@pytest.fixture(scope="session")
def refused() -> Refused:
    """`with refused("NotFoundException", "the whole text"): …`"""

    @contextmanager
    def expect(code: str, text: str) -> Iterator[Any]:
        with pytest.raises(KMSError) as caught:
            yield caught
        assert (caught.value.code, caught.value.message) == (code, text)
        assert caught.value.response["Error"] == {"Code": code, "Message": text}

    return expect


# ------------------------------------------------------------------------------ example requests


@dataclass(frozen=True)
class Scene:
    """A key and what requests about it need, made while it was enabled."""

    lab: Lab
    key: str  # ARN
    other: str  # ARN of another enabled key
    alias: str  # of `key`
    other_alias: str
    blob: bytes  # of `key`
    other_blob: bytes

    @classmethod
    def of(cls, lab: Lab) -> "Scene":
        key, other = lab.create_cmk(), lab.create_cmk()
        names = [f"alias/example-{cmk.id}" for cmk in (key, other)]
        for cmk, name in zip((key, other), names, strict=True):
            lab.kms.create_alias(AliasName=name, TargetKeyId=cmk.id)
        blobs = [cmk.encrypt(PLAINTEXT, CONTEXT) for cmk in (key, other)]
        return cls(lab, key.arn, other.arn, *names, *blobs)

    def record(self) -> Key:
        found = store_of(self.lab).get(Key, self.key)
        assert found is not None
        return found

    def bring_into(self, state: KeyState) -> None:
        """By a real call where there is one; what nothing built leads to is put into the store."""
        if move := MOVES_THERE.get(state):
            move(self.lab.kms, self.key)
        elif state is not KeyState.ENABLED:
            store_of(self.lab).commit(put=[replace(self.record(), state=state)])


def store_of(lab: Lab) -> Any:
    return lab._store  # the only way to a state that no operation reaches yet


MOVES_THERE: dict[KeyState, Callable[[Any, str], Any]] = {
    KeyState.DISABLED: lambda kms, key: kms.disable_key(KeyId=key),
    KeyState.PENDING_DELETION: lambda kms, key: kms.schedule_key_deletion(KeyId=key),
}

PLAINTEXT, CONTEXT = b"card 4242", {"order": "17"}
POLICY = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow"}]}'

# "Operation" → its request; "Operation role" where several keys take part, for the one that
# `Scene.key` is.
EXAMPLES: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "CreateKey": lambda s: {"Description": "an example"},
    "DescribeKey": lambda s: {"KeyId": s.key},
    "ListKeys": lambda s: {},
    "UpdateKeyDescription": lambda s: {"KeyId": s.key, "Description": "another"},
    "EnableKey": lambda s: {"KeyId": s.key},
    "DisableKey": lambda s: {"KeyId": s.key},
    "ScheduleKeyDeletion": lambda s: {"KeyId": s.key, "PendingWindowInDays": 7},
    "CancelKeyDeletion": lambda s: {"KeyId": s.key},
    "Encrypt": lambda s: {"KeyId": s.key, "Plaintext": PLAINTEXT, "EncryptionContext": CONTEXT},
    "Decrypt": lambda s: {"CiphertextBlob": s.blob, "EncryptionContext": CONTEXT},
    "ReEncrypt source": lambda s: _re_encrypt(s.blob, s.other),
    "ReEncrypt destination": lambda s: _re_encrypt(s.other_blob, s.key),
    "GenerateDataKey": lambda s: {"KeyId": s.key, "KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": lambda s: {"KeyId": s.key, "NumberOfBytes": 64},
    "GenerateRandom": lambda s: {"NumberOfBytes": 32},
    "CreateAlias": lambda s: {"AliasName": f"{s.alias}-2", "TargetKeyId": s.key},
    "UpdateAlias old": lambda s: {"AliasName": s.alias, "TargetKeyId": s.other},
    "UpdateAlias new": lambda s: {"AliasName": s.other_alias, "TargetKeyId": s.key},
    "DeleteAlias": lambda s: {"AliasName": s.alias},
    "ListAliases": lambda s: {"KeyId": s.key},
    "GetKeyPolicy": lambda s: {"KeyId": s.key},
    "PutKeyPolicy": lambda s: {"KeyId": s.key, "Policy": POLICY},
    "ListKeyPolicies": lambda s: {"KeyId": s.key},
}


def _re_encrypt(blob: bytes, destination: str) -> dict[str, Any]:
    return {
        "CiphertextBlob": blob,
        "SourceEncryptionContext": CONTEXT,
        "DestinationKeyId": destination,
    }


@pytest.fixture(scope="session")
def new_scene() -> Callable[[Lab], Scene]:
    return Scene.of


@pytest.fixture(scope="session")
def example() -> Callable[..., dict[str, Any]]:
    """`example(scene, "ReEncrypt", "source")`: a request that succeeds while the key is enabled."""

    def build(scene: Scene, operation: str, role: str = "") -> dict[str, Any]:
        names = [name for name in EXAMPLES if name.split() == [operation, *role.split()]]
        names += [name for name in EXAMPLES if not role and name.split()[0] == operation]
        if not names:
            named = f"{operation} {role}".strip()
            pytest.fail(f"{named} has no example request: add one to EXAMPLES in {__name__}.py")
        return EXAMPLES[names[0]](scene)

    return build
