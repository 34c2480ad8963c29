"""Each method wraps and unwraps in both libraries, and each opens what the other wrapped."""

import math
import secrets
from functools import cache
from pathlib import Path

import pytest

from kmslab.bench import keygen, with_cryptography, wrapping
from kmslab.bench.methods import METHODS, REFERENCE, Refused, Wrapper
from kmslab.bench.wrapping import LIBRARIES
from kmslab.crypto import pyca
from tests.cases import for_every

DATA_KEY = bytes(range(32))
RECORDED = Path(__file__).parents[2] / "data" / "benchmarks" / "wrapping.json"
LONG_RSA = ("RSA_3072", "RSA_4096")  # slow to make: for the long tests
LIBRARY = for_every("library", LIBRARIES)
METHOD = for_every(
    "method", METHODS, lambda method: method.name, long=lambda method: method.key in LONG_RSA
)
SIZES = {
    "AES-256-GCM": 12 + 32 + 16,  # SP 800-38D: nonce, ciphertext, tag
    "AES-KW": 40,  # RFC 3394: eight bytes more
    "AES-KWP": 40,
    "RSA-OAEP 2048": 256,  # as long as the modulus
    "RSA-OAEP 3072": 384,
    "RSA-OAEP 4096": 512,
    "ECDH P-256": 65 + 40,  # a point, then AES-KW
    "ML-KEM-768": 1088 + 40,  # FIPS 203, table 3, then AES-KW
    "ML-KEM-1024": 1568 + 40,
}


@cache
def key(spec: str) -> bytes:
    return secrets.token_bytes(32) if spec == "AES_256" else pyca.generate_key(spec)


def loaded(library, method) -> Wrapper:
    return library.LOAD[method.name](key(method.key))


@LIBRARY
def test_every_library_has_every_method_and_makes_every_key(library):
    assert set(library.LOAD) == {method.name for method in METHODS}
    assert set(library.GENERATE) == {method.key for method in METHODS}
    assert REFERENCE in library.LOAD


@METHOD
@LIBRARY
def test_what_one_library_wraps_each_unwraps(library, method):
    wrapped = loaded(library, method).wrap(DATA_KEY)
    assert len(wrapped) == SIZES[method.name]
    assert [loaded(other, method).unwrap(wrapped) for other in LIBRARIES] == [DATA_KEY] * 2


@METHOD
@LIBRARY
def test_a_changed_byte_and_a_lost_one_are_refused(library, method):
    wrapper = loaded(library, method)
    wrapped = wrapper.wrap(DATA_KEY)
    step = max(1, len(wrapped) // 40)
    for place in [*range(0, len(wrapped), step), len(wrapped) - 1]:
        changed = wrapped[:place] + bytes([wrapped[place] ^ 1]) + wrapped[place + 1 :]
        with pytest.raises(Refused):
            wrapper.unwrap(changed)
    with pytest.raises(Refused):
        wrapper.unwrap(wrapped[:-1])


@METHOD
@LIBRARY
def test_only_key_wrap_gives_the_same_bytes_twice(library, method):
    wrapper = loaded(library, method)
    same = wrapper.wrap(DATA_KEY) == wrapper.wrap(DATA_KEY)
    assert same == (method.name in ("AES-KW", "AES-KWP"))


@LIBRARY
def test_key_wrap_gives_the_published_answers(library):
    """RFC 3394 §4.6, and RFC 5649 §6, whose key has 192 bits."""
    kek, data = (
        bytes(range(32)),
        bytes.fromhex("00112233445566778899AABBCCDDEEFF") + bytes(range(16)),
    )
    wrapped = "28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21"
    assert library.LOAD["AES-KW"](kek).wrap(data).hex().upper() == wrapped
    kek = bytes.fromhex("5840df6e29b02af1ab493b705bf16ea1ae8338f4dcc176a8")
    data = bytes.fromhex("c37b7e6492584340bed12207808941155068f738")
    wrapped = "138bdeaa9b8fa7fc61f97742e72248ee5ae6ae5360d1ae6a5f54f373fa543b6a"
    assert library.LOAD["AES-KWP"](kek).wrap(data).hex() == wrapped


@LIBRARY
@for_every("spec", [key for key in with_cryptography.GENERATE if key not in LONG_RSA])
def test_made_keys_differ(library, spec):
    made = library.GENERATE[spec]
    assert made() != made()


def test_rsas_strength_follows_nists_formula():
    """SP 800-56B rev. 2, appendix D: rounded to a multiple of eight."""
    for method in METHODS:
        if method.key.startswith("RSA_"):
            size = int(method.key.removeprefix("RSA_")) * math.log(2)
            work = 1.923 * math.cbrt(size * math.log(size) ** 2) - 4.69
            assert method.strength == 8 * round(work / math.log(2) / 8)


def test_strength_is_at_most_that_of_the_key_wrap_that_follows():
    assert all(112 <= method.strength <= 256 for method in METHODS)
    assert {method.key for method in METHODS if not method.post_quantum} == {
        "RSA_2048",
        "RSA_3072",
        "RSA_4096",
        "ECC_NIST_P256",
    }


# --------------------------------------------------------------------------------------- lesson 08


@cache
def nine() -> wrapping.NineWays:
    return wrapping.read(RECORDED.read_bytes())


def test_the_recorded_run_has_a_hundred_samples_of_each_of_the_nine():
    assert len(nine().sizes) == 9
    for library in LIBRARIES:
        for method in nine().sizes:
            for operation in (wrapping.WRAP, wrapping.UNWRAP):
                assert len(nine().of(library.NAME, method, operation).samples) >= 100


def test_batches_are_long_enough_for_the_clock():
    """The aim is 5,000 µs; a disturbance while calibrating makes a batch shorter."""
    assert all(one.batch * one.summary.median > 500 for one in nine().result.series)


@LIBRARY
def test_the_table_has_a_row_for_each_of_the_nine(library):
    table = nine().table(library.NAME)
    assert [row[0] for row in table.rows] == [*nine().sizes]
    assert table.headings[:5] == ["what", "strength", "quantum", "bytes", "wrap"]
    assert table.headings[-1] == "× AES-KW"


@LIBRARY
def test_a_run_draws_itself(library):
    assert repr(nine().plot(library.NAME)).startswith(f"Picture: {library.NAME}, medians. no-op")
    assert "ML-KEM-1024" in repr(nine().plot_sizes(library.NAME))


def test_made_keys_are_drawn():
    recorded = keygen.read(RECORDED.with_name("keygen.json").read_bytes())
    assert "cryptography median 344 ms, mean 460 ms" in repr(recorded.plot("RSA_4096"))
    with pytest.raises(KeyError, match="no RSA_1024 was made"):
        recorded.plot("RSA_1024")
