"""One changed bit, or one byte too many or too few, and nothing comes out, not even a reason."""

import traceback

import pytest

from kmslab.crypto import Backend, Forged
from tests.cases import for_every

KEY = bytes(range(32))
IV = bytes(range(100, 112))
AAD = b"the header and the context"
PLAINTEXT = b"card 4242 4242 4242 4242"


@pytest.fixture(scope="module")
def sealed(backend: Backend) -> bytes:
    return backend.aes_gcm_seal(KEY, IV, PLAINTEXT, AAD)


def flips(data: bytes) -> list[bytes]:
    """The data with each of its bits flipped in turn."""
    number = int.from_bytes(data, "big")
    return [(number ^ (1 << bit)).to_bytes(len(data), "big") for bit in range(8 * len(data))]


def refuses(backend: Backend, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> bool:
    try:
        backend.aes_gcm_open(key, iv, sealed, aad)
    except Forged as error:
        return str(error) == ""
    return False


def test_the_untouched_message_opens(backend: Backend, sealed: bytes) -> None:
    assert backend.aes_gcm_open(KEY, IV, sealed, AAD) == PLAINTEXT


def test_a_flipped_bit_of_ciphertext_or_tag_is_refused(backend: Backend, sealed: bytes) -> None:
    assert all(refuses(backend, KEY, IV, changed, AAD) for changed in flips(sealed))


def test_a_flipped_bit_of_the_iv_is_refused(backend: Backend, sealed: bytes) -> None:
    assert all(refuses(backend, KEY, changed, sealed, AAD) for changed in flips(IV))


def test_a_flipped_bit_of_the_authenticated_data_is_refused(
    backend: Backend, sealed: bytes
) -> None:
    assert all(refuses(backend, KEY, IV, sealed, changed) for changed in flips(AAD))


def test_a_flipped_bit_of_the_key_is_refused(backend: Backend, sealed: bytes) -> None:
    assert all(refuses(backend, changed, IV, sealed, AAD) for changed in flips(KEY))


def test_a_message_cut_anywhere_or_stretched_is_refused(backend: Backend, sealed: bytes) -> None:
    for cut in range(len(sealed)):
        assert refuses(backend, KEY, IV, sealed[:cut], AAD)
        assert refuses(backend, KEY, IV, sealed[cut + 1 :], AAD)
    assert refuses(backend, KEY, IV, sealed + b"\0", AAD)
    assert refuses(backend, KEY, IV, b"\0" + sealed, AAD)


def test_a_byte_moved_between_message_and_authenticated_data_is_refused(
    backend: Backend, sealed: bytes
) -> None:
    assert refuses(backend, KEY, IV, sealed[1:], AAD + sealed[:1])
    assert refuses(backend, KEY, IV, AAD[-1:] + sealed, AAD[:-1])


@for_every("length", [n for n in range(40) if n != 12] + [128, 129, 1024])
def test_another_iv_length_opens_nothing_and_seals_nothing(
    backend: Backend, sealed: bytes, length: int
) -> None:
    assert refuses(backend, KEY, bytes(length), sealed, AAD)
    with pytest.raises(RuntimeError):
        backend.aes_gcm_seal(KEY, bytes(length), PLAINTEXT, AAD)


@for_every("length", [n for n in range(40) if n not in (16, 24, 32)] + [64])
def test_another_key_length_opens_nothing_and_seals_nothing(
    backend: Backend, sealed: bytes, length: int
) -> None:
    assert refuses(backend, bytes(length), IV, sealed, AAD)
    with pytest.raises(RuntimeError):
        backend.aes_gcm_seal(bytes(length), IV, PLAINTEXT, AAD)


def test_a_refusal_carries_neither_cause_nor_unverified_plaintext(
    backend: Backend, sealed: bytes
) -> None:
    """A library may decrypt before it verifies: our error must not refer to its frames."""
    with pytest.raises(Forged) as caught:
        backend.aes_gcm_open(KEY, IV, sealed[:-1] + bytes([sealed[-1] ^ 1]), AAD)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None
    inner = [frame for frame, _ in traceback.walk_tb(caught.value.__traceback__)][1:]
    assert inner, "the backend's own frame"
    for frame in inner:
        assert PLAINTEXT not in [v for v in frame.f_locals.values() if isinstance(v, bytes)]


@for_every("label", [b"\0", b"a\0b", b"\0a", b"a\0"])
def test_a_label_with_a_zero_byte_derives_nothing(backend: Backend, label: bytes) -> None:
    with pytest.raises(RuntimeError):
        backend.kdf_counter(KEY, label, b"", 32)


@for_every("length", [-1, 0, 2**29, 2**40])
def test_a_length_that_has_no_32_bit_encoding_derives_nothing(
    backend: Backend, length: int
) -> None:
    with pytest.raises(RuntimeError):
        backend.kdf_counter(KEY, b"label", b"", length)


def test_an_unknown_hmac_is_not_guessed(backend: Backend) -> None:
    with pytest.raises(KeyError):
        backend.hmac("HMAC_SHA_1", KEY, b"")
