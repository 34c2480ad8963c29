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


@pytest.mark.parametrize(("total", "lines"), [(3, 4), (10, 5), (100, 5), (55, 5)])
def test_a_file_gets_a_line_at_each_quarter_at_most(total, lines, capsys):
    list(progress.counted(range(total), "round", progress.on_stderr))
    written = capsys.readouterr().err.splitlines()
    assert len(written) == lines
    assert (written[0], written[-1]) == (f"round 0 of {total}", f"round {total} of {total}")


def test_a_file_gets_a_line_at_each_quarter_when_many_are_done_at_once(capsys):
    for done in [*range(7, 996, 7), 996]:
        progress.on_stderr("keys", done, 996)
    written = capsys.readouterr().err.splitlines()
    assert len(written) == 5
    assert written[-1] == "keys 996 of 996"


def test_a_terminal_has_one_line_that_changes_and_is_gone_at_the_end(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    for what in ("warming up: program", "measuring: round"):
        list(progress.counted(range(100), what, progress.on_stderr))
    written = capsys.readouterr().err
    assert "\n" not in written
    assert "measuring: round 99 of 100" in written
    *_, before, last = written.split("\r")
    assert (before.strip(), last) == ("", "")


def test_what_is_done_in_one_step_has_no_number(capsys):
    list(progress.counted(range(1), "preparing", progress.on_stderr))
    assert capsys.readouterr().err == "preparing\n"


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
        "warming up: program",
        "measuring: round",
    ]
    assert [(what, done) for what, done, total in seen if done == total] == [
        ("preparing", 1),
        ("warming up: program", 1),
        ("measuring: round", 3),
    ]
