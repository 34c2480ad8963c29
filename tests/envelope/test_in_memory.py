"""Bytes in, bytes out: an encrypted message opens."""

import tracemalloc

import pytest

from kmslab import CMK, envelope
from kmslab.envelope import RawAesKeyring
from tests.cases import for_every
from tests.envelope.conftest import SUITES

EACH_SUITE = pytest.mark.parametrize("suite", SUITES, ids=hex)
FRAME = 16
CONTEXT = {"album": "summer", "year": "2026"}


@EACH_SUITE
@for_every("size", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 5])
def test_an_encrypted_message_opens(orders: CMK, suite: int, size: int) -> None:
    data = bytes(range(size))
    message = envelope.encrypt(data, orders, context=CONTEXT, suite=suite, frame_length=FRAME)
    opened = envelope.decrypt(message, orders)
    assert opened.plaintext == data
    assert type(opened.plaintext) is bytes
    assert opened.context == CONTEXT
    assert opened.header.suite.id == suite
    assert opened.header.frame_length == FRAME


def test_a_message_in_memory_is_copied_once() -> None:
    data = bytes(16 * 2**20)
    tracemalloc.start()
    message = envelope.encrypt(data, RawAesKeyring("a", "b", bytes(32)), suite=0x0478)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2.4 * len(message)
