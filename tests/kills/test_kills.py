"""A change that was answered is on disk: a server is killed, and what it answered is there.

`campaign.py` runs longer by hand: `python -m tests.kills.campaign 1000`.
"""

import os
from pathlib import Path

import pytest

from tests.kills.campaign import Report, new_stores, on_full_disk, on_postgresql, on_sqlite
from tests.postgresql import PostgreSql
from tests.small_disk import small_disk

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="servers are forked, to start fast")
QUICK = 4  # kills
MANY = pytest.mark.timeout(600)


def expect_nothing_lost(report: Report, capsys: pytest.CaptureFixture[str]) -> None:
    if report.kills + report.stops > QUICK:
        with capsys.disabled():
            print(f"\n{report}")  # noqa: T201
    assert report.lost == []
    assert report.changes


@pytest.mark.parametrize("count", [QUICK, pytest.param(80, marks=[pytest.mark.long, MANY])])
def test_killed_server_on_a_file_loses_nothing_that_it_answered(
    tmp_path: Path, count: int, capsys: pytest.CaptureFixture[str]
) -> None:
    report = on_sqlite(count, tmp_path)
    expect_nothing_lost(report, capsys)
    assert report.kills == count


@pytest.mark.long
@MANY
def test_killed_server_on_postgresql_loses_nothing_that_it_answered(
    tmp_path: Path, postgresql: PostgreSql, capsys: pytest.CaptureFixture[str]
) -> None:
    report = on_postgresql(40, 8, tmp_path, postgresql)
    expect_nothing_lost(report, capsys)
    assert (report.kills, report.stops) == (40, 8)


@pytest.mark.long
@MANY
def test_full_disk_under_load_loses_nothing_that_was_answered(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with small_disk(tmp_path / "disk", megabytes=24) as disk:
        report = on_full_disk(6, disk, tmp_path)
    expect_nothing_lost(report, capsys)
    assert report.refused


@pytest.mark.long
def test_server_killed_while_it_makes_its_store_leaves_none_or_a_whole_one(
    tmp_path: Path, postgresql: PostgreSql
) -> None:
    (tmp_path / "files").mkdir()
    new_stores(tmp_path / "files", [f"sqlite:///{tmp_path}/{n}.db" for n in range(12)])
    (tmp_path / "databases").mkdir()
    new_stores(tmp_path / "databases", [postgresql.new() for _ in range(8)])
