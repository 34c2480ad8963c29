"""Which implementation opened whose messages, in which suite: a table of what the tests tried.

    python -m tests.envelope.matrix

Runs the tests that are listed here, counts the messages that `kmslab.envelope` wrote and opened in
them, and prints Markdown. Only tests that passed count. It takes a minute. `make test-all` installs
the SDK for JavaScript and the command; without them their columns are empty, with the reason below.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import wraps
from typing import Any

import pytest

from kmslab import envelope
from kmslab.byte_streams import source_of
from kmslab.display import Table
from kmslab.envelope.message import FieldReader, Header, read_header
from kmslab.envelope.suites import SUITES

OPENS_OURS, WE_OPEN = "opens ours", "we open its"
KEYRINGS = (
    "clients/test_encryption_sdk.py::test_a_strict_keyring_and_we_open_each_others_messages",
    "clients/test_encryption_sdk.py::test_raw_keyrings_and_we_open_each_others_messages",
)
LOADED = ("-W", "ignore::pytest.PytestAssertRewriteWarning")  # kmslab itself, here
NODE, CLI = "clients/test_node.py::", "clients/test_encryption_cli.py::"
TRIED = {
    ("SDK for Python, master key providers", OPENS_OURS): (
        "envelope/test_sdk.py::test_the_sdk_opens_what_we_write",
        "envelope/test_suites.py::test_the_sdk_opens_every_suite",
    ),
    ("SDK for Python, master key providers", WE_OPEN): (
        "envelope/test_sdk.py::test_we_open_what_the_sdk_writes",
        "envelope/test_suites.py::test_every_suite_of_the_sdk_opens",
    ),
    ("SDK for Python, keyrings", OPENS_OURS): KEYRINGS,
    ("SDK for Python, keyrings", WE_OPEN): KEYRINGS,
    ("SDK for JavaScript", OPENS_OURS): (
        f"{NODE}test_it_opens_our_messages_with_each_of_its_keyrings",
    ),
    ("SDK for JavaScript", WE_OPEN): (f"{NODE}test_we_open_its_messages",),
    ("aws-encryption-cli", OPENS_OURS): (f"{CLI}test_it_opens_a_folder_of_ours_by_discovery",),
    ("aws-encryption-cli", WE_OPEN): (f"{CLI}test_a_file_goes_there_and_back",),
}


class Recorder:
    """A pytest plugin that keeps the messages of each test, and its result."""

    def __init__(self) -> None:
        self._test = ""
        self.messages: dict[str, Counter[tuple[str, int, bool]]] = {}
        self.failed: set[str] = set()
        self.skipped: dict[str, str] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._test = _name(item)
        return (yield)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed.add(_name(report))
        elif report.skipped:
            self.skipped[_name(report)] = str(report.longrepr[-1])

    def encrypting(self, encrypt: Callable[..., bytes]) -> Callable[..., bytes]:
        @wraps(encrypt)
        def recorded(*arguments: Any, **named: Any) -> bytes:
            message = encrypt(*arguments, **named)
            self._count(OPENS_OURS, read_header(FieldReader(source_of(message))))
            return message

        return recorded

    def decrypting(
        self, decrypt: Callable[..., envelope.Decrypted]
    ) -> Callable[..., envelope.Decrypted]:
        @wraps(decrypt)
        def recorded(*arguments: Any, **named: Any) -> envelope.Decrypted:
            opened = decrypt(*arguments, **named)
            self._count(WE_OPEN, opened.header)
            return opened

        return recorded

    def _count(self, direction: str, header: Header) -> None:
        messages = self.messages.setdefault(self._test, Counter())
        messages[direction, header.suite.id, header.frame_length > 0] += 1


def _name(test: pytest.Item | pytest.TestReport) -> str:
    return test.nodeid.removeprefix("tests/").partition("[")[0]


def cell(seen: Recorder, column: tuple[str, str], suite: int) -> str:
    tests, (_, direction) = TRIED[column], column
    if not seen.failed.isdisjoint(tests):
        return "FAILED"
    messages = sum((seen.messages.get(test, Counter()) for test in tests), Counter())
    framed, unframed = (messages[direction, suite, each] for each in (True, False))
    return f"{framed or ''}{f' + {unframed} unframed' if unframed else ''}"


def table(seen: Recorder) -> Table:
    headings = [f"{name}: {direction}" for name, direction in TRIED]
    rows = [
        [f"0x{suite:04x}", *(cell(seen, column, suite) for column in TRIED)] for suite in SUITES
    ]
    return Table(["suite", *headings], rows)


def main(*options: str) -> int:
    """Returns pytest's exit code."""
    seen = Recorder()
    tests = dict.fromkeys(f"tests/{test}" for tests in TRIED.values() for test in tests)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(envelope, "encrypt", seen.encrypting(envelope.encrypt))
        patch.setattr(envelope, "decrypt", seen.decrypting(envelope.decrypt))
        code = pytest.main(["-q", "-m", "", *LOADED, *options, *tests], plugins=[seen])
    notes = [f"Not tried: {test}. {reason}" for test, reason in seen.skipped.items()]
    sys.stdout.write("\n".join(["", table(seen)._repr_markdown_(), "", *notes, ""]))
    return int(code)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
