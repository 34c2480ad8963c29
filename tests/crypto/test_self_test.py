from dataclasses import replace

import pytest

from kmslab.crypto import Backend, self_test
from kmslab.crypto.self_test import KNOWN_ANSWERS, KnownAnswer, SelfTestFailed

ALGORITHMS = sorted({known.algorithm for known in KNOWN_ANSWERS})
EACH = pytest.mark.parametrize(
    "known", KNOWN_ANSWERS, ids=lambda known: f"{known.algorithm}-{known.function}"
)


def flip(data: bytes) -> bytes:
    return bytes([data[0] ^ 1]) + data[1:]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_each_algorithm_passes_in_each_backend(backend: Backend, algorithm: str) -> None:
    self_test.run(backend, algorithm)


def test_each_algorithm_has_known_answers_and_each_answer_has_a_source() -> None:
    assert {known.algorithm for known in KNOWN_ANSWERS} == set(ALGORITHMS)
    assert all(known.source for known in KNOWN_ANSWERS)


def test_sealing_opening_and_refusing_are_all_tested() -> None:
    tested = {(known.function, known.refused) for known in KNOWN_ANSWERS}
    assert tested >= {("aes_gcm_seal", False), ("aes_gcm_open", False), ("aes_gcm_open", True)}


def test_an_algorithm_without_a_known_answer_fails(backend: Backend) -> None:
    with pytest.raises(SelfTestFailed, match="no known answer"):
        self_test.run(backend, "AES_GCM", known_answers=())
    with pytest.raises(SelfTestFailed, match="no known answer"):
        self_test.run(backend, "ROT_13")


def fails(backend: Backend, known: KnownAnswer, altered: KnownAnswer) -> bool:
    """With one answer altered among all, its algorithm fails and the others pass."""
    answers = [altered if each is known else each for each in KNOWN_ANSWERS]
    for algorithm in ALGORITHMS:
        if algorithm != known.algorithm:
            self_test.run(backend, algorithm, answers)
    with pytest.raises(SelfTestFailed, match=known.algorithm) as caught:
        self_test.run(backend, known.algorithm, answers)
    return backend.NAME in str(caught.value)


@EACH
def test_an_altered_answer_fails(backend: Backend, known: KnownAnswer) -> None:
    if known.refused:
        altered = replace(known, refused=False, answer=b"")
    else:
        altered = replace(known, answer=flip(known.answer))
    assert fails(backend, known, altered)


@EACH
def test_an_altered_argument_fails(backend: Backend, known: KnownAnswer) -> None:
    for name, value in known.arguments.items():
        if isinstance(value, bytes) and not known.refused:
            arguments = {**known.arguments, name: flip(value)}
            assert fails(backend, known, replace(known, arguments=arguments))


def test_a_genuine_message_where_a_forged_one_is_due_fails(backend: Backend) -> None:
    genuine = [known for known in KNOWN_ANSWERS if known.function == "aes_gcm_open"]
    for known in genuine:
        if not known.refused:
            assert fails(backend, known, replace(known, refused=True))


@EACH
def test_a_function_that_breaks_down_fails(backend: Backend, known: KnownAnswer) -> None:
    assert fails(backend, known, replace(known, arguments={}))
    assert fails(backend, known, replace(known, function="missing"))
