"""A backup is one state of a store in use. With its root key it opens whole, or not at all."""

import json
import shutil
import signal
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kmslab import Lab
from kmslab.kms import backups
from kmslab.kms.backing import sealed_stream
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.backing.sealed_stream import CHUNK, BackupError, Head, sealed
from kmslab.kms.backing.sealed_stream import opened as unsealed
from kmslab.kms.backing.startup import PassphraseNeeded
from kmslab.kms.backups import rehearse, restore
from kmslab.kms.contract.records import KINDS, Alias, Material
from kmslab.kms.store import StoreError, copying, migrations, restoring, schema
from tests.kms.store.samples import start
from tests.lab.kept import NOON, cheap, hsm_of, opened, proven

AT_SERVER: Any = pytest.param("postgresql", marks=pytest.mark.long)
Prove = Callable[[Lab], None]


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'my.db'}"


@pytest.fixture
def new_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'new.db'}"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "my.db.key"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "my.backup"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Prove]:
    """The folder of a full store and its backup, and what proves a lab to be the same."""
    folder = tmp_path_factory.mktemp("full")
    with opened(f"sqlite:///{folder / 'my.db'}") as lab, proven(lab) as prove:
        lab.backup(folder / "my.backup")
    return folder, prove


@pytest.fixture
def prove(full: tuple[Path, Prove], tmp_path: Path) -> Prove:
    """The store and its backup are in the test's own folder."""
    folder, prove = full
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return prove


def everything(lab: Lab) -> dict[str, Any]:
    """All records, and all events but those that looking leaves."""
    found: dict[str, Any] = {kind.__name__: lab._store.all(kind) for kind in KINDS}
    return found | {"events": lab._store.events()}


# --------------------------------------------------------------------------------- there and back


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("file", "file"),
        *(
            pytest.param(*ways, marks=pytest.mark.long)
            for ways in [("file", "server"), ("server", "file"), ("server", "server")]
        ),
    ],
)
def test_restored_store_is_the_same(
    request: pytest.FixtureRequest, tmp_path: Path, file: Path, here: str, there: str
) -> None:
    def place(kind: str, name: str) -> str:
        if kind == "server":
            return str(request.getfixturevalue("postgresql").new())
        return f"sqlite:///{tmp_path / name}"

    root_key, urls = tmp_path / "root.key", (place(here, "my.db"), place(there, "new.db"))
    with opened(urls[0], root_key) as lab, proven(lab) as prove:
        lab.create_cmk(description="Ärzte, 열쇠, a NUL \0 and \1\2 too")
        lab.backup(file)
        before = everything(lab)
    done = restore(file, urls[1], root_key)
    assert done.unopened == ()
    assert done.contents.rows["event"] == len(before["events"])
    with opened(urls[1], root_key) as lab:
        assert everything(lab) == before
        prove(lab)
        lab.create_cmk("new").encrypt(b"x")
        assert len(lab._store.events()) > len(before["events"])
        lab.backup(tmp_path / "second.backup")
    assert rehearse(tmp_path / "second.backup", root_key).opened == done.opened + 1


def test_restored_store_has_the_tables_of_a_new_one(
    prove: Prove, file: Path, new_url: str, key: Path, tmp_path: Path
) -> None:
    def made(name: str) -> set[Any]:
        with closing(sqlite3.connect(tmp_path / name)) as raw:
            return {*raw.execute("SELECT name, sql FROM sqlite_master")}

    restore(file, new_url, key)
    Lab(f"sqlite:///{tmp_path / 'empty.db'}").close()
    assert made("new.db") == made("empty.db")
    assert not [*tmp_path.glob(".*")], "nothing is left beside it"


def test_root_key_beside_the_new_store_is_the_default(
    prove: Prove, file: Path, new_url: str, key: Path, tmp_path: Path
) -> None:
    with pytest.raises(RootKeyError, match=r"new\.db\.key is missing"):
        restore(file, new_url)
    key.rename(tmp_path / "new.db.key")
    restore(file, new_url)
    with opened(new_url) as lab:
        prove(lab)


def test_store_with_a_passphrase_is_restored_with_it(url: str, new_url: str, file: Path) -> None:
    with opened(url, cheap("then")) as lab, proven(lab) as prove:
        lab.backup(file)
        lab.change_root_key(cheap("now"))
    for wrong, error in ((None, PassphraseNeeded), (Path("x"), PassphraseNeeded)):
        with pytest.raises(error):
            restore(file, new_url, wrong)
    with pytest.raises(RootKeyError, match="not the passphrase with which"):
        restore(file, new_url, cheap("now"))
    restore(file, new_url, cheap("then"))
    with opened(new_url, cheap("then")) as lab:
        prove(lab)


def test_old_backup_opens_after_a_rekeying(
    prove: Prove, url: str, new_url: str, file: Path, key: Path
) -> None:
    """The old domain keys are in it; only a changed root key has to be kept."""
    with opened(url) as lab:
        lab.rekey()
        kept = lab.change_root_key().kept
    with pytest.raises(RootKeyError, match="not the root key with which"):
        restore(file, new_url, key)
    restore(file, new_url, kept)
    with opened(new_url, kept) as lab:
        prove(lab)


def test_lab_in_memory_has_no_backup(file: Path) -> None:
    with Lab() as lab, pytest.raises(ValueError, match="in memory"):
        lab.backup(file)
    assert not file.exists()


# ------------------------------------------------------------------------------- one state of it


@pytest.mark.parametrize("where", ["file", AT_SERVER])
def test_backup_is_one_state_of_a_store_that_is_changed_meanwhile(
    request: pytest.FixtureRequest,
    url: str,
    new_url: str,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    where: str,
) -> None:
    """Each alias was made in one commit with its key, and is deleted with it."""
    monkeypatch.setattr(copying, "PAGE", 3)
    root_key = tmp_path / "root.key"
    place = url if where == "file" else request.getfixturevalue("postgresql").new()
    with opened(place, root_key) as lab, opened(place, root_key) as other:
        for number in range(20):
            lab.create_cmk(f"before-{number}")
        over, made = threading.Event(), list[str]()

        def change() -> None:
            while not over.is_set():
                name = f"meanwhile-{len(made)}"
                other.create_cmk(name).encrypt(b"x")
                made.append(name)

        thread = threading.Thread(target=change)
        thread.start()
        try:
            for number in range(5):
                while len(made) < number + 1:
                    time.sleep(0.01)
                lab.backup(tmp_path / f"{number}.backup")
        finally:
            over.set()
            thread.join()
    for number in range(5):
        name = f"sqlite:///{tmp_path / f'{number}.db'}"
        done = restore(tmp_path / f"{number}.backup", name, root_key)
        assert done.unopened == ()
        with opened(name, root_key) as lab:
            keys = {each.arn for each in lab._store.all(schema.Key)}
            assert {each.target for each in lab._store.all(Alias)} <= keys
            assert {each.key for each in lab._store.all(Material)} == keys


def test_backup_is_made_page_by_page(url: str, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copying, "PAGE", 2)
    monkeypatch.setattr(backups, "LINES", 3)
    monkeypatch.setattr(restoring, "PAGE", 2)
    with opened(url) as lab:
        for _ in range(7):
            lab.create_cmk().encrypt(b"x")
        contents = lab.backup(file)
        assert (contents.keys, contents.accounts) == (7, 1)
        assert contents.events == len(lab._store.events())
    assert rehearse(file, Path(url.removeprefix("sqlite:///") + ".key")).contents == contents


# ------------------------------------------------------------------------------- an older version


def test_backup_of_an_older_schema_is_migrated(
    prove: Prove, file: Path, new_url: str, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As this version's backups will be, for the next."""
    newer = schema.VERSION + 1
    step = text("UPDATE alias SET updated = updated + 1")
    for module in (schema, migrations, restoring):
        monkeypatch.setattr(module, "VERSION", newer)
    monkeypatch.setitem(migrations.STEPS, newer - 1, lambda connection: connection.execute(step))
    monkeypatch.setattr(
        restoring, "prepare", lambda connection: migrations.prepare(connection, newer)
    )
    monkeypatch.setattr(
        "kmslab.kms.store.opening.prepare",
        lambda connection: migrations.prepare(connection, newer),
    )
    assert restore(file, new_url, key).unopened == ()
    with opened(new_url, key) as lab:
        prove(lab)
        assert {alias.updated.microsecond for alias in lab._store.all(Alias)} == {1}
        names = {
            name for (name,) in lab._store._database.read(text("SELECT name FROM sqlite_master"))
        }
        for table in schema.METADATA.tables.values():
            assert {index.name for index in table.indexes} <= names


def test_backup_of_a_newer_schema_is_refused(
    prove: Prove, file: Path, new_url: str, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restoring, "VERSION", schema.VERSION - 1)
    with pytest.raises(StoreError, match="made by a newer kmslab"):
        restore(file, new_url, key)


# ---------------------------------------------------------------------------- what is not restored


def remains(tmp_path: Path) -> set[str]:
    return {path.name for path in tmp_path.iterdir()} - {"my.db", "my.db.key", "my.backup"}


def spoil(content: bytes, place: int) -> bytes:
    place %= len(content)
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda content: b"",
    "foreign": lambda content: b"Dear diary,\n" * 99,
    "SQLite": lambda content: b"SQLite format 3\0" + content,
    "magic alone": lambda content: sealed_stream.MAGIC,
    "head alone": lambda content: b"".join(content.splitlines(keepends=True)[:2]),
    "one byte short": lambda content: content[:-1],
    "one byte long": lambda content: content + b"\0",
    "half": lambda content: content[: len(content) // 2],
    "twice": lambda content: content * 2,
    "no JSON": lambda content: content.replace(b"{", b"[", 1),
    "a list": lambda content: sealed_stream.MAGIC + b"[]\n" + content,
    "a long line": lambda content: sealed_stream.MAGIC + b"{" * 99_999,
    "a newer format": lambda content: content.replace(b'"format": 1', b'"format": 2', 1),
    "another salt": lambda content: spoil(content, content.index(b'"salt": "') + 10),
    "another check": lambda content: spoil(content, content.index(b'"check": "') + 15),
    "first byte of the first chunk": lambda content: spoil(content, content.index(b"}}\n") + 3),
    **{
        f"a bit at {place}/7": lambda content, place=place: spoil(
            content, len(content) * place // 7
        )
        for place in (1, 4, 6)
    },  # type: ignore[misc]
    "last bit": lambda content: spoil(content, -1),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_damaged_backup_is_one_clear_line_and_writes_nothing(
    prove: Prove,
    file: Path,
    new_url: str,
    key: Path,
    tmp_path: Path,
    damage: Callable[[bytes], bytes],
) -> None:
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises((BackupError, RootKeyError)) as caught:
        restore(file, new_url, key)
    assert "\n" not in str(caught.value)
    assert str(file) in str(caught.value)
    assert caught.value.__cause__ is None
    assert not remains(tmp_path)


@pytest.mark.parametrize(
    "changes", [{"memory": 2**40}, {"iterations": "x"}, {"salt": ""}, {"lanes": None}], ids=str
)
def test_impossible_cost_in_a_backup_is_one_clear_line(
    url: str, new_url: str, file: Path, changes: dict[str, Any]
) -> None:
    with opened(url, cheap("x")) as lab:
        lab.create_cmk()
        lab.backup(file)
    magic, line, rest = file.read_bytes().split(b"\n", 2)
    head = json.loads(line)
    head["root key"]["argon2id"] |= changes
    file.write_bytes(b"\n".join([magic, json.dumps(head).encode(), rest]))
    with pytest.raises(BackupError, match="it is damaged at its beginning"):
        restore(file, new_url, cheap("x"))


def test_no_byte_of_a_backup_can_be_changed_or_cut_off(url: str, file: Path, key: Path) -> None:
    def read() -> int:
        with backups._opened(file, key) as (_, items):
            return len([*items])

    with opened(url) as lab:
        lab.create_cmk()
        lab.backup(file)
    assert read() > 10
    content = file.read_bytes()
    for place in range(len(content)):
        for bad in (spoil(content, place), content[:place]):
            file.write_bytes(bad)
            with pytest.raises((BackupError, RootKeyError)):
                read()


@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_chunks_cannot_be_left_out_moved_or_put_at_the_end(size: int, url: str) -> None:
    import secrets
    from io import BytesIO

    with opened(url) as lab:
        keys = hsm_of(lab).domain_keys
        root, backends = keys._root_key, keys.backends
        head = Head.new(keys.checked_root(lab._store))
        plain = secrets.token_bytes(size)  # which cannot be compressed
        first, *chunks = sealed(head, root, [plain], backends)

        def read(*chunks: bytes) -> bytes:
            source = BytesIO(b"".join([first, *chunks]))
            return b"".join(unsealed(Head.read(source), root, source))

        assert read(*chunks) == plain
        wrong = [chunks[:-1], chunks[1:], [*chunks, chunks[-1]], [*chunks, b"x"]]
        wrong += [chunks[::-1]] if len(chunks) > 1 else []
        for each in wrong:
            with pytest.raises(BackupError):
                read(*each)


@pytest.mark.parametrize(
    "there", ["store", "file", "empty file", "folder", "link", "log", "journal"]
)
def test_what_is_there_is_never_overwritten(
    prove: Prove, file: Path, new_url: str, key: Path, tmp_path: Path, there: str
) -> None:
    path = tmp_path / "new.db"
    makes: dict[str, Callable[[], object]] = {
        "store": lambda: Lab(new_url).close(),
        "file": lambda: path.write_text("Dear diary"),
        "empty file": path.touch,
        "folder": path.mkdir,
        "link": lambda: path.symlink_to(tmp_path / "nowhere"),
        "log": lambda: (tmp_path / "new.db-wal").write_text("x"),
        "journal": lambda: (tmp_path / "new.db-journal").write_text("x"),
    }
    makes[there]()
    before = remains(tmp_path)
    content = path.read_bytes() if path.is_file() else b""
    with pytest.raises(StoreError, match="is there already"):
        restore(file, new_url, key)
    assert remains(tmp_path) == before
    assert not content or path.read_bytes() == content


def test_store_that_appears_meanwhile_is_not_overwritten(
    prove: Prove,
    file: Path,
    new_url: str,
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tried = backups._tried

    def late(*arguments: Any) -> Any:
        (tmp_path / "new.db").write_text("first")
        return tried(*arguments)

    monkeypatch.setattr(backups, "_tried", late)
    with pytest.raises(StoreError, match="is there already"):
        restore(file, new_url, key)
    assert (tmp_path / "new.db").read_text() == "first"
    assert remains(tmp_path) == {"new.db"}


@pytest.mark.long
@pytest.mark.parametrize("there", ["store", "tables"])
def test_database_at_a_server_is_never_overwritten(
    request: pytest.FixtureRequest, prove: Prove, file: Path, key: Path, there: str, tmp_path: Path
) -> None:
    place = request.getfixturevalue("postgresql").new()
    if there == "store":
        Lab(place, root_key=tmp_path / "other.key").close()
    else:
        import psycopg

        with psycopg.connect(place) as raw:
            raw.execute("CREATE TABLE diary (day TEXT)")
    with pytest.raises(StoreError, match="already"):
        restore(file, place, key)


@pytest.mark.long
def test_damaged_backup_leaves_a_database_at_a_server_empty(
    request: pytest.FixtureRequest, prove: Prove, file: Path, key: Path
) -> None:
    place = request.getfixturevalue("postgresql").new()
    content = file.read_bytes()
    file.write_bytes(spoil(content, -1))
    with pytest.raises(BackupError):
        restore(file, place, key)
    file.write_bytes(content)
    assert restore(file, place, key).unopened == ()


def test_interrupted_backup_and_restore_leave_nothing(
    prove: Prove,
    url: str,
    file: Path,
    new_url: str,
    key: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupted(*_: object) -> Iterator[bytes]:
        raise KeyboardInterrupt

    monkeypatch.setattr(backups, "_value", interrupted)
    with pytest.raises(KeyboardInterrupt):
        restore(file, new_url, key)
    monkeypatch.setattr(backups, "_to_json", interrupted)
    with opened(url) as lab, pytest.raises(KeyboardInterrupt):
        lab.backup(tmp_path / "other.backup")
    assert not remains(tmp_path)


KILLED = """
import os, signal
from pathlib import Path
from kmslab.kms import backups
from kmslab.kms.store import restoring
at, file, url, key = sys.argv[1:]
module = backups if at == "_tried" else restoring
setattr(module, at, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
backups.restore(file, url, Path(key))
"""


@pytest.mark.long
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="Windows has no SIGKILL")
@pytest.mark.parametrize("at", ["_insert", "_tried", "_give_name"])
def test_killed_restore_makes_no_store_and_the_next_one_does(
    prove: Prove, file: Path, new_url: str, key: Path, tmp_path: Path, at: str
) -> None:
    process = start(KILLED, at, file, new_url, key)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    assert not (tmp_path / "new.db").exists()
    restore(file, new_url, key)
    with opened(new_url, key) as lab:
        prove(lab)


def test_backup_replaces_a_file_only_if_asked(prove: Prove, url: str, file: Path) -> None:
    before = file.read_bytes()
    with opened(url) as lab:
        with pytest.raises(FileExistsError):
            lab.backup(file)
        assert file.read_bytes() == before
        lab.backup(file, overwrite=True)
    assert file.read_bytes() != before


# ------------------------------------------------------------------------------ what is damaged


def test_dry_run_names_what_does_not_open(url: str, file: Path, key: Path, tmp_path: Path) -> None:
    with opened(url) as lab, proven(lab):
        whole = lab.backup(file)
        victim = lab._store.all(Material)[1]
    assert rehearse(file, key).unopened == ()
    with closing(sqlite3.connect(tmp_path / "my.db")) as raw:
        raw.execute("UPDATE material SET sealed = X'00' WHERE handle = ?", [victim.handle])
        raw.execute("UPDATE alias SET created = 'x' WHERE arn LIKE '%orders'")
        raw.commit()
    with opened(url) as lab:
        lab.backup(file, overwrite=True)
    done = rehearse(file, key)
    assert done.unopened == (f"Material {victim.handle}",)
    assert done.contents.keys == whole.keys
    assert set(remains(tmp_path)) == set()


def test_backup_shows_no_secret_and_no_name(prove: Prove, file: Path, key: Path) -> None:
    content = file.read_bytes()
    for shown in (b"orders", b"111122223333", b"alice", bytes.fromhex(key.read_text("ascii"))):
        assert shown not in content
    head = json.loads(content.split(b"\n")[1])
    assert set(head) == {"format", "salt", "root key"}
    assert NOON.isoformat().encode() not in content
