"""What the store keeps about its root key, which is never the key: how to recognise it.

The record seals nothing but a check, which only the right root key opens. If the root key comes
from a passphrase, the record also has the salt and the cost with which it was made.
"""

import json
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol

from kmslab.crypto import Forged, SecretBytes
from kmslab.crypto.self_tested import SelfTested
from kmslab.kms.contract.records import R, Setting
from kmslab.kms.store import UNREADABLE, Damaged

NAME = "root key"
CHECK = b"kmslab root key check"


class Records(Protocol):
    def get(self, kind: type[R], name: str) -> R | None: ...


@dataclass(frozen=True, slots=True)
class Stretching:
    """How a passphrase became the root key, by Argon2id."""

    salt: bytes
    iterations: int
    lanes: int
    memory: int  # KiB


@dataclass(frozen=True, slots=True)
class RootRecord:
    check: bytes
    stretching: Stretching | None = None  # None: the root key is in a file
    stored: Setting | None = None

    @classmethod
    def of(
        cls, root_key: SecretBytes, backends: SelfTested, stretching: Stretching | None = None
    ) -> "RootRecord":
        return cls(backends.seal_box(root_key, b"", CHECK), stretching)

    @classmethod
    def find(cls, records: Records) -> "RootRecord | None":
        """None before the store's first domain key. Raises `Damaged`."""
        setting = records.get(Setting, NAME)
        if setting is None:
            return None
        try:
            return replace(cls.decoded(json.loads(setting.value)), stored=setting)
        except UNREADABLE:
            raise Damaged("the record of its root key cannot be read") from None

    @classmethod
    def decoded(cls, members: Mapping[str, Any]) -> "RootRecord":
        """Raises one of `UNREADABLE` for other members than a record's."""
        made = members.get("argon2id")
        stretching = Stretching(**{**made, "salt": b64decode(made["salt"])}) if made else None
        return cls(b64decode(members["check"]), stretching)

    def is_of(self, root_key: SecretBytes, backends: SelfTested) -> bool:
        try:
            backends.open_box(root_key, self.check, CHECK)
        except Forged:
            return False
        return True

    def setting(self, before: Setting | None) -> Setting:
        """What to store, in the place of the setting that is there."""
        members: dict[str, object] = {"check": _text(self.check)}
        if made := self.stretching:
            members["argon2id"] = {
                "salt": _text(made.salt),
                "iterations": made.iterations,
                "lanes": made.lanes,
                "memory": made.memory,
            }
        setting = before or Setting(name=NAME, value="")
        return replace(setting, value=json.dumps(members))


def _text(value: bytes) -> str:
    return b64encode(value).decode()
