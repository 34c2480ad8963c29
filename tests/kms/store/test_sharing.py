"""Several processes on one store: nothing is lost, and each soon sees the others' changes."""

import threading
from collections.abc import Callable
from dataclasses import replace

import pytest

from kmslab.kms.contract.records import Alias, Setting
from kmslab.kms.store import Conflict, Store, open_store
from kmslab.kms.store.polling import POLL
from tests.kms.store.samples import HERE, NOON, alias, ended, event, key, setting, start
from tests.waiting import until


@pytest.fixture
def url(shared_url: str) -> str:
    return shared_url


class Clock:
    """A monotonic clock that a test sets."""

    seconds = 0.0

    def monotonic(self) -> float:
        return self.seconds


def test_change_of_another_is_seen_after_a_refresh(opened: Callable[[], Store]) -> None:
    one, other = opened(), opened()
    one.commit(put=[setting("1")])
    until(other.refresh)
    old = other.get(Setting, "number")
    assert not other.refresh()
    one.commit(put=[replace(old, value="2"), key(due=NOON)])
    until(other.refresh)
    assert other.get(Setting, "number").value == "2"
    assert other.next_due == NOON


def test_removal_by_another_is_seen_after_a_refresh(opened: Callable[[], Store]) -> None:
    one, other = opened(), opened()
    one.commit(put=[setting("1"), key(due=NOON)])
    until(other.refresh)
    assert other.get(Setting, "number") is not None
    one.commit(remove=[one.get(Setting, "number"), *one.due(NOON)])
    until(other.refresh)
    assert other.get(Setting, "number") is None
    assert other.next_due is None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("kmslab.kms.store.polling.time", clock)
    return clock


def test_own_commits_and_foreign_events_are_no_change_by_others(
    opened: Callable[[], Store], clock: Clock
) -> None:
    one, other = opened(), opened()
    one.commit(put=[setting("1")])
    other.commit(events=[event()])
    other.log(event())
    other.flush()
    clock.seconds += POLL
    assert not one.refresh()


def test_next_refresh_reports_what_an_own_commit_saw_of_others_changes(
    opened: Callable[[], Store],
) -> None:
    one, other = opened(), opened()
    one.commit(put=[setting("1")])
    until(other.refresh)
    old = other.get(Setting, "number")
    one.commit(put=[replace(old, value="2")])
    other.commit(put=[alias("a")])
    assert other.get(Setting, "number").value == "2"
    assert other.refresh()
    assert not other.refresh()


def test_refresh_asks_the_database_twice_a_second_and_not_more(
    opened: Callable[[], Store], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = opened()
    looks: list[float] = []
    monkeypatch.setattr(store._polling, "_look", lambda: looks.append(clock.seconds))
    for tick in range(41):
        clock.seconds = tick / 16
        store.refresh()
    assert looks == [0, 0.5, 1, 1.5, 2, 2.5]


def test_change_of_another_is_seen_half_a_second_after_the_last_look(
    opened: Callable[[], Store], clock: Clock
) -> None:
    one, other = opened(), opened()
    other.refresh()
    one.commit(put=[setting("1")])
    assert not other.refresh()
    clock.seconds += POLL
    assert other.refresh()
    assert POLL <= 0.5


def test_store_in_memory_never_has_news() -> None:
    store = open_store()
    store.commit(put=[setting("1")])
    assert not store.refresh()
    store.close()


def test_loser_reads_anew_at_once(opened: Callable[[], Store]) -> None:
    """Otherwise each retry would find the same outdated record in the cache."""
    one, other = opened(), opened()
    one.commit(put=[setting("1"), alias("a")])
    old = other.get(Setting, "number")
    target = other.get(Alias, f"{HERE}alias/a")
    other.refresh()  # so that it does not look again for half a second
    one.commit(put=[replace(old, value="2"), replace(target, target=f"{HERE}key/x")])
    with pytest.raises(Conflict):
        other.commit(put=[replace(old, value="3")], found=[target])
    assert other.get(Setting, "number").value == "2"
    assert other.get(Alias, f"{HERE}alias/a").target == f"{HERE}key/x"
    assert other.refresh()


COUNT = """
from dataclasses import replace
store = open_store(sys.argv[1])
sys.stdin.read()
for number in range(int(sys.argv[2])):
    while True:
        old = store.get(Setting, "number")
        try:
            store.commit(put=[replace(old, value=str(int(old.value) + 1))], events=[event(number)])
        except Conflict:
            continue
        break
"""


@pytest.mark.long  # test_processes.py has the same of a lab
def test_processes_that_count_together_lose_no_step(url: str) -> None:
    store = open_store(url)
    store.commit(put=[setting("0")])
    processes = [start(COUNT, url, 40) for _ in range(4)]
    for process in processes:
        process.stdin.close()
        process.stdin = None
    for process in processes:
        ended(process)
    assert len(store.events()) == 160
    until(store.refresh)
    assert store.get(Setting, "number").value == "160"
    store.close()


def test_killed_process_loses_no_change_and_leaves_no_lock(url: str) -> None:
    """Each number is printed after its commit returned, and the kill comes during a later one."""
    worker = start(
        """
store = open_store(sys.argv[1])
for number in range(1_000_000):
    store.commit(put=[setting("", f"{number:07}")])
    print(number, flush=True)
""",
        url,
    )
    printed = [worker.stdout.readline().strip() for _ in range(50)]
    worker.kill()
    printed += worker.stdout.read().split()
    worker.communicate()
    store = open_store(url)
    stored = [int(each.name) for each in store.page(Setting, "", limit=1_000_000)]
    assert stored[: len(printed)] == [int(number) for number in printed]
    assert len(stored) <= len(printed) + 1
    store.commit(put=[setting("", "afterwards")])
    store.close()


def test_two_stores_of_one_process_lose_no_step(opened: Callable[[], Store]) -> None:
    opened().commit(put=[setting("0")])

    def count(store: Store) -> None:
        for _ in range(50):
            while True:
                old = store.get(Setting, "number")
                try:
                    store.commit(put=[replace(old, value=str(int(old.value) + 1))])
                except Conflict:
                    continue
                break

    threads = [threading.Thread(target=count, args=[opened()]) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert opened().get(Setting, "number").value == "150"


STARTER = """
store = open_store(sys.argv[1])
store.commit(put=[setting("1", sys.argv[2])], events=[event(int(sys.argv[2]))])
assert store.get(Setting, sys.argv[2]).value == "1"
"""


def all_live(url: str, count: int = 4) -> None:
    processes = [start(STARTER, url, number) for number in range(count)]
    for process in processes:
        ended(process)
    store = open_store(url)
    assert len(store.page(Setting, "")) == count
    assert len(store.events()) == count
    store.close()


@pytest.mark.long  # test_processes.py has the same of a lab
def test_four_processes_that_start_on_a_new_store_all_live(url: str) -> None:
    all_live(url)


@pytest.mark.parametrize("attempt", range(3))
def test_threads_that_open_a_new_store_at_once_all_live(url: str, attempt: int) -> None:
    """At shorter intervals than processes can start."""
    stores: list[Store] = []
    gate = threading.Barrier(8)

    def begin(number: int) -> None:
        gate.wait()
        store = open_store(url)
        store.commit(put=[setting("1", str(number))])
        stores.append(store)

    threads = [threading.Thread(target=begin, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(stores) == 8
    for store in stores:
        assert len(store.page(Setting, "")) == 8
        store.close()
