"""After a rehearsal everything is as it was."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from kmslab.kms.contract.records import Key, Setting
from kmslab.kms.store import Store, open_store
from kmslab.kms.store.rehearsal import rehearsal
from tests.kms.store.samples import NOON, event, key, setting


def test_what_was_made_changed_and_removed_is_as_before() -> None:
    store = open_store()
    store.commit(put=[setting("1", "changed"), setting("1", "removed"), key(due=NOON)])
    store.log(event(1))
    before = {each.name: each.value for each in store.page(Setting, "")}
    with rehearsal(store):
        changed, removed = store.page(Setting, "")
        store.commit(put=[replace(changed, value="2"), setting("3", "made")], remove=[removed])
        store.commit(remove=store.page(Key, ""))
        store.log(event(2))
    assert {each.name: each.value for each in store.page(Setting, "")} == before
    assert {name: store.get(Setting, name).value for name in before} == before
    assert store.get(Setting, "made") is None
    assert store.next_due == NOON
    assert [each.request_id for each in store.events()] == ["1"]
    store.close()


def test_error_inside_is_passed_on_and_everything_put_back() -> None:
    store = open_store()

    def learner() -> None:
        with rehearsal(store):
            store.commit(put=[setting("1")], events=[event(1)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        learner()
    assert store.get(Setting, "number") is None
    assert store.events() == []
    store.close()


def test_store_that_others_share_is_refused(opened: Callable[[], Store]) -> None:
    with pytest.raises(ValueError, match="others"), rehearsal(opened()):
        pass
