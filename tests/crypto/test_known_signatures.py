"""Both backends give the signatures, and the refusals, that others have published.

From `cryptography-vectors`, which has NIST's, and from Project Wycheproof (vectors/wycheproof.json)
where it has none: no file of that package has a PSS salt as long as its hash, or ML-DSA without a
context.
"""

import hashlib
import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from kmslab.crypto import Backend, Forged, Malformed, pycryptodome
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.pycryptodome.signatures import SIGNATURES
from kmslab.crypto.spki import is_exponent
from tests.cases import for_every
from tests.crypto import ed25519_by_the_book
from tests.crypto.published import (
    PUBLISHED,
    Case,
    blocks,
    ec_private,
    ec_public,
    numbers,
    records,
    rsa_private,
    rsa_public,
    seeded,
    unhex,
)

RAW, DIGEST, MU = MessageType.RAW, MessageType.DIGEST, MessageType.EXTERNAL_MU
WYCHEPROOF = json.loads((Path(__file__).parent / "vectors" / "wycheproof.json").read_text())


def verifies(
    backend: Backend, algorithm: str, public: bytes, message: bytes, kind: MessageType, sig: bytes
) -> bool:
    try:
        backend.verify(algorithm, public, message, kind, sig)
    except Forged:
        return False
    return True


# -------------------------------------------------------------------------------------------- RSA

RSA = "asymmetric/RSA/"
HASHES = ("SHA256", "SHA384", "SHA512")


def rsa_cases(path: str) -> list[Case]:
    """The cases with KMS's moduli, hashes and exponent."""
    return [
        case
        for case in blocks(path, carry=("n", "p", "q", "e"))
        if case.get("SHAAlg") in HASHES and int(case["mod"]) >= 2048 and int(case["e"], 16) == 65537
    ]


@pytest.mark.parametrize(
    ("path", "count"), [("FIPS_186-2/SigVer15_186-3.rsp", 51), ("SigVer15EMTest.txt", 18)]
)
def test_pkcs1_verifies_and_refuses_as_nist_published(
    backend: Backend, path: str, count: int
) -> None:
    cases = rsa_cases(RSA + path)
    assert len(cases) == count
    for case in cases:
        algorithm = f"RSASSA_PKCS1_V1_5_SHA_{case['SHAAlg'][3:]}"
        public = rsa_public(*numbers(case, "n", "e"))
        message, signature = unhex(case, "Msg", "S")
        valid = case["Result"].startswith("P")
        assert verifies(backend, algorithm, public, message, RAW, signature) == valid, case
        digest = hashlib.new(case["SHAAlg"], message).digest()
        assert verifies(backend, algorithm, public, digest, DIGEST, signature) == valid, case


def test_pkcs1_signs_as_nist_published(backend: Backend) -> None:
    cases = [
        case
        for case in rsa_cases(f"{RSA}FIPS_186-2/SigVer15_186-3.rsp")
        if case["Result"].startswith("P")
    ]
    assert {case["mod"] for case in cases} == {"2048", "3072", "4096"}
    for case in cases:
        algorithm = f"RSASSA_PKCS1_V1_5_SHA_{case['SHAAlg'][3:]}"
        private = rsa_private(*numbers(case, "p", "q", "d", "e"))
        message, signature = unhex(case, "Msg", "S")
        assert backend.sign(algorithm, private, message, RAW) == signature
        assert backend.public_key(private) == rsa_public(*numbers(case, "n", "e"))


def test_pkcs1_verifies_what_nist_generated(backend: Backend) -> None:
    cases = rsa_cases(f"{RSA}FIPS_186-2/SigGen15_186-2.rsp")
    assert len(cases) == 90
    for case in cases:
        algorithm = f"RSASSA_PKCS1_V1_5_SHA_{case['SHAAlg'][3:]}"
        public = rsa_public(*numbers(case, "n", "e"))
        message, signature = unhex(case, "Msg", "S")
        assert verifies(backend, algorithm, public, message, RAW, signature), case


@pytest.mark.parametrize("path", ["SigGenPSS_186-2.rsp", "SigVerPSS_186-3.rsp"])
def test_pss_with_another_salt_length_is_refused_even_if_nist_generated_it(
    backend: Backend, path: str
) -> None:
    """Salts of 20 and of 10 bytes. KMS's are as long as the hash."""
    cases = rsa_cases(f"{RSA}FIPS_186-2/{path}")
    assert len(cases) > 50
    for case in cases:
        public = rsa_public(*numbers(case, "n", "e"))
        message, signature = unhex(case, "Msg", "S")
        algorithm = f"RSASSA_PSS_SHA_{case['SHAAlg'][3:]}"
        assert not verifies(backend, algorithm, public, message, RAW, signature), case


def test_keys_of_other_sizes_and_exponents_are_malformed(backend: Backend) -> None:
    path = f"{RSA}FIPS_186-2/SigVer15_186-3.rsp"
    cases = [
        case
        for case in blocks(path, carry=("n",))
        if case.get("SHAAlg") in HASHES and case["Result"].startswith("P")
    ]
    others = [c for c in cases if int(c["mod"]) < 2048 or not is_exponent(int(c["e"], 16))]
    assert len(others) > 20
    for case in others:
        message, signature = unhex(case, "Msg", "S")
        algorithm = f"RSASSA_PKCS1_V1_5_SHA_{case['SHAAlg'][3:]}"
        with pytest.raises(Malformed):
            backend.verify(algorithm, rsa_public(*numbers(case, "n", "e")), message, RAW, signature)


# ----------------------------------------------------------------- RSA-PSS and ML-DSA (Wycheproof)


@for_every("group", WYCHEPROOF["groups"], ids=lambda group: group["file"])
def test_signatures_verify_and_are_refused_as_wycheproof_published(
    backend: Backend, group: Case
) -> None:
    for case in group["cases"]:
        message, signature = unhex(case, "message", "signature")
        verdict = verifies(
            backend, group["algorithm"], bytes.fromhex(group["public"]), message, RAW, signature
        )
        assert verdict == case["valid"], case["comment"]


# ------------------------------------------------------------------------------------------ ECDSA

ECDSA = {
    "P-256,SHA-256": "ECC_NIST_P256",
    "P-384,SHA-384": "ECC_NIST_P384",
    "P-521,SHA-512": "ECC_NIST_P521",
    "K-256,SHA-256": "ECC_SECG_P256K1",
}


def ecdsa_cases(path: str) -> list[Case]:
    cases = blocks(f"asymmetric/ECDSA/{path}")
    return [case for case in cases if case.get("section") in ECDSA and "R" in case]


@pytest.mark.parametrize(
    ("path", "count"), [("FIPS_186-3/SigGen.txt", 45), ("SECP256K1/SigGen.txt", 225)]
)
def test_ecdsa_verifies_what_was_published(
    backend: Backend, path: str, count: int, step: int
) -> None:
    cases = ecdsa_cases(path)
    assert len(cases) == count
    for case in cases[::step]:
        spec, sha = ECDSA[case["section"]], case["section"][-3:]
        public = ec_public(spec, *numbers(case, "Qx", "Qy"))
        signature = encode_dss_signature(*numbers(case, "R", "S"))
        (message,) = unhex(case, "Msg")
        assert backend.public_key(ec_private(spec, *numbers(case, "d"))) == public
        assert verifies(backend, f"ECDSA_SHA_{sha}", public, message, RAW, signature)
        digest = hashlib.new(f"sha{sha}", message).digest()
        assert verifies(backend, f"ECDSA_SHA_{sha}", public, digest, DIGEST, signature)
        assert not verifies(backend, f"ECDSA_SHA_{sha}", public, digest, RAW, signature)


def test_ecdsa_verifies_and_refuses_as_nist_published(backend: Backend) -> None:
    cases = ecdsa_cases("FIPS_186-3/SigVer.rsp")
    assert len(cases) == 45
    for case in cases:
        public = ec_public(ECDSA[case["section"]], *numbers(case, "Qx", "Qy"))
        signature = encode_dss_signature(*numbers(case, "R", "S"))
        (message,) = unhex(case, "Msg")
        algorithm = f"ECDSA_SHA_{case['section'][-3:]}"
        verdict = verifies(backend, algorithm, public, message, RAW, signature)
        assert verdict == case["Result"].startswith("P"), case


# ---------------------------------------------------------------------------------------- Ed25519


def test_ed25519_signs_and_verifies_as_its_authors_published(backend: Backend, step: int) -> None:
    lines = PUBLISHED.joinpath("asymmetric/Ed25519/sign.input").read_text("ascii").split()
    assert len(lines) == 1024
    for line in lines[::step]:
        secret, public, message, signed = (bytes.fromhex(part) for part in line.split(":")[:4])
        private, signature = seeded("ECC_NIST_EDWARDS25519", secret[:32]), signed[:64]
        assert backend.sign("ED25519_SHA_512", private, message, RAW) == signature
        spki = backend.public_key(private)
        assert spki[12:] == public
        assert verifies(backend, "ED25519_SHA_512", spki, message, RAW, signature)


# RFC 8032, section 7.3: the only Ed25519ph example of the standard.
PH_SECRET = bytes.fromhex("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42")
PH_PUBLIC = bytes.fromhex("ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf")
PH_SIGNATURE = bytes.fromhex(
    "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
    "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
)
# Of the SHA-512 of "abc", which is the 64-byte message that KMS takes: by OpenJDK 17.
PH_SIGNATURE_OF_DIGEST = bytes.fromhex(
    "914dc6538ac512db8ffbdfbbf9c2fd2c1e5c915ff5d708751ad2d3a1425f0c9b"
    "fa3f1da6d93e5c7fc5b106b536f7263a3db68e4a285f30e4bd7e8b9f93d42f0e"
)


def test_ed25519ph_signs_and_verifies_as_rfc_8032_published() -> None:
    """KMS does not accept its message of three bytes, but the scheme itself does."""
    scheme = SIGNATURES["ED25519_PH_SHA_512"]
    private = seeded("ECC_NIST_EDWARDS25519", PH_SECRET)
    public = pycryptodome.public_key(private)
    assert public[12:] == PH_PUBLIC
    assert scheme.sign(private, b"abc", DIGEST) == PH_SIGNATURE
    scheme.verify(public, b"abc", DIGEST, PH_SIGNATURE)


def test_ed25519ph_hashes_the_digest_again_as_openjdk_does() -> None:
    private = seeded("ECC_NIST_EDWARDS25519", PH_SECRET)
    digest = hashlib.sha512(b"abc").digest()
    signature = pycryptodome.sign("ED25519_PH_SHA_512", private, digest, DIGEST)
    assert signature == PH_SIGNATURE_OF_DIGEST != PH_SIGNATURE
    public = pycryptodome.public_key(private)
    assert verifies(pycryptodome, "ED25519_PH_SHA_512", public, digest, DIGEST, signature)
    assert not verifies(pycryptodome, "ED25519_PH_SHA_512", public, digest, DIGEST, PH_SIGNATURE)


def test_the_books_ed25519_gives_the_published_answers_too() -> None:
    digest = hashlib.sha512(b"abc").digest()
    assert ed25519_by_the_book.verifies(PH_PUBLIC, b"abc", PH_SIGNATURE, prehash=True)
    assert ed25519_by_the_book.verifies(PH_PUBLIC, digest, PH_SIGNATURE_OF_DIGEST, prehash=True)
    assert not ed25519_by_the_book.verifies(PH_PUBLIC, digest, PH_SIGNATURE, prehash=True)
    assert not ed25519_by_the_book.verifies(PH_PUBLIC, b"abc", PH_SIGNATURE)


# ----------------------------------------------------------------------------------------- ML-DSA


def external_mu(public: bytes, message: bytes, context: bytes = b"") -> bytes:
    """FIPS 204, algorithm 7, line 6, of pure ML-DSA (algorithm 2, line 10)."""
    tr = hashlib.shake_256(public).digest(64)
    prepared = b"\0" + bytes([len(context)]) + context + message
    return hashlib.shake_256(tr + prepared).digest(64)


@for_every("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_ml_dsa_gives_the_published_keys_and_verifies_by_mu(
    backend: Backend, spec: str, step: int
) -> None:
    """The published cases have contexts, which KMS has not; mu covers context and message."""
    cases = records(f"asymmetric/MLDSA/kat_{spec.replace('_', '', 1)}_det_pure.rsp")
    assert len(cases) == 100
    for case in cases[::step]:
        xi, pk, message, signed, context = unhex(case, "xi", "pk", "msg", "sm", "ctx")
        signature = signed[: -len(message)]
        public = backend.public_key(seeded(spec, xi))
        assert public[22:] == pk
        mu = external_mu(pk, message, context)
        assert verifies(backend, "ML_DSA_SHAKE_256", public, mu, MU, signature)
        assert not verifies(backend, "ML_DSA_SHAKE_256", public, mu, RAW, signature)
        assert not verifies(backend, "ML_DSA_SHAKE_256", public, message, RAW, signature)


@for_every("spec", ["ML_DSA_44", "ML_DSA_65", "ML_DSA_87"])
def test_a_signature_of_mu_is_an_ordinary_signature_of_the_message(
    backend: Backend, spec: str
) -> None:
    private = seeded(spec, bytes(range(32)))
    public = backend.public_key(private)
    message = b"the report of the fifth of January"
    mu = external_mu(public[22:], message)
    by_mu = backend.sign("ML_DSA_SHAKE_256", private, mu, MU)
    by_message = backend.sign("ML_DSA_SHAKE_256", private, message, RAW)
    for signature in (by_mu, by_message):
        assert verifies(backend, "ML_DSA_SHAKE_256", public, message, RAW, signature)
        assert verifies(backend, "ML_DSA_SHAKE_256", public, mu, MU, signature)
