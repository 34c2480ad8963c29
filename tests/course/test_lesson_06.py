"""Lesson 06's scene: a key with two sheets, the first of which expires before January ends."""

import pytest

from kmslab.course import clinic, outcome
from kmslab.crypto import SecretBytes
from kmslab.kms.contract.states import KeyState


@pytest.fixture
def the_clinic():
    return clinic(until="06")[1]


@pytest.fixture
def guests(the_clinic):
    key = the_clinic.account_for_trials().create_cmk(origin="EXTERNAL")
    key.import_material(the_clinic.sheet(1))
    return key


def test_a_sheet_keeps_its_bytes_and_shows_none(the_clinic):
    assert the_clinic.sheet(1) == the_clinic.sheet(1) != the_clinic.sheet(2)
    assert isinstance(the_clinic.sheet(1), SecretBytes)
    assert len(the_clinic.sheet(1)) == 32


def test_the_first_sheet_expires_on_a_friday_in_january_and_all_work_stops(the_clinic, guests):
    clock, first = the_clinic.lab.clock, guests.encrypt(b"1")
    clock.advance(days=16)  # as the lesson does
    the_clinic.two_sheets(guests)
    second = guests.encrypt(b"2")
    assert (clock.now().day, clock.now().weekday()) == (26, 0)
    clock.advance(days=5)
    assert (clock.now().month, guests.state) == (1, KeyState.PENDING_IMPORT)
    assert outcome(guests.decrypt, second) == "KMSInvalidStateException"
    guests.import_material(the_clinic.sheet(1))
    assert [guests.decrypt(blob) for blob in (first, second)] == [b"1", b"2"]


def test_the_scene_can_be_set_again_whatever_has_expired(the_clinic, guests):
    for days in (0, 3, 9):
        the_clinic.two_sheets(guests)
        assert (guests.state, len(guests.rotations.rows)) == (KeyState.ENABLED, 2)
        the_clinic.lab.clock.advance(days=days)


def test_trials_are_not_on_the_clinics_bill(the_clinic, guests):
    assert guests.id not in repr(the_clinic.lab.bill())
    assert guests.id in repr(the_clinic.account_for_trials().bill())
