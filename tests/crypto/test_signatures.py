"""Each signature verifies in the other library, and no altered one does."""

import hashlib
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab.crypto import Backend, Forged, Malformed, pyca, pycryptodome
from kmslab.crypto.message_types import MESSAGE_TYPES, MessageType
from tests.cases import for_every
from tests.crypto import ed25519_by_the_book
from tests.crypto.conftest import BACKENDS, KeyOf
from tests.crypto.schemes import LONG_RSA, SCHEMES, Scheme

RAW, DIGEST = MessageType.RAW, MessageType.DIGEST
PAIRS = [(b, s) for b in BACKENDS for s in SCHEMES if s.algorithm in b.ALGORITHMS]
EACH = for_every(("backend", "scheme"), PAIRS, long=lambda _, scheme: scheme.spec in LONG_RSA)
# One for each kind of key and padding, where each example costs two signatures.
KINDS = {f"{s.spec[:9]}{s.algorithm[:9]}": s for s in reversed(SCHEMES)}.values()
ONE_OF_A_KIND = for_every("scheme", KINDS, long=lambda scheme: scheme.spec in LONG_RSA)


def other(backend: Backend) -> Backend:
    return pycryptodome if backend is pyca else pyca


def sign(backend: Backend, scheme: Scheme, private: bytes, message: bytes) -> bytes:
    return backend.sign(scheme.algorithm, private, message, MessageType(scheme.message_type))


def verify(
    backend: Backend, scheme: Scheme, public: bytes, message: bytes, signature: bytes
) -> None:
    kind = MessageType(scheme.message_type)
    backend.verify(scheme.algorithm, public, message, kind, signature)


def refuses(
    backend: Backend, scheme: Scheme, public: bytes, message: bytes, signature: bytes
) -> bool:
    try:
        verify(backend, scheme, public, message, signature)
    except Forged as error:
        return str(error) == "" and error.__cause__ is None and error.__context__ is None
    return False


def test_the_schemes_are_all_that_the_contract_and_the_libraries_have() -> None:
    table = {(s.algorithm, s.message_type): s.size for s in SCHEMES}
    assert table == {
        (a, t): size for a, kinds in MESSAGE_TYPES.items() for t, size in kinds.items()
    }
    assert set(MESSAGE_TYPES) <= pycryptodome.ALGORITHMS


@EACH
def test_the_library_that_did_not_sign_verifies(
    backend: Backend, scheme: Scheme, key_of: KeyOf
) -> None:
    private = key_of(scheme.spec)
    public, message = backend.public_key(private), scheme.message()
    for _ in range(1 if scheme.fixed else 5):
        signature = sign(backend, scheme, private, message)
        assert len(signature) <= scheme.longest
        assert not scheme.fixed or len(signature) == scheme.longest
        verify(backend, scheme, public, message, signature)
        if scheme.algorithm in other(backend).ALGORITHMS:
            verify(other(backend), scheme, public, message, signature)
        else:
            raw = public[12:]
            assert ed25519_by_the_book.verifies(raw, message, signature, prehash=True)


@EACH
def test_a_message_type_as_plain_text_is_the_same(
    backend: Backend, scheme: Scheme, key_of: KeyOf
) -> None:
    """Requests and stores return plain strings, not enum members."""
    private, message = key_of(scheme.spec), scheme.message()
    signature = backend.sign(scheme.algorithm, private, message, scheme.message_type)
    verify(backend, scheme, backend.public_key(private), message, signature)


def alterations(signature: bytes) -> Iterator[bytes]:
    yield b""
    yield signature[:-1]
    yield signature[1:]
    yield signature + b"\0"
    yield b"\0" + signature
    yield signature[:-1] + bytes([signature[-1] ^ 1])
    yield bytes([signature[0] ^ 1]) + signature[1:]
    yield bytes(len(signature))
    yield b"\xff" * len(signature)
    yield signature * 2


@EACH
def test_an_altered_signature_is_refused(backend: Backend, scheme: Scheme, key_of: KeyOf) -> None:
    private, message = key_of(scheme.spec), scheme.message()
    public, signature = backend.public_key(private), sign(backend, scheme, private, message)
    for altered in alterations(signature):
        assert refuses(backend, scheme, public, message, altered), altered.hex()


@EACH
def test_a_signature_of_anything_else_is_refused(
    backend: Backend, scheme: Scheme, key_of: KeyOf
) -> None:
    private, message = key_of(scheme.spec), scheme.message()
    public, signature = backend.public_key(private), sign(backend, scheme, private, message)
    assert refuses(backend, scheme, public, scheme.message(b"Another day: 4.2 mmol/l"), signature)
    if scheme.size is None:
        assert refuses(backend, scheme, public, message + b"\0", signature)
        assert refuses(backend, scheme, public, message[:-1], signature)
        assert refuses(backend, scheme, public, b"", signature)


@EACH
def test_a_signature_by_another_key_is_refused(
    backend: Backend, scheme: Scheme, key_of: KeyOf, stranger_of: KeyOf
) -> None:
    message = scheme.message()
    signature = sign(backend, scheme, key_of(scheme.spec), message)
    public = backend.public_key(stranger_of(scheme.spec))
    assert refuses(backend, scheme, public, message, signature)


def same_kind(scheme: Scheme) -> list[Scheme]:
    return [each for each in SCHEMES if each.spec == scheme.spec and each != scheme]


@EACH
def test_a_signature_with_another_algorithm_or_message_type_is_refused(
    backend: Backend, scheme: Scheme, key_of: KeyOf
) -> None:
    """RAW and DIGEST mean the same if the digest is that of the message."""
    private = key_of(scheme.spec)
    public, message = backend.public_key(private), scheme.message()
    signature = sign(backend, scheme, private, message)
    for each in same_kind(scheme):
        if each.algorithm not in backend.ALGORITHMS:
            continue
        if each.size is None or len(message) == each.size:
            assert refuses(backend, each, public, message, signature), each


@EACH
def test_a_digest_is_not_hashed_again(backend: Backend, scheme: Scheme, key_of: KeyOf) -> None:
    if scheme.message_type != "DIGEST" or "ED25519" in scheme.algorithm:
        return  # Ed25519ph does hash it again: see test_known_signatures.py
    message = b"The fifth of January: 4.2 mmol/l"
    digest = hashlib.new(f"sha{scheme.algorithm[-3:]}", message).digest()
    private = key_of(scheme.spec)
    public, signature = backend.public_key(private), sign(backend, scheme, private, digest)
    backend.verify(scheme.algorithm, public, message, RAW, signature)
    other(backend).verify(scheme.algorithm, public, message, RAW, signature)


@EACH
def test_a_message_of_a_wrong_form_is_not_signed(
    backend: Backend, scheme: Scheme, key_of: KeyOf
) -> None:
    private = key_of(scheme.spec)
    public, signature = backend.public_key(private), bytes(scheme.longest)
    for message_type in MessageType:
        if message_type not in MESSAGE_TYPES[scheme.algorithm]:
            with pytest.raises(RuntimeError):
                backend.sign(scheme.algorithm, private, scheme.message(), message_type)
            with pytest.raises(RuntimeError):
                backend.verify(scheme.algorithm, public, scheme.message(), message_type, signature)
    if scheme.size is not None:
        for size in (0, scheme.size - 1, scheme.size + 1):
            with pytest.raises(RuntimeError):
                sign(backend, scheme, private, bytes(size))
            with pytest.raises(RuntimeError):
                verify(backend, scheme, public, bytes(size), signature)


@for_every(
    "scheme",
    [s for s in SCHEMES if s.message_type == "RAW"],
    long=lambda scheme: scheme.spec in LONG_RSA,
)
def test_signing_twice_gives_the_same_only_where_the_scheme_is_deterministic(
    backend: Backend, scheme: Scheme, key_of: KeyOf
) -> None:
    private, message = key_of(scheme.spec), scheme.message()
    same = sign(backend, scheme, private, message) == sign(backend, scheme, private, message)
    assert same == scheme.algorithm.startswith(("RSASSA_PKCS1", "ED25519"))


@ONE_OF_A_KIND
@given(data=st.data())
def test_any_message_verifies_in_both_and_any_change_of_the_signature_is_refused_in_both(
    scheme: Scheme, key_of: KeyOf, data: st.DataObject
) -> None:
    size = scheme.size
    message = data.draw(st.binary(min_size=size or 0, max_size=200 if size is None else size))
    private = key_of(scheme.spec)
    makers = [b for b in (pyca, pycryptodome) if scheme.algorithm in b.ALGORITHMS]
    signature = sign(data.draw(st.sampled_from(makers)), scheme, private, message)
    bit = data.draw(st.integers(0, 2**20)) % (8 * len(signature))
    flipped = bytearray(signature)
    flipped[bit // 8] ^= 1 << bit % 8
    for backend in makers:
        public = backend.public_key(private)
        verify(backend, scheme, public, message, signature)
        assert refuses(backend, scheme, public, message, bytes(flipped))


@ONE_OF_A_KIND
@given(signature=st.binary(max_size=5000))
def test_random_bytes_are_refused(scheme: Scheme, key_of: KeyOf, signature: bytes) -> None:
    for backend in (pyca, pycryptodome):
        if scheme.algorithm in backend.ALGORITHMS:
            public = backend.public_key(key_of(scheme.spec))
            assert refuses(backend, scheme, public, scheme.message(), signature)


def test_an_rsa_signature_without_its_leading_zero_is_refused(key_of: KeyOf) -> None:
    """One in 256 begins with a zero byte; the number would be the same without it."""
    private = key_of("RSA_2048")
    public = pyca.public_key(private)
    for algorithm in ("RSASSA_PSS_SHA_256", "RSASSA_PKCS1_V1_5_SHA_256"):
        for number in range(10_000):
            message = str(number).encode()
            signature = pyca.sign(algorithm, private, message, RAW)
            if signature[0] == 0:
                break
        for backend in BACKENDS:
            backend.verify(algorithm, public, message, RAW, signature)
            with pytest.raises(Forged):
                backend.verify(algorithm, public, message, RAW, signature[1:])


def test_a_key_of_another_kind_signs_nothing(backend: Backend, key_of: KeyOf) -> None:
    kinds = [each for each in KINDS if each.spec not in LONG_RSA]
    for scheme in kinds:
        if scheme.algorithm not in backend.ALGORITHMS:
            continue
        kind = scheme.algorithm[:6]
        for spec in {each.spec for each in kinds if each.algorithm[:6] != kind} | {"ML_KEM_768"}:
            private = key_of(spec)
            with pytest.raises(RuntimeError):
                sign(backend, scheme, private, scheme.message())
            with pytest.raises(Malformed):
                verify(backend, scheme, backend.public_key(private), scheme.message(), b"")


def test_an_unknown_algorithm_is_not_guessed(backend: Backend, key_of: KeyOf) -> None:
    with pytest.raises(KeyError):
        backend.sign("RSASSA_PSS_SHA_1", key_of("RSA_2048"), b"", RAW)
