"""The messages in `data/` are what the README there says."""

from pathlib import Path

import pytest

from kmslab import envelope
from kmslab.course.clinic import records

MESSAGES = Path(__file__).parents[2] / "data" / "messages"
KEY = bytes(range(32))
RING = envelope.RawAesKeyring("kmslab test keys", "published", KEY)


@pytest.mark.parametrize("suite", [0x0478, 0x0578], ids=hex)
@pytest.mark.parametrize("writer", ["kmslab", "sdk"])
def test_a_published_message_opens_with_the_published_key(writer: str, suite: int) -> None:
    message = (MESSAGES / f"{writer}-{suite:04x}.message").read_bytes()
    opened = envelope.decrypt(message, RING)
    assert opened.plaintext.splitlines() == [records.record(f"R-{n:03}") for n in (17, 18, 19)]
    assert opened.context == {"record": "R-017", "clinic": "Seoul"}
    assert (opened.header.suite.id, opened.header.frame_length) == (suite, 128)
    assert envelope.inspect(message).problem is None
