"""Cuts this Python process off from the network for a while, to show that a lesson needs none.

Python itself reports each attempt to use the network to an audit hook (PEP 578), and a hook may
refuse it. The hook that is added here lets everything pass outside `with network_off():`.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

from kmslab.display import PlainError

# What Python reports before it uses the network, and the position of the address in the report.
ATTEMPTS = {
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
}
_depth = 0  # how many `with network_off():` are open


class NetworkOff(PlainError, OSError):
    """The network is off in this process; the text says whom it tried to reach."""


@contextmanager
def network_off() -> Iterator[None]:
    """Within `with network_off():` every attempt to use the network raises NetworkOff.

    That holds for all threads of this process, for this computer's own addresses too, and not for
    other programs.
    """
    global _depth
    _install()
    _depth += 1
    try:
        yield
    finally:
        _depth -= 1


@cache
def _install() -> None:
    sys.addaudithook(_refuse)  # can't be removed again


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if _depth and event in ATTEMPTS:
        address = arguments[ATTEMPTS[event]]
        whom = address[0] if isinstance(address, tuple) else address
        raise NetworkOff(f"the network is off in this cell, so nothing was sent to {whom}")
