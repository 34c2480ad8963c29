"""Backups of a whole store, sealed under its root key, and new stores from them.

Rule: a backup without its root key opens nothing, and neither does the root key alone. Kept
together they are as good as all keys in clear, so they belong in different places.
"""

import json
import tempfile
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from kmslab.crypto import SecretBytes
from kmslab.kms import store as stores
from kmslab.kms.arn import known_arn
from kmslab.kms.backing import root_key, sealed_stream
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.backing.passphrase import Passphrase
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.backing.sealed import KINDS
from kmslab.kms.backing.sealed_stream import BackupError, Head
from kmslab.kms.backing.startup import Given, PassphraseNeeded
from kmslab.kms.contract.records import name_of
from kmslab.whole_file import written

LINES = 256  # that are compressed together


@dataclass(slots=True)
class Contents:
    """What a backup has in it. It counts while the rows pass."""

    rows: dict[str, int] = field(default_factory=dict)
    _accounts: set[str] = field(default_factory=set)

    @property
    def keys(self) -> int:
        return self.rows.get("key", 0)

    @property
    def events(self) -> int:
        return self.rows.get("event", 0)

    @property
    def accounts(self) -> int:
        return len(self._accounts)

    def __str__(self) -> str:
        keys, events = _number(self.keys, "key"), _number(self.events, "event")
        return f"{keys} and {events} of {_number(self.accounts, 'account')}"

    def counted(self, items: Iterable[Any]) -> Iterator[Any]:
        table = ""
        for item in items:
            if isinstance(item, list):
                self.rows[table] = self.rows.get(table, 0) + 1
                self._note(table, item)
            elif "table" in item:
                table = item["table"]
            yield item

    def _note(self, table: str, row: list[Any]) -> None:
        if table == "event":
            self._accounts.add(str(row[2]))
        elif table == "key":
            try:
                self._accounts.add(known_arn(row[0]).account)
            except stores.UNREADABLE:
                return  # a damaged row is copied as it is


def _number(count: int, what: str) -> str:
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


class Restored(NamedTuple):
    """`opened`: how many sealed records open. `unopened`: the names of those that do not."""

    contents: Contents
    opened: int
    unopened: tuple[str, ...]


def backup(store: "stores.Store", hsm: Hsm, file: str | Path, overwrite: bool = False) -> Contents:
    """Write the store, as it is at one moment, to a file. It may be used meanwhile.

    Raises FileExistsError, or another OSError; then there is no file.
    """
    if not store.shared:
        raise ValueError("a lab in memory has nothing that could be restored: its root key dies")
    from kmslab.kms.store.copying import snapshot

    store.flush()
    contents = Contents()
    with snapshot(store) as copied, written(file, overwrite) as target:
        lines = _lines(contents.counted(copied.items()))
        for piece in hsm.domain_keys.sealed_stream(copied, lines):
            target.write(piece)
    return contents


def restore(file: str | Path, url: str, given: Given = None) -> Restored:
    """Make a new store of a backup, which needs the root key that the store had then.

    `given`: by default the file beside the new store's. Raises `BackupError`, `RootKeyError` or
    `StoreError` (one is there already); then there is no new store.
    """
    from kmslab.kms.store.opening import file_of

    path = file_of(url)
    return _restored(file, url, given or (root_key.beside(path) if path else None))


def check_place(url: str) -> None:
    """Raises ValueError if no store can be restored to this URL."""
    from kmslab.kms.store.opening import file_of

    file_of(url)


def rehearse(file: str | Path, given: Given) -> Restored:
    """Restore to a temporary store, open everything in it, and delete it."""
    with tempfile.TemporaryDirectory(prefix="kmslab-") as folder:
        return _restored(file, f"sqlite:///{folder}/rehearsal.db", given)


def _restored(file: str | Path, url: str, given: Given) -> Restored:
    from kmslab.kms.store.restoring import filled

    contents = Contents()
    with (
        _opened(Path(file), given) as (key, items),
        filled(url, contents.counted(items)) as store,
    ):
        opened, unopened = _tried(store, Hsm(key, store))
    return Restored(contents, opened, unopened)


@contextmanager
def _opened(file: Path, given: Given) -> Iterator[tuple[SecretBytes, Iterator[Any]]]:
    """Errors that have no file in their text get it here."""
    try:
        with file.open("rb") as source:
            head = Head.read(source)
            key = _root_key(head, given)
            if not head.is_of(key):
                what = "passphrase" if head.root_key.stretching else "root key"
                raise RootKeyError(f"This is not the {what} with which the backup {file} was made.")
            yield key, _items(sealed_stream.opened(head, key, source))
    except BackupError as error:
        raise BackupError(f"The backup {file} cannot be opened: {error}.") from None


def _root_key(head: Head, given: Given) -> SecretBytes:
    made = head.root_key.stretching
    if made and not isinstance(given, Passphrase):
        raise PassphraseNeeded(
            "The root key of this backup is made from a passphrase: the one that the store had "
            "then. Give it in KMSLAB_PASSPHRASE, or in a file that KMSLAB_PASSPHRASE_FILE names."
        )
    if made and isinstance(given, Passphrase):
        try:
            return given.root_key(made)
        except ValueError:  # a salt or a cost that no kmslab has written
            raise BackupError("it is damaged at its beginning") from None
    if given is None or isinstance(given, Passphrase):
        raise RootKeyError(
            "The root key of this backup is in a file. Give the one that the store had then: "
            "--root-key FILE."
        )
    return root_key.in_file(given, needed=True)


def _tried(store: "stores.Store", hsm: Hsm) -> tuple[int, tuple[str, ...]]:
    """Open everything that is sealed."""
    opened, unopened = 0, []
    for kind in KINDS:
        after = ""
        while page := store.page(kind.record, kind.prefix, after):
            for record in page:
                try:
                    part = kind.part(hsm, record)
                    if part:
                        part.opened()
                        opened += 1
                except stores.Damaged:
                    unopened.append(f"{kind.name} {name_of(record)}")
            after = name_of(page[-1])
    return opened, tuple(unopened)


# ------------------------------------------------------------------------------------------ lines


def _bytes(value: Any) -> dict[str, str]:
    return {"b64": b64encode(value).decode()}


_to_json = json.JSONEncoder(separators=(",", ":"), default=_bytes).encode


def _lines(items: Iterable[Any]) -> Iterator[bytes]:
    """Each item as a line of JSON, many lines at a time."""
    lines: list[str] = []
    for item in items:
        lines.append(_to_json(item) + "\n")
        if len(lines) == LINES:
            yield "".join(lines).encode()
            lines.clear()
    yield "".join(lines).encode()


def _items(pieces: Iterable[bytes]) -> Iterator[Any]:
    rest = b""
    for piece in pieces:
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            item = json.loads(line)
            yield [*map(_value, item)] if isinstance(item, list) else item
    if rest:
        raise BackupError("it ends in the middle of a line")


def _value(value: Any) -> Any:
    return b64decode(value["b64"]) if isinstance(value, Mapping) else value
