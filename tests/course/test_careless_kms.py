"""The careless KMS has one fault, and no other."""

import pytest

from kmslab import Lab
from kmslab.course import careless_lab
from kmslab.course.careless_kms import pasted
from kmslab.course.exercises.boxes import flipped
from kmslab.crypto import encode_context, frame
from kmslab.errors import InvalidCiphertextException
from tests.cases import for_every

SEALED = {"ab": "c"}


@for_every("other", [{"a": "bc"}, {"abc": ""}, {"": "abc"}, {"a": "b", "c": ""}])
def test_contexts_that_paste_to_one_word_open_each_others_blobs_there_and_nowhere_else(other):
    with careless_lab() as careless, Lab() as honest:
        key = careless.create_cmk()
        assert key.decrypt(key.encrypt(b"x", SEALED), other) == b"x"
        key = honest.create_cmk()
        with pytest.raises(InvalidCiphertextException):
            key.decrypt(key.encrypt(b"x", SEALED), other)


@for_every("other", [{}, {"ab": "d"}, {"ab": "c", "d": "e"}, {"AB": "c"}])
def test_any_other_context_is_refused(other):
    with careless_lab() as careless:
        key = careless.create_cmk()
        with pytest.raises(InvalidCiphertextException):
            key.decrypt(key.encrypt(b"x", SEALED), other)


def test_a_changed_blob_is_refused():
    with careless_lab() as careless:
        key = careless.create_cmk()
        blob = key.encrypt(b"x", SEALED)
        for changed in flipped(blob, *range(75, len(blob))):  # behind the names
            with pytest.raises(InvalidCiphertextException):
                key.decrypt(changed, SEALED)


def test_only_a_header_with_a_context_is_pasted():
    assert pasted(frame(b"header", encode_context(SEALED))) == b"headerabc"
    assert pasted(frame(b"header", b"")) == b"header"
    for other in (b"", b"any", frame(b"one"), frame(b"1", b"2", b"3"), frame(b"1", b"2")):
        assert pasted(other) == other
