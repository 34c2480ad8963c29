"""The command is timed in runs that really seal and open, each of them a process."""

from pathlib import Path

import pytest

from kmslab.bench import envelope_commands

pytestmark = pytest.mark.long


def content(path: Path) -> dict[str, bytes]:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return {str(file.relative_to(path)): file.read_bytes() for file in files}


def test_a_file_and_a_folder_are_opened_as_they_were(tmp_path):
    large, *_, many = envelope_commands.ways(tmp_path, size=2**20 + 1, files=21, rounds=2)
    for way, name in ((large, "large"), (many, "many")):
        way.open()
        assert content(tmp_path / f"{name}.target") == content(tmp_path / name)
    assert len(content(tmp_path / "many")) == 21


def test_each_direction_has_a_time_and_a_speed():
    table = envelope_commands.run(size=2**20, files=3, rounds=2)
    rows = [row for row in table.rows if row[1] == "kmslab"]
    assert [(row[0], row[2]) for row in rows] == [
        ("nothing", "--version"),
        ("a file of 1 MiB", "seal"),
        ("a file of 1 MiB", "open"),
        ("3 files of 1 to 16 KiB", "seal"),
        ("3 files of 1 to 16 KiB", "open"),
    ]
    assert [row[-1].partition(" ")[2] for row in rows] == ["", *["MB/s"] * 2, *["files/s"] * 2]
