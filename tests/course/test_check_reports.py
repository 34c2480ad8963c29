"""Lesson 04's check sets the state that it needs, and leaves the learner's lab as it was."""

from hashlib import sha256

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

from kmslab.course import check, clinic
from kmslab.kms.contract.states import KeyState


@pytest.fixture
def the_clinic():
    return clinic(until="04")[1]


def right_answers(the_clinic):
    reports = the_clinic.lab.create_cmk("reports", spec="ECC_NIST_P256", usage="SIGN_VERIFY")

    def sign_report(report):
        return reports.sign(sha256(report).digest(), message_type="DIGEST")

    def genuine(report, signature, public):
        try:
            public.load().verify(signature, report, ec.ECDSA(hashes.SHA256()))
        except InvalidSignature:
            return False
        return True

    return reports, sign_report, genuine


def test_a_key_left_disabled_does_not_fail_a_right_answer_and_stays_disabled(the_clinic, capsys):
    reports, *answers = right_answers(the_clinic)
    reports.disable()
    check("04-reports", the_clinic, *answers)
    assert capsys.readouterr().out.startswith("`[ OK ]`")
    assert reports.state is KeyState.DISABLED


def test_check_leaves_no_trace_however_often_it_runs(the_clinic, capsys):
    _, *answers = right_answers(the_clinic)
    before = len(the_clinic.lab.trail), the_clinic.lab.kms.list_keys()["Keys"]
    said = set()
    for _ in range(3):
        check("04-reports", the_clinic, *answers)
        said.add(capsys.readouterr().out)
    assert (len(the_clinic.lab.trail) - 1, the_clinic.lab.kms.list_keys()["Keys"]) == before
    assert len(said) == 1


def test_check_answers_if_its_key_is_pending_deletion(the_clinic, capsys):
    reports, *answers = right_answers(the_clinic)
    reports.schedule_deletion(days=7)
    check("04-reports", the_clinic, *answers)
    assert capsys.readouterr().out.startswith("`[    ]` The check could not set its scene")
