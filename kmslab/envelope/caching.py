"""Data key caching: several messages share a data key, so the KMS is called less often.

This is a trade. Each cached key is plaintext in this process, it works for `max_age` seconds after
the KMS has refused, and who steals it opens every message that was encrypted with it. The limits
bound that damage. They have the names and the meaning that they have in the AWS Encryption SDK's
caching materials manager. Source: "Setting cache security thresholds" and "Data key caching
details", in its Developer Guide.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from kmslab.crypto import SecretBytes
from kmslab.envelope.materials import FreshMaterials, Materials
from kmslab.envelope.message import Header
from kmslab.envelope.suites import Suite

MAX_MESSAGES = 2**32
MAX_BYTES = 2**63 - 1


def _monotonic() -> datetime:
    """A clock that no change of the computer's time sets back. Only differences of it are used."""
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=time.monotonic())


@dataclass(frozen=True, slots=True)
class Entry:
    content: Any  # Materials to encrypt with, or the data key of a message that was opened
    added: datetime
    messages: int = 0  # that it encrypted
    size: int = 0  # of them, in bytes of plaintext


class DataKeyCache(FreshMaterials):
    """Give it to `encrypt` and `decrypt` in place of the keyring.

    `keyring`: as for `encrypt`. `max_age`: seconds for which a data key is used after it was added.
    `max_messages_encrypted`: 1 to 2³². `max_bytes_encrypted`: 0 to 2⁶³ - 1, of plaintext; a message
    that would exceed it gets a new data key, and one that alone reaches it is not cached.
    `capacity`: how many data keys it holds; the one that was used least recently goes first. `now`:
    the time, such as `lab.clock.now`. Raises ValueError beyond a limit.

    Messages share a data key if they have the same suite and the same context. Opening a message
    puts its data key in the cache, too; for these only `max_age` counts. Data of unknown size (a
    file or a stream) is encrypted with a data key of its own, and so is a message of a suite
    without a KDF.
    """

    def __init__(
        self,
        keyring: Any,
        *,
        max_age: float,
        max_messages_encrypted: int = MAX_MESSAGES,
        max_bytes_encrypted: int = MAX_BYTES,
        capacity: int = 100,
        now: Callable[[], datetime] = _monotonic,
    ) -> None:
        super().__init__(keyring)
        if not max_age > 0:
            raise ValueError(f"max_age is more than 0 seconds, not {max_age}")
        _within("max_messages_encrypted", max_messages_encrypted, 1, MAX_MESSAGES)
        _within("max_bytes_encrypted", max_bytes_encrypted, 0, MAX_BYTES)
        _within("capacity", capacity, 1, MAX_MESSAGES)
        self._max_age = max_age
        self._max_messages, self._max_bytes = max_messages_encrypted, max_bytes_encrypted
        self._capacity, self._now = capacity, now
        self._entries: OrderedDict[Hashable, Entry] = OrderedDict()
        self._lock = threading.Lock()  # not held while the KMS is called

    def to_encrypt(self, suite: Suite, pairs: Mapping[str, str], size: int | None) -> Materials:
        if size is None or suite.kdf is None:  # without a KDF, a data key encrypts only once
            return super().to_encrypt(suite, pairs, size)
        name = ("encrypt", suite.id, frozenset(pairs.items()))
        found = self._use(name, size)
        if isinstance(found, Materials):
            return found
        made, new = self._now(), super().to_encrypt(suite, pairs, size)
        if size < self._max_bytes:
            self._add(name, Entry(new, made, 1, size))
        return new

    def to_decrypt(self, header: Header) -> SecretBytes:
        name = ("decrypt", header.suite.id, frozenset(header.keys), header.full_context.encoded)
        found = self._use(name)
        if isinstance(found, SecretBytes):
            return found
        opened, data_key = self._now(), super().to_decrypt(header)
        self._add(name, Entry(data_key, opened))
        return data_key

    def clear(self) -> None:
        """Forget all data keys now: the next messages ask the KMS."""
        with self._lock:
            self._entries.clear()

    def __len__(self) -> int:
        """How many data keys are held, in plaintext."""
        with self._lock:
            self._drop_old()
            return len(self._entries)

    def __repr__(self) -> str:
        held = f"{len(self)} data key{'' if len(self) == 1 else 's'}"
        return f"<DataKeyCache of {held}, each for at most {self._max_age:g} seconds>"

    def _use(self, name: Hashable, size: int | None = None) -> Any:
        """The content of the entry, or None. `size`: of the message that it is to encrypt."""
        with self._lock:
            self._drop_old()
            entry = self._entries.pop(name, None)
            if entry and size is not None:
                entry = replace(entry, messages=entry.messages + 1, size=entry.size + size)
            if not entry or entry.messages > self._max_messages or entry.size > self._max_bytes:
                return None
            self._entries[name] = entry  # at the end: it was used most recently
            return entry.content

    def _add(self, name: Hashable, entry: Entry) -> None:
        with self._lock:
            self._drop_old()
            self._entries.pop(name, None)
            self._entries[name] = entry
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)

    def _drop_old(self) -> None:
        now, oldest = self._now(), timedelta(seconds=min(self._max_age, MAX_MESSAGES))
        for name, entry in list(self._entries.items()):
            if now - entry.added > oldest:
                del self._entries[name]


def _within(name: str, number: int, least: int, most: int) -> None:
    if not isinstance(number, int) or not least <= number <= most:
        raise ValueError(f"{name} is {least} to {most:,}, not {number}")
