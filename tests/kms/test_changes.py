"""The only commit: a change is stored whole or not at all, and starts over if another was first."""

import ast
from dataclasses import replace
from pathlib import Path

import pytest

import kmslab
from kmslab.kms.changes import ATTEMPTS, Change, apply
from kmslab.kms.contract.records import Alias, Key, Setting
from kmslab.kms.store import Conflict, Store, open_store
from tests.kms.store.samples import HERE, NOON, alias, event, key, setting

PACKAGE = Path(kmslab.__file__).parent


@pytest.fixture
def store() -> Store:
    return open_store()


def number(store: Store) -> Setting:
    found = store.get(Setting, "number")
    assert found is not None
    return found


# ----------------------------------------------------------------------------------- one commit


def test_nothing_else_in_the_package_commits() -> None:
    """Except the store itself, where a rehearsal takes back what was stored."""
    committing = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Attribute) and node.attr == "commit"
    }
    assert {each for each in committing if not each.startswith("kms/store/")} == {"kms/changes.py"}


def test_change_is_stored_with_its_events_and_answers(store: Store) -> None:
    store.commit(put=[alias("old")])

    def stage(change: Change) -> str:
        change.put(setting("1"), key())
        change.remove(*change.find(Alias, target=f"{HERE}key/1"))
        change.events = [event(1)]
        return "answer"

    assert apply(store, stage) == "answer"
    assert number(store).value == "1"
    assert store.page(Alias, "") == []
    assert [each.request_id for each in store.events()] == ["1"]


def test_stored_key_knows_when_it_is_due(store: Store) -> None:
    apply(store, lambda change: change.put(key(rotation_days=90, next_rotation=NOON)))
    assert store.next_due == NOON


def test_error_while_staging_stores_nothing(store: Store) -> None:
    def stage(change: Change) -> None:
        change.put(setting("1"))
        change.events = [event(1)]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        apply(store, stage)
    assert store.page(Setting, "") == []
    assert store.events() == []


def test_change_without_records_leaves_its_events_and_no_mark(store: Store) -> None:
    changes = store._cache.changes

    def stage(change: Change) -> None:
        change.events = [event(1)]

    apply(store, stage)
    assert [each.request_id for each in store.events()] == ["1"]
    assert store._cache.changes == changes


# --------------------------------------------------------------------------------- who was first


def test_loser_starts_over_from_reading(store: Store) -> None:
    store.commit(put=[setting("0")])
    seen = []

    def add_one(change: Change) -> None:
        found = number(store)
        seen.append(found.value)
        if len(seen) == 1:  # another commit comes in between
            store.commit(put=[replace(found, value="10")])
        change.put(replace(found, value=str(int(found.value) + 1)))

    apply(store, add_one)
    assert seen == ["0", "10"]
    assert number(store).value == "11"


def test_change_is_refused_if_a_record_that_it_relies_on_has_changed(store: Store) -> None:
    store.commit(put=[setting("0")])

    def stage(change: Change) -> None:
        change.found = [number(store)]
        store.commit(put=[replace(number(store), value="other")])
        change.put(alias("orders"))

    with pytest.raises(Conflict):
        apply(store, stage, attempts=1)
    assert store.page(Alias, "") == []


def test_attempts_end(store: Store) -> None:
    store.commit(put=[setting("0")])
    attempts = []

    def stage(change: Change) -> None:
        attempts.append(number(store))
        change.put(replace(number(store), value="never"))
        store.commit(put=[replace(number(store), value="theirs")])

    with pytest.raises(Conflict):
        apply(store, stage)
    assert len(attempts) == ATTEMPTS
    assert number(store).value == "theirs"


# ------------------------------------------------------------------------- what a change reads as


@pytest.fixture
def changed(store: Store) -> Change:
    """Three aliases of a key are stored; one is moved away, one is removed, one is new."""
    store.commit(put=[alias("a"), alias("b"), alias("c"), alias("z", "2")])
    change = Change(store)
    moved, removed, _, other = store.page(Alias, "")
    change.put(replace(moved, target=f"{HERE}key/2"), alias("bb"))
    change.remove(removed)
    assert other.name == "alias/z"
    return change


def names(found: list[Alias]) -> list[str]:
    return [each.name.removeprefix("alias/") for each in found]


def test_change_reads_as_the_store_will(changed: Change) -> None:
    assert names(changed.find(Alias, target=f"{HERE}key/1")) == ["bb", "c"]
    assert names(changed.find(Alias, target=f"{HERE}key/2")) == ["a", "z"]
    assert names(changed.page(Alias, "")) == ["a", "bb", "c", "z"]
    assert names(changed.page(Alias, f"{HERE}alias/", after=f"{HERE}alias/a", limit=2)) == [
        "bb",
        "c",
    ]
    assert changed.get(Alias, f"{HERE}alias/b") is None
    assert changed.get(Key, f"{HERE}alias/bb") is None


def test_change_on_top_of_another_is_part_of_it_once_it_was_added(
    store: Store, changed: Change
) -> None:
    part = Change(changed)
    part.put(setting("1"))
    part.remove(*part.find(Alias, target=f"{HERE}key/1")[1:])
    part.found, part.events = [*part.page(Alias, f"{HERE}alias/z")], [event(1)]
    assert changed.get(Setting, "number") is None
    changed.add(part)
    assert changed.get(Setting, "number") == setting("1")
    assert names(changed.page(Alias, "")) == ["a", "bb", "z"]
    assert (names(list(changed.found)), changed.events) == (["z"], [event(1)])
