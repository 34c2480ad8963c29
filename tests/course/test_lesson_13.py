"""What stands for AWS in lesson 13: nothing of the clinic's opens there, and haste is refused."""

import random
import sys
import threading
import time

import boto3
import pytest

from kmslab import envelope, figures, lake
from kmslab.course import (
    aws_sdk_opens,
    clinic,
    endpoint,
    fleet,
    fresh_folder,
    outcome,
    postgresql,
    readers,
    stand_in,
)
from kmslab.course.endpoint import NO_SDK
from kmslab.course.exercises.lesson_13 import check_patient


def test_five_keys_a_second_can_be_disabled_by_the_clock_of_the_stand_in():
    aws = stand_in(wards=12)
    keys = [aws.cmk(f"alias/ward-{number}") for number in range(12)]
    assert [outcome(key.disable) for key in keys[:6]] == ["ok"] * 5 + ["ThrottlingException"]
    aws.clock.advance(seconds=1)
    assert [outcome(key.disable) for key in keys[5:11]] == ["ok"] * 5 + ["ThrottlingException"]


def test_a_key_of_the_same_name_opens_nothing_of_the_clinics():
    lab, aws = clinic("13")[0], stand_in()
    records, there = lab.cmk("alias/records"), aws.create_cmk("records")
    assert records.arn != there.arn
    assert outcome(aws.decrypt, records.encrypt(b"R-017")) != "ok"
    message = envelope.encrypt(b"R-017", records)
    with pytest.raises(envelope.DecryptionError):
        envelope.decrypt(message, there)


def test_without_the_encryption_sdk_the_cell_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "aws_encryption_sdk", None)
    lab, the_clinic = clinic("13")
    records = lab.cmk("alias/records")
    message = envelope.encrypt(b"R-017", records)
    with endpoint(lab, the_clinic.staff().jiho):
        assert aws_sdk_opens(message, records.arn) == NO_SDK


@pytest.mark.parametrize("made", [[], [(12, "ok")]])
def test_attempts_that_cannot_be_drawn_are_refused(made):
    with pytest.raises(ValueError, match="one made no attempt, or took 12 seconds"):
        figures.attempts({"one": made})


def test_the_caption_counts_second_by_second():
    made = [(0, "ok"), (0.9, "ThrottlingException"), (1.0, "ok")]
    assert "one: 0 s, 1 answered, 1 refused; 1 s, 1 answered, 0 refused." in repr(
        figures.attempts({"one": made})
    )


def test_a_column_opens_for_readers_whose_key_works_and_the_key_is_on_again_after():
    lab, the_clinic = clinic("13")
    cmks = {name: lab.create_cmk(name) for name in ("names", "findings")}
    keys, folder = lake.ColumnKeys(cmks), fresh_folder()
    columns = {"record": "names"}
    lake.write(the_clinic.arrow_table(), folder, keys, columns=columns, rest="findings")
    cmks["names"].disable()
    table = readers(folder, {"Sora": keys}, off=cmks["names"])
    assert table.headings == ["column", "Sora", "Sora, names off"]
    assert table.rows[:2] == [
        ["record", "opens", "DisabledException"],
        ["diagnosis", "opens", "opens"],
    ]
    assert lake.read(folder, keys).num_rows == 569


def test_another_thread_that_sleeps_is_not_the_program():
    def patient(call, wait):
        for attempt in range(6):
            try:
                return call()
            except Exception as error:
                code = getattr(error, "response", {}).get("Error", {}).get("Code")
                if code != "ThrottlingException" or attempt == 5:
                    raise
                wait(random.uniform(0.5, 1) * 2**attempt)
        return None

    over = threading.Event()

    def sleep() -> None:
        while not over.is_set():
            time.sleep(0.0001)

    other = threading.Thread(target=sleep)
    other.start()
    try:
        assert check_patient(clinic("13")[1], patient).startswith("It waits")
    finally:
        over.set()
        other.join()


def test_each_run_of_the_cell_writes_to_a_folder_of_its_own():
    assert fresh_folder() != fresh_folder()
    assert not fresh_folder().exists()


@pytest.mark.long  # the lesson itself does the same where PostgreSQL is there
@pytest.mark.parametrize("why", ["", "psycopg is not installed"])
def test_servers_share_a_store_with_and_without_postgresql(why, monkeypatch):
    if not why and postgresql.missing():
        pytest.skip(postgresql.missing())
    monkeypatch.setattr(postgresql, "missing", lambda: why)
    two = fleet()
    assert repr(two).endswith(f"For PostgreSQL: {why}." if why else "that this cell has started.")
    one, other = two.one, two.other
    key = one.kms.create_key()["KeyMetadata"]["KeyId"]
    blob = other.kms.encrypt(KeyId=key, Plaintext=b"R-017")["CiphertextBlob"]
    one.kill()
    assert [outcome(each.kms.list_keys) for each in (one, other)] == [
        "EndpointConnectionError",
        "ok",
    ]
    other.kms.disable_key(KeyId=key)
    one.start()
    assert outcome(one.kms.decrypt, CiphertextBlob=blob) == "DisabledException"
    two.close()
    two.close()
    assert not two._database or not two._database.folder.exists()


def test_outcome_names_the_errors_of_boto3():
    lab = clinic("13")[0]
    with endpoint(lab, lab.user("jiho")):
        kms = boto3.client("kms")
        assert outcome(kms.describe_key, KeyId="alias/none") == "NotFoundException"
    with pytest.raises(TypeError):
        outcome(kms.describe_key, "alias/none")
