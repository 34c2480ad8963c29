"""Each library against the other, and derived keys against their definitions, on any input."""

import hashlib
import hmac as stdlib_hmac
import os
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab.crypto import Backend, Forged, SecretBytes, pyca, pycryptodome
from tests.cases import for_every

aes_keys = st.sampled_from([16, 24, 32]).flatmap(lambda n: st.binary(min_size=n, max_size=n))
ivs = st.binary(min_size=12, max_size=12)
anything = st.binary(max_size=300)
labels = st.binary(max_size=40).filter(lambda label: 0 not in label)
PAIRS = for_every(("one", "other"), [(pyca, pycryptodome), (pycryptodome, pyca)])


def test_pycryptodome_alone_has_ed25519ph_and_ml_kem_512() -> None:
    assert pyca.ALGORITHMS | {"ED25519_PH_SHA_512"} == pycryptodome.ALGORITHMS
    assert pyca.KEY_SPECS | {"ML_KEM_512"} == pycryptodome.KEY_SPECS


@PAIRS
@given(key=aes_keys, iv=ivs, plaintext=anything, aad=anything)
def test_each_opens_what_the_other_sealed(
    one: Backend, other: Backend, key: bytes, iv: bytes, plaintext: bytes, aad: bytes
) -> None:
    sealed = one.aes_gcm_seal(key, iv, plaintext, aad)
    assert sealed == other.aes_gcm_seal(key, iv, plaintext, aad)
    assert len(sealed) == len(plaintext) + 16
    opened = other.aes_gcm_open(key, iv, sealed, aad)
    assert opened == plaintext
    assert type(opened) is SecretBytes


@PAIRS
@given(key=aes_keys, iv=ivs, plaintext=anything, aad=anything, bit=st.integers(0))
def test_buffers_get_the_same_bytes_and_zeros_for_a_forgery(
    one: Backend, other: Backend, key: bytes, iv: bytes, plaintext: bytes, aad: bytes, bit: int
) -> None:
    sealed, opened = bytearray(len(plaintext) + 16), bytearray(b"\xa5" * len(plaintext))
    one.aes_gcm_sealer(key)(iv, memoryview(plaintext), aad, memoryview(sealed))
    assert sealed == one.aes_gcm_seal(key, iv, plaintext, aad)
    other.aes_gcm_opener(key)(iv, memoryview(sealed), aad, memoryview(opened))
    assert opened == plaintext
    sealed[bit % len(sealed)] ^= 1
    with pytest.raises(Forged):
        other.aes_gcm_opener(key)(iv, sealed, aad, memoryview(opened))
    assert opened == bytes(len(plaintext))


@PAIRS
@pytest.mark.parametrize("size", [0, 1, 16, 17, 4_097, 2**21 + 3])
def test_a_buffer_can_be_opened_in_its_own_memory(one: Backend, other: Backend, size: int) -> None:
    key, iv, plaintext = bytes(32), bytes(12), os.urandom(size)
    memory = bytearray(one.aes_gcm_seal(key, iv, plaintext, b"aad"))
    forged = bytearray(memory)
    other.aes_gcm_opener(key)(iv, memory, b"aad", memoryview(memory)[:size])
    assert memory[:size] == plaintext
    forged[-1] ^= 1
    with pytest.raises(Forged):
        other.aes_gcm_opener(key)(iv, forged, b"aad", memoryview(forged)[:size])
    assert forged[:size] == bytes(size)


@PAIRS
@given(key=aes_keys, iv=ivs, plaintext=anything, aad=anything, cuts=st.lists(st.integers(0, 300)))
def test_any_pieces_open(
    one: Backend,
    other: Backend,
    key: bytes,
    iv: bytes,
    plaintext: bytes,
    aad: bytes,
    cuts: list[int],
) -> None:
    sealed, opened = one.aes_gcm_seal(key, iv, plaintext, aad), bytearray(len(plaintext))
    tag = bytearray(sealed[-16:])
    for right in (True, False):
        pieces = other.aes_gcm_in_pieces(key, iv, aad)
        places = sorted({0, len(plaintext), *(cut for cut in cuts if cut < len(plaintext))})
        for begin, end in pairwise(places):
            pieces.decrypt(sealed[begin:end], memoryview(opened)[begin:end])
        assert opened == plaintext
        if right:
            pieces.verify(bytes(tag))
            tag[-1] ^= 1
        else:
            with pytest.raises(Forged):
                pieces.verify(bytes(tag))


def test_pieces_that_are_too_few_or_too_many_are_refused() -> None:
    for backend in (pyca, pycryptodome):
        sealed = backend.aes_gcm_seal(bytes(32), bytes(12), bytes(40), b"")
        for taken in (sealed[:39], sealed[:40] + b"\0", b""):
            pieces = backend.aes_gcm_in_pieces(bytes(32), bytes(12), b"")
            pieces.decrypt(taken, memoryview(bytearray(len(taken))))
            with pytest.raises(Forged):
                pieces.verify(sealed[40:])
        for tag in (b"", sealed[40:-1], sealed[40:] + b"\0"):
            pieces = backend.aes_gcm_in_pieces(bytes(32), bytes(12), b"")
            pieces.decrypt(sealed[:40], memoryview(bytearray(40)))
            with pytest.raises(Forged):
                pieces.verify(tag)


def test_keys_of_other_lengths_are_refused_before_any_message() -> None:
    for backend in (pyca, pycryptodome):
        with pytest.raises(RuntimeError, match="AES-GCM takes"):
            backend.aes_gcm_sealer(bytes(31))
        for opener in (
            lambda b=backend: b.aes_gcm_opener(bytes(31)),
            lambda b=backend: b.aes_gcm_in_pieces(bytes(31), bytes(12), b""),
        ):
            with pytest.raises(Forged):
                opener()


def test_buffers_of_other_sizes_are_refused() -> None:
    key, iv, plaintext = bytes(32), bytes(12), bytes(20)
    for backend in (pyca, pycryptodome):
        for size in (0, 20, 35, 37):
            buffer = memoryview(bytearray(size))
            with pytest.raises(RuntimeError, match="16 bytes longer"):
                backend.aes_gcm_sealer(key)(iv, plaintext, b"", buffer)
            with pytest.raises(RuntimeError, match="16 bytes longer"):
                backend.aes_gcm_opener(key)(iv, buffer, b"", memoryview(bytearray(20)))


@given(key=st.binary(max_size=64), iv=st.binary(max_size=20), sealed=anything, aad=anything)
def test_both_refuse_unsealed_bytes(key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> None:
    for backend in (pyca, pycryptodome):
        with pytest.raises(Forged):
            backend.aes_gcm_open(key, iv, sealed, aad)


@for_every("size", [224, 256, 384, 512])
@given(key=anything, message=anything)
def test_both_give_the_same_tag_as_pythons_own_hmac(size: int, key: bytes, message: bytes) -> None:
    expected = stdlib_hmac.digest(key, message, f"sha{size}")
    for backend in (pyca, pycryptodome):
        assert backend.hmac(f"HMAC_SHA_{size}", key, message) == expected


def sp800_108_by_the_book(key: bytes, label: bytes, context: bytes, length: int) -> bytes:
    """SP 800-108r1 §4.1: K(i) := PRF(K_IN, [i] ‖ Label ‖ 00 ‖ Context ‖ [L]), r = 32."""
    blocks = -(-length // hashlib.sha256().digest_size)
    fixed = label + b"\0" + context + (length * 8).to_bytes(4, "big")
    return b"".join(
        stdlib_hmac.digest(key, i.to_bytes(4, "big") + fixed, "sha256")
        for i in range(1, blocks + 1)
    )[:length]


@given(key=anything, label=labels, context=anything, length=st.integers(1, 200))
def test_both_derive_the_key_of_the_definition(
    key: bytes, label: bytes, context: bytes, length: int
) -> None:
    expected = sp800_108_by_the_book(key, label, context, length)
    for backend in (pyca, pycryptodome):
        derived = backend.kdf_counter(key, label, context, length)
        assert derived == expected
        assert type(derived) is SecretBytes


def rfc_5869_by_the_book(hash_: str, secret: bytes, salt: bytes, info: bytes, length: int) -> bytes:
    """RFC 5869 §2.2 and §2.3: T(i) = HMAC(PRK, T(i-1) ‖ info ‖ i)."""
    key = stdlib_hmac.digest(salt or bytes(hashlib.new(hash_).digest_size), secret, hash_)
    derived = block = b""
    for i in range(1, 256):
        block = stdlib_hmac.digest(key, block + info + bytes([i]), hash_)
        derived += block
    return derived[:length]


@for_every("size", [256, 384, 512])
@given(secret=anything, salt=anything, info=anything, length=st.integers(1, 8160))
def test_both_derive_the_key_of_rfc_5869(
    size: int, secret: bytes, salt: bytes, info: bytes, length: int
) -> None:
    expected = rfc_5869_by_the_book(f"sha{size}", secret, salt, info, length)
    for backend in (pyca, pycryptodome):
        derived = backend.hkdf(f"HKDF_SHA_{size}", secret, salt, info, length)
        assert derived == expected
        assert type(derived) is SecretBytes


@pytest.mark.parametrize(("size", "most"), [(256, 8160), (384, 12240), (512, 16320)])
def test_hkdf_gives_no_more_than_255_hashes(size: int, most: int) -> None:
    for backend in (pyca, pycryptodome):
        assert len(backend.hkdf(f"HKDF_SHA_{size}", b"secret", b"", b"", most)) == most
        for length in (0, -1, most + 1):
            with pytest.raises(RuntimeError, match="255 times"):
                backend.hkdf(f"HKDF_SHA_{size}", b"secret", b"", b"", length)
