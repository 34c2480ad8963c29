"""Keys cross between the libraries as bytes: PKCS#8 and SubjectPublicKeyInfo, to the last byte."""

import base64
import textwrap
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import pytest
from Crypto.PublicKey import ECC, MLDSA, MLKEM
from Crypto.PublicKey import RSA as RSA_KEYS
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_private_key,
    load_der_public_key,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from kmslab.crypto import (
    Backend,
    Forged,
    Malformed,
    SecretBytes,
    compress,
    pyca,
    pycryptodome,
    rsa_exponent,
    spec_of,
)
from kmslab.crypto.message_types import MessageType
from tests.cases import for_every
from tests.crypto.conftest import BACKENDS, KeyOf
from tests.crypto.published import ec_public, rsa_public
from tests.crypto.schemes import EC, LONG_RSA, ML_DSA, ML_KEM, OAEP, RSA, SCHEMES, SPECS, Scheme

MADE = [(b, s) for b in BACKENDS for s in SPECS if s in b.KEY_SPECS]
# PyCryptodome makes an RSA key in a second or in half a minute.
GENERATED = for_every(
    ("backend", "spec"),
    MADE,
    long=lambda backend, spec: spec in (RSA if backend is pycryptodome else LONG_RSA),
)
EACH = for_every(("backend", "spec"), MADE, long=lambda _, spec: spec in LONG_RSA)

# Bytes of a public key, AWS's and the standards' (RFC 5480, 8017, 8410, 9881, 9935).
SPKI_SIZES = {
    "RSA_2048": 294,
    "RSA_3072": 422,
    "RSA_4096": 550,
    "ECC_NIST_P256": 91,
    "ECC_NIST_P384": 120,
    "ECC_NIST_P521": 158,
    "ECC_SECG_P256K1": 88,
    "ECC_NIST_EDWARDS25519": 44,
    "ML_DSA_44": 22 + 1312,
    "ML_DSA_65": 22 + 1952,
    "ML_DSA_87": 22 + 2592,
    "ML_KEM_512": 22 + 800,
    "ML_KEM_768": 22 + 1184,
    "ML_KEM_1024": 22 + 1568,
}
# Bytes of a private key where they are fixed. Seeds of 32 and 64 bytes, whatever the parameters.
PKCS8_SIZES = {
    "ECC_NIST_P256": 138,
    "ECC_NIST_P384": 185,
    "ECC_NIST_P521": 241,
    "ECC_SECG_P256K1": 135,
    "ECC_NIST_EDWARDS25519": 16 + 32,
    **dict.fromkeys(ML_DSA, 22 + 32),
    **dict.fromkeys(ML_KEM, 22 + 64),
}


def test_both_make_every_spec_except_one_that_only_pycryptodome_makes() -> None:
    assert set(SPECS) == pycryptodome.KEY_SPECS
    assert set(SPECS) - {"ML_KEM_512"} == pyca.KEY_SPECS


@GENERATED
def test_both_read_a_generated_key_alike(backend: Backend, spec: str) -> None:
    private = backend.generate_key(spec)
    assert type(private) is SecretBytes
    assert len(private) == PKCS8_SIZES.get(spec, len(private))
    public = backend.public_key(private)
    assert len(public) == SPKI_SIZES[spec]
    assert spec_of(public) == spec
    for reader in BACKENDS:
        if spec in reader.KEY_SPECS:
            assert reader.public_key(private) == public


@EACH
def test_no_two_generated_keys_are_the_same(backend: Backend, spec: str) -> None:
    if spec not in RSA:  # which would take long, and comes from the same generator
        assert backend.generate_key(spec) != backend.generate_key(spec)


def test_an_rsa_key_is_as_the_standard_requires(backend: Backend) -> None:
    key = load_der_private_key(backend.generate_key("RSA_2048"), None)  # validates, primes too
    assert isinstance(key, rsa.RSAPrivateKey)
    numbers = key.private_numbers()
    assert key.key_size == 2048
    assert numbers.public_numbers.e == 65537
    assert numbers.p.bit_length() == numbers.q.bit_length() == 1024
    assert abs(numbers.p - numbers.q).bit_length() > 1024 - 100  # FIPS 186-5, A.1.3


@for_every("spec", SPECS)
def test_an_unknown_spec_is_not_guessed(backend: Backend, spec: str) -> None:
    with pytest.raises(KeyError):
        backend.generate_key(spec.lower())


@EACH
def test_bytes_that_are_not_a_private_key_are_a_runtime_error(
    backend: Backend, spec: str, key_of: KeyOf
) -> None:
    """It cannot happen: the HSM seals its keys, and an altered sealed key does not open."""
    private = bytes(key_of(spec))
    for wrong in (b"", b"0", private[:-1], private[1:], backend.public_key(private), bytes(99)):
        with pytest.raises(RuntimeError) as caught:
            backend.public_key(wrong)
        assert caught.value.__context__ is None


# ------------------------------------------------------------------------------------ public keys

PYCRYPTODOME: dict[str, Callable[[str], object]] = {
    "RSA": RSA_KEYS.import_key,
    "ECC": ECC.import_key,
    "ML_DSA": MLDSA.import_key,
    "ML_KEM": MLKEM.import_key,
}


def pem(public: bytes) -> str:
    body = "\n".join(textwrap.wrap(base64.b64encode(public).decode(), 64))
    return f"-----BEGIN PUBLIC KEY-----\n{body}\n-----END PUBLIC KEY-----\n"


@EACH
def test_a_public_key_survives_der_pem_library_der(
    backend: Backend, spec: str, key_of: KeyOf
) -> None:
    public = backend.public_key(key_of(spec))
    text = pem(public)
    if spec in pyca.KEY_SPECS:
        key = load_pem_public_key(text.encode())
        assert key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) == public
        assert key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo) == text.encode()
    (reader,) = (read for name, read in PYCRYPTODOME.items() if spec.startswith(name))
    assert reader(text).export_key(format="DER") == public


# --------------------------------------------------------------------------------- malformed ones


Use = Callable[[bytes], object]


def verify(backend: Backend, scheme: Scheme, public: bytes) -> None:
    kind, signature = MessageType(scheme.message_type), bytes(scheme.longest)
    backend.verify(scheme.algorithm, public, scheme.message(), kind, signature)


def encrypt(backend: Backend, algorithm: str, public: bytes) -> None:
    backend.encrypt(algorithm, public, b"")


def users(backend: Backend, spec: str, key_of: KeyOf) -> list[Use]:
    """Every method that takes a public key of the spec."""
    of_spec = [scheme for scheme in SCHEMES if scheme.spec == spec]
    found: list[Use] = [
        partial(verify, backend, scheme)
        for scheme in of_spec
        if scheme.algorithm in backend.ALGORITHMS
    ]
    found += [partial(encrypt, backend, name) for name in OAEP if spec in RSA]
    found += [partial(backend.agree, key_of(spec)) for curve in EC if spec == curve]
    found += [backend.encapsulate for name in ML_KEM if spec == name]
    return found


def spoilt(public: bytes, private: bytes) -> dict[str, bytes]:
    return {
        "nothing": b"",
        "one byte": b"0",
        "cut": public[:-1],
        "stretched": public + b"\0",
        "headless": public[1:],
        "twice": public + public,
        "another tag": b"\x31" + public[1:],
        "another algorithm": public.replace(b"\x06", b"\x05", 1),
        "text": pem(public).encode(),
        "a private key": bytes(private),
        "zeros": bytes(len(public)),
        "ones": b"\xff" * len(public),
    }


@EACH
def test_bytes_that_are_not_a_public_key_are_malformed(
    backend: Backend, spec: str, key_of: KeyOf
) -> None:
    private = key_of(spec)
    for what, public in spoilt(backend.public_key(private), private).items():
        with pytest.raises(Malformed):
            spec_of(public)
        for use in users(backend, spec, key_of):
            with pytest.raises(Malformed) as caught:
                use(public)
            assert caught.value.__context__ is None, what


def family(spec: str) -> str:
    """Specs of a family share their algorithms, so a public key of either is accepted."""
    weierstrass = (*EC, "ECC_SECG_P256K1")
    return "EC" if spec in weierstrass else spec.rstrip("0123456789")


@EACH
def test_a_public_key_of_another_family_is_malformed(
    backend: Backend, spec: str, key_of: KeyOf
) -> None:
    strangers = [s for s in backend.KEY_SPECS if family(s) != family(spec) and s not in LONG_RSA]
    assert len(strangers) > 6
    for other in strangers:
        for use in users(backend, spec, key_of):
            with pytest.raises(Malformed):
                use(backend.public_key(key_of(other)))


@for_every("spec", EC)
def test_a_peer_on_another_curve_is_malformed(backend: Backend, spec: str, key_of: KeyOf) -> None:
    for other in {*EC, "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519"} - {spec}:
        with pytest.raises(Malformed):
            backend.agree(key_of(spec), backend.public_key(key_of(other)))


@for_every("spec", [*EC, "ECC_SECG_P256K1"])
def test_a_point_off_the_curve_is_malformed(backend: Backend, spec: str, key_of: KeyOf) -> None:
    public = backend.public_key(key_of(spec))
    key = load_der_public_key(public)
    assert isinstance(key, ec.EllipticCurvePublicKey)
    x, y = key.public_numbers().x, key.public_numbers().y
    assert ec_public(spec, x, y) == public
    top = (1 << 8 * ((key.key_size + 7) // 8)) - 1
    for point in ((x, y ^ 1), (x ^ 1, y), (y, x), (0, 0), (0, 1), (1, 0), (top, top), (x, 0)):
        for use in users(backend, spec, key_of):
            with pytest.raises(Malformed):
                use(ec_public(spec, *point))


@for_every("spec", [*EC, "ECC_SECG_P256K1"])
def test_a_compressed_point_is_malformed_though_it_is_a_point(
    backend: Backend, spec: str, key_of: KeyOf
) -> None:
    """One key has one form; RFC 5480 leaves it open whether others are accepted."""
    public = backend.public_key(key_of(spec))
    compressed = ECC.import_key(public).export_key(format="DER", compress=True)
    assert load_der_public_key(compressed) == load_der_public_key(public)
    for use in users(backend, spec, key_of):
        with pytest.raises(Malformed):
            use(compressed)


COMPRESSED = pytest.mark.parametrize(
    ("spec", "size"), [("ECC_NIST_P256", 33), ("ECC_NIST_P384", 49)]
)


@COMPRESSED
def test_a_point_survives_being_compressed(backend: Backend, spec: str, size: int) -> None:
    for _ in range(8):  # y is odd as often as not
        public = backend.public_key(backend.generate_key(spec))
        point = compress(public)
        assert len(point) == size
        assert (
            load_der_public_key(public).public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
            == point
        )
        for each in BACKENDS:
            assert each.decompress(spec, point) == public


@COMPRESSED
def test_only_a_compressed_point_of_the_curve_is_decompressed(
    backend: Backend, spec: str, size: int, key_of: KeyOf
) -> None:
    public = backend.public_key(key_of(spec))
    point = compress(public)
    off = next(
        x for i in range(99) if not on_curve(spec, x := bytes([*point[:-1], (point[-1] + i) % 256]))
    )
    whole = public[-2 * size + 1 :]
    assert whole[0] == 4
    others = [whole, bytes([6 | point[0] & 1]) + whole[1:], b"\0", b"", b"\5" + point[1:]]
    above = point[:1] + b"\xff" * (size - 1)  # not below the prime
    for wrong in (off, above, point[:-1], point + b"\0", point[:1] + b"\0" + point[1:], *others):
        with pytest.raises(Malformed):
            backend.decompress(spec, wrong)


def on_curve(spec: str, point: bytes) -> bool:
    with suppress(ValueError):
        curve = {"ECC_NIST_P256": ec.SECP256R1(), "ECC_NIST_P384": ec.SECP384R1()}[spec]
        return bool(ec.EllipticCurvePublicKey.from_encoded_point(curve, point))
    return False


@for_every("bits", [1024, 2040, 2047, 2049, 2056, 3071, 4104, 8192])
def test_an_rsa_modulus_of_another_length_is_malformed(backend: Backend, bits: int) -> None:
    with pytest.raises(Malformed):
        backend.encrypt("RSAES_OAEP_SHA_1", rsa_public((1 << bits) - 1, 65537), b"")


@for_every("exponent", [1, 2, 3, 17, 65535, 65536, 65538, 2**256 - 2, 2**256 + 1])
def test_an_rsa_exponent_that_fips_186_forbids_is_malformed(
    backend: Backend, exponent: int
) -> None:
    with pytest.raises(Malformed):
        backend.encrypt("RSAES_OAEP_SHA_1", rsa_public((1 << 2048) - 1, exponent), b"")


@for_every("exponent", [65537, 65539, 2**31 + 1, 2**64 - 1, 2**64 + 1, 2**256 - 1])
def test_an_rsa_exponent_that_fips_186_allows_is_taken(backend: Backend, exponent: int) -> None:
    public = rsa_public((1 << 2048) - 3, exponent)
    assert len(backend.encrypt("RSAES_OAEP_SHA_1", public, b"")) == 256
    assert (spec_of(public), rsa_exponent(public)) == ("RSA_2048", exponent)


def test_only_pycryptodome_takes_a_long_exponent_with_a_long_modulus(backend: Backend) -> None:
    """OpenSSL limits how long a public operation may take."""
    public = rsa_public((1 << 4096) - 3, 2**64 + 1)
    assert spec_of(public) == "RSA_4096"
    assert backend.LONG_EXPONENTS is (backend is pycryptodome)
    if backend.LONG_EXPONENTS:
        assert len(backend.encrypt("RSAES_OAEP_SHA_1", public, b"")) == 512
    else:
        with pytest.raises(Malformed):
            backend.encrypt("RSAES_OAEP_SHA_1", public, b"")


@for_every("at", range(33))
def test_an_rsa_key_is_read_in_one_form_only(at: int) -> None:
    """Each byte before the modulus is as it must be, and nothing stands behind the exponent."""
    public = rsa_public((1 << 2048) - 1, 65539)
    for altered in (
        public[:at] + bytes([public[at] ^ 1]) + public[at + 1 :],
        public[: at or 1],
        public + bytes(at + 1),
    ):
        with pytest.raises(Malformed):
            spec_of(altered)


def test_an_even_rsa_modulus_is_malformed(backend: Backend) -> None:
    with pytest.raises(Malformed):
        backend.encrypt("RSAES_OAEP_SHA_1", rsa_public((1 << 2048) - 2, 65537), b"")


def test_an_rsa_modulus_with_padding_bits_is_malformed(backend: Backend, key_of: KeyOf) -> None:
    """Strict DER has no number with unused leading bits."""
    public = bytearray(backend.public_key(key_of("RSA_2048")))
    public[33] &= 0x7F
    with pytest.raises(Malformed):
        backend.encrypt("RSAES_OAEP_SHA_1", bytes(public), b"")


@for_every("spec", ML_KEM)
def test_an_ml_kem_key_with_coefficients_out_of_range_is_malformed(
    backend: Backend, spec: str, key_of: KeyOf
) -> None:
    """The modulus check of FIPS 203, section 7.2."""
    if spec in backend.KEY_SPECS:
        public = backend.public_key(key_of(spec))
        with pytest.raises(Malformed):
            backend.encapsulate(public[:22] + b"\xff\xff\xff" + public[25:])
        with pytest.raises(Malformed):
            backend.encapsulate(public[:-35] + b"\xff\xff\xff" + public[-32:])


@given(st.binary(max_size=300))
def test_random_bytes_are_malformed(public: bytes) -> None:
    with pytest.raises(Malformed):
        spec_of(public)


@for_every("spec", SPECS, long=lambda spec: spec in LONG_RSA)
@given(data=st.data())
def test_an_altered_key_is_another_key_or_malformed(
    spec: str, key_of: KeyOf, data: st.DataObject
) -> None:
    """No flipped bit raises another exception."""
    for backend in BACKENDS:
        if spec not in backend.KEY_SPECS:
            continue
        public = bytearray(backend.public_key(key_of(spec)))
        bit = data.draw(st.integers(0, 8 * len(public) - 1))
        public[bit // 8] ^= 1 << bit % 8
        for use in users(backend, spec, key_of)[-1:]:
            with suppress(Forged, Malformed):
                use(bytes(public))


def test_the_header_of_each_spec_is_what_both_libraries_write(key_of: KeyOf) -> None:
    for spec in set(SPECS) - set(LONG_RSA):
        for backend in BACKENDS:
            if spec in backend.KEY_SPECS:
                assert spec_of(backend.public_key(key_of(spec))) == spec


def test_an_x25519_key_is_not_an_ed25519_key(backend: Backend, key_of: KeyOf) -> None:
    public = backend.public_key(key_of("ECC_NIST_EDWARDS25519"))
    assert isinstance(load_der_public_key(public), ed25519.Ed25519PublicKey)
    with pytest.raises(Malformed):
        spec_of(public.replace(b"\x2b\x65\x70", b"\x2b\x65\x6e"))
