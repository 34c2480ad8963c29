"""The cryptographic module before the learner's eyes: its self-tests, and one with a wound.

The tests are the ones that the HSM itself runs before it first uses an algorithm; nothing here
imitates them. This lab is not a validated module (FIPS 140), whatever its self-tests say.
"""

from collections import Counter
from collections.abc import Mapping

from kmslab.course.clinic.clinic import SEOUL
from kmslab.crypto import Backend, pyca, pycryptodome, self_test
from kmslab.crypto.self_test import KNOWN_ANSWERS, SelfTestFailed
from kmslab.display import Table
from kmslab.kms.backing.self_tested import BACKENDS
from kmslab.lab.lab import Lab

# What a learner calls it, and how the names of its algorithms begin.
FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AES-GCM", ("AES_GCM",)),
    ("key derivation", ("KDF", "HKDF")),
    ("HMAC", ("HMAC",)),
    ("RSA", ("RSA",)),
    ("elliptic curves", ("EC", "ED25519")),
    ("ML-DSA", ("ML_DSA",)),
    ("ML-KEM", ("ML_KEM",)),
)


def self_tests() -> Table:
    """Run every known-answer test now, in both libraries, and say how each family did."""
    answers = Counter(known.algorithm for known in KNOWN_ANSWERS)
    headings = ["algorithms", "known answers", *(backend.NAME for backend in BACKENDS)]
    return Table(headings, [_family(name, heads, answers) for name, heads in FAMILIES])


def _family(name: str, heads: tuple[str, ...], answers: Mapping[str, int]) -> list[object]:
    members = [algorithm for algorithm in answers if algorithm.startswith(heads)]
    verdicts = [Counter(passed(each, member) for member in members) for each in BACKENDS]
    return [name, sum(answers[member] for member in members), *map(_summary, verdicts)]


def _summary(verdicts: Mapping[str, int]) -> str:
    """`passed`, or how many of each where a family is not of one mind."""
    if len(verdicts) == 1:
        return next(iter(verdicts))
    return ", ".join(f"{number} {verdict}" for verdict, number in Counter(verdicts).most_common())


def passed(backend: Backend, algorithm: str) -> str:
    """The verdict in a word or two."""
    if algorithm not in backend.ALGORITHMS:
        return "not offered"
    try:
        self_test.run(backend, algorithm)
    except SelfTestFailed:
        return "FAILED"
    return "passed"


class Wounded:
    """A module whose AES-GCM gets one bit wrong, the last one. All else works."""

    NAME = "cryptography, wounded"
    ALGORITHMS = pyca.ALGORITHMS
    KEY_SPECS = pyca.KEY_SPECS

    def aes_gcm_seal(self, key: bytes, nonce: bytes, plaintext: bytes, aad: bytes) -> bytes:
        sealed = pyca.aes_gcm_seal(key, nonce, plaintext, aad)
        return sealed[:-1] + bytes([sealed[-1] ^ 1])

    aes_gcm_open = staticmethod(pyca.aes_gcm_open)
    aes_gcm_seal_into = staticmethod(pyca.aes_gcm_seal_into)
    aes_gcm_open_into = staticmethod(pyca.aes_gcm_open_into)
    hmac = staticmethod(pyca.hmac)
    kdf_counter = staticmethod(pyca.kdf_counter)
    hkdf = staticmethod(pyca.hkdf)
    decompress = staticmethod(pyca.decompress)
    generate_key = staticmethod(pyca.generate_key)
    public_key = staticmethod(pyca.public_key)
    sign = staticmethod(pyca.sign)
    verify = staticmethod(pyca.verify)
    encrypt = staticmethod(pyca.encrypt)
    decrypt = staticmethod(pyca.decrypt)
    agree = staticmethod(pyca.agree)
    encapsulate = staticmethod(pyca.encapsulate)
    decapsulate = staticmethod(pyca.decapsulate)


def wounded_lab() -> Lab:
    """A lab like any other, but the first of its two modules is the wounded one."""
    return Lab(region=SEOUL, backends=(Wounded(), pycryptodome))
