"""What the parts of a store do when their process forks or ends.

A fork copies memory but not threads: a lock that another thread holds stays shut for ever in the
child. SQLite forbids worse: not even an idle connection may cross a fork, because parent and child
would then both believe in one file lock. So everything stops before a fork, the connections to
files are closed, and each side begins again.
"""

import atexit
import itertools
import os
import sys
import threading
import weakref


class Part:
    """Something of a store that has to know; called in the order in which the parts joined."""

    def before_fork(self) -> None: ...
    def after_fork(self) -> None: ...
    def in_forked_child(self) -> None: ...
    def at_exit(self) -> None: ...


_parts: weakref.WeakValueDictionary[int, Part] = weakref.WeakValueDictionary()
_order = itertools.count()
_lock = threading.Lock()  # held across a fork, so it needs no renewal in the child
_stopped: list[Part] = []


def join(part: Part) -> None:
    with _lock:
        _parts[next(_order)] = part


def _living() -> list[Part]:
    with _lock:
        return list(_parts.values())


def _before_fork() -> None:
    _lock.acquire()
    _stopped.extend(_parts.values())
    for part in _stopped:
        part.before_fork()


def _after_fork() -> None:
    _go_on(Part.after_fork.__name__)


def _in_forked_child() -> None:
    _go_on(Part.in_forked_child.__name__)


def _go_on(step: str) -> None:
    """In the opposite order, so that what others stand on works before they do."""
    try:
        for part in reversed(_stopped):
            getattr(part, step)()
    finally:
        _stopped.clear()
        _lock.release()


def at_exit() -> None:
    for part in _living():
        part.at_exit()


def end_with_multiprocessing() -> None:
    """A child that `multiprocessing` has forked ends without running what `atexit` knows."""
    if util := sys.modules.get("multiprocessing.util"):
        util.Finalize(None, at_exit, exitpriority=0)


atexit.register(at_exit)
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_forked_child
    )
