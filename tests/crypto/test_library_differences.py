"""Where the two libraries differ beneath the interface, and so why our own code has each rule.

These tests ask the libraries themselves. If one fails after an upgrade, a library has changed and
our rule may go.
"""

import hashlib
from importlib.resources import files

import pytest
from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.DH import key_agreement
from Crypto.Protocol.KDF import SP800_108_Counter
from Crypto.PublicKey import ECC, MLDSA, RSA
from Crypto.Signature import eddsa, pkcs1_15, pss
from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFHMAC, CounterLocation, Mode
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

from kmslab.crypto import Backend, Forged, Malformed, pyca, pycryptodome
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.pycryptodome.keys import ML_KEM_KEY, RSA_KEY
from kmslab.crypto.pycryptodome.signatures import Digest
from kmslab.crypto.pycryptodome.symmetric import _prf
from tests.crypto import ed25519_by_the_book as book
from tests.crypto.conftest import KeyOf
from tests.crypto.published import rsa_public, seeded

KEY = bytes(range(32))
IV = bytes(12)
PLAINTEXT = b"attack at dawn"


def test_both_leave_unverified_plaintext_in_the_buffer_that_they_were_given() -> None:
    forged = AESGCM(KEY).encrypt(IV, PLAINTEXT, None)[:-16] + bytes(16)
    one, other = bytearray(len(PLAINTEXT)), bytearray(len(PLAINTEXT))
    with pytest.raises(InvalidTag):
        AESGCM(KEY).decrypt_into(IV, forged, None, one)
    with pytest.raises(ValueError, match="MAC"):
        AES.new(KEY, AES.MODE_GCM, nonce=IV).decrypt_and_verify(
            forged[:-16], forged[-16:], output=other
        )
    assert one == other == PLAINTEXT


def test_pycryptodome_returns_gcm_plaintext_before_it_is_verified() -> None:
    forged = AESGCM(KEY).encrypt(IV, PLAINTEXT, None)[:-16]
    cipher = AES.new(KEY, AES.MODE_GCM, nonce=IV)
    assert cipher.decrypt(forged) == PLAINTEXT
    with pytest.raises(ValueError, match="MAC check failed"):
        cipher.verify(bytes(16))
    with pytest.raises(InvalidTag):
        AESGCM(KEY).decrypt(IV, forged + bytes(16), None)


def test_pycryptodome_accepts_tags_of_four_bytes_and_cryptographys_aesgcm_only_sixteen() -> None:
    sealed = AESGCM(KEY).encrypt(IV, PLAINTEXT, None)
    ciphertext, tag = sealed[:-16], sealed[-16:]
    short = AES.new(KEY, AES.MODE_GCM, nonce=IV, mac_len=4)
    assert short.decrypt_and_verify(ciphertext, tag[:4]) == PLAINTEXT
    with pytest.raises(InvalidTag):
        AESGCM(KEY).decrypt(IV, ciphertext + tag[:4], None)


@pytest.mark.parametrize("length", [1, 7, 129])
def test_pycryptodome_accepts_ivs_that_cryptography_refuses(length: int) -> None:
    AES.new(KEY, AES.MODE_GCM, nonce=bytes(length)).encrypt_and_digest(PLAINTEXT)
    with pytest.raises(ValueError, match="between 8 and 128 bytes"):
        AESGCM(KEY).encrypt(bytes(length), PLAINTEXT, None)


@pytest.mark.parametrize("length", [8, 11, 13, 128])
def test_both_accept_ivs_that_the_lab_never_makes_and_agree(length: int) -> None:
    cipher = AES.new(KEY, AES.MODE_GCM, nonce=bytes(length))
    sealed = b"".join(cipher.encrypt_and_digest(PLAINTEXT))
    assert AESGCM(KEY).decrypt(bytes(length), sealed, None) == PLAINTEXT


def cryptographys_kdf(label: bytes, context: bytes, length: int = 32) -> bytes:
    kdf = KBKDFHMAC(
        algorithm=hashes.SHA256(),
        mode=Mode.CounterMode,
        length=length,
        rlen=4,
        llen=4,
        location=CounterLocation.BeforeFixed,
        label=label,
        context=context,
        fixed=None,
    )
    return kdf.derive(KEY)


def test_cryptography_accepts_labels_with_a_zero_byte_and_pycryptodome_refuses() -> None:
    assert cryptographys_kdf(b"a\0b", b"c") == cryptographys_kdf(b"a", b"b\0c")
    with pytest.raises(ValueError, match="Null byte found in label"):
        SP800_108_Counter(KEY, 32, _prf, label=b"a\0b", context=b"c")


def test_both_derive_a_key_of_no_bytes_without_complaint() -> None:
    assert cryptographys_kdf(b"a", b"", 0) == b""
    assert SP800_108_Counter(KEY, 0, _prf, label=b"a") == b""


def test_both_frame_label_and_context_alike() -> None:
    assert cryptographys_kdf(b"kmslab", b"nonce") == SP800_108_Counter(
        KEY, 32, _prf, label=b"kmslab", context=b"nonce"
    )


# ------------------------------------------------------------------------- missing algorithms


def test_cryptography_reads_no_ml_kem_512_key() -> None:
    private = pycryptodome.generate_key("ML_KEM_512")
    with pytest.raises(UnsupportedAlgorithm, match="Unknown key type"):
        load_der_private_key(private, None)


def test_cryptographys_ed25519_has_no_prehashed_form() -> None:
    private = load_der_private_key(pyca.generate_key("ECC_NIST_EDWARDS25519"), None)
    with pytest.raises(TypeError):
        private.sign(b"message", Prehashed(hashes.SHA512()))


def test_pycryptodome_hides_encapsulation_behind_private_names() -> None:
    key = ML_KEM_KEY.read_private(pycryptodome.generate_key("ML_KEM_768"))
    assert not [name for name in dir(key) if "caps" in name and not name.startswith("_")]


# ------------------------------------------------------------------------------------------- RSA


def rsa_key(key_of: KeyOf) -> tuple[rsa.RSAPrivateKey, rsa.RSAPublicKey]:
    private = load_der_private_key(key_of("RSA_2048"), None)
    assert isinstance(private, rsa.RSAPrivateKey)
    return private, private.public_key()


def test_cryptography_accepts_a_pss_signature_without_its_leading_zero_and_pycryptodome_refuses(
    key_of: KeyOf,
) -> None:
    private, public = rsa_key(key_of)
    scheme = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    while (signature := private.sign(PLAINTEXT, scheme, hashes.SHA256()))[0]:
        pass
    public.verify(signature[1:], PLAINTEXT, scheme, hashes.SHA256())
    key = RSA.import_key(pyca.public_key(key_of("RSA_2048")))
    pss.new(key).verify(SHA256.new(PLAINTEXT), signature)
    with pytest.raises(ValueError, match="Incorrect signature"):
        pss.new(key).verify(SHA256.new(PLAINTEXT), signature[1:])


def test_pycryptodome_accepts_a_pkcs1_signature_without_its_null_and_cryptography_refuses(
    key_of: KeyOf, backend: Backend
) -> None:
    """The parameters of the hash's AlgorithmIdentifier: RFC 8017, appendix A.2.4, has a NULL."""
    private, public = rsa_key(key_of)
    numbers = private.private_numbers()
    info = bytes.fromhex("302f300b0609608648016503040201 0420") + hashlib.sha256(PLAINTEXT).digest()
    padded = b"\0\1" + b"\xff" * (256 - 3 - len(info)) + b"\0" + info
    number = pow(int.from_bytes(padded, "big"), numbers.d, numbers.public_numbers.n)
    signature = number.to_bytes(256, "big")
    spki = pyca.public_key(key_of("RSA_2048"))
    pkcs1_15.new(RSA.import_key(spki)).verify(SHA256.new(PLAINTEXT), signature)
    with pytest.raises(InvalidSignature):
        public.verify(signature, PLAINTEXT, padding.PKCS1v15(), hashes.SHA256())
    with pytest.raises(Forged):
        backend.verify("RSASSA_PKCS1_V1_5_SHA_256", spki, PLAINTEXT, MessageType.RAW, signature)


def test_pycryptodome_signs_a_digest_of_any_length_and_cryptography_refuses(key_of: KeyOf) -> None:
    private, _ = rsa_key(key_of)
    key = RSA_KEY.read_private(key_of("RSA_2048"))
    pkcs1_15.new(key).sign(Digest(SHA256.new(), b"short"))
    with pytest.raises(ValueError, match="same length"):
        private.sign(b"short", padding.PKCS1v15(), Prehashed(hashes.SHA256()))


def test_cryptography_accepts_an_even_modulus_and_pycryptodome_refuses() -> None:
    even = rsa_public((1 << 2048) - 2, 65537)
    load_der_public_key(even)
    with pytest.raises(ValueError, match="not supported"):
        RSA.import_key(even)


def test_pycryptodome_accepts_an_even_exponent_and_cryptography_refuses() -> None:
    even = rsa_public((1 << 2048) - 1, 4)
    RSA.import_key(even)
    with pytest.raises(ValueError, match="e must be odd"):
        load_der_public_key(even)


def test_pycryptodome_accepts_a_number_that_is_not_in_shortest_form_and_cryptography_refuses(
    key_of: KeyOf,
) -> None:
    public = bytearray(pyca.public_key(key_of("RSA_2048")))
    public[33] &= 0x7F  # so the zero byte before it is now one too many
    RSA.import_key(bytes(public))
    with pytest.raises(ValueError, match="Could not deserialize"):
        load_der_public_key(bytes(public))


# ------------------------------------------------------------------------------------ public keys


@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P521", "ECC_SECG_P256K1"])
def test_pycryptodome_accepts_two_zeros_for_the_point_at_infinity_and_cryptography_refuses(
    spec: str, key_of: KeyOf
) -> None:
    public = pyca.public_key(key_of(spec))
    size = 2 * ((load_der_public_key(public).key_size + 7) // 8)
    zeros = public[:-size] + bytes(size)
    assert ECC.import_key(zeros).pointQ.is_point_at_infinity()
    with pytest.raises(ValueError, match="Invalid key"):
        load_der_public_key(zeros)


@pytest.mark.parametrize(("module", "spec"), [(RSA, "RSA_2048"), (ECC, "ECC_NIST_P256")])
def test_pycryptodome_reads_public_and_private_keys_with_one_function(
    module: object, spec: str, key_of: KeyOf
) -> None:
    """Code that expects a public key must check which kind it got."""
    assert module.import_key(bytes(key_of(spec))).has_private()
    with pytest.raises(ValueError, match="Could not deserialize"):
        load_der_public_key(key_of(spec))


def test_both_read_a_bare_rsa_key_where_one_with_its_algorithm_is_expected(key_of: KeyOf) -> None:
    bare = pyca.public_key(key_of("RSA_2048"))[24:]  # PKCS#1's RSAPublicKey
    assert RSA.import_key(bare).n == load_der_public_key(bare).public_numbers().n


def test_pycryptodome_accepts_a_null_where_ml_dsa_has_no_parameters_and_cryptography_refuses(
    key_of: KeyOf,
) -> None:
    """RFC 9881, section 2: the parameters MUST be absent."""
    public = pyca.public_key(key_of("ML_DSA_44"))
    head = bytes.fromhex("30820534 300d 0609 608648016503040311 0500 0382052100")
    MLDSA.import_key(head + public[22:])
    with pytest.raises(ValueError, match="Could not deserialize"):
        load_der_public_key(head + public[22:])


def test_pycryptodome_reads_an_ml_dsa_key_without_its_seed_and_cryptography_does_not() -> None:
    path = "asymmetric/MLDSA/mldsa65_noseed_priv.der"
    expanded = files("cryptography_vectors").joinpath(path).read_bytes()
    assert MLDSA.import_key(expanded).has_private()
    with pytest.raises(ValueError, match="Could not deserialize"):
        load_der_private_key(expanded, None)


# ---------------------------------------------------------------------------------------- Ed25519


def test_pycryptodome_agrees_on_a_secret_with_keys_that_are_for_signing() -> None:
    """ECDH on the curve of Ed25519, which no standard has. The backend refuses the key."""
    one, other = ECC.generate(curve="Ed25519"), ECC.generate(curve="Ed25519")
    assert key_agreement(static_priv=one, static_pub=other.public_key(), kdf=bytes)
    private, public = (key.export_key(format="DER") for key in (one, other.public_key()))
    with pytest.raises(RuntimeError):
        pycryptodome.agree(private, public)


def torsion() -> book.Point:
    """A point of order 8. Such a part of R vanishes if the equation is multiplied by 8."""
    for y in range(2, 100):
        point = book.decode(y.to_bytes(32, "little"))
        small = book.times(book.L, point) if point else book.IDENTITY
        if book.times(4, small) != book.IDENTITY:
            return small
    raise AssertionError


def test_the_two_verify_ed25519_by_different_equations() -> None:
    """RFC 8032 allows both (§5.1.7). Only a signer can make a signature on which they differ."""
    seed = bytes(range(32))
    public = pyca.public_key(seeded("ECC_NIST_EDWARDS25519", seed))
    secret = int.from_bytes(hashlib.sha512(seed).digest()[:32], "little")
    secret = secret & ~7 & ~(1 << 255) | 1 << 254
    r = book.encode(book.add(book.times(4242, book.BASE), torsion()))
    k = book.challenge(r, public[12:], PLAINTEXT)
    signature = r + ((4242 + k * secret) % book.L).to_bytes(32, "little")
    assert book.verifies(public[12:], PLAINTEXT, signature, cofactor=8)
    assert not book.verifies(public[12:], PLAINTEXT, signature, cofactor=1)
    eddsa.new(ECC.import_key(public), "rfc8032").verify(PLAINTEXT, signature)
    with pytest.raises(InvalidSignature):
        load_der_public_key(public).verify(signature, PLAINTEXT)


def test_cryptography_checks_an_ed25519_key_later_than_pycryptodome() -> None:
    no_point = (2).to_bytes(32, "little")
    assert book.decode(no_point) is None
    Ed25519PublicKey.from_public_bytes(no_point)
    with pytest.raises(ValueError, match="Invalid Ed25519 public key"):
        eddsa.import_public_key(no_point)
    public = bytes.fromhex("302a300506032b6570032100") + no_point
    with pytest.raises(Forged):
        pyca.verify("ED25519_SHA_512", public, PLAINTEXT, MessageType.RAW, bytes(64))
    with pytest.raises(Malformed):
        pycryptodome.verify("ED25519_SHA_512", public, PLAINTEXT, MessageType.RAW, bytes(64))


def test_cryptography_accepts_an_ed25519_key_written_with_a_number_too_large() -> None:
    """The identity, as y = p + 1: RFC 8032, §5.1.3, refuses it. Under it zero signs anything."""
    large = (book.P + 1).to_bytes(32, "little")
    nothing = book.encode(book.IDENTITY) + bytes(32)
    Ed25519PublicKey.from_public_bytes(large).verify(nothing, PLAINTEXT)
    with pytest.raises(ValueError, match="Invalid Ed25519 public key"):
        eddsa.import_public_key(large)


def test_both_accept_an_ed25519_key_of_small_order_for_a_key() -> None:
    """No library generates one. A verifier that trusts it accepts forgeries."""
    identity = book.encode(book.IDENTITY)
    nothing = identity + bytes(32)
    Ed25519PublicKey.from_public_bytes(identity).verify(nothing, PLAINTEXT)
    eddsa.new(eddsa.import_public_key(identity), "rfc8032").verify(PLAINTEXT, nothing)
