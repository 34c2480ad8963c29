"""What the parts of a store do when their process forks or ends.

A fork copies memory but not threads: a lock that another thread holds stays locked for ever in the
child. SQLite forbids more: not even an idle connection may be used after a fork, because parent and
child would then share one file lock. So everything stops before a fork, the connections to files
are closed, and each process starts again.
"""

import atexit
import itertools
import os
import sys
import threading
import weakref


class ForkAware:
    """A part of a store that is called before and after a fork and at the interpreter's end.

    `before_fork` and `at_exit` are called in the order in which the parts joined, the others in the
    opposite order.
    """

    def before_fork(self) -> None: ...
    def after_fork(self) -> None: ...
    def in_forked_child(self) -> None: ...
    def at_exit(self) -> None: ...


_parts: weakref.WeakValueDictionary[int, ForkAware] = weakref.WeakValueDictionary()
_order = itertools.count()
_lock = threading.Lock()  # held across a fork, so it needs no renewal in the child
_stopped: list[ForkAware] = []


def join(part: ForkAware) -> None:
    with _lock:
        _parts[next(_order)] = part


def _living() -> list[ForkAware]:
    with _lock:
        return list(_parts.values())


def _before_fork() -> None:
    _lock.acquire()
    _stopped.extend(_parts.values())
    for part in _stopped:
        part.before_fork()


def _after_fork() -> None:
    _go_on(ForkAware.after_fork.__name__)


def _in_forked_child() -> None:
    _go_on(ForkAware.in_forked_child.__name__)


def _go_on(step: str) -> None:
    """In the opposite order: the writer joined first, and starts when its databases work again."""
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
    """A child process that `multiprocessing` forked ends without running `atexit`'s functions."""
    if util := sys.modules.get("multiprocessing.util"):
        util.Finalize(None, at_exit, exitpriority=0)


atexit.register(at_exit)
if hasattr(os, "register_at_fork"):  # Windows does not fork
    os.register_at_fork(
        before=_before_fork, after_in_parent=_after_fork, after_in_child=_in_forked_child
    )
