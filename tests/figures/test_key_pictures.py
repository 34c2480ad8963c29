"""The pictures of a key's life agree with the tables and with what really happened."""

import pytest

from kmslab import CMK, figures
from kmslab.course import clinic, outcome
from kmslab.errors import AccessDeniedException
from kmslab.figures.life import ARROWS, DRAWN
from kmslab.figures.operations import COLUMNS, _groups, is_a_keys
from kmslab.kms.audit import NAMES
from kmslab.kms.contract.states import MOVES, KeyState
from kmslab.kms.table import SERVICE_TABLE, TABLE
from tests.cases import for_every
from tests.figures.drawn_keys import new_key

# ------------------------------------------------------------------------------------ states


def test_every_move_between_the_drawn_states_has_its_place():
    in_trail = [moves for name, moves in MOVES.items() if name not in NAMES]
    known = {move for moves in in_trail for move in moves if DRAWN.issuperset(move)}
    assert known == set(ARROWS)


def test_arrows_have_the_names_of_the_moves():
    shown = {text.get_text() for text in figures.life(new_key()).figure.axes[0].texts}
    drawn = {name for name, moves in MOVES.items() if any(map(DRAWN.issuperset, moves))}
    for name in drawn - NAMES.keys():  # a birth that the trail calls CreateKey
        own = " (the service itself)" if name in SERVICE_TABLE else ""
        assert f"{name}{own}" in shown


def test_steps_are_those_that_the_key_made():
    key = new_key()
    key.disable()
    key.disable()  # no step: it was disabled already
    key.schedule_deletion(days=7)
    key.lab.clock.advance(days=3)
    key.cancel_deletion()
    assert "has made 4: 1 CreateKey (2026-01-05), 2 DisableKey (2026-01-05), " in repr(
        figures.life(key)
    )
    assert "4 CancelKeyDeletion (2026-01-08). It is Disabled." in repr(figures.life(key))


def test_refused_call_is_no_step():
    key = new_key()
    with pytest.raises(Exception, match="is not pending deletion"):
        key.cancel_deletion()
    assert "has made 1: 1 CreateKey (2026-01-05). It is Enabled." in repr(figures.life(key))


def test_steps_of_another_key_are_not_drawn():
    key = new_key()
    key.lab.create_cmk("other").disable()
    assert "It is Enabled." in repr(figures.life(key))


def test_a_deleted_key_still_has_its_picture():
    key = new_key()
    key.schedule_deletion(days=7)
    key.lab.clock.advance(days=7)
    assert "3 DeleteKey (2026-01-12). It is gone." in repr(figures.life(key))
    assert "is gone." in repr(figures.operations(key))


# -------------------------------------------------------------------------------- operations


def test_every_operation_that_names_a_key_is_drawn_and_no_other():
    drawn = {name.partition(" (")[0] for group in _groups() for name in group.names}
    assert drawn == {row.name for row in TABLE.values() if any(map(is_a_keys, row.roles))}


def keys_in_each_state() -> list[CMK]:
    enabled, disabled, pending = (new_key() for _ in COLUMNS)
    disabled.disable()
    pending.schedule_deletion()
    return [enabled, disabled, pending]


@for_every(
    ("operation", "call"),
    [
        ("Encrypt", lambda key: key.encrypt(b"1")),
        ("RotateKeyOnDemand", CMK.rotate),
        ("TagResource", lambda key: key.tag({"owner": "Sora"})),
        ("EnableKey", CMK.enable),
        ("DescribeKey", lambda key: key.metadata),
        ("GetKeyLastUsage", lambda key: key.last_used),
        ("CancelKeyDeletion", CMK.cancel_deletion),
    ],
)
def test_row_is_what_the_service_really_answers(operation, call):
    drawn = next(group.pattern for group in _groups() if operation in group.names)
    answers = [outcome(call, key) for key in keys_in_each_state()]
    assert answers == [answer[0] if answer else "ok" for answer in drawn]


@pytest.mark.parametrize("state", [KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION])
def test_column_of_the_keys_own_state_is_marked(state):
    key = new_key()
    {KeyState.DISABLED: key.disable, KeyState.PENDING_DELETION: key.schedule_deletion}.get(
        state, key.enable
    )()
    picture = figures.operations(key)
    here = next(t for t in picture.figure.axes[0].texts if t.get_text() == "the key is here")
    named = next(t for t in picture.figure.axes[0].texts if t.get_text() == state)
    assert here.get_position()[0] == named.get_position()[0]
    assert f"is {state}." in repr(picture)


def test_only_the_named_operations_are_drawn():
    caption = repr(figures.operations(new_key(), "Sign", "Encrypt", "TagResource"))
    assert "2 operations, such as Encrypt, work in Enabled;" in caption
    assert "TagResource works in Enabled and Disabled;" in caption
    assert "CancelKeyDeletion" not in caption


@pytest.mark.parametrize("name", ["CreateKey", "encrypt", ""])
def test_an_operation_without_a_key_is_not_drawn(name):
    with pytest.raises(ValueError, match="is not an operation that a key's state concerns"):
        figures.operations(new_key(), name)


# --------------------------------------------------------------------------------- materials


def test_blobs_from_before_and_after_a_rotation_name_different_materials():
    key = new_key()
    before = key.encrypt(b"1")
    key.rotate()
    after = key.encrypt(b"1")
    caption = repr(figures.materials(key, before, after))
    assert "2 pieces of key material; number 2 is the current one" in caption
    assert f"blob 1 ({len(before)} bytes) names material 1, blob 2" in caption
    assert f"({len(after)} bytes) names material 2. No blob was changed." in caption


@pytest.mark.parametrize("blob", [b"something else", new_key().encrypt(b"1")])
def test_a_blob_of_another_key_is_not_drawn(blob):
    with pytest.raises(ValueError, match="did not make"):
        figures.materials(new_key(), blob)


# ------------------------------------------------------------------------------------ scenes


def test_forgotten_key_has_no_name_no_note_and_no_use_for_days():
    lab, the_clinic = clinic(until="05")
    archive = the_clinic.forgotten_key()
    assert lab.kms.list_aliases(KeyId=archive.key.id)["Aliases"] == []
    assert (archive.key.tags, archive.key.metadata["Description"]) == ({}, "")
    assert (lab.clock.now() - archive.key.last_used).days >= 7
    assert lab.cmk("alias/archive") != archive.key
    assert len(archive.folders) == len(set(archive.folders)) == 569
    assert len(lab.decrypt(archive.folders[0])) == 32


def test_a_forgotten_key_and_its_end_fit_into_january():
    lab, the_clinic = clinic(until="05")
    the_clinic.tidied_on_friday()
    lab.clock.advance(days=6)
    the_clinic.forgotten_key()
    the_clinic.tidied_on_friday()
    lab.clock.advance(days=8)
    assert lab.clock.now().month == 1


def test_a_later_lesson_finds_the_forgotten_key_turned_off_under_the_same_id():
    (before, the_clinic), (after, _) = clinic(until="05"), clinic(until="06")
    forgotten = the_clinic.forgotten_key().key
    assert after.cmk(forgotten.id).state is KeyState.DISABLED
    assert after.cmk("alias/archive").arn == before.cmk("alias/archive").arn
    assert forgotten.id in repr(after.bill())


def test_hospital_in_busan_may_encrypt_for_the_clinic_and_not_open():
    lab, the_clinic = clinic(until="05")
    busan, archive = the_clinic.hospital_in_busan(), lab.cmk("alias/archive")
    assert busan.cmk("alias/archive").arn != archive.arn
    blob = busan.kms.encrypt(KeyId=archive.arn, Plaintext=b"1")["CiphertextBlob"]
    assert archive.decrypt(blob) == b"1"
    with pytest.raises(AccessDeniedException):
        busan.decrypt(blob)


def test_scenes_keep_the_key_until_it_is_deleted_and_then_make_another():
    lab, the_clinic = clinic(until="05")
    archive = the_clinic.forgotten_key()
    assert the_clinic.tidied_on_friday() is archive
    assert archive.key.state is KeyState.PENDING_DELETION
    assert the_clinic.forgotten_key() is archive
    assert archive.key.state is KeyState.ENABLED
    the_clinic.tidied_on_friday()
    lab.clock.advance(days=7)
    another = the_clinic.tidied_on_friday()
    assert another.key != archive.key
    assert another.key.state is KeyState.PENDING_DELETION
    assert lab.cmk("alias/archive") not in (another.key, archive.key)


def test_a_friday_has_all_seven_days_left_whatever_happened_before():
    lab, the_clinic = clinic(until="05")
    for days in (0, 3, 6):
        key = the_clinic.tidied_on_friday().key
        left = key.metadata["DeletionDate"] - lab.clock.now()
        assert (left.days, lab.clock.now().weekday()) == (7, 4)
        lab.clock.advance(days=days)


def test_a_scene_made_in_a_rehearsal_is_not_kept():
    lab, the_clinic = clinic(until="05")
    with lab.rehearsal():
        rehearsed = the_clinic.forgotten_key()
    assert the_clinic.forgotten_key().key.state is KeyState.ENABLED
    assert the_clinic.forgotten_key() is not rehearsed
