"""Both backends give the published answers of RSA-OAEP, ECDH and ML-KEM."""

import re
from functools import cache

import pytest

from kmslab.crypto import Backend, Forged, Malformed, SecretBytes, pycryptodome, spec_of
from tests.cases import for_every
from tests.crypto.published import (
    CURVES,
    PUBLISHED,
    blocks,
    ec_private,
    ec_public,
    numbers,
    records,
    rsa_private,
    seeded,
    unhex,
)

# ------------------------------------------------------------------------------------------- OAEP

OAEP = pytest.mark.parametrize(
    ("algorithm", "path"),
    [
        ("RSAES_OAEP_SHA_1", "asymmetric/RSA/pkcs-1v2-1d2-vec/oaep-vect.txt"),  # RSA Laboratories
        ("RSAES_OAEP_SHA_256", "asymmetric/RSA/oaep-custom/oaep-sha256-sha256.txt"),
        ("RSAES_OAEP_SHA_384", "asymmetric/RSA/oaep-custom/oaep-sha384-sha384.txt"),
        ("RSAES_OAEP_SHA_512", "asymmetric/RSA/oaep-custom/oaep-sha512-sha512.txt"),
    ],
)


@cache
def oaep(path: str) -> list[tuple[bytes, bytes, bytes]]:
    """Private key, message, ciphertext. A line that begins with # names the value after it."""
    seen: dict[str, str] = {}
    found = []
    text = PUBLISHED.joinpath(path).read_text("ascii")
    for name, value in re.findall(
        r"^# ?(\w[^:\n]*?) ?: *\n((?:[0-9a-f ]+\n)+)", text, re.MULTILINE
    ):
        seen[name] = re.sub(r"\s", "", value)
        if name == "Encryption":
            p, q, d, e = numbers(seen, "Prime 1", "Prime 2", "Exponent", "Public exponent")
            message, ciphertext = unhex(seen, "Message", "Encryption")
            found.append((rsa_private(p, q, d, e), message, ciphertext))
    return found


@OAEP
def test_oaep_decrypts_what_was_published(
    backend: Backend, algorithm: str, path: str, step: int
) -> None:
    cases = oaep(path)
    assert len(cases) == 60  # ten keys of 1024 to 2048 bits, six messages each
    for private, message, ciphertext in cases[::step]:
        decrypted = backend.decrypt(algorithm, private, ciphertext)
        assert decrypted == message
        assert type(decrypted) is SecretBytes


@OAEP
def test_oaep_with_the_other_hash_decrypts_nothing(
    backend: Backend, algorithm: str, path: str
) -> None:
    for other in {f"RSAES_OAEP_SHA_{size}" for size in (1, 256, 384, 512)} - {algorithm}:
        for private, _, ciphertext in oaep(path)[::12]:
            with pytest.raises(Forged):
                backend.decrypt(other, private, ciphertext)


@for_every("hashes", ["sha1-sha256", "sha256-sha1", "sha256-sha512", "sha512-sha512"])
def test_oaep_with_other_hashes_for_label_and_mask_decrypts_nothing(
    backend: Backend, hashes: str
) -> None:
    path = f"asymmetric/RSA/oaep-custom/oaep-{hashes}.txt"
    for private, _, ciphertext in oaep(path)[::6]:
        for algorithm in ("RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"):
            with pytest.raises(Forged):
                backend.decrypt(algorithm, private, ciphertext)


# ------------------------------------------------------------------------------------------- ECDH

AGREEMENTS = {
    "EC - SHA256": "ECC_NIST_P256",
    "ED - SHA384": "ECC_NIST_P384",
    "EE - SHA512": "ECC_NIST_P521",
}


@pytest.mark.parametrize("role", ["init", "resp"])
def test_ecdh_agrees_as_nist_published(backend: Backend, role: str) -> None:
    """In NIST's faulty cases the peer is off the curve, or our own numbers do not fit."""
    path = f"asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_{role}.fax"
    cases = [case for case in blocks(path) if case.get("section") in AGREEMENTS and "Z" in case]
    assert len(cases) == 90
    agreed = malformed = 0
    for case in cases:
        spec = AGREEMENTS[case["section"]]
        peer = ec_public(spec, *numbers(case, "QsCAVSx", "QsCAVSy"))
        if "CAVS's Static" in case["Result"]:
            malformed += 1
            with pytest.raises(Malformed):
                backend.agree(ec_private(spec, 2), peer)
        elif case["Result"].startswith("P"):
            agreed += 1
            secret = backend.agree(ec_private(spec, *numbers(case, "dsIUT")), peer)
            (expected,) = numbers(case, "Z")
            size = (CURVES[spec].key_size + 7) // 8
            assert secret == expected.to_bytes(size, "big"), case
            assert type(secret) is SecretBytes
    assert (agreed, malformed) == (54, 12)


def test_a_shared_secret_keeps_its_leading_zeros(backend: Backend) -> None:
    path = "asymmetric/ECDH/KASValidityTest_ECCStaticUnified_NOKC_ZZOnly_init.fax"
    short = [
        case
        for case in blocks(path)
        if case.get("section") in AGREEMENTS and "leading 0" in case.get("Result", "")
    ]
    assert short
    for case in short:
        spec = AGREEMENTS[case["section"]]
        private = ec_private(spec, *numbers(case, "dsIUT"))
        secret = backend.agree(private, ec_public(spec, *numbers(case, "QsCAVSx", "QsCAVSy")))
        assert len(secret) == (CURVES[spec].key_size + 7) // 8
        assert secret[0] < 0x10


def test_a_public_key_is_a_point_of_its_curve_as_nist_published(backend: Backend) -> None:
    """PKV.rsp: whether Q is a public key. With a valid one, agreement works."""
    curves = {"P-256": "ECC_NIST_P256", "P-384": "ECC_NIST_P384", "P-521": "ECC_NIST_P521"}
    cases = [
        case
        for case in blocks("asymmetric/ECDSA/FIPS_186-3/PKV.rsp")
        if case["section"] in curves and "Result" in case
    ]
    assert len(cases) == 36
    for case in cases:
        spec = curves[case["section"]]
        x, y = numbers(case, "Qx", "Qy")
        if max(x, y).bit_length() > 8 * ((CURVES[spec].key_size + 7) // 8):
            continue  # too long to be written as a key of this spec at all
        public = ec_public(spec, x, y)
        assert spec_of(public) == spec
        if case["Result"].startswith("P"):
            backend.agree(ec_private(spec, 2), public)
        else:
            with pytest.raises(Malformed):
                backend.agree(ec_private(spec, 2), public)


# ----------------------------------------------------------------------------------------- ML-KEM

ML_KEMS = pytest.mark.parametrize("spec", ["ML_KEM_512", "ML_KEM_768", "ML_KEM_1024"])


@ML_KEMS
def test_ml_kem_gives_the_published_keys_and_secrets(
    backend: Backend, spec: str, step: int
) -> None:
    """For right ciphertexts; and for wrong ones (ct_n), which give a secret as well (ss_n)."""
    if spec not in backend.KEY_SPECS:
        assert spec in pycryptodome.KEY_SPECS
        return
    cases = records(f"asymmetric/MLKEM/kat_{spec.replace('_', '', 1)}.rsp")
    assert len(cases) == 1000
    for case in cases[::step]:
        d, z, pk, ct, ss, ct_n, ss_n = unhex(case, "d", "z", "pk", "ct", "ss", "ct_n", "ss_n")
        private = seeded(spec, d + z)
        assert backend.public_key(private)[22:] == pk
        assert backend.decapsulate(private, ct) == ss
        assert backend.decapsulate(private, ct_n) == ss_n
