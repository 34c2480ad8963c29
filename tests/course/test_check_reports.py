"""Lesson 04's checks set the state that they need, and leave the learner's lab as it was."""

from hashlib import sha256
from itertools import count

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kmslab.course import check, clinic
from kmslab.course.clinic.clinic import reports_key
from kmslab.course.exercises import lesson_04
from kmslab.course.exercises.answers import Wrong
from kmslab.course.exercises.forgeries import forgeries, signed, signing_key, verifies
from kmslab.kms.contract.states import KeyState
from tests.cases import for_every


def sign_report(key, report):
    return key.sign(sha256(report).digest(), message_type="DIGEST")


def is_genuine(public_key, report, signature):
    try:
        public_key.load().verify(signature, report, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def is_from_clinic(fingerprint, public_key, report, signature):
    known = sha256(public_key.der).hexdigest() == fingerprint
    return known and is_genuine(public_key, report, signature)


RIGHT = {"04-sign": sign_report, "04-genuine": is_genuine, "04-fingerprint": is_from_clinic}
EXERCISE = pytest.mark.parametrize("exercise", RIGHT)  # each changes its clinic


@pytest.fixture
def the_clinic():
    return clinic(until="04")[1]


@EXERCISE
def test_a_key_left_disabled_does_not_fail_a_right_answer_and_stays_disabled(
    the_clinic, exercise, capsys
):
    reports = reports_key(the_clinic.lab)
    reports.disable()
    check(exercise, the_clinic, RIGHT[exercise])
    assert capsys.readouterr().out.startswith("`[ OK ]`")
    assert reports.state is KeyState.DISABLED


@EXERCISE
def test_check_leaves_no_trace_however_often_it_runs(the_clinic, exercise, capsys):
    reports_key(the_clinic.lab)
    before = len(the_clinic.lab.trail), the_clinic.lab.kms.list_keys()["Keys"]
    said = set()
    for _ in range(3):
        check(exercise, the_clinic, RIGHT[exercise])
        said.add(capsys.readouterr().out)
    assert (len(the_clinic.lab.trail) - 1, the_clinic.lab.kms.list_keys()["Keys"]) == before
    assert len(said) == 1


@EXERCISE
def test_a_key_pending_deletion_does_not_fail_a_right_answer_and_stays_so(
    the_clinic, exercise, capsys
):
    reports = reports_key(the_clinic.lab)
    reports.schedule_deletion(days=7)
    check(exercise, the_clinic, RIGHT[exercise])
    assert capsys.readouterr().out.startswith("`[ OK ]`")
    assert reports.state is KeyState.PENDING_DELETION


def test_no_forgery_is_genuine(the_clinic):
    key, other = reports_key(the_clinic.lab), signing_key(the_clinic.lab)
    ours, theirs = (signed(each, the_clinic.record("R-017")) for each in (key, other))
    papers = [*forgeries(key, ours, theirs, the_clinic.table)]
    assert all(paper.what for paper in papers)
    assert [
        each.what for each in papers if verifies(each.public, each.report, each.signature)
    ] == []


@for_every("lenient", range(36))
def test_a_verifier_that_lets_any_single_forgery_through_fails(the_clinic, lenient):
    """The forgeries come in the same order each time."""
    refusals = count()

    def verifier(public_key, report, signature):
        return verifies(public_key, report, signature) or next(refusals) == lenient

    with pytest.raises(Wrong, match="and `verifier` says True"):
        lesson_04.check_genuine(the_clinic, verifier)


def test_mail_on_friday_fits_its_own_key_and_not_the_clinics(the_clinic):
    mail = the_clinic.mail_on_friday()
    assert verifies(mail.public, mail.report, mail.signature)
    assert not verifies(reports_key(the_clinic.lab).public_key(), mail.report, mail.signature)
    assert b"benign" in mail.report
