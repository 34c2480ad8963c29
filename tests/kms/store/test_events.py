"""No event is lost when a program ends. Events stay in order and are written in groups."""

import gc
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from kmslab.kms.contract.events import Event
from kmslab.kms.store import Conflict, Store, open_store
from kmslab.kms.store.writer import BOUND
from tests.kms.store.samples import NOON, ended, event, setting, start
from tests.waiting import until

SECOND = timedelta(seconds=1)


def numbers(events: list[Event]) -> list[int]:
    return [int(each.request_id) for each in events]


def in_file(path: Path) -> int:
    raw = sqlite3.connect(path)
    try:
        return raw.execute("SELECT count(*) FROM event").fetchone()[0]
    finally:
        raw.close()


FULL = event(
    7,
    request={"keyId": "alias/열쇠", "n": 1, "deep": {"list": [1, None, True, {}]}, "\ud800": "\0"},
    response={},
    resources=("arn:1", "arn:2"),
    extra={"x": None},
    error_code="NotFoundException",
    error_message="Invalid keyId '\ud800\0열'",
)


@pytest.mark.parametrize("sent", [event(), FULL], ids=["bare", "full"])
def test_event_comes_back_as_it_was_with_its_place(store: Store, sent: Event) -> None:
    store.log(sent)
    [back] = store.events()
    assert back.sequence > 0
    assert back.time.tzinfo is NOON.tzinfo
    for name in Event.__slots__:
        if name != "sequence":
            assert getattr(back, name) == getattr(sent, name)
            assert type(getattr(back, name)) is type(getattr(sent, name))


def test_value_that_json_lacks_costs_no_event_and_is_not_printed(store: Store) -> None:
    store.log(event(request={"plaintext": b"hunter2"}))
    [back] = store.events()
    assert back.request == {"plaintext": "<bytes>"}


def test_reading_shows_what_was_logged_a_moment_ago(store: Store) -> None:
    for number in range(5):
        store.log(event(number))
        assert numbers(store.events()) == list(range(number + 1))


def test_events_come_by_time_and_equal_times_in_order_of_writing(store: Store) -> None:
    store.log(event(1, time=NOON + SECOND))
    store.commit(put=[setting("1")], events=[event(2, time=NOON), event(3, time=NOON)])
    store.log(event(4, time=NOON))
    assert numbers(store.events()) == [2, 3, 4, 1]


def test_commit_writes_the_waiting_events_first(store: Store) -> None:
    store.log(event(1))
    store.log(event(2))
    store.commit(put=[setting("1")], events=[event(3)])
    store.log(event(4))
    assert numbers(store.events()) == [1, 2, 3, 4]


def test_refused_commit_keeps_the_waiting_events_and_their_order(store: Store) -> None:
    store.commit(put=[setting("1")])
    store.log(event(1))
    store.log(event(2))
    with pytest.raises(Conflict):
        store.commit(put=[setting("2")], events=[event(99)])
    store.log(event(3))
    assert numbers(store.events()) == [1, 2, 3]


def test_events_are_filtered_by_account_and_region(store: Store) -> None:
    store.log(event(1, account="1", region="a"))
    store.log(event(2, account="1", region="b"))
    store.log(event(3, account="2", region="b"))
    assert numbers(store.events(account="1")) == [1, 2]
    assert numbers(store.events(region="b")) == [2, 3]
    assert numbers(store.events(account="1", region="b")) == [2]
    assert store.events(account="3") == []


def test_follower_sees_each_event_once(store: Store) -> None:
    """Also events with earlier times than those already read: the order of writing counts."""
    for number in range(7):
        store.log(event(number, time=NOON - number * SECOND))
    seen: list[int] = []
    last = 0
    while page := store.events(after=last, limit=3):
        seen += numbers(page)
        last = max(each.sequence for each in page)
    assert sorted(seen) == list(range(7))


def test_events_are_written_soon_without_another_call(
    tmp_path: Path, opened: Callable[[], Store]
) -> None:
    store = opened()
    for round_ in (1, 2):
        store.log(event())
        until(lambda wanted=round_: in_file(tmp_path / "my.db") == wanted)


def test_events_of_a_moment_are_one_group(tmp_path: Path, opened: Callable[[], Store]) -> None:
    store = opened()
    seen: set[int] = set()
    for number in range(100):
        store.log(event(number))
    until(lambda: seen.add(in_file(tmp_path / "my.db")) or 100 in seen)
    assert seen <= {0, 100}


def test_flush_has_stored_when_it_returns(tmp_path: Path, opened: Callable[[], Store]) -> None:
    store = opened()
    store.log(event())
    store.flush()
    assert in_file(tmp_path / "my.db") == 1


@pytest.mark.timeout(30)
def test_full_page_is_read_while_others_write(store: Store) -> None:
    """What waits is written after all that is stored, so it cannot be in the page."""
    for number in range(3):
        store.log(event(number))
    store.flush()
    store.log(event(3))
    with store._database.writing:
        first, second = store.events(limit=2)
    assert numbers([first, second]) == [0, 1]
    assert numbers(store.events(after=second.sequence, limit=2)) == [2, 3]
    assert numbers(store.events(after=second.sequence, limit=3)) == [2, 3]


def test_too_many_waiting_events_are_written_by_their_caller(store: Store) -> None:
    for number in range(BOUND + 10):
        store.log(event(number))
    assert len(store._outbox._events) <= BOUND
    assert numbers(store.events()) == list(range(BOUND + 10))


def test_close_writes_what_waits(tmp_path: Path, opened: Callable[[], Store]) -> None:
    store = opened()
    store.log(event())
    store.close()
    assert in_file(tmp_path / "my.db") == 1


def test_dropped_store_is_collected_and_its_events_are_written(tmp_path: Path, url: str) -> None:
    def careless() -> None:
        store = open_store(url)
        store.log(event())

    careless()
    gc.collect()
    until(lambda: in_file(tmp_path / "my.db") == 1)
    until(lambda: not (tmp_path / "my.db-wal").exists())


def test_disturbed_writer_keeps_the_events_and_tries_again(
    tmp_path: Path, opened: Callable[[], Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened()
    with monkeypatch.context() as patch:
        patch.setattr("kmslab.kms.store.sql.PATIENCE", 0)
        raw = sqlite3.connect(tmp_path / "my.db", isolation_level=None)
        raw.execute("BEGIN IMMEDIATE")
        store.log(event(1))
        until(lambda: store._outbox.troubled)
        raw.execute("ROLLBACK")
        raw.close()
    store.log(event(2))
    until(lambda: in_file(tmp_path / "my.db") == 2)
    assert numbers(store.events()) == [1, 2]


ENDINGS = {
    "end of the program": "",
    "store dropped, then exit": "del store; sys.exit(0)",
    "thread": "import threading; threading.Thread(target=lambda: store.log(event(1000))).start()",
    "late": "import atexit; atexit.register(lambda: store.log(event(1000)))",
    "after all others": """
import atexit
from kmslab.kms.store import fork
atexit.unregister(fork.at_exit)
atexit.register(lambda: store.log(event(1000)))
atexit.register(fork.at_exit)
""",
}


@pytest.mark.parametrize("ending", ENDINGS.values(), ids=ENDINGS.keys())
def test_program_that_ends_loses_no_event(tmp_path: Path, url: str, ending: str) -> None:
    program = "store = open_store(sys.argv[1])\nfor n in range(100): store.log(event(n))\n"
    ended(start(program + ending, url))
    assert in_file(tmp_path / "my.db") == 100 + ("1000" in ending)
    assert [path.name for path in tmp_path.iterdir()] == ["my.db"]


def test_program_that_ends_by_an_error_loses_no_event(tmp_path: Path, url: str) -> None:
    program = "store = open_store(sys.argv[1])\nfor n in range(9): store.log(event(n))\n1 / 0"
    _, err = start(program, url).communicate(timeout=60)
    assert err.strip().endswith("ZeroDivisionError: division by zero")
    assert in_file(tmp_path / "my.db") == 9


def test_the_last_events_are_read_from_the_end(store: Store) -> None:
    for number in range(7):
        store.log(event(number, account=str(number % 2)))
    assert numbers(store.events(last=3)) == [4, 5, 6]
    assert numbers(store.events(account="1", last=2)) == [3, 5]
    assert numbers(store.events(last=99)) == list(range(7))
    assert store.events(last=0) == []
    assert numbers(store.events(after=store.position(3), limit=2)) == [4, 5]
    assert numbers(store.events(after=store.position(), last=5)) == []
