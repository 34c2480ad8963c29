"""Each method wraps and unwraps in both libraries, and each opens what the other wrapped."""

import json
import math
import subprocess
import sys
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from statistics import fmean

import pytest

from kmslab.bench import keygen, with_cryptography, wrapping
from kmslab.bench.methods import (
    KMS_IN_PROCESS,
    KMS_OVER_HTTP,
    METHODS,
    REFERENCE,
    Refused,
    Wrapper,
)
from kmslab.bench.wrapping import LIBRARIES
from kmslab.crypto import pyca
from kmslab.display import microseconds
from tests.cases import for_every

DATA_KEY = bytes(range(32))
RECORDED = Path(__file__).parents[2] / "data" / "benchmarks" / "wrapping.json"
LONG_RSA = ("RSA_3072", "RSA_4096")  # slow to make: for the long tests
LIBRARY = for_every("library", LIBRARIES)
METHOD = for_every(
    ("library", "method"),
    [
        (library, method)
        for library in LIBRARIES
        for method in METHODS
        if method.name in library.LOAD
    ],
    lambda each: getattr(each, "NAME", getattr(each, "name", "")),
    long=lambda _, method: method.key in LONG_RSA,
)
SIZES = {
    "AES-256-GCM": 12 + 32 + 16,  # SP 800-38D: nonce, ciphertext, tag
    "AES-KW": 40,  # RFC 3394: eight bytes more
    "AES-KWP": 40,
    "RSA-OAEP 2048": 256,  # as long as the modulus
    "RSA-OAEP 2048 SHA-1": 256,
    "RSA-OAEP 3072": 384,
    "RSA-OAEP 4096": 512,
    "ECDH P-256": 65 + 40,  # a point, then AES-KW
    "ECDH P-384": 97 + 40,
    "ECDH X25519": 32 + 40,
    "ML-KEM-512": 768 + 40,  # FIPS 203, table 3, then AES-KW
    "ML-KEM-768": 1088 + 40,
    "ML-KEM-1024": 1568 + 40,
    "HPKE P-256": 65 + 32 + 16,  # RFC 9180, table 2: Nenc; then ciphertext and tag
    "HPKE X25519": 32 + 32 + 16,
    "HPKE ML-KEM-768": 1088 + 32 + 16,
    "HPKE X-Wing": 1088 + 32 + 32 + 16,
}
key = cache(wrapping.new_key)


def loaded(library, method) -> Wrapper:
    return library.LOAD[method.name](key(method.key))


@LIBRARY
def test_a_library_has_every_method_or_says_why_not(library):
    names = {method.name for method in METHODS}
    assert names == set(library.LOAD) | set(library.LACKS)
    assert not set(library.LOAD) & set(library.LACKS)
    assert REFERENCE in library.LOAD


def test_only_one_method_is_in_one_library_alone():
    assert [{*library.LACKS} for library in LIBRARIES] == [{"ML-KEM-512"}, set()]


@METHOD
def test_what_one_library_wraps_each_unwraps(library, method):
    wrapped = loaded(library, method).wrap(DATA_KEY)
    assert len(wrapped) == SIZES[method.name]
    for other in LIBRARIES:
        if method.name in other.LOAD:
            assert loaded(other, method).unwrap(wrapped) == DATA_KEY


@METHOD
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
@for_every("spec", [spec for spec in with_cryptography.GENERATE if not spec.startswith("RSA_")])
def test_made_keys_differ(library, spec):
    made = library.GENERATE[spec]
    assert made() != made()


@LIBRARY
def test_every_key_of_kms_can_be_made(library):
    kept = set(pyca.KEY_SPECS) | {"AES_256", "X25519"}
    assert kept <= set(library.GENERATE) <= kept | {"ML_KEM_512"}


def test_rsas_strength_follows_nists_formula():
    """SP 800-56B rev. 2, appendix D: rounded to a multiple of eight."""
    for method in METHODS:
        if method.key.startswith("RSA_"):
            size = int(method.key.removeprefix("RSA_")) * math.log(2)
            work = 1.923 * math.cbrt(size * math.log(size) ** 2) - 4.69
            assert method.strength == 8 * round(work / math.log(2) / 8)


def test_strength_is_at_most_that_of_the_key_wrap_that_follows():
    assert all(112 <= method.strength <= 256 for method in METHODS)
    resist = ("AES", "ML_KEM", "X_WING")
    for method in METHODS:
        assert method.post_quantum == method.key.startswith(resist)


def test_every_method_has_a_reason_and_a_source_in_whole_sentences():
    for method in (*METHODS, KMS_IN_PROCESS, KMS_OVER_HTTP):
        assert method.source.endswith(".")
        assert method.why.endswith(".")


@pytest.mark.long
def test_a_kms_in_process_and_over_http_wraps_and_unwraps():
    absent: dict[str, str] = {}
    with ExitStack() as stack:
        for _, wrapper in wrapping.round_trips(stack, absent):
            assert wrapper.unwrap(wrapper.wrap(DATA_KEY)) == DATA_KEY
    assert absent == {}


@pytest.mark.parametrize("library", ["uvicorn", pytest.param("boto3", marks=pytest.mark.long)])
def test_what_the_round_trip_over_http_lacks_is_said(library):
    """In a process of its own, where nothing has been imported."""
    ran = subprocess.run(
        [sys.executable, "-c", WITHOUT, library],
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=True,
    )
    facts, absent = json.loads(ran.stdout)
    assert facts == ["AES-256-GCM", "AES-KW", "KMS in process"]
    assert f"needs {library}, which is not installed: pip install" in absent["KMS over HTTP"]


WITHOUT = """
import json, sys
sys.modules[sys.argv[1]] = None  # importing it fails, as if it were not installed
from contextlib import ExitStack
from kmslab.bench import wrapping
from kmslab.bench.methods import METHODS
if __name__ == "__main__":
    with ExitStack() as stack:
        plan = wrapping.prepare(wrapping.BENCHMARK.quick, stack, METHODS[:2])
    print(json.dumps([[*plan.facts], plan.absent]))
"""


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
    mean = fmean(recorded.result.of("cryptography", "RSA_4096", keygen.MAKE).samples)
    assert f"mean {microseconds(mean)}; " in repr(recorded.plot("RSA_4096"))
    with pytest.raises(KeyError, match="no RSA_1024 was made"):
        recorded.plot("RSA_1024")
