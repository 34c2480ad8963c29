"""`kmslab bench` measures, keeps, compares and reports; the measuring itself is tests/bench."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from kmslab.bench import BENCHMARKS
from kmslab.cli import bench as command
from kmslab.cli.app import app, main

RECORDED = Path(__file__).parents[2] / "data" / "benchmarks" / "sealing.json"
SMALL = ("bench", "sealing", "--quick", "--size", "4KiB")


def invoke(*arguments: object):
    return CliRunner().invoke(app, [*map(str, arguments)])


def failing(monkeypatch, capsys, *arguments: object) -> str:
    """The one line on stderr."""
    monkeypatch.setattr("sys.argv", ["kmslab", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert (ended.value.code, said.out) == (1, "")
    return said.err.strip()


def test_help_lists_every_benchmark_and_what_can_be_done_with_a_result():
    shown = invoke("bench", "--help").stdout
    for name in (*BENCHMARKS, "compare", "report"):
        assert f" {name} " in shown


def test_a_measurement_shows_tables_and_its_progress_on_stderr():
    ran = invoke(*SMALL)
    assert ran.exit_code == 0
    assert "one data key" in ran.stdout
    assert "measuring: round 5 of 5" in ran.stderr


def test_json_is_all_of_stdout_and_a_file_gets_the_same(tmp_path):
    ran = invoke(*SMALL, "--json", "--output", tmp_path / "out.json")
    assert json.loads(ran.stdout) == json.loads((tmp_path / "out.json").read_text("utf-8"))


def test_a_file_that_cannot_be_written_is_said_before_anything_is_measured(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("kmslab.bench.running.run", lambda *_: pytest.fail("it measures"))
    said = failing(monkeypatch, capsys, *SMALL, "--output", tmp_path / "none" / "out.json")
    assert said.endswith("out.json cannot be written: No such file or directory")


def test_a_measurement_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    (tmp_path / "out.json").write_text("old")
    monkeypatch.setattr("kmslab.bench.running.run", lambda *_: 1 / 0)
    assert invoke(*SMALL, "--output", tmp_path / "out.json").exit_code == 1
    assert [path.read_text() for path in tmp_path.iterdir()] == ["old"]


@pytest.mark.parametrize(
    ("text", "size"), [("4096", 4096), ("4KiB", 4096), ("100MiB", 100 * 2**20), ("1GiB", 2**30)]
)
def test_a_size_has_a_unit(text, size):
    assert command._bytes(text) == size


@pytest.mark.parametrize("text", ["0", "1GB", "-1", "1.5MiB", "MiB", ""])
def test_another_size_is_refused(text):
    ran = invoke("bench", "sealing", "--size", text)
    assert ran.exit_code == 2
    assert "is not a number of bytes" in ran.stderr


def test_a_benchmark_without_data_has_no_size():
    ran = invoke("bench", "keygen", "--size", "4KiB")
    assert (ran.exit_code, "keygen has one size only" in ran.stderr) == (2, True)


def test_two_results_are_compared():
    ran = invoke("bench", "compare", RECORDED, RECORDED)
    assert ran.exit_code == 0
    assert "no difference seen" in ran.stdout
    compared = json.loads(invoke("bench", "compare", RECORDED, RECORDED, "--json").stdout)
    assert {change["overlap"] for change in compared["changes"]} == {True}


def test_results_of_different_benchmarks_are_not_compared(monkeypatch, capsys):
    other = RECORDED.with_name("wrapping.json")
    said = failing(monkeypatch, capsys, "bench", "compare", RECORDED, other)
    assert said == "one is a result of sealing, the other of wrapping"


def test_a_report_is_written_with_its_picture_beside_it(tmp_path):
    ran = invoke("bench", "report", RECORDED, "--output", tmp_path / "sealing.md")
    assert ran.exit_code == 0
    assert {path.name for path in tmp_path.iterdir()} == {"sealing.md", "sealing.png"}
    assert "sealing.png" in ran.stdout


def test_a_report_that_cannot_be_written_is_said(tmp_path, monkeypatch, capsys):
    target = tmp_path / "none" / "out.md"
    said = failing(monkeypatch, capsys, "bench", "report", RECORDED, "--output", target)
    assert "cannot be written: No such file or directory" in said


@pytest.mark.parametrize("text", [None, "", "[]", '{"format": "kmslab benchmark 2"}'])
def test_a_file_that_is_not_a_result_is_said_in_one_line(tmp_path, monkeypatch, capsys, text):
    path = tmp_path / "file.json"
    if text is not None:
        path.write_text(text)
    said = failing(monkeypatch, capsys, "bench", "report", path)
    assert said.startswith(f"{path} ")
    assert "\n" not in said
