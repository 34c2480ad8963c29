"""Each scheme signs in both libraries, and each verifies what the other signed."""

from functools import cache

import pytest

from kmslab.bench.methods import METHODS, Refused
from kmslab.bench.signatures import MESSAGE, REFERENCE, SCHEMES
from kmslab.bench.wrapping import LIBRARIES
from kmslab.crypto import pyca
from tests.cases import for_every

LONG_RSA = ("RSA_3072", "RSA_4096")
SCHEME = for_every(
    ("library", "scheme"),
    [(library, scheme) for library in LIBRARIES for scheme in SCHEMES],
    lambda each: getattr(each, "NAME", getattr(each, "name", "")),
    long=lambda _, scheme: scheme.key in LONG_RSA,
)
SIZES = {
    "RSA-PSS 2048": 256,  # as long as the modulus
    "RSA-PSS 3072": 384,
    "RSA-PSS 4096": 512,
    "Ed25519": 64,  # RFC 8032
    "ML-DSA-44": 2420,  # FIPS 204, table 2
    "ML-DSA-65": 3309,
    "ML-DSA-87": 4627,
}
key = cache(pyca.generate_key)


def test_both_libraries_have_every_scheme():
    names = {scheme.name for scheme in SCHEMES}
    assert all(set(library.SIGNERS) == names for library in LIBRARIES)
    assert REFERENCE in names


@SCHEME
def test_what_one_library_signs_each_verifies(library, scheme):
    signature = library.SIGNERS[scheme.name](key(scheme.key)).sign(MESSAGE)
    assert len(signature) == SIZES.get(scheme.name, len(signature))
    for other in LIBRARIES:
        other.SIGNERS[scheme.name](key(scheme.key)).verify(signature, MESSAGE)


@SCHEME
def test_a_changed_signature_and_another_message_are_refused(library, scheme):
    signer = library.SIGNERS[scheme.name](key(scheme.key))
    signature = signer.sign(MESSAGE)
    with pytest.raises(Refused):
        signer.verify(signature[:-1] + bytes([signature[-1] ^ 1]), MESSAGE)
    with pytest.raises(Refused):
        signer.verify(signature, MESSAGE[::-1])


def test_strengths_agree_with_those_of_wrapping():
    """The same kind of key is as strong here as there."""
    known = {method.key: (method.strength, method.post_quantum) for method in METHODS}
    shared = [scheme for scheme in SCHEMES if scheme.key in known]
    assert len(shared) == 5
    for scheme in shared:
        assert known[scheme.key] == (scheme.strength, scheme.post_quantum)


def test_only_lattices_resist_a_quantum_computer():
    assert [each.name for each in SCHEMES if each.post_quantum] == [
        "ML-DSA-44",
        "ML-DSA-65",
        "ML-DSA-87",
    ]
