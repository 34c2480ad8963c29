"""The picture of contexts shows what Decrypt really answered."""

import pytest

from kmslab import figures
from kmslab.crypto import encode_context
from tests.figures.drawn_keys import new_key

RIGHT, WRONG = {"record": "R-017"}, {"record": "R-018"}


def test_right_context_opens_and_wrong_one_is_refused():
    key = new_key()
    blob = key.encrypt(b"page", context=RIGHT)
    caption = repr(figures.contexts(key, blob, RIGHT, WRONG, {}))
    size = len(encode_context(RIGHT))
    assert f"With record: R-017 ({size} bytes): opened, 4 bytes." in caption
    assert "With record: R-018" in caption
    assert caption.count("refused, InvalidCiphertextException") == 2
    assert "With no context (" in caption


def test_order_of_pairs_does_not_matter():
    key = new_key()
    one, other = {"a": "1", "b": "2"}, {"b": "2", "a": "1"}
    caption = repr(figures.contexts(key, key.encrypt(b"page", context=one), one, other))
    assert caption.count("opened, 4 bytes") == 2


def test_refusal_looks_different_without_colour_too():
    key = new_key()
    picture = figures.contexts(key, key.encrypt(b"page", context=RIGHT), RIGHT, WRONG)
    axes = picture.figure.axes[0]
    assert [line.get_marker() for line in axes.lines].count("X") == 1
    assert any(patch.get_linestyle() == "--" for patch in axes.patches)


def test_calls_are_made_and_can_be_found_in_the_trail():
    key = new_key()
    blob, before = key.encrypt(b"page", context=RIGHT), len(key.lab.trail)
    figures.contexts(key, blob, RIGHT, WRONG)
    assert [event["eventName"] for event in key.lab.trail[before:]] == ["Decrypt", "Decrypt"]


def test_only_a_blob_of_a_lab_is_drawn():
    with pytest.raises(ValueError, match="ciphertext blob"):
        figures.contexts(new_key(), b"something else", {})
