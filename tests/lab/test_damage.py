"""One damaged row of a store in a file, or a lost root key: one clear line, and the rest works."""

import logging
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from kmslab import Clock, Lab
from kmslab.cli.app import main
from kmslab.display import PlainError
from kmslab.errors import KMSInternalException
from kmslab.kms import wire
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.store import Damaged
from tests.cases import for_every
from tests.lab.test_files import NOW, posix

JUNK = ["x", b"\xff\0", 17, 2**62, 1.5, "[]", '{"a": 1}', ""]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "my.db"


@pytest.fixture
def kept(path: Path) -> Path:
    """A store with two keys, a user, access keys and a trail, closed."""
    with opened(path) as lab:
        lab.create_cmk("orders").encrypt(b"x")
        lab.create_cmk("wages").encrypt(b"x")
        lab.user("alice").access_key()
        lab.access_key()
    return path


def opened(path: Path) -> Lab:
    return Lab(f"sqlite:///{path}", clock=Clock.frozen(NOW))


def change(path: Path, statement: str, *values: Any) -> int:
    with closing(sqlite3.connect(path, isolation_level=None)) as raw:
        raw.execute("PRAGMA ignore_check_constraints = 1")
        return raw.execute(statement, values).rowcount


def works(lab: Lab) -> None:
    """Everything that does not need the damaged row."""
    assert lab.kms.list_keys()["Keys"]
    assert lab.kms.list_aliases()["Aliases"]
    new = lab.kms.create_key()["KeyMetadata"]["KeyId"]
    assert lab.kms.encrypt(KeyId=new, Plaintext=b"x")
    assert len(lab.trail) > 6
    assert repr(lab.trail.table())
    assert repr(lab.bill())
    assert lab.access_key().id
    lab.clock.now()


def try_all(lab: Lab) -> list[Exception]:
    """Everything that may need it; the errors, each of which is the service's."""
    calls: list[Callable[[], object]] = [
        lambda: lab.cmk("alias/orders").encrypt(b"x"),
        lambda: lab.cmk("alias/wages").encrypt(b"x"),
        lambda: lab.cmk("alias/orders").metadata,
        lambda: lab.kms.list_grants(KeyId="alias/orders"),
        lambda: lab.user("alice").kms.list_keys(),
        lambda: lab.user("alice").access_key(),
        lambda: lab.clock.advance(days=400),
        lambda: lab.kms.get_key_rotation_status(KeyId="alias/orders"),
    ]
    errors = []
    for call in calls:
        try:
            call()
        except Exception as error:
            errors.append(error)
    return errors


def damages(path: Path) -> list[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as raw:
        tables = [
            name for (name,) in raw.execute("SELECT name FROM sqlite_master WHERE type='table'")
        ]
        return [
            (table, column)
            for table in tables
            if table != "kmslab"
            for _, column, *_ in raw.execute(f'PRAGMA table_info("{table}")').fetchall()
            if column != "sequence"
        ]


@pytest.mark.parametrize(
    "junk", ["x", *[pytest.param(each, marks=pytest.mark.long) for each in JUNK[1:]]]
)
def test_any_damaged_value_is_one_clear_line_and_takes_nothing_with_it(
    kept: Path, junk: object, caplog: pytest.LogCaptureFixture
) -> None:
    whole = kept.read_bytes()
    failed = []
    for table, column in damages(kept):
        kept.write_bytes(whole)
        row = f'(SELECT min(rowid) FROM "{table}")'
        change(kept, f'UPDATE "{table}" SET "{column}" = ? WHERE rowid = {row}', junk)
        try:
            with opened(kept) as lab:
                works(lab)
                errors = try_all(lab)
            assert all(isinstance(error, PlainError) for error in errors), errors
            for error in errors:
                assert isinstance(error.__cause__, PlainError | None), repr(error.__cause__)
        except Exception as error:
            failed.append(f"{table}.{column}: {type(error).__name__}: {error}")
    assert not failed, "\n".join(failed)


def test_damaged_key_is_left_out_of_lists_and_fails_alone(
    kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with opened(kept) as lab:
        orders = lab.cmk("alias/orders").arn
        for number in range(5):
            lab.create_cmk(f"key-{number}")
    change(kept, "UPDATE key SET state = 'Asleep' WHERE arn = ?", orders)
    with opened(kept) as lab:
        found, page = [], lab.kms.list_keys(Limit=1)
        found += page["Keys"]
        while page["Truncated"]:
            page = lab.kms.list_keys(Limit=1, Marker=page["NextMarker"])
            found += page["Keys"]
        assert len(found) == 6
        assert orders not in {key["KeyArn"] for key in found}
        with pytest.raises(KMSInternalException) as refused:
            lab.kms.describe_key(KeyId=orders)
        assert isinstance(refused.value.__cause__, Damaged)
        assert f"key '{orders}' cannot be read" in str(refused.value.__cause__)
        assert lab.trail[-1]["errorCode"] == "KMSInternalException"
        assert lab.cmk("alias/wages").encrypt(b"x")
        with caplog.at_level(logging.ERROR):
            caplog.clear()
            body = wire.dump({"KeyId": orders})
            assert (
                wire.handle(lab.service, lab.caller, "TrentService.DescribeKey", body).status == 500
            )
        assert [record.exc_info for record in caplog.records] == [None]


@pytest.mark.parametrize(
    "known", ["", "{", "[]", "null", "7", '["a"]', '{"operation": 7}', "[1,2,3]", '"' * 9, b"\xff"]
)
def test_damaged_event_is_an_event_that_says_so(kept: Path, known: object) -> None:
    with opened(kept) as lab:
        count = len(lab.trail)
    change(kept, "UPDATE event SET known = ? WHERE sequence = 2", known)
    with opened(kept) as lab:
        assert len(lab.trail) == count
        [event] = [event for event in lab.trail if event["eventName"] == "DamagedEvent"]
        assert event["errorMessage"] == "This event is damaged in the store and cannot be read."
        assert "DamagedEvent" in repr(lab.trail)
        assert "key alias/wages" in repr(lab.bill())


def test_event_of_an_unknown_operation_is_shown_and_costs_nothing(kept: Path) -> None:
    change(kept, "UPDATE event SET known = replace(known, '\"Encrypt\"', '\"Entangle\"')")
    with opened(kept) as lab:
        assert "Entangle" in [event["eventName"] for event in lab.trail]
        assert lab.bill()


def test_event_whose_resource_is_damaged_costs_nothing_else(kept: Path) -> None:
    change(kept, "UPDATE event SET known = replace(known, 'arn:aws:kms', 'arn?aws:kms')")
    with opened(kept) as lab:
        works(lab)


def test_access_key_that_does_not_open_is_not_given_out_and_can_be_replaced(kept: Path) -> None:
    with opened(kept) as lab:
        before = lab.access_key().id
    change(kept, "UPDATE access_key SET sealed = X'00' WHERE id = ?", before)
    with opened(kept) as lab:
        assert lab.access_key().id != before
        again = lab.iam.access_keys.put(lab.caller.principal, before, "secret")
        assert again.secret.decode() == "secret"


# ------------------------------------------------------------------------------------ the root key


def with_nothing(lab: Lab) -> None:
    """Only the clock's offset is stored."""


KEPT: dict[str, Callable[[Lab], object]] = {
    "nothing": with_nothing,
    "user": lambda lab: lab.user("alice"),
    "access key": lambda lab: lab.access_key(),
    "session": lambda lab: lab.role("job").access_key(),
    "key": lambda lab: lab.create_cmk("orders"),
    "key of another Region": lambda lab: lab.region("eu-west-1").create_cmk(),
    "deleted key": lambda lab: (lab.create_cmk().schedule_deletion(7), lab.clock.advance(days=8)),
}


@pytest.mark.parametrize("keep", KEPT.values(), ids=KEPT)
def test_lost_root_key_is_noticed_whatever_is_stored(
    path: Path, keep: Callable[[Lab], object]
) -> None:
    with opened(path) as lab:
        keep(lab)
    key = path.with_name("my.db.key")
    key.rename(path.with_name("saved"))
    with pytest.raises(RootKeyError, match=r"The root key .*my\.db\.key is missing\. What"):
        opened(path)
    assert not key.exists()
    path.with_name("saved").rename(key)
    opened(path).close()


@pytest.mark.parametrize("name", [each for each in KEPT if "key" in each or each == "session"])
def test_another_root_key_is_noticed_whatever_is_sealed(path: Path, name: str) -> None:
    with opened(path) as lab:
        KEPT[name](lab)
    path.with_name("my.db.key").write_text("00" * 32 + "\n", "ascii")
    with pytest.raises(RootKeyError, match="is not the one that the store's keys are sealed under"):
        opened(path)


def test_one_damaged_domain_key_is_not_taken_for_another_root_key(kept: Path) -> None:
    with opened(kept) as lab:
        there = lab.region("eu-west-1").create_cmk()
        blob = there.encrypt(b"x")
    change(kept, "UPDATE domain_key SET wrapped = X'00' WHERE region = 'us-east-1'")
    with opened(kept) as lab:
        assert lab.region("eu-west-1").decrypt(blob) == b"x"
        with pytest.raises(KMSInternalException) as refused:
            lab.cmk("alias/orders").encrypt(b"x")
        assert isinstance(refused.value.__cause__, Damaged)
        assert lab.create_cmk("new").encrypt(b"x")


@posix
def test_root_key_that_cannot_be_read_is_one_clear_line(kept: Path) -> None:
    key = kept.with_name("my.db.key")
    key.unlink()
    for make in (key.mkdir, lambda: key.symlink_to(key)):
        make()
        with pytest.raises(
            RootKeyError, match=r"The root key .*my\.db\.key (cannot be|is missing)"
        ):
            opened(kept)
        key.rmdir() if key.is_dir() else key.unlink()


# ------------------------------------------------------------------------------------ the command


HARMS: dict[str, Callable[[Path], object]] = {
    "truncated": lambda path: path.write_bytes(path.read_bytes()[:5000]),
    "cut off": lambda path: path.write_bytes(b"x"),
    "not a database": lambda path: path.write_bytes(b"Dear diary,\n" * 1000),
    "version": lambda path: change(path, "UPDATE kmslab SET schema = 'x'"),
    "no version": lambda path: change(path, "DELETE FROM kmslab"),
    "count": lambda path: change(path, "UPDATE kmslab SET changes = 'x'"),
    "table": lambda path: change(path, "DROP TABLE setting"),
    "no root key": lambda path: path.with_name("my.db.key").unlink(),
    "root key": lambda path: path.with_name("my.db.key").write_text("x"),
}


@for_every("harm", HARMS.values(), ids=HARMS)
def test_command_says_in_one_line_what_is_wrong(
    kept: Path, harm: Callable[[Path], object], capsys: Any, monkeypatch: Any
) -> None:
    whole = kept.read_bytes(), kept.with_name("my.db.key").read_bytes()
    harm(kept)
    monkeypatch.setattr("sys.argv", ["kmslab", "keys", "--store", f"sqlite:///{kept}"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    kept.write_bytes(whole[0])
    kept.with_name("my.db.key").write_bytes(whole[1])
    kept.with_name("my.db.key").chmod(0o600)
    assert ended.value.code == 1
    assert len(said.err.splitlines()) == 1, said.err
    assert "Traceback" not in said.err
