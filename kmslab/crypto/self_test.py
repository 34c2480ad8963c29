"""No algorithm serves before it has given a published answer: known-answer tests, as FIPS 140 asks.

The answers are data (`self_tests.json`), each with its source: a new algorithm brings its rows
there, and an algorithm without one fails. Keys in the file are published, hence no secrets.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

from kmslab.crypto.backend import Backend, Forged


class SelfTestFailed(Exception):
    """A backend's algorithm doesn't do what its standard says, so it must not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """One call of a backend's function, and what it must give: an answer, or Forged."""

    algorithm: str
    function: str
    arguments: Mapping[str, Any]
    source: str
    answer: Any = None
    refused: bool = False

    def holds(self, backend: Backend) -> bool:
        try:
            answer = getattr(backend, self.function)(**self.arguments)
        except Forged:
            return self.refused
        return not self.refused and bool(answer == self.answer)


def _bytes_from_hex(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else value


def read(text: str) -> tuple[KnownAnswer, ...]:
    """Known answers from JSON, where `{"hex": "00ff"}` stands for bytes."""
    return tuple(KnownAnswer(**row) for row in json.loads(text, object_hook=_bytes_from_hex))


KNOWN_ANSWERS = read(files("kmslab.crypto").joinpath("self_tests.json").read_text("utf-8"))


def run(
    backend: Backend, algorithm: str, known_answers: Sequence[KnownAnswer] = KNOWN_ANSWERS
) -> None:
    """Raise SelfTestFailed unless the backend gives every known answer of the algorithm."""
    chosen = [known for known in known_answers if known.algorithm == algorithm]
    if not chosen:
        raise SelfTestFailed(f"{algorithm}: no known answer to test {backend.NAME} with")
    for known in chosen:
        try:
            passed = known.holds(backend)
        except Exception as error:  # whatever goes wrong, the algorithm isn't fit to serve
            raise SelfTestFailed(_failure(backend, known)) from error
        if not passed:
            raise SelfTestFailed(_failure(backend, known))


def _failure(backend: Backend, known: KnownAnswer) -> str:
    return f"{known.algorithm}: {known.function} of {backend.NAME} fails ({known.source})"
