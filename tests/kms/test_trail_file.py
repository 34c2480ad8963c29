"""The trail as a file of JSON lines: whole, in order, without secrets, and never too large."""

import json
import logging
import stat
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kmslab import Clock, Lab
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.trail_file import KEPT, TrailFile
from tests.waiting import until

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "trail.jsonl"


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def new_lab(path: Path, **how) -> Lab:
    return Lab(clock=Clock.frozen(NEW_YEAR), trail=path, **how)


# ---------------------------------------------------------------------------------------- of a lab


def test_file_has_what_the_trail_has(path):
    with new_lab(path) as lab:
        key = lab.create_cmk("orders")
        key.encrypt(b"card 4242", context={"order": "17"})
        with pytest.raises(EXCEPTIONS["NotFoundException"]):
            lab.cmk("alias/nowhere")
        key.schedule_deletion(days=7)
        lab.clock.advance(days=8)
        expected = list(lab.trail)
    assert lines(path) == expected
    assert expected[-1]["eventName"] == "DeleteKey"


def test_other_accounts_are_in_it_too(path):
    with new_lab(path) as lab:
        lab.account("444455556666").create_cmk()
    assert [event["recipientAccountId"] for event in lines(path)] == ["444455556666"]


def test_change_is_in_the_file_when_its_call_returns(path):
    with new_lab(path) as lab:
        lab.create_cmk()
        assert [event["eventName"] for event in lines(path)] == ["CreateKey"]


def test_closing_writes_what_waits(path):
    with new_lab(path) as lab:
        lab.kms.list_keys()
    assert [event["eventName"] for event in lines(path)] == ["ListKeys"]


def test_no_secret_is_in_it(path):
    with new_lab(path) as lab:
        key = lab.create_cmk()
        blob = key.encrypt(b"card 4242")
        data_key = key.generate_data_key()
        lab.decrypt(blob)
    text = path.read_bytes()
    for secret in (b"card 4242", b"Plaintext", b"plaintext", data_key.plaintext.hex().encode()):
        assert secret not in text


def test_line_break_in_a_request_breaks_no_line(path):
    with new_lab(path) as lab:
        lab.create_cmk(description="one\ntwo\u2028three")
    [event] = lines(path)
    assert event["requestParameters"]["description"] == "one\ntwo\u2028three"


def test_lab_that_is_opened_again_goes_on_in_the_same_file(path, tmp_path):
    url = f"sqlite:///{tmp_path / 'my.db'}"
    for _ in range(2):
        with Lab(url, trail=path) as lab:
            lab.kms.list_keys()
    assert len(lines(path)) == 2


def test_file_that_cannot_be_opened_is_an_error_at_once(tmp_path):
    with pytest.raises(FileNotFoundError):
        Lab(trail=tmp_path / "nowhere" / "trail.jsonl")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps no such modes")
def test_file_is_its_owners_alone(path):
    new_lab(path).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -------------------------------------------------------------------------------------- the file


def test_file_that_would_grow_too_large_is_put_aside(path):
    file = TrailFile(path, size=120)
    for number in range(5):
        file.write([{"number": number, "padding": "x" * 30}])
    assert [event["number"] for event in lines(path)] == [4]
    assert [event["number"] for event in lines(path.with_name("trail.jsonl.1"))] == [2, 3]
    assert [event["number"] for event in lines(path.with_name("trail.jsonl.2"))] == [0, 1]


def test_group_of_events_that_is_too_large_by_itself_stays_together(path):
    file = TrailFile(path, size=10)
    file.write([{"number": 1}, {"number": 2}])
    assert len(lines(path)) == 2
    assert len(list(path.parent.iterdir())) == 1


def test_oldest_file_is_dropped(path):
    file = TrailFile(path, size=1)
    for number in range(KEPT + 5):
        file.write([{"number": number}])
    files = sorted(path.parent.iterdir())
    assert len(files) == KEPT + 1
    kept = sorted(event["number"] for each in files for event in lines(each))
    assert kept == list(range(4, KEPT + 5))


def test_size_of_a_file_that_was_there_counts(path):
    for number in range(3):
        file = TrailFile(path, size=30)
        file.write([{"number": number}])
    assert [event["number"] for event in lines(path)] == [2]


def test_trouble_with_the_file_fails_no_call_and_is_logged_once(path, caplog):
    with new_lab(path) as lab, caplog.at_level(logging.WARNING):
        path.unlink()
        path.mkdir()
        lab.create_cmk()
        lab.create_cmk()
        assert len(lab.trail) == 2
        path.rmdir()
        lab.create_cmk()
    assert len(lines(path)) == 1
    [warning] = [record.getMessage() for record in caplog.records]
    assert warning.startswith("events are missing in trail.jsonl: ")


def test_file_that_was_moved_away_is_begun_anew(path):
    with new_lab(path) as lab:
        lab.create_cmk()
        path.replace(path.with_name("archive"))
        lab.create_cmk()
    assert len(lines(path)) == 1


def test_event_is_in_the_file_soon_without_another_call(path):
    with new_lab(path) as lab:
        lab.kms.list_keys()
        until(lambda: path.stat().st_size)
        assert [event["eventName"] for event in lines(path)] == ["ListKeys"]
