import sys

import pytest

from kmslab.bench import progress
from kmslab.bench.programs import Benchmark, Effort, Plan, Program
from kmslab.bench.running import run


class Seen(list):
    """Keeps what it is told; for `progress`."""

    def __call__(self, what: str, done: int, total: int) -> None:
        self.append((what, done, total))


def test_each_item_is_announced_before_it_is_taken_and_the_end_after_the_last():
    seen = Seen()
    taken = [(item, len(seen)) for item in progress.counted("ab", "letters", seen)]
    assert taken == [("a", 1), ("b", 2)]
    assert seen == [("letters", 0, 2), ("letters", 1, 2), ("letters", 2, 2)]


@pytest.mark.parametrize(("total", "lines"), [(3, 4), (10, 11), (100, 11), (55, 11)])
def test_a_file_gets_a_line_at_each_tenth_at_most(total, lines, capsys):
    list(progress.counted(range(total), "round", progress.on_stderr))
    written = capsys.readouterr().err.splitlines()
    assert len(written) == lines
    assert (written[0], written[-1]) == (f"round: 0 of {total}", f"round: {total} of {total}")


def test_a_file_gets_a_line_at_each_tenth_when_many_are_done_at_once(capsys):
    for done in [*range(7, 996, 7), 996]:
        progress.on_stderr("keys", done, 996)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 11
    assert written[-1] == "keys: 996 of 996"


def test_a_terminal_has_one_line_that_changes(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    list(progress.counted(range(100), "round", progress.on_stderr))
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.count("\r") == 101
    assert written.endswith("\n")


def small(effort: Effort) -> Benchmark:
    program = Program("a", "b", "c", lambda: None)
    return Benchmark("wrapping", lambda *_: Plan([program]), effort, effort)


def test_a_measurement_in_a_notebook_shows_nothing(capsys):
    run(small(Effort(2, 0)))
    assert capsys.readouterr() == ("", "")


def test_a_measurement_says_what_it_does_from_the_first_second():
    seen = Seen()
    run(small(Effort(3, 0)), progress=seen)
    assert [what for what, done, _ in seen if not done] == [
        "preparing",
        "warming up",
        "measuring, round",
    ]
    assert [(what, done) for what, done, total in seen if done == total] == [
        ("preparing", 1),
        ("warming up", 1),
        ("measuring, round", 3),
    ]
