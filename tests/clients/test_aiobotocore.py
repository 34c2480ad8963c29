"""aiobotocore: many calls at once, in one loop, on one client."""

from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.long

PROGRAM = Path(__file__).parent / "programs" / "concurrently.py"


@pytest.fixture(scope="module")
def told(outside, programs) -> Any:
    return outside.told(programs / "python", PROGRAM)


def test_calls_at_once_get_each_its_own_answer(told):
    assert told["right"] == [True] * 67
    assert told["pairs"] == 4


def test_pages_come_to_their_end(told):
    assert [len(page) for page in told["aliases"]] == [3, 3, 1]
    assert len({name for page in told["aliases"] for name in page}) == 7


def test_errors_read_as_those_of_aws(told, lab):
    assert told["refused"] == (
        "An error occurred (NotFoundException) when calling the Encrypt operation: "
        "Alias arn:aws:kms:us-east-1:111122223333:alias/nobody is not found."
    )
    arn = lab.cmk(told["key"]).arn
    assert told["disabled"] == (
        "An error occurred (DisabledException) when calling the Encrypt operation: "
        f"{arn} is disabled."
    )


def test_the_trail_names_the_client(told, lab):
    event = [event for event in lab.trail if event["eventName"] == "DisableKey"][-1]
    assert "aiobotocore/" in event["userAgent"]
