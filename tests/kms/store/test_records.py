"""Records come back from a store unchanged, with their types and in order."""

import re
from dataclasses import fields, replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from kmslab.kms.contract.records import (
    KINDS,
    Alias,
    DomainKey,
    Key,
    Material,
    Record,
    Setting,
    name_of,
)
from kmslab.kms.contract.states import KeyState
from kmslab.kms.store import Store, open_store
from tests.kms.store.samples import (
    HERE,
    NOON,
    ONE_OF_EACH,
    alias,
    domain_key,
    key,
    material,
    setting,
)

IDS = [type(record).__name__ for record in ONE_OF_EACH]


def reread(store: Store, record: Record) -> Record | None:
    """From the database, not from the cache."""
    return next(iter(store.page(type(record), name_of(record))), None)


def test_samples_cover_every_kind() -> None:
    assert {type(record) for record in ONE_OF_EACH} == set(KINDS)


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=IDS)
def test_record_comes_back_equal_with_its_exact_types(store: Store, record: Record) -> None:
    store.commit(put=[record])
    back = reread(store, record)
    assert back is not None
    assert replace(back, version=0) == record
    for field in fields(record):
        assert type(getattr(back, field.name)) is type(getattr(record, field.name))


def test_enum_is_a_member_again(store: Store) -> None:
    store.commit(put=[key(state=KeyState.DISABLED)])
    [back] = store.page(Key, HERE)
    assert back.state is KeyState.DISABLED


def test_time_keeps_its_microseconds_and_its_zone(store: Store) -> None:
    store.commit(put=[key(due=NOON)])
    [back] = store.page(Key, HERE)
    assert back.due == NOON
    assert back.due.tzinfo is NOON.tzinfo
    assert back.deletion_date is None


@pytest.mark.parametrize("record", ONE_OF_EACH, ids=IDS)
def test_get_finds_a_record_written_by_an_earlier_process(url: str, record: Record) -> None:
    with_it = open_store(url)
    with_it.commit(put=[record])
    with_it.close()
    later = open_store(url)
    assert replace(later.get(type(record), name_of(record)), version=0) == record
    later.close()


def test_none_where_none_may_be_is_refused_and_not_taken_for_a_conflict(store: Store) -> None:
    with pytest.raises(ValueError, match=re.escape("Setting.value cannot be None")):
        store.commit(put=[replace(setting("1"), value=None)])
    assert store.get(Setting, "number") is None


def test_naive_time_is_refused(store: Store) -> None:
    with pytest.raises(TypeError):
        store.commit(put=[key(created=NOON.replace(tzinfo=None))])
    assert store.page(Key, HERE) == []


@pytest.mark.parametrize("name", ["", "no such key", "\0", "\ud800", "열쇠", "'; DROP TABLE key"])
def test_name_that_nothing_has_gets_none(store: Store, name: str) -> None:
    assert store.get(Key, name) is None


def test_kinds_do_not_share_names(store: Store) -> None:
    store.commit(put=[setting("1", "x"), domain_key("x")])
    assert store.get(Setting, "x").value == "1"
    assert store.get(DomainKey, "x").region == "us-east-1"
    assert store.get(Key, "x") is None


def test_find_gives_records_with_a_value_in_order_of_names(store: Store) -> None:
    store.commit(put=[alias("b"), alias("c", "2"), alias("a")])
    store.commit(put=[material("r/2"), material("r/1"), material("r/3", "2")])
    store.commit(put=[domain_key("x", "eu-west-1"), domain_key("y")])
    assert [each.name for each in store.find(Alias, target=f"{HERE}key/1")] == [
        "alias/a",
        "alias/b",
    ]
    assert [each.id for each in store.find(Material, key=f"{HERE}key/1")] == ["1", "2"]
    assert [each.id for each in store.find(DomainKey, region="eu-west-1")] == ["x"]
    assert store.find(Alias, target="nothing") == []


def test_find_refuses_a_field_without_an_index(store: Store) -> None:
    with pytest.raises(KeyError):
        store.find(Key, description="")


ALPHABET = "aAzZ09/_%-*\\'\"é열\ud7ff\ue000\uffff\U0001f511\U0010ffff"
NAMES = st.text(ALPHABET, max_size=3)


@example(names={"\ud7ff", "\ud7ff1", "\ue000"}, prefix="\ud7ff", after="", limit=5)
@example(names={"\U0010ffff", "\U0010ffffz"}, prefix="\U0010ffff", after="", limit=5)
@given(names=st.sets(NAMES, max_size=20), prefix=NAMES, after=NAMES, limit=st.integers(1, 5))
def test_page_is_what_python_would_sort_and_cut(
    names: set[str], prefix: str, after: str, limit: int
) -> None:
    store = open_store()
    store.commit(put=[setting("", name) for name in names])
    page = store.page(Setting, prefix, after, limit)
    expected = sorted(name for name in names if name.startswith(prefix) and name > after)
    assert [each.name for each in page] == expected[:limit]
    store.close()


def test_pages_join_to_the_whole(store: Store) -> None:
    store.commit(put=[alias(f"{number:03}%_") for number in range(25)])
    seen: list[str] = []
    while page := store.page(Alias, f"{HERE}alias/", seen[-1] if seen else "", 10):
        seen += [each.arn for each in page]
    assert seen == [f"{HERE}alias/{number:03}%_" for number in range(25)]
