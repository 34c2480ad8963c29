"""A commit writes everything or nothing; nothing, if a record has changed since it was read."""

from dataclasses import replace

import pytest

from kmslab.kms.contract.records import Alias, Record, Setting
from kmslab.kms.store import Conflict, Store
from tests.kms.store.samples import HERE, alias, event, setting


def stored(store: Store, name: str = "number") -> Setting:
    found = store.get(Setting, name)
    assert found is not None
    return found


@pytest.fixture
def stale(store: Store) -> Setting:
    """A record as it was read before it changed."""
    store.commit(put=[setting("1")])
    old = stored(store)
    store.commit(put=[replace(old, value="2")])
    return old


def contents(store: Store) -> list[Record]:
    return [*store.page(Setting, ""), *store.page(Alias, "")]


def test_put_of_a_new_record_is_read_back_at_once(store: Store) -> None:
    store.commit(put=[setting("1")])
    assert stored(store).value == "1"
    assert stored(store).version > 0


def test_each_change_raises_the_version_by_one(store: Store) -> None:
    store.commit(put=[setting("1")])
    first = stored(store)
    store.commit(put=[replace(first, value="2")])
    assert stored(store) == replace(first, value="2", version=first.version + 1)


def test_removed_record_is_gone_at_once(store: Store) -> None:
    store.commit(put=[setting("1")])
    store.commit(remove=[stored(store)])
    assert store.get(Setting, "number") is None
    assert contents(store) == []


def test_cache_and_database_agree_after_a_commit(store: Store) -> None:
    store.commit(put=[setting("1"), alias("a")])
    store.commit(put=[replace(stored(store), value="2")], remove=store.page(Alias, ""))
    assert contents(store) == [stored(store)]


def test_put_of_an_outdated_record_conflicts(store: Store, stale: Setting) -> None:
    refused(store, put=[replace(stale, value="3"), alias("a")])


def test_put_of_a_new_record_whose_name_is_taken_conflicts(store: Store, stale: Setting) -> None:
    refused(store, put=[alias("a"), setting("3")])


def test_put_of_a_record_that_is_gone_conflicts(store: Store, stale: Setting) -> None:
    current = stored(store)
    store.commit(remove=[current])
    refused(store, put=[alias("a"), replace(current, value="3")])


def test_removing_an_outdated_record_conflicts(store: Store, stale: Setting) -> None:
    refused(store, put=[alias("a")], remove=[stale])


def test_change_that_stands_on_an_outdated_record_conflicts(store: Store, stale: Setting) -> None:
    refused(store, put=[alias("a")], found=[stale])


def test_change_that_stands_on_a_removed_record_conflicts(store: Store, stale: Setting) -> None:
    current = stored(store)
    store.commit(remove=[current])
    refused(store, put=[alias("a")], found=[current])


def test_outdated_found_conflicts_even_if_the_same_record_is_put(
    store: Store, stale: Setting
) -> None:
    refused(store, put=[replace(stored(store), value="3")], found=[stale])


def test_events_alone_can_stand_on_a_record(store: Store, stale: Setting) -> None:
    refused(store, found=[stale])


def test_record_made_again_is_not_taken_for_the_one_that_was_removed(store: Store) -> None:
    store.commit(put=[alias("orders", "1")])
    [old] = store.page(Alias, HERE)
    store.commit(remove=[old])
    store.commit(put=[alias("orders", "2")])
    refused(store, found=[old], put=[setting("1")])
    refused(store, remove=[old])
    refused(store, put=[replace(old, target="3")])


def refused(
    store: Store,
    put: list[Record] | None = None,
    remove: list[Record] | None = None,
    found: list[Record] | None = None,
) -> None:
    """Raises Conflict and writes nothing: no record and no event."""
    before = contents(store)
    with pytest.raises(Conflict):
        store.commit(put=put or [], remove=remove or [], found=found or [], events=[event(99)])
    assert contents(store) == before
    assert "99" not in [each.request_id for each in store.events()]


def test_found_record_that_has_not_changed_lets_the_change_pass(store: Store) -> None:
    store.commit(put=[setting("1")])
    store.commit(put=[alias("a")], found=[stored(store)])
    assert store.get(Alias, f"{HERE}alias/a") is not None


def test_conflict_names_the_record(store: Store, stale: Setting) -> None:
    with pytest.raises(Conflict, match="Setting number has been changed since it was read"):
        store.commit(put=[stale])


def test_record_staged_twice_is_a_bug_and_not_a_conflict(store: Store) -> None:
    with pytest.raises(ValueError, match="staged twice"):
        store.commit(put=[setting("1"), setting("2")])
    assert contents(store) == []


def test_text_that_is_no_unicode_is_refused_and_nothing_written(store: Store) -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        store.commit(put=[alias("a"), setting("\ud800")])
    assert contents(store) == []


def test_store_works_on_after_a_refused_commit(store: Store, stale: Setting) -> None:
    refused(store, put=[stale])
    store.commit(put=[replace(stored(store), value="3")])
    assert stored(store).value == "3"


def test_empty_commit_is_no_change(store: Store) -> None:
    store.commit()
    assert contents(store) == []
