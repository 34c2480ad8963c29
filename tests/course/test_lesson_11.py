"""Lesson 11's faulty modules: which of them the self-tests find, and what they do that is wrong."""

import pytest

from kmslab.course import faulty_modules as faulty
from kmslab.course import lax_lab
from kmslab.course.exercises.lesson_11 import FAULTS
from kmslab.crypto import Forged, pyca
from kmslab.crypto.self_test import KNOWN_ANSWERS, SelfTestFailed, run
from kmslab.kms.contract.errors import KMSError
from tests.cases import for_every

PASS_ALL = (faulty.LastByteOnly, faulty.StartOnly, faulty.ByHeart)
KEY, IV, AAD, TEXT = bytes(range(32)), b"n" * 12, b"R-017", bytes(range(200))


@for_every("module", FAULTS)
def test_self_tests_find_seven_of_the_ten_faults(module):
    if module in PASS_ALL:
        run(module(), "AES_GCM")
    else:
        with pytest.raises(SelfTestFailed):
            run(module(), "AES_GCM")


@pytest.mark.parametrize("module", PASS_ALL)
def test_module_that_passes_opens_what_it_sealed_and_all_its_other_algorithms_are_sound(module):
    sealed = module().aes_gcm_seal(KEY, IV, TEXT, AAD)
    assert module().aes_gcm_open(KEY, IV, sealed, AAD) == TEXT
    for algorithm in {known.algorithm for known in KNOWN_ANSWERS} & module.ALGORITHMS:
        run(module(), algorithm)


def test_module_that_compares_one_byte_opens_fifteen_of_sixteen_changed_tags():
    sealed, module = pyca.aes_gcm_seal(KEY, IV, TEXT, AAD), faulty.LastByteOnly()
    opened = []
    for place in range(1, 17):
        changed = bytearray(sealed)
        changed[-place] ^= 1
        try:
            opened.append(module.aes_gcm_open(KEY, IV, bytes(changed), AAD) == TEXT)
        except Forged:
            opened.append(False)
    assert opened == [False] + [True] * 15


@pytest.mark.parametrize("module", [faulty.StartOnly, faulty.ByHeart])
def test_module_leaves_readable_what_its_fault_says(module):
    assert TEXT[64:] in module().aes_gcm_seal(KEY, IV, TEXT, AAD)


@pytest.mark.parametrize("module", PASS_ALL)
def test_box_that_is_shorter_than_a_tag_is_refused(module):
    with pytest.raises(Forged):
        module().aes_gcm_open(KEY, IV, b"short", AAD)


def test_lax_lab_opens_a_changed_blob_but_under_its_own_key_only():
    lab = lax_lab()
    blob = lab.create_cmk("records").encrypt(b"R-017")
    assert lab.decrypt(blob[:-16] + bytes([blob[-16] ^ 1]) + blob[-15:]) == b"R-017"
    with pytest.raises(KMSError):
        lab.create_cmk("other").decrypt(blob)
