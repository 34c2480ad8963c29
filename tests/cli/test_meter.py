"""The progress bar: on a terminal only, after a second, and no name of a file confuses it."""

import io
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kmslab.cli.sealing.meter import Meter
from kmslab.cli.sealing.plan import ENCRYPT, Plan
from tests.cli.test_sealing import written

pytestmark = pytest.mark.usefixtures("bare")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def shown(monkeypatch: Any) -> Callable[..., str]:
    """What appears on stderr: the first file begins at once, the second after some seconds."""

    def run(stderr: io.StringIO, seconds: float, *sources: str) -> str:
        monkeypatch.setattr(sys, "stderr", stderr)
        monkeypatch.setenv("TERM", "xterm")
        monkeypatch.setenv("COLUMNS", "120")
        times = iter([0.0, 0.1, 0.1])
        with Meter(Plan(ENCRYPT, sources), lambda: next(times, seconds)) as meter:
            meter.begin(sources[0])
            meter.advance(500)
            meter.begin(sources[-1])
            meter.advance(500)
            meter.say("a: could not be done")
        return stderr.getvalue()

    return run


def test_a_bar_appears_after_a_second(shown: Callable[..., str], tmp_path: Path):
    written("a", bytes(500))
    written("[red]b", bytes(1500))
    text = shown(Terminal(), 1.5, "a", "[red]b")
    assert "2/2 [red]b" in text
    assert "/2.0 kB" in text
    assert "a: could not be done\n" in text


def test_of_a_pipe_the_size_is_not_known(shown: Callable[..., str], tmp_path: Path):
    assert "1.0/? kB" in shown(Terminal(), 1.5, "-")


def test_what_is_quick_has_no_bar(shown: Callable[..., str], tmp_path: Path):
    written("a", bytes(500))
    assert shown(Terminal(), 0.9, "a", "a") == "a: could not be done\n"


def test_a_file_of_messages_has_no_bar(shown: Callable[..., str], tmp_path: Path):
    written("a", bytes(500))
    assert shown(io.StringIO(), 9, "a", "a") == "a: could not be done\n"
