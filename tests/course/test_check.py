"""A check answers whatever it is given, raises nothing, and leaves no trace.

test_solutions.py tests what each check replies to right and wrong answers.
"""

import os

import pytest

from kmslab.course import check, clinic, openssl, unlock
from kmslab.crypto import pyca
from kmslab.kms.contract.states import KeyState


@pytest.fixture
def the_clinic():
    """The clinic of lesson 01, in which the key `records` has been created."""
    _, made = clinic(until="02")
    return made


@pytest.fixture
def verdict(the_clinic, capsys):
    def ask(exercise: str, *functions) -> str:
        check(exercise, the_clinic, *functions)
        return capsys.readouterr().out.strip()

    return ask


def unwritten(_):
    raise NotImplementedError


def thief(files):
    return unlock(files["R-017.sealed"], files["key.bin"])


class Answers:
    """What a learner may have written in the cell of 01-seal."""

    def __init__(self, the_clinic) -> None:
        self.lab, self.records = the_clinic.lab, the_clinic.lab.cmk("alias/records")
        self.own_key = os.urandom(32)

    def seal(self, key, record):
        return key.encrypt(record)

    def open(self, key, blob):
        return key.decrypt(blob)

    def seal_alone(self, key, record):
        nonce = os.urandom(12)
        return nonce + pyca.aes_gcm_seal(self.own_key, nonce, record, b"")

    def seal_by_another_key_of_the_lab(self, key, record):
        return self.lab.create_cmk("mine").encrypt(record)

    def seal_and_ruin_the_lab(self, key, record):
        """No learner would do that, but the check undoes it too."""
        blob = key.encrypt(record)
        for listed in self.lab.kms.list_keys()["Keys"]:
            self.lab.kms.schedule_key_deletion(KeyId=listed["KeyArn"], PendingWindowInDays=7)
        self.lab.clock.advance(days=8)
        return blob


# --------------------------------------------------------------------------------- no trace


@pytest.mark.parametrize("state", [KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION])
@pytest.mark.parametrize(
    "answer",
    ["seal", "seal_alone", "seal_by_another_key_of_the_lab", "seal_and_ruin_the_lab"],
)
def test_check_leaves_keys_and_trail_as_they_were(verdict, the_clinic, state, answer):
    lab, answers = the_clinic.lab, Answers(the_clinic)
    other = lab.create_cmk("other")
    prepare = {
        KeyState.ENABLED: lambda: None,
        KeyState.DISABLED: other.disable,
        KeyState.PENDING_DELETION: other.schedule_deletion,
    }
    prepare[state]()
    trail, keys = list(lab.trail), lab.kms.list_keys()["Keys"]
    now, listed = lab.clock.now(), len(lab.trail)
    verdict("01-seal", getattr(answers, answer), answers.open)
    assert (list(lab.trail)[: len(trail)], len(lab.trail)) == (trail, listed)
    assert lab.kms.list_keys()["Keys"] == keys
    assert other.state is state
    assert lab.clock.now() == now


def test_a_key_left_disabled_does_not_fail_a_right_answer(verdict, the_clinic):
    answers = Answers(the_clinic)
    answers.records.disable()
    assert verdict("01-seal", answers.seal, answers.open).startswith("`[ OK ]`")
    assert answers.records.state is KeyState.DISABLED


def test_a_check_can_be_repeated(verdict, the_clinic):
    answers = Answers(the_clinic)
    reply = {verdict("01-seal", answers.seal, answers.open) for _ in range(3)}
    assert len(reply) == 1


# ------------------------------------------------------------------------------ never raises


@pytest.mark.parametrize(
    ("exercise", "functions", "expected"),
    [
        ("01-sael", (unwritten, unwritten), "There is no exercise called `01-sael`."),
        ("01-seal", (unwritten,), "Give `check` the clinic, then the exercise's functions (2)"),
        (
            "01-seal",
            (unwritten, b"a record"),
            "Give `check` the clinic, then the exercise's functions (2)",
        ),
        ("01-seal", (lambda: b"", lambda: b""), "`[FAIL]` `<lambda>` stopped with `TypeError`"),
        (
            "00-thief",
            (lambda files: 1 / 0,),
            "`[FAIL]` `<lambda>` stopped with `ZeroDivisionError`",
        ),
        # As code, or Markdown shows the name without its underscores, in bold.
        ("00-thief", (lambda files: files.__gone__,), "has no attribute '__gone__'`"),
    ],
)
def test_check_answers_whatever_a_learner_passes(verdict, exercise, functions, expected):
    assert expected in verdict(exercise, *functions)


def test_check_answers_a_call_without_the_clinic(capsys):
    check("01-seal", unwritten, unwritten)
    assert "Give `check` the clinic" in capsys.readouterr().out


def test_check_answers_if_it_cannot_set_its_scene(verdict, the_clinic):
    the_clinic.lab.cmk("alias/records").schedule_deletion()
    reply = verdict("00-thief", thief)
    assert reply.startswith("`[    ]` The check could not set its scene")
    assert "KMSInvalidStateException" in reply


def test_no_name_of_a_key_file_has_what_the_thief_exchanges(verdict, monkeypatch):
    """A file `key-e1a0.txt` would become `key-d1a0.txt`, and one right answer in sixteen fail."""
    monkeypatch.setattr("kmslab.course.exercises.lesson_02.token_hex", lambda size: "e" * size)

    def read_anyway(note, sealed):
        return openssl(note.replace("-e", "-d"), sealed)

    assert "[ OK ]" in verdict("02-note", read_anyway)
