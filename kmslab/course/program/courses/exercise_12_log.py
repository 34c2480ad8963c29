"""12-log: open a box with a log that says too much, and write one that does not."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

from kmslab.course import unlock


def open_from_log(log: str, box: bytes) -> bytes:
    for line in log.splitlines():
        written = json.loads(line)["answer"].get("Plaintext", "")
        try:
            return unlock(box, b64decode(written))
        except Exception:  # that was no key, or not the key of this box
            continue
    raise ValueError("no key of this box stands in the log")


def loggable(answer: Mapping[str, Any]) -> dict[str, Any]:
    return {"KeyId": answer["KeyId"]} if "KeyId" in answer else {}
