"""Pictures of public keys: lengths that vary, programs without a KMS, sizes side by side."""

import pytest

from kmslab import figures
from kmslab.figures.canvas import count
from kmslab.figures.sizes import LONGEST, AtMost, size
from tests.cases import for_every
from tests.figures.drawn_signatures import largest_signatures, new_lab

CURVES = {"ECC_NIST_P256": 72, "ECC_SECG_P256K1": 72, "ECC_NIST_P384": 104, "ECC_NIST_P521": 139}


def new_key(spec: str):
    return new_lab().create_cmk(spec=spec, usage="SIGN_VERIFY")


# --------------------------------------------------------------------------------------- sizes


@pytest.mark.parametrize("spec", CURVES)
def test_a_length_that_varies_is_stated_as_the_largest_possible(spec):
    key = new_key(spec)
    for _ in range(20):
        signature = key.sign(b"1")
        assert len(signature) <= size(signature) == CURVES[spec]
        assert count(size(signature)) == f"up to {CURVES[spec]} bytes"


def test_a_fixed_length_is_stated_exactly():
    key = new_key("ECC_NIST_P256")
    signature = key.sign(b"1")
    others = [signature[:-1], signature + b"1", key.public_key().der, b"0", b"0E\x02", b"1", b""]
    assert [size(other) for other in others] == [len(other) for other in others]
    assert not any(isinstance(size(other), AtMost) for other in others)


def test_every_curve_that_signs_with_two_numbers_has_its_longest_signature():
    assert set(LONGEST.values()) == set(CURVES.values())


def test_a_watched_call_states_the_largest_possible_signature():
    said = figures.wall(figures.watch(new_key("ECC_NIST_P256").sign, b"\0" * 84)).caption
    assert "**Sign** took in 84 bytes (message) and gave back up to 72 bytes (signature)." in said


# ------------------------------------------------------------------------------- without a KMS


def accept(message, signature, public):
    return None


def refuse(message, signature, public):
    raise ValueError("not authentic")


@for_every(
    ("program", "said"),
    [
        (accept, "`accept` (by mail), with message (1 byte), signature (2 bytes) and a public key"),
        (accept, "(44 bytes): accepted."),
        (refuse, "(44 bytes): refused (`ValueError`)."),
        (lambda **_: False, ": refused (`False`)."),
        (lambda **_: True, ": accepted."),
        (lambda **_: b"123", ": 3 bytes."),
    ],
)
def test_caption_states_the_inputs_and_the_result_of_a_program_outside(program, said):
    public = new_key("ECC_NIST_EDWARDS25519").public_key()
    lane = figures.outside(program, public=public, note="by mail", message=b"1", signature=b"12")
    caption = figures.wall(lane).caption
    assert said in caption
    assert caption.endswith("The KMS was not called.")


def test_caption_with_a_call_says_that_the_private_key_stayed_inside():
    key = new_key("ECC_NIST_EDWARDS25519")
    lane = figures.outside(lambda public: None, public=key.public_key())
    caption = figures.wall(figures.watch(key.sign, b"1"), lane).caption
    assert "with a public key (44 bytes): accepted." in caption
    assert caption.endswith("The private key stayed inside.")


def test_program_outside_leaves_no_trace_in_the_trail_and_its_mistakes_are_raised():
    key = new_key("ECC_NIST_EDWARDS25519")
    public = key.public_key()
    before = len(key.lab.trail)
    lane = figures.outside(accept, public=public, message=b"1", signature=b"12")
    assert (lane.caller, lane.crossed, len(key.lab.trail)) == ("anybody", False, before)
    with pytest.raises(TypeError):
        figures.outside(accept, public=public, message=b"1")


# ---------------------------------------------------------------------------------- signatures


def test_signatures_are_really_made_and_their_sizes_are_those_of_the_standards():
    said = largest_signatures().caption
    assert "a report of 4,096 bytes" in said
    assert "`ML_DSA_87` signature 4,627 bytes, public key 2,614;" in said
    assert "`ECC_NIST_P521` signature up to 139 bytes, public key 158;" in said
    assert said.endswith("`HMAC_512` MAC 64 bytes, no public key.")
