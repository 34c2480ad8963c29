"""13-patient: try a call again while the KMS says that it comes too fast."""

from collections.abc import Callable
from random import uniform
from typing import Any

ATTEMPTS = 5


def patient(call: Callable[[], Any], wait: Callable[[float], object]) -> Any:
    for attempt in range(ATTEMPTS):
        try:
            return call()
        except Exception as error:
            response = getattr(error, "response", {"Error": {"Code": ""}})
            throttled = response["Error"]["Code"] == "ThrottlingException"
            if not throttled or attempt == ATTEMPTS - 1:
                raise
        wait(uniform(0.5, 1) * 2**attempt)
    raise AssertionError("the last attempt has returned or raised")
