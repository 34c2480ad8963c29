import json
import subprocess
import sys
from unittest.mock import patch

import pytest

from kmslab.bench import in_process, progress, wrapping


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


def test_a_terminal_has_one_line_that_changes(capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    list(progress.counted(range(100), "round", progress.on_stderr))
    written = capsys.readouterr().err
    assert written.count("\n") == 1
    assert written.count("\r") == 101
    assert written.endswith("\n")


def test_a_measurement_in_a_notebook_shows_nothing(capsys):
    in_process.run(rounds=2, calls=1)
    assert capsys.readouterr() == ("", "")


def test_the_wrapping_benchmark_says_what_it_does_from_the_first_second(monkeypatch):
    seen = Seen()
    monkeypatch.setattr(wrapping, "QUICK", wrapping.Effort(rounds=3, keys=0, batch_seconds=1e-6))
    wrapping.run(quick=True, progress=seen)
    assert [what for what, done, _ in seen if not done] == [
        "making keys",
        "warming up",
        "measuring, round",
    ]
    assert [(what, done) for what, done, total in seen if done == total] == [
        ("making keys", len(wrapping.KEY_SPECS)),
        ("warming up", 1 + 2 * 2 * len(wrapping.METHODS)),
        ("measuring, round", 3),
    ]


def test_progress_is_on_stderr_and_the_json_is_all_of_stdout():
    program = """
import sys
from kmslab.bench import wrapping
sys.argv[1:] = ["--quick"]
wrapping.QUICK = wrapping.Effort(rounds=2, keys=0, batch_seconds=1e-6)
wrapping.main()
"""
    run = [sys.executable, "-c", program]
    result = subprocess.run(run, capture_output=True, text=True, check=True, timeout=100)
    assert json.loads(result.stdout)["quick"] is True
    assert result.stderr.splitlines()[-1] == "measuring, round: 2 of 2"


def test_a_file_that_cannot_be_written_is_said_before_anything_is_measured(tmp_path, capsys):
    with (
        patch("sys.argv", ["wrapping", str(tmp_path / "none" / "out.json")]),
        pytest.raises(SystemExit) as ended,
    ):
        wrapping.main()
    assert ended.value.code == 2
    said = capsys.readouterr()
    assert "cannot be written: No such file or directory" in said.err
    assert (said.out, "warming up" in said.err) == ("", False)
