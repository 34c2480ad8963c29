"""The timeline agrees with ListKeyRotations and with the trail."""

import pytest

from kmslab import figures
from tests.figures.drawn_keys import new_key
from tests.figures.drawn_timelines import (
    timeline_of_a_key_without_material,
    timeline_with_expired_material,
)


def test_material_is_current_until_the_next_rotation():
    key = new_key()
    before = key.encrypt(b"1")
    key.lab.clock.advance(days=10)
    key.rotate()
    after = key.encrypt(b"1")
    key.lab.clock.advance(days=5)
    caption = repr(figures.timeline(key, before, after))
    assert "from 2026-01-05 to 2026-01-20: 2 pieces of key material" in caption
    assert (
        "Material 1 (NON_CURRENT) was current from 2026-01-05 to 2026-01-15 and is needed by "
        f"blob 1 ({len(before)} bytes)." in caption
    )
    assert "Material 2 (CURRENT) was current from 2026-01-15 to 2026-01-20" in caption


def test_key_that_never_lacked_material_was_never_pending_import():
    assert "PendingImport" not in repr(figures.timeline(new_key()))


def test_expired_material_leaves_a_gap_until_it_is_imported_again():
    caption = repr(timeline_with_expired_material())
    assert "From 2026-01-05 to 2026-01-10 material was missing: PendingImport." in caption
    assert "From 2026-01-30 to 2026-02-09 material was missing: PendingImport." in caption
    assert "(NON_CURRENT) was current from 2026-01-10 to 2026-02-19, expires on" in caption
    assert "Material 3 (PENDING_ROTATION) waits." in caption


def test_key_without_material_is_pending_import_until_now():
    caption = repr(timeline_of_a_key_without_material())
    assert "0 pieces of key material" in caption
    assert "From 2026-01-05 to 2026-01-08 material was missing" in caption


def test_drawing_decrypts_nothing():
    key = new_key()
    blob, before = key.encrypt(b"1"), len(key.lab.trail)
    figures.timeline(key, blob)
    names = {event["eventName"] for event in key.lab.trail[before:]}
    assert names == {"DescribeKey", "ListKeyRotations"}


@pytest.mark.parametrize("blob", [b"something else", new_key().encrypt(b"1")])
def test_a_blob_of_another_key_is_not_drawn(blob):
    with pytest.raises(ValueError, match="did not make"):
        figures.timeline(new_key(), blob)
