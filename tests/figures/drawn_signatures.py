"""Pictures of work with public keys, each from its smallest and its largest object."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache

from kmslab import Clock, Lab, figures
from kmslab.figures.sizes import AtMost


def new_lab() -> Lab:
    return Lab(clock=Clock.frozen(datetime(2026, 1, 5, tzinfo=UTC)))


@cache
def smallest_outside() -> figures.Picture:
    public = new_lab().create_cmk(spec="ECC_NIST_EDWARDS25519", usage="SIGN_VERIFY").public_key()
    return figures.wall(figures.outside(lambda public: None, public=public))


@cache
def largest_outside() -> figures.Picture:
    """The longest words and numbers that a lane without a call can have, with each result."""
    key = new_lab().create_cmk(spec="ML_DSA_87", usage="SIGN_VERIFY")
    desk = figures.outside(long_named, public=key.public_key(), note="W" * 40, report=b"0" * 4096)
    inputs = {"report": 4096, "signature": 4627, "another signature": AtMost(139)}
    filled = replace(desk, files=inputs)
    made = replace(filled, error="", returned=AtMost(1_000_000))
    return figures.wall(desk, filled, made, replace(made, note="", returned=0))


def long_named(public, report):
    raise ValueError(report)


long_named.__name__ = "verify_what_came_from_the_clinic_by_mail_" * 2


@cache
def smallest_signatures() -> figures.Picture:
    key = new_lab().create_cmk(spec="HMAC_224", usage="GENERATE_VERIFY_MAC")
    return figures.signatures(b"1", key)


@cache
def largest_signatures() -> figures.Picture:
    lab = new_lab()
    specs = ["ECC_NIST_EDWARDS25519", "ECC_SECG_P256K1", "ECC_NIST_P521", "RSA_2048", "ML_DSA_87"]
    keys = [lab.create_cmk(spec=spec, usage="SIGN_VERIFY") for spec in specs]
    macs = lab.create_cmk(spec="HMAC_512", usage="GENERATE_VERIFY_MAC")
    return figures.signatures(b"\0" * 4096, *keys, macs)


DRAWINGS = [smallest_outside, largest_outside, smallest_signatures, largest_signatures]
