"""The portal of lesson 12 has the holes that the lesson says it has."""

import json
from base64 import b64decode

import pytest

from kmslab.course import clinic, outcome, unlock
from kmslab.course.clinic.flawed_portal import Portal
from kmslab.crypto import Forged


@pytest.fixture
def portal() -> Portal:
    return clinic(until="12")[1].portal()


def test_equal_diagnoses_have_equal_blocks_and_rows_differ(portal):
    lines = {line.split(b",")[0].decode(): line for line in clinic("12")[1].table.splitlines()[1:]}
    blocks = {(lines[number].split(b",")[1], row[16:32]) for number, row in portal.rows.items()}
    assert len(blocks) == 2
    assert len({row[:16] for row in portal.rows.values()}) == len(portal.rows)


def test_both_mornings_have_the_same_nonces(portal):
    nonces = [[box[:12] for box in day] for day in portal.notes.values()]
    assert nonces[0] == nonces[1]
    assert nonces[0][0] != nonces[0][1]


def test_the_first_line_of_the_log_opens_every_folder(portal):
    key = b64decode(json.loads(portal.log.splitlines()[0])["answer"]["Plaintext"])
    assert [unlock(box, key)[:5].decode() for box in portal.folders.values()] == [*portal.folders]


def test_the_portal_reads_on_after_its_key_was_disabled_until_it_is_restarted(portal):
    before = portal.read("R-017")
    portal.key.disable()
    assert portal.read("R-017") == before
    portal.restart()
    assert outcome(portal.read, "R-017") == "DisabledException"


def test_each_call_makes_the_portal_anew_under_the_same_enabled_key():
    the_clinic = clinic("12")[1]
    first = the_clinic.portal()
    first.key.disable()
    second = the_clinic.portal()
    assert (second.key.arn, second.key.state) == (first.key.arn, "Enabled")
    with pytest.raises(Forged):
        unlock(first.folders["R-017"], second.key.decrypt(second.encrypted_key))
