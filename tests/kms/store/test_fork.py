"""A forked child opens its own connections; a store in memory stays with its parent."""

import os
from pathlib import Path

import pytest

from tests.kms.store.samples import ended, start

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

HEAD = """
import os, multiprocessing
from dataclasses import replace
store = open_store(sys.argv[1] if len(sys.argv) > 1 else None)
store.commit(put=[setting("0")])
store.log(event(1))

def add_one(store):
    while True:
        old = store.get(Setting, "number")
        try:
            return store.commit(put=[replace(old, value=str(int(old.value) + 1))])
        except Conflict:
            continue

def in_child(work):
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    return child
"""


def run(program: str, *arguments: object) -> list[str]:
    return ended(start(HEAD + program, *arguments)).splitlines()


def test_inherited_store_in_a_file_works_on_both_sides(url: str) -> None:
    program = """
children = [in_child(lambda: [add_one(store) for _ in range(20)]) for _ in range(3)]
for _ in range(20): add_one(store)
for child in children: child.join()
store.close()
print(open_store(sys.argv[1]).get(Setting, "number").value)
"""
    assert run(program, url) == ["80"]


def test_event_that_waited_at_the_fork_is_written_once(url: str) -> None:
    program = """
children = [in_child(lambda: store.log(event(n))) for n in (2, 3)]
for child in children: child.join()
print(sorted(each.request_id for each in store.events()))
"""
    assert run(program, url) == ["['1', '2', '3']"]


def test_child_that_opens_the_file_anew_survives_its_parents_close(url: str) -> None:
    """If the child inherited a connection, the parent's close would delete the child's log file."""
    program = """
def work():
    mine = open_store(sys.argv[1])
    for _ in range(10): add_one(mine)
    store.refresh()
    ready.set()
    closed.wait()
    for _ in range(10): add_one(mine)
    mine.close()

fork = multiprocessing.get_context("fork")
ready, closed = fork.Event(), fork.Event()
child = in_child(work)
ready.wait()
store.close()
closed.set()
child.join()
print(child.exitcode, open_store(sys.argv[1]).get(Setting, "number").value)
"""
    assert run(program, url) == ["0 20"]


def test_no_connection_crosses_a_fork(url: str, tmp_path: Path) -> None:
    if not Path("/proc/self/fd").exists():
        pytest.skip("only Linux lists a process's open files")
    program = """
def files():
    links = [os.path.join("/proc/self/fd", each) for each in os.listdir("/proc/self/fd")]
    return [os.readlink(each) for each in links if os.path.lexists(each)]
store.page(Setting, "")
print(any("my.db" in each for each in files()), flush=True)
child = in_child(lambda: print(any("my.db" in each for each in files()), flush=True))
child.join()
"""
    assert run(program, url) == ["True", "False"]


def test_fork_while_other_threads_work_stops_neither_side_and_doubles_no_event(url: str) -> None:
    program = """
import itertools, threading
busy, numbers = True, itertools.count(100)
def work():
    while busy:
        add_one(store)
        store.get(Setting, "x")
        for _ in range(20): store.log(event(next(numbers)))
threads = [threading.Thread(target=work) for _ in range(3)]
for thread in threads: thread.start()
def child_work():
    for _ in range(3): add_one(store)
    store.log(event(7))
for _ in range(10):
    child = in_child(child_work)
    child.join(30)
    assert child.exitcode == 0, child.exitcode
busy = False
for thread in threads: thread.join()
names = [int(each.request_id) for each in store.events()]
print(names.count(7), sorted(set(names) - {1, 7}) == list(range(100, next(numbers))))
print(len(names) - len(set(names)))
"""
    assert run(program, url) == ["10 True", "9"]


def test_lock_that_another_thread_holds_at_the_fork_is_open_in_the_child(url: str) -> None:
    program = """
import threading
held, done = threading.Event(), threading.Event()
def hold():
    with store._cache._lock:
        held.set()
        done.wait()
threading.Thread(target=hold).start()
held.wait()
child = in_child(lambda: print(store.get(Setting, "number").value, flush=True))
child.join(20)
child.kill()
done.set()
"""
    assert run(program, url) == ["0"]


def test_store_in_memory_refuses_a_forked_child() -> None:
    program = """
def work():
    for use in (
        lambda: store.get(Setting, "number"),
        lambda: store.commit(put=[setting("1", "other")]),
        lambda: store.log(event(2)),
    ):
        try:
            use()
        except StoreError as error:
            print(error, flush=True)
store.get(Setting, "number")
in_child(work).join()
print(store.get(Setting, "number").value, len(store.events()))
"""
    *refusals, afterwards = run(program)
    assert len(refusals) == 3
    assert all("in the memory of another process" in refusal for refusal in refusals)
    assert afterwards == "0 1"


def test_child_may_open_a_store_in_memory_of_its_own() -> None:
    program = """
def work():
    mine = open_store()
    mine.log(event())
    print(len(mine.events()), flush=True)
in_child(work).join()
"""
    assert run(program) == ["1"]
