"""A store that an older kmslab wrote opens with everything in it, and so does its backup.

`old_stores/` has one store of each schema, written by the last commit of kmslab that had it, and
what was in it. `scripts/old_store.py` writes the next one, before the schema changes. Since schema
6 there is a backup of it too, which a store at a PostgreSQL server is made from.
"""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from kmslab import Clock, Lab
from kmslab.kms.backups import restore
from kmslab.kms.contract.records import AccessKey
from kmslab.kms.store import open_store
from kmslab.kms.store.migrations import STEPS
from kmslab.kms.store.schema import VERSION
from tests.kms.store.samples import NOON, ended, start

OLD = Path(__file__).parent / "old_stores"
SCHEMAS = range(1, VERSION)
BACKED_UP = range(6, VERSION + 1)
CONTEXT = {"order": "17"}


def lay_out(schema: int, path: Path) -> dict[str, Any]:
    """The old store at this path, with its root key beside it. Returns what was in it."""
    known: dict[str, Any] = json.loads((OLD / f"schema_{schema}.json").read_text())
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript((OLD / f"schema_{schema}.sql").read_text("utf-8"))
        raw.execute("PRAGMA journal_mode=WAL")
    key = path.with_name(path.name + ".key")
    key.touch(0o600)
    key.write_text(known["root_key"])
    return known


def opened(path: Path) -> Lab:
    return Lab(store=f"sqlite:///{path}", clock=Clock.frozen(NOON))


def check(lab: Lab, known: dict[str, Any]) -> None:
    """Everything that was acknowledged then holds now."""
    events = len(lab._store.events())
    assert events >= known["events"]
    assert lab.decrypt(bytes.fromhex(known["blob"]), CONTEXT) == b"kept"
    assert lab.decrypt(bytes.fromhex(known["rotated"]), CONTEXT) == b"rotated"
    assert lab.region("eu-west-1").decrypt(bytes.fromhex(known["abroad"])) == b"abroad"
    assert lab.cmk("alias/orders").metadata["Description"] == "Ärzte, 열쇠"
    signer, signature = known["signed"]
    asked = {"Message": b"kept", "SigningAlgorithm": "ECDSA_SHA_256"}
    lab.kms.verify(KeyId=signer, Signature=bytes.fromhex(signature), **asked)
    assert lab.cmk(known["doomed"]).state == "PendingDeletion"
    if "access_key" in known:
        found = lab.access_key()
        assert [found.id, found.secret.decode()] == known["access_key"]
    if "held" in known:
        assert lab.decrypt(bytes.fromhex(known["held"])) == b"held"
    if "grant" in known:
        alice = lab.user("alice")
        assert alice.caller.principal == known["grant"]
        assert alice.decrypt(bytes.fromhex(known["blob"]), CONTEXT) == b"kept"
    lab.clock.advance(days=8)
    assert known["doomed"] not in str(lab.kms.list_keys())


def test_each_older_schema_has_its_step_and_its_store() -> None:
    assert [*STEPS] == [*SCHEMAS]
    assert {path.name for path in OLD.glob("*.sql")} >= {f"schema_{each}.sql" for each in SCHEMAS}
    backups = {f"schema_{each}.backup" for each in BACKED_UP}
    assert {path.name for path in OLD.glob("*.backup")} == backups


@pytest.mark.parametrize("schema", SCHEMAS)
def test_store_of_an_older_schema_opens_with_all_that_was_in_it(
    tmp_path: Path, schema: int
) -> None:
    known = lay_out(schema, tmp_path / "my.db")
    with opened(tmp_path / "my.db") as lab:
        check(lab, known)
        lab.create_cmk("new").encrypt(b"x")
        lab.user("bob").access_key()
    with opened(tmp_path / "my.db") as lab:
        assert lab.decrypt(bytes.fromhex(known["blob"]), CONTEXT) == b"kept"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_migrated_store_has_the_tables_and_indexes_of_a_new_one(
    tmp_path: Path, schema: int
) -> None:
    def made(name: str) -> set[tuple[str, ...]]:
        with closing(open_store(f"sqlite:///{tmp_path / name}")) as store:
            read = store._database.read
            found = read(text("SELECT name, sql FROM sqlite_master"))
            columns = {
                (name, column[1], str(column[5]))
                for name, _ in found
                for column in read(text(f'PRAGMA table_info("{name}")'))
            }
            indexes = {
                (name, re.sub(r'["\s]', "", sql or "")) for name, sql in found if "_by_" in name
            }
            return columns | indexes | {(name,) for name, _ in found}

    lay_out(schema, tmp_path / "my.db")
    assert made("my.db") == made("new.db")


@pytest.mark.parametrize("schema", [2, 3])
def test_session_tokens_of_an_older_schema_are_dropped(tmp_path: Path, schema: int) -> None:
    """Until schema 4, they were stored in clear."""
    known = lay_out(schema, tmp_path / "my.db")
    token = known["session"][1]
    with closing(open_store(f"sqlite:///{tmp_path / 'my.db'}")) as store:
        assert [each.id for each in store.all(AccessKey)] == [known["access_key"][0]]
    assert token.encode() not in (tmp_path / "my.db").read_bytes()


@pytest.mark.parametrize("schema", BACKED_UP)
@pytest.mark.parametrize("where", ["file", pytest.param("server", marks=pytest.mark.long)])
def test_backup_of_each_schema_is_restored_with_all_that_was_in_it(
    request: pytest.FixtureRequest, tmp_path: Path, where: str, schema: int
) -> None:
    known = json.loads((OLD / f"schema_{schema}.json").read_text())
    key = tmp_path / "root.key"
    key.touch(0o600)
    key.write_text(known["root_key"])
    url = f"sqlite:///{tmp_path / 'my.db'}"
    if where == "server":
        url = request.getfixturevalue("postgresql").new()
    assert restore(OLD / f"schema_{schema}.backup", url, key).unopened == ()
    with Lab(url, clock=Clock.frozen(NOON), root_key=key) as lab:
        check(lab, known)
        lab.create_cmk("new").encrypt(b"x")


# ----------------------------------------------------------------------- killed, and all at once


KILLED = """
import os, signal
from kmslab.kms.store import migrations
step = migrations.STEPS[int(sys.argv[2])]
def killed(connection):
    step(connection)
    os.kill(os.getpid(), signal.SIGKILL)
migrations.STEPS[int(sys.argv[2])] = killed
open_store("sqlite:///" + sys.argv[1])
"""
OPENED = """
input()
open_store("sqlite:///" + sys.argv[1]).close()
print("opened")
"""


@pytest.mark.parametrize(
    "step", [1, *(pytest.param(step, marks=pytest.mark.long) for step in SCHEMAS[1:])]
)
def test_migration_that_is_killed_has_changed_nothing(tmp_path: Path, step: int) -> None:
    path = tmp_path / "my.db"
    known = lay_out(1, path)
    process = start(KILLED, path, step)
    process.communicate(timeout=60)
    assert process.returncode == -9
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT schema FROM kmslab").fetchone() == (1,)
    with opened(path) as lab:
        check(lab, known)


def test_of_processes_that_open_an_old_store_together_one_migrates_it(tmp_path: Path) -> None:
    path = tmp_path / "my.db"
    known = lay_out(1, path)
    processes = [start(OPENED, path) for _ in range(3)]
    for process in processes:
        process.stdin.write("\n")  # type: ignore[union-attr]
        process.stdin.flush()  # type: ignore[union-attr]
    assert [ended(process) for process in processes] == ["opened\n"] * 3
    with opened(path) as lab:
        check(lab, known)


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Makes the step from this schema fail."""

    def fail(connection: object) -> None:
        raise OSError("the disk is full")

    return lambda schema: monkeypatch.setitem(STEPS, schema, fail)


@pytest.mark.parametrize("step", SCHEMAS)
def test_step_that_fails_leaves_the_old_store_as_it_was(
    tmp_path: Path, failing: Callable[[int], None], step: int
) -> None:
    path = tmp_path / "my.db"
    lay_out(1, path)
    with closing(sqlite3.connect(path)) as raw:
        before = [*raw.iterdump()]
    failing(step)
    with pytest.raises(OSError, match="the disk is full"):
        open_store(f"sqlite:///{path}")
    with closing(sqlite3.connect(path)) as raw:
        assert [*raw.iterdump()] == before


def test_old_grant_is_found_by_the_encryption_context_that_it_requires(tmp_path: Path) -> None:
    path = tmp_path / "my.db"
    with opened(path) as lab:
        role, constraints = lab.role("job"), {"EncryptionContextEquals": CONTEXT}
        asked = {"GranteePrincipal": role.iam.role(lab.caller.account, "job")}
        orders = lab.create_cmk("orders")
        lab.kms.create_grant(
            KeyId=orders.arn, Operations=["Decrypt"], Constraints=constraints, **asked
        )
        blob = orders.encrypt(b"kept", CONTEXT)
    with closing(sqlite3.connect(path)) as raw:
        raw.execute("""UPDATE "grant" SET pair = 'lost'""")
        raw.execute("UPDATE kmslab SET schema = 6")
        raw.commit()
    with opened(path) as lab:
        assert lab.role("job").decrypt(blob, CONTEXT) == b"kept"
