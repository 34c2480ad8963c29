from dataclasses import replace
from types import SimpleNamespace

import pytest

from kmslab.crypto import Backend, pyca, pycryptodome, self_test
from kmslab.crypto.self_test import KNOWN_ANSWERS, PAIRWISE, KnownAnswer, SelfTestFailed
from tests.cases import for_every

ALGORITHMS = sorted(pyca.ALGORITHMS | pycryptodome.ALGORITHMS)
EACH = for_every("known", KNOWN_ANSWERS, ids=lambda known: f"{known.algorithm}-{known.function}")


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


@for_every("algorithm", ALGORITHMS)
def test_each_algorithm_passes_in_each_backend_that_has_it(
    backend: Backend, algorithm: str
) -> None:
    if algorithm in backend.ALGORITHMS:
        self_test.run(backend, algorithm)
    else:
        with pytest.raises(SelfTestFailed, match=algorithm):
            self_test.run(backend, algorithm)


def test_each_algorithm_has_known_answers_and_each_answer_has_a_source() -> None:
    assert {known.algorithm for known in KNOWN_ANSWERS} == set(ALGORITHMS)
    assert all(known.source for known in KNOWN_ANSWERS)


def test_each_function_that_can_refuse_is_tested_for_it() -> None:
    refusing = {known.function for known in KNOWN_ANSWERS if known.refused_if_altered}
    opening = {"aes_gcm_open", "aes_gcm_opener", "aes_unwrap"}
    assert refusing == opening | {"verify", "decrypt", "agree", "decompress"}
    for known in KNOWN_ANSWERS:
        assert (known.function in refusing) == (known.refused_if_altered is not None)


def test_a_random_function_is_tested_with_its_inverse() -> None:
    random = {known.algorithm for known in KNOWN_ANSWERS if known.function in PAIRWISE}
    schemes = ("RSAES_OAEP", "RSASSA_PSS", "ECDSA", "ML_DSA", "ML_KEM")
    assert random == {name for name in ALGORITHMS if name.startswith(schemes)}


def test_an_answer_for_a_key_spec_concerns_only_backends_that_have_it() -> None:
    (spec,) = {known.key_spec for known in KNOWN_ANSWERS if known.key_spec}
    assert spec == "ML_KEM_512"
    only = [known for known in KNOWN_ANSWERS if known.key_spec == spec]
    self_test.run(pycryptodome, "ML_KEM", only)
    with pytest.raises(SelfTestFailed, match="no known answer"):
        self_test.run(pyca, "ML_KEM", only)


def test_an_algorithm_without_a_known_answer_fails(backend: Backend) -> None:
    with pytest.raises(SelfTestFailed, match="no known answer"):
        self_test.run(backend, "AES_GCM", known_answers=())
    with pytest.raises(SelfTestFailed, match="no known answer"):
        self_test.run(backend, "ROT_13")


def fails(backend: Backend, known: KnownAnswer, altered: KnownAnswer) -> bool:
    """Whether the algorithm fails if this one answer among all is altered."""
    if known.algorithm not in backend.ALGORITHMS or not known.concerns(backend):
        return True
    answers = [altered if each is known else each for each in KNOWN_ANSWERS]
    with pytest.raises(SelfTestFailed, match=known.algorithm) as caught:
        self_test.run(backend, known.algorithm, answers)
    return backend.NAME in str(caught.value)


@EACH
def test_an_altered_answer_fails(backend: Backend, known: KnownAnswer) -> None:
    answer = flip(known.answer) if isinstance(known.answer, bytes) else not known.answer
    assert fails(backend, known, replace(known, answer=answer))


@EACH
def test_an_altered_argument_fails(backend: Backend, known: KnownAnswer) -> None:
    if known.function in PAIRWISE:
        return  # the inverse undoes any input
    for name, value in known.arguments.items():
        if isinstance(value, bytes):
            arguments = {**known.arguments, name: flip(value)}
            assert fails(backend, known, replace(known, arguments=arguments))


@EACH
def test_a_function_that_breaks_down_fails(backend: Backend, known: KnownAnswer) -> None:
    assert fails(backend, known, replace(known, arguments={}))
    assert fails(backend, known, replace(known, function="missing"))


def test_one_broken_algorithm_does_not_stop_the_others(backend: Backend) -> None:
    (broken, *_) = [known for known in KNOWN_ANSWERS if known.algorithm == "ECDH"]
    answers = [replace(known, answer=b"") if known is broken else known for known in KNOWN_ANSWERS]
    for algorithm in backend.ALGORITHMS - {"ECDH"}:
        self_test.run(backend, algorithm, answers)
    assert fails(backend, broken, replace(broken, answer=b""))


def gullible(backend: Backend, **functions: object) -> Backend:
    """The backend, but with a function that refuses nothing."""
    names = [name for name in dir(backend) if not name.startswith("_")]
    return SimpleNamespace(**{name: getattr(backend, name) for name in names} | functions)


def test_a_backend_that_takes_every_signature_fails(backend: Backend) -> None:
    careless = gullible(backend, verify=lambda *arguments, **named: None)
    for algorithm in sorted(backend.ALGORITHMS):
        if algorithm.startswith(("RSASSA", "ECDSA", "ED25519", "ML_DSA")):
            with pytest.raises(SelfTestFailed, match=f"{algorithm}: verify"):
                self_test.run(careless, algorithm)


@for_every("function", ["aes_gcm_open", "decrypt", "agree", "decompress"])
def test_a_backend_that_refuses_nothing_fails(backend: Backend, function: str) -> None:
    """It gives the right answer to each known question, and the same to altered ones."""
    rows = [known for known in KNOWN_ANSWERS if known.function == function]
    for known in rows:
        careless = gullible(backend, **{function: lambda answer=known.answer, **named: answer})
        assert not known.holds(careless)
        assert known.holds(backend)


def test_a_backend_that_opens_anything_into_a_buffer_fails(backend: Backend) -> None:
    (known,) = [each for each in KNOWN_ANSWERS if each.function == "aes_gcm_opener"]

    def open_into(iv: bytes, sealed: bytes, aad: bytes, plain: memoryview) -> None:
        plain[:] = known.answer

    assert not known.holds(gullible(backend, aes_gcm_opener=lambda key: open_into))
    assert known.holds(backend)


def test_a_backend_that_verifies_no_pieces_fails(backend: Backend) -> None:
    (known,) = [each for each in KNOWN_ANSWERS if each.function == "aes_gcm_opener"]

    def lax(*arguments: bytes) -> SimpleNamespace:
        decrypt = backend.aes_gcm_in_pieces(*arguments).decrypt
        return SimpleNamespace(decrypt=decrypt, verify=lambda tag: None)

    assert not known.holds(gullible(backend, aes_gcm_in_pieces=lax))
    assert known.holds(backend)


def test_a_backend_whose_halves_do_not_fit_fails(backend: Backend) -> None:
    def misfit(public: bytes) -> tuple[bytes, bytes]:
        ciphertext, secret = backend.encapsulate(public)
        return ciphertext, flip(secret)

    with pytest.raises(SelfTestFailed, match="encapsulate_and_decapsulate"):
        self_test.run(gullible(backend, encapsulate=misfit), "ML_KEM")
