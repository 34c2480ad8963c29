"""A secret sent with one library arrives with the other, and nothing else arrives."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab.crypto import Backend, Forged, SecretBytes, pyca, pycryptodome
from tests.cases import for_every
from tests.crypto.conftest import BACKENDS, KeyOf
from tests.crypto.schemes import EC, LONG_RSA, ML_KEM, OAEP, RSA

BOTH_WAYS = for_every(("one", "other"), [(a, b) for a in BACKENDS for b in BACKENDS])
LIMITS = {  # bytes that OAEP takes: k - 2h - 2 (RFC 8017, section 7.1.1), as AWS lists them
    ("RSA_2048", "RSAES_OAEP_SHA_1"): 214,
    ("RSA_2048", "RSAES_OAEP_SHA_256"): 190,
    ("RSA_3072", "RSAES_OAEP_SHA_1"): 342,
    ("RSA_3072", "RSAES_OAEP_SHA_256"): 318,
    ("RSA_4096", "RSAES_OAEP_SHA_1"): 470,
    ("RSA_4096", "RSAES_OAEP_SHA_256"): 446,
    ("RSA_2048", "RSAES_OAEP_SHA_384"): 158,
    ("RSA_2048", "RSAES_OAEP_SHA_512"): 126,
}
EACH_OAEP = for_every(("spec", "algorithm"), LIMITS, long=lambda spec, _: spec in LONG_RSA)
MODULUS = {"RSA_2048": 256, "RSA_3072": 384, "RSA_4096": 512}
CIPHERTEXT = {"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568}
KEMS = [(backend, spec) for backend in BACKENDS for spec in ML_KEM if spec in backend.KEY_SPECS]
EACH_KEM = for_every(("backend", "spec"), KEMS)


def forged(backend: Backend, algorithm: str, private: bytes, ciphertext: bytes) -> bool:
    try:
        backend.decrypt(algorithm, private, ciphertext)
    except Forged as error:
        return str(error) == "" and error.__cause__ is None and error.__context__ is None
    return False


# ------------------------------------------------------------------------------------------- OAEP


@EACH_OAEP
@BOTH_WAYS
def test_each_decrypts_what_the_other_encrypted(
    one: Backend, other: Backend, spec: str, algorithm: str, key_of: KeyOf
) -> None:
    private = key_of(spec)
    public = one.public_key(private)
    for size in (0, 1, 32, LIMITS[spec, algorithm]):
        plaintext = bytes(range(256)) * 2
        ciphertext = one.encrypt(algorithm, public, plaintext[:size])
        assert len(ciphertext) == MODULUS[spec]
        decrypted = other.decrypt(algorithm, private, ciphertext)
        assert decrypted == plaintext[:size]
        assert type(decrypted) is SecretBytes


@EACH_OAEP
def test_one_byte_too_many_is_a_runtime_error(
    backend: Backend, spec: str, algorithm: str, key_of: KeyOf
) -> None:
    public = backend.public_key(key_of(spec))
    with pytest.raises(RuntimeError) as caught:
        backend.encrypt(algorithm, public, bytes(LIMITS[spec, algorithm] + 1))
    assert caught.value.__context__ is None


@EACH_OAEP
def test_no_two_ciphertexts_are_the_same(
    backend: Backend, spec: str, algorithm: str, key_of: KeyOf
) -> None:
    public = backend.public_key(key_of(spec))
    assert backend.encrypt(algorithm, public, b"a") != backend.encrypt(algorithm, public, b"a")


@EACH_OAEP
def test_an_altered_ciphertext_decrypts_to_nothing(
    backend: Backend, spec: str, algorithm: str, key_of: KeyOf, stranger_of: KeyOf
) -> None:
    private = key_of(spec)
    public = backend.public_key(private)
    ciphertext = backend.encrypt(algorithm, public, b"card 4242")
    modulus = public[33 : 33 + len(ciphertext)]
    for altered in (
        b"",
        ciphertext[:-1],
        ciphertext[1:],
        ciphertext + b"\0",
        b"\0" + ciphertext,
        ciphertext[:-1] + bytes([ciphertext[-1] ^ 1]),
        bytes(len(ciphertext)),
        bytes(len(ciphertext) - 1) + b"\1",
        modulus[:-1] + bytes([modulus[-1] - 1]),
        modulus,
        b"\xff" * len(ciphertext),
    ):
        assert forged(backend, algorithm, private, altered), altered.hex()
    assert forged(backend, algorithm, stranger_of(spec), ciphertext)
    other = next(name for name in OAEP if name != algorithm)
    assert forged(backend, other, private, ciphertext)


def test_a_ciphertext_without_its_leading_zero_is_refused(backend: Backend, key_of: KeyOf) -> None:
    private = key_of("RSA_2048")
    public = backend.public_key(private)
    while (ciphertext := pyca.encrypt("RSAES_OAEP_SHA_256", public, b"a"))[0]:
        pass
    assert backend.decrypt("RSAES_OAEP_SHA_256", private, ciphertext) == b"a"
    assert forged(backend, "RSAES_OAEP_SHA_256", private, ciphertext[1:])


@for_every("algorithm", OAEP)
@given(plaintext=st.binary(max_size=190), bit=st.integers(0, 2047))
def test_any_plaintext_arrives_and_no_altered_ciphertext_does(
    algorithm: str, key_of: KeyOf, plaintext: bytes, bit: int
) -> None:
    private = key_of("RSA_2048")
    for one, other in ((pyca, pycryptodome), (pycryptodome, pyca)):
        ciphertext = bytearray(one.encrypt(algorithm, one.public_key(private), plaintext))
        assert other.decrypt(algorithm, private, bytes(ciphertext)) == plaintext
        ciphertext[bit // 8] ^= 1 << bit % 8
        assert forged(other, algorithm, private, bytes(ciphertext))


def test_only_an_rsa_key_decrypts(backend: Backend, key_of: KeyOf) -> None:
    for spec in backend.KEY_SPECS - set(RSA):
        with pytest.raises(RuntimeError):
            backend.decrypt("RSAES_OAEP_SHA_256", key_of(spec), bytes(256))


def test_another_padding_is_not_guessed(backend: Backend, key_of: KeyOf) -> None:
    with pytest.raises(KeyError):
        backend.encrypt("RSAES_PKCS1_V1_5", backend.public_key(key_of("RSA_2048")), b"")


# ------------------------------------------------------------------------------------------- ECDH


@BOTH_WAYS
@for_every("spec", EC)
def test_both_sides_agree_on_the_same_secret(
    one: Backend, other: Backend, spec: str, key_of: KeyOf, stranger_of: KeyOf
) -> None:
    mine, yours = key_of(spec), stranger_of(spec)
    secret = one.agree(mine, other.public_key(yours))
    assert secret == other.agree(yours, one.public_key(mine))
    assert len(secret) == EC[spec]
    assert type(secret) is SecretBytes
    assert secret != one.agree(mine, one.public_key(mine))


@for_every("spec", EC)
@given(data=st.data())
def test_both_libraries_agree_with_any_peer(spec: str, key_of: KeyOf, data: st.DataObject) -> None:
    peer = data.draw(st.sampled_from(BACKENDS)).generate_key(spec)
    public = pyca.public_key(peer)
    assert pyca.agree(key_of(spec), public) == pycryptodome.agree(key_of(spec), public)


def test_only_a_key_of_a_curve_agrees(backend: Backend, key_of: KeyOf) -> None:
    peer = backend.public_key(key_of("ECC_NIST_P256"))
    for spec in backend.KEY_SPECS - set(EC) - set(LONG_RSA) - {"ECC_SECG_P256K1"}:
        with pytest.raises(RuntimeError):
            backend.agree(key_of(spec), peer)


# ----------------------------------------------------------------------------------------- ML-KEM


@BOTH_WAYS
@for_every("spec", ML_KEM)
def test_each_decapsulates_what_the_other_encapsulated(
    one: Backend, other: Backend, spec: str, key_of: KeyOf
) -> None:
    if spec not in one.KEY_SPECS & other.KEY_SPECS:
        assert spec == "ML_KEM_512"
        return
    private = key_of(spec)
    ciphertext, secret = one.encapsulate(one.public_key(private))
    assert len(ciphertext) == CIPHERTEXT[spec]
    assert len(secret) == 32
    received = other.decapsulate(private, ciphertext)
    assert received == secret
    assert type(secret) is type(received) is SecretBytes


@EACH_KEM
def test_a_foreign_ciphertext_gives_a_secret_and_never_an_error(
    backend: Backend, spec: str, key_of: KeyOf, stranger_of: KeyOf
) -> None:
    """Implicit rejection: the sender of a wrong ciphertext learns nothing and shares no secret."""
    private = key_of(spec)
    foreign, theirs = backend.encapsulate(backend.public_key(stranger_of(spec)))
    right, ours = backend.encapsulate(backend.public_key(private))
    altered = right[:-1] + bytes([right[-1] ^ 1])
    size = CIPHERTEXT[spec]
    secrets = {ours, theirs}
    for ciphertext in (foreign, altered, bytes(size), b"\xff" * size):
        secret = backend.decapsulate(private, ciphertext)
        assert len(secret) == 32
        assert type(secret) is SecretBytes
        assert secret == backend.decapsulate(private, ciphertext)  # always the same one
        for reader in BACKENDS:
            if spec in reader.KEY_SPECS:
                assert reader.decapsulate(private, ciphertext) == secret
        secrets.add(secret)
    assert len(secrets) == 6


@EACH_KEM
def test_a_ciphertext_of_a_wrong_length_is_forged(
    backend: Backend, spec: str, key_of: KeyOf
) -> None:
    private = key_of(spec)
    lengths = {0, 1, 32, *CIPHERTEXT.values()}
    lengths |= {CIPHERTEXT[spec] - 1, CIPHERTEXT[spec] + 1}
    for length in lengths - {CIPHERTEXT[spec]}:
        with pytest.raises(Forged) as caught:
            backend.decapsulate(private, bytes(length))
        assert caught.value.__context__ is None


@EACH_KEM
def test_no_two_encapsulations_are_the_same(backend: Backend, spec: str, key_of: KeyOf) -> None:
    public = backend.public_key(key_of(spec))
    (one, first), (other, second) = backend.encapsulate(public), backend.encapsulate(public)
    assert one != other
    assert first != second


def test_only_an_ml_kem_key_decapsulates(backend: Backend, key_of: KeyOf) -> None:
    for spec in backend.KEY_SPECS - set(ML_KEM) - set(LONG_RSA):
        with pytest.raises(RuntimeError):
            backend.decapsulate(key_of(spec), bytes(1088))
