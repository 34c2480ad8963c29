"""Checks, tried with right answers, named wrong ones, and everything in between."""

import base64
import hashlib
import os

import pytest

from kmslab.contract.states import KeyState
from kmslab.course import check, clinic, unlock
from kmslab.crypto import pyca


@pytest.fixture
def office():
    """The clinic of lesson 01, with its key made, as `records` in a learner's notebook."""
    _, made = clinic(until="02")
    return made


@pytest.fixture
def verdict(office, capsys):
    def ask(exercise: str, *functions) -> str:
        check(exercise, office, *functions)
        return capsys.readouterr().out.strip()

    return ask


def unwritten(_):
    raise NotImplementedError


# ------------------------------------------------------------------------------------ 00-thief


def right_thief(files):
    return unlock(files["R-017.sealed"], files["key.bin"])


def swapped_thief(files):
    return unlock(files["key.bin"], files["R-017.sealed"])


def sealed_thief(files):
    return files["R-017.sealed"]


def forgetful_thief(files):
    unlock(files["R-017.sealed"], files["key.bin"])


def misspelling_thief(files):
    return unlock(files["R-17.sealed"], files["key.bin"])


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (right_thief, "`[ OK ]` The record is open, and nobody was asked."),
        (unwritten, "`[    ]` Not written yet"),
        (forgetful_thief, "`[FAIL]` `forgetful_thief` gives nothing back. Did you forget `return`"),
        (sealed_thief, "`[FAIL]` What you gave back is not the record."),
        (swapped_thief, "`[FAIL]` `swapped_thief` stopped with `Forged`"),
        (misspelling_thief, "`[FAIL]` `misspelling_thief` stopped with `KeyError`"),
    ],
)
def test_thief_is_judged(verdict, answer, expected):
    assert verdict("00-thief", answer).startswith(expected)


def test_thief_who_knows_one_record_by_heart_is_found_out(verdict, office):
    assert "the old record" in verdict("00-thief", lambda files: office.record("R-017"))


# ------------------------------------------------------------------------------------- 01-seal


class Answers:
    """What a learner may have written in the cell of 01-seal, right and wrong."""

    def __init__(self, office) -> None:
        self.lab, self.records = office.lab, office.lab.cmk("alias/records")
        self.own_key, self.kept = os.urandom(32), {}

    def seal(self, record):
        return self.records.encrypt(record)

    def unseal(self, sealed):
        return self.lab.decrypt(sealed)

    def unseal_strictly(self, sealed):
        return self.records.decrypt(sealed)

    def forget(self, record):
        self.records.encrypt(record)

    def copy(self, record):
        return record

    def encode(self, record):
        return base64.b64encode(record)

    def decode(self, sealed):
        return base64.b64decode(sealed)

    def hash(self, record):
        return hashlib.sha256(record).digest()

    def seal_alone(self, record):
        nonce = os.urandom(12)
        return nonce + pyca.aes_gcm_seal(self.own_key, nonce, record, b"")

    def unseal_alone(self, sealed):
        return unlock(sealed, self.own_key)

    def seal_by_counting(self, record):
        nonce = bytes(12)
        return nonce + pyca.aes_gcm_seal(self.own_key, nonce, record, b"")

    def seal_and_keep(self, record):
        blob = self.records.encrypt(record)
        self.kept[blob] = record
        return blob

    def unseal_kept(self, sealed):
        return self.kept[bytes(sealed)]

    def seal_as_text(self, record):
        return self.records.encrypt(record).hex()

    def unseal_always(self, sealed):
        try:
            return self.lab.decrypt(sealed)
        except Exception:
            return b"sorry"

    def unseal_first(self, sealed):
        return self.lab.decrypt(sealed)[:10]

    def by_a_key_of_its_own_in_the_lab(self, record):
        return self.lab.create_cmk("mine").encrypt(record)

    def misspelled(self, record):
        return self.records.encrpt(record)


FRIDAY = "`[FAIL]` It works, and so does the thief: `seal` never asked the KMS"


@pytest.mark.parametrize(
    ("close", "open_", "expected"),
    [
        ("seal", "unseal", "`[ OK ]` The record comes back; with the key off it does not"),
        ("seal", "unseal_strictly", "`[ OK ]`"),
        ("by_a_key_of_its_own_in_the_lab", "unseal", "`[ OK ]`"),
        ("forget", "unseal", "`[FAIL]` `forget` gives nothing back. Did you forget `return`?"),
        ("seal", "forget", "`[FAIL]` `forget` gives nothing back"),
        ("copy", "copy", "`[FAIL]` The thief reads the record as it lies there"),
        ("encode", "decode", "`[FAIL]` The same record gave the same bytes twice"),
        ("hash", "unseal", "`[FAIL]` The same record gave the same bytes twice"),
        ("seal_by_counting", "unseal_alone", "`[FAIL]` The same record gave the same bytes twice"),
        ("seal_alone", "unseal_alone", FRIDAY),
        ("seal_and_keep", "unseal_kept", FRIDAY),
        ("seal_as_text", "unseal", "`[FAIL]` `seal` should give back bytes"),
        ("seal", "unseal_always", "`[FAIL]` One bit of the blob was flipped"),
        ("seal", "unseal_first", "`[FAIL]` What comes back is not the record"),
        ("misspelled", "unseal", "`[FAIL]` `misspelled` stopped with `AttributeError`"),
    ],
)
def test_seal_is_judged(verdict, office, close, open_, expected):
    answers = Answers(office)
    said = verdict("01-seal", getattr(answers, close), getattr(answers, open_))
    assert said.startswith(expected)


def test_nothing_written_and_half_written_are_told_apart(verdict, office):
    answers = Answers(office)
    assert "Not written yet" in verdict("01-seal", unwritten, unwritten)
    assert "Half written: `seal` is there, `unwritten` is not yet." in verdict(
        "01-seal", answers.seal, unwritten
    )
    assert "Half written: `unseal` is there" in verdict("01-seal", unwritten, answers.unseal)


# --------------------------------------------------------------------------------- no trace


@pytest.mark.parametrize("state", [KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION])
@pytest.mark.parametrize("answer", ["seal", "by_a_key_of_its_own_in_the_lab", "seal_alone"])
def test_check_leaves_keys_and_trail_as_they_were(verdict, office, state, answer):
    lab, answers = office.lab, Answers(office)
    other = lab.create_cmk("other")
    prepare = {
        KeyState.ENABLED: lambda: None,
        KeyState.DISABLED: other.disable,
        KeyState.PENDING_DELETION: other.schedule_deletion,
    }
    prepare[state]()
    trail, keys = list(lab.trail), lab.kms.list_keys()["Keys"]
    listed = len(lab.trail)
    verdict("01-seal", getattr(answers, answer), answers.unseal)
    assert (list(lab.trail)[: len(trail)], len(lab.trail)) == (trail, listed)
    assert lab.kms.list_keys()["Keys"] == keys
    assert other.state is state


def test_a_key_left_disabled_does_not_fail_a_right_answer(verdict, office):
    answers = Answers(office)
    answers.records.disable()
    assert verdict("01-seal", answers.seal, answers.unseal).startswith("`[ OK ]`")
    assert answers.records.state is KeyState.DISABLED


def test_a_check_can_be_run_again_and_again(verdict, office):
    answers = Answers(office)
    said = {verdict("01-seal", answers.seal, answers.unseal) for _ in range(3)}
    assert len(said) == 1


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
    ],
)
def test_whatever_a_learner_gives_is_answered(verdict, exercise, functions, expected):
    assert expected in verdict(exercise, *functions)


def test_a_forgotten_clinic_is_answered_too(capsys):
    check("01-seal", unwritten, unwritten)
    assert "Give `check` the clinic" in capsys.readouterr().out
