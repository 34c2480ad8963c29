"""The cryptographic module's self-tests as a table.

These are the very tests that the HSM runs before it first uses an algorithm, not imitations. This
lab is not a validated module (FIPS 140), even if all its self-tests pass.
"""

from collections import Counter
from collections.abc import Mapping

from kmslab.crypto import Backend, self_test
from kmslab.crypto.self_test import KNOWN_ANSWERS, SelfTestFailed
from kmslab.crypto.self_tested import BACKENDS
from kmslab.display import Table

# A family of algorithms in the learner's words, and how the names of its members begin.
FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("AES-GCM", ("AES_GCM",)),
    ("AES-CBC", ("AES_CBC",)),
    ("AES key wrap", ("AES_KWP",)),
    ("key derivation", ("KDF", "HKDF")),
    ("HMAC", ("HMAC",)),
    ("RSA", ("RSA",)),
    ("elliptic curves", ("EC", "ED25519")),
    ("ML-DSA", ("ML_DSA",)),
    ("ML-KEM", ("ML_KEM",)),
)


def self_tests() -> Table:
    """Run every known-answer test now, in both libraries, and give the results by family."""
    answers = Counter(known.algorithm for known in KNOWN_ANSWERS)
    headings = ["algorithms", "known answers", *(backend.NAME for backend in BACKENDS)]
    return Table(headings, [_row(name, beginnings, answers) for name, beginnings in FAMILIES])


def _row(name: str, beginnings: tuple[str, ...], answers: Mapping[str, int]) -> list[object]:
    members = [algorithm for algorithm in answers if algorithm.startswith(beginnings)]
    results = [_results(backend, members, answers) for backend in BACKENDS]
    return [name, sum(answers[member] for member in members), *map(_summary, results)]


def _results(backend: Backend, members: list[str], answers: Mapping[str, int]) -> Counter[str]:
    """How many known answers belong to algorithms with which result."""
    results: Counter[str] = Counter()
    for member in members:
        results[self_test_result(backend, member)] += answers[member]
    return results


def _summary(results: Counter[str]) -> str:
    """`passed` if all did, else how many had which result."""
    if len(results) == 1:
        return next(iter(results))
    return ", ".join(f"{number} {result}" for result, number in results.most_common())


def self_test_result(backend: Backend, algorithm: str) -> str:
    """`passed`, `FAILED`, or `not offered` by this library."""
    if algorithm not in backend.ALGORITHMS:
        return "not offered"
    try:
        self_test.run(backend, algorithm)
    except SelfTestFailed:
        return "FAILED"
    return "passed"
