"""Sign, Verify, GenerateMac, VerifyMac: a key verifies exactly what it signed."""

from collections.abc import Callable
from typing import Any

import pytest
from Crypto.Hash import SHA256, SHA384, SHA512
from Crypto.PublicKey import ECC, MLDSA, RSA
from Crypto.Signature import DSS, eddsa, mldsa, pkcs1_15, pss
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from cryptography.hazmat.primitives.serialization import load_der_public_key
from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, Clock, Lab
from kmslab.crypto import pyca, pycryptodome
from kmslab.kms.contract.errors import KMSError
from tests.cases import for_every
from tests.kms.operations import ed25519ph
from tests.kms.operations.keyring import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    LONG_RSA,
    MAC,
    NOW,
    SIGN,
    SIGNINGS,
    cmk,
    formed,
    public,
    shared,
    slow,
)

kms = shared().kms
MESSAGE = b"potassium 4.1 mmol/l, drawn at 09:00"

# The developer guide's "Key spec reference", written out.
PKCS1 = {f"RSASSA_PKCS1_V1_5_SHA_{bits}" for bits in (256, 384, 512)}
PSS = {f"RSASSA_PSS_SHA_{bits}" for bits in (256, 384, 512)}
ED25519 = {"ED25519_SHA_512", "ED25519_PH_SHA_512"}
OFFERED: dict[str, set[str]] = {
    "RSA_2048": PKCS1 | PSS,
    "RSA_3072": PKCS1 | PSS,
    "RSA_4096": PKCS1 | PSS,
    "ECC_NIST_P256": {"ECDSA_SHA_256"},
    "ECC_NIST_P384": {"ECDSA_SHA_384"},
    "ECC_NIST_P521": {"ECDSA_SHA_512"},
    "ECC_SECG_P256K1": {"ECDSA_SHA_256"},
    "ECC_NIST_EDWARDS25519": ED25519,
    "ML_DSA_44": {"ML_DSA_SHAKE_256"},
    "ML_DSA_65": {"ML_DSA_SHAKE_256"},
    "ML_DSA_87": {"ML_DSA_SHAKE_256"},
}
ALGORITHMS = sorted({*PKCS1, *PSS, *ED25519, *OFFERED["ML_DSA_44"]} | {"SM2DSA"}) + [
    f"ECDSA_SHA_{bits}" for bits in (256, 384, 512)
]
PAIRS = [(spec, algorithm) for spec, offered in OFFERED.items() for algorithm in sorted(offered)]
RAW_PAIRS = [pair for pair in PAIRS if pair[1] != "ED25519_PH_SHA_512"]
PREHASHED = sorted({(a, form) for _, a, form in SIGNINGS if form != "RAW"})

# Bytes; ECDSA's are DER and at most this long.
EXACT = {
    "RSA_2048": 256,
    "RSA_3072": 384,
    "RSA_4096": 512,
    "ECC_NIST_EDWARDS25519": 64,
    "ML_DSA_44": 2420,
    "ML_DSA_65": 3309,
    "ML_DSA_87": 4627,
}
AT_MOST = {
    "ECC_NIST_P256": 72,
    "ECC_SECG_P256K1": 72,
    "ECC_NIST_P384": 104,
    "ECC_NIST_P521": 139,
}
DIGEST_SIZE = {"256": 32, "384": 48, "512": 64}

every_signing = for_every(("spec", "algorithm", "form"), SIGNINGS, long=slow)
every_pair = for_every(("spec", "algorithm"), PAIRS, long=slow)
one_of_a_kind = for_every(
    ("spec", "algorithm"),
    PAIRS,
    long=lambda spec, algorithm: slow(spec) or (spec == "RSA_2048" and algorithm[-3:] != "256"),
)


def sign(key: CMK, algorithm: str, form: str, message: bytes) -> bytes:
    request = {"Message": message, "MessageType": form, "SigningAlgorithm": algorithm}
    signature: bytes = kms.sign(KeyId=key.arn, **request)["Signature"]
    return signature


def verify(key: CMK, algorithm: str, form: str, message: bytes, signature: bytes) -> Any:
    request = {"Message": message, "MessageType": form, "SigningAlgorithm": algorithm}
    return kms.verify(KeyId=key.arn, Signature=signature, **request)


def form_of(algorithm: str) -> str:
    return "DIGEST" if algorithm == "ED25519_PH_SHA_512" else "RAW"


# --------------------------------------------------------------------------------- Sign and Verify


def test_key_specs_have_awss_algorithms() -> None:
    assert {(spec, algorithm) for spec, algorithm, _ in SIGNINGS} == set(PAIRS)


@for_every("spec", OFFERED, long=slow)
def test_key_offers_the_algorithms_of_its_spec(spec: str) -> None:
    assert set(cmk(spec, SIGN).metadata["SigningAlgorithms"]) == OFFERED[spec]


def test_algorithms_take_awss_message_types() -> None:
    forms = {(algorithm, form) for _, algorithm, form in SIGNINGS}
    hashed = {a for a in ALGORITHMS if a.startswith(("RSASSA", "ECDSA"))}
    assert forms == {(a, form) for a in hashed for form in ("RAW", "DIGEST")} | {
        ("ED25519_SHA_512", "RAW"),
        ("ED25519_PH_SHA_512", "DIGEST"),
        ("ML_DSA_SHAKE_256", "RAW"),
        ("ML_DSA_SHAKE_256", "EXTERNAL_MU"),
    }


@every_signing
def test_what_a_key_signs_it_verifies(spec: str, algorithm: str, form: str) -> None:
    key = cmk(spec, SIGN)
    request = {
        "KeyId": key.id,
        "Message": formed(key, algorithm, form, MESSAGE),
        "MessageType": form,
        "SigningAlgorithm": algorithm,
    }
    signed = kms.sign(**request)
    signature = signed.pop("Signature")
    assert signed == {"KeyId": key.arn, "SigningAlgorithm": algorithm}
    assert kms.verify(**request, Signature=signature) == {
        "KeyId": key.arn,
        "SignatureValid": True,
        "SigningAlgorithm": algorithm,
    }


@every_signing
def test_signature_has_the_size_of_its_standard(spec: str, algorithm: str, form: str) -> None:
    key = cmk(spec, SIGN)
    signature = sign(key, algorithm, form, formed(key, algorithm, form, MESSAGE))
    if spec in EXACT:
        assert len(signature) == EXACT[spec]
    else:
        assert signature[0] == 0x30, "DER: a SEQUENCE of r and s"
        assert AT_MOST[spec] - 9 <= len(signature) <= AT_MOST[spec]  # shorter: 1 in 2^56


@for_every(("spec", "algorithm"), RAW_PAIRS, long=slow)
def test_message_type_is_raw_by_default(spec: str, algorithm: str) -> None:
    key = cmk(spec, SIGN)
    signature = kms.sign(KeyId=key.arn, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    verify(key, algorithm, "RAW", MESSAGE, signature)


@every_signing
def test_every_form_of_a_message_has_the_same_signatures(
    spec: str, algorithm: str, form: str
) -> None:
    """A digest is not hashed again, and an external mu gives an ordinary signature."""
    key = cmk(spec, SIGN)
    signature = sign(key, algorithm, form, formed(key, algorithm, form, MESSAGE))
    for other in [f for s, a, f in SIGNINGS if (s, a) == (spec, algorithm)]:
        verify(key, algorithm, other, formed(key, algorithm, other, MESSAGE), signature)


@every_pair
def test_signing_twice_gives_two_signatures_where_the_scheme_is_random(
    spec: str, algorithm: str
) -> None:
    key, form = cmk(spec, SIGN), form_of(algorithm)
    message = formed(key, algorithm, form, MESSAGE)
    signatures = {sign(key, algorithm, form, message) for _ in range(3)}
    assert len(signatures) == (1 if algorithm in PKCS1 | ED25519 else 3)


@for_every(("spec", "algorithm"), RAW_PAIRS, long=slow)
@for_every("size", [1, 4096])
def test_raw_message_may_have_1_to_4096_bytes(spec: str, algorithm: str, size: int) -> None:
    key, message = cmk(spec, SIGN), bytes(size)
    verify(key, algorithm, "RAW", message, sign(key, algorithm, "RAW", message))


@for_every(
    ("size", "bound"), [(0, "greater than or equal to 1"), (4097, "less than or equal to 4096")]
)
@for_every("form", ["RAW", "DIGEST", "EXTERNAL_MU"])
def test_longer_and_empty_messages_are_refused(
    refused: Any, size: int, bound: str, form: str
) -> None:
    text = (
        "1 validation error detected: Value at 'message' failed to satisfy constraint: Member "
        f"must have length {bound}"
    )
    key = cmk("ECC_NIST_P256", SIGN)
    with refused("ValidationException", text):
        sign(key, "ECDSA_SHA_256", form, bytes(size))
    with refused("ValidationException", text):
        verify(key, "ECDSA_SHA_256", form, bytes(size), b"x")


@for_every(("algorithm", "form"), PREHASHED)
def test_digest_must_be_as_long_as_its_hash(refused: Any, algorithm: str, form: str) -> None:
    spec = next(spec for spec, offered in OFFERED.items() if algorithm in offered)
    size = DIGEST_SIZE.get(algorithm[-3:], 64) if form == "DIGEST" else 64
    text = f"Digest is invalid length for algorithm {algorithm}."
    for wrong in {1, 20, 32, 48, 64, size - 1, size + 1, 4096} - {size}:
        with refused("ValidationException", text):
            sign(cmk(spec, SIGN), algorithm, form, bytes(wrong))
        with refused("ValidationException", text):
            verify(cmk(spec, SIGN), algorithm, form, bytes(wrong), b"x")
    sign(cmk(spec, SIGN), algorithm, form, bytes(size))


@every_pair
def test_message_type_that_does_not_suit_the_algorithm_is_refused(
    refused: Any, spec: str, algorithm: str
) -> None:
    taken = {form for s, a, form in SIGNINGS if (s, a) == (spec, algorithm)}
    for form in {"RAW", "DIGEST", "EXTERNAL_MU"} - taken:
        text = f"Message type {form} is not valid for algorithm {algorithm}."
        with refused("ValidationException", text):
            sign(cmk(spec, SIGN), algorithm, form, bytes(64))
        with refused("ValidationException", text):
            verify(cmk(spec, SIGN), algorithm, form, bytes(64), b"x")


@for_every("spec", OFFERED, long=slow)
@for_every("algorithm", ALGORITHMS)
def test_algorithm_that_does_not_suit_the_key_is_refused(
    refused: Any, spec: str, algorithm: str
) -> None:
    if algorithm in OFFERED[spec]:
        return
    text = f"Algorithm {algorithm} is incompatible with key spec {spec}."
    with refused("InvalidKeyUsageException", text):
        sign(cmk(spec, SIGN), algorithm, "RAW", MESSAGE)
    with refused("InvalidKeyUsageException", text):
        verify(cmk(spec, SIGN), algorithm, "RAW", MESSAGE, b"x")


@pytest.mark.parametrize(
    ("spec", "usage"),
    [
        ("SYMMETRIC_DEFAULT", ENCRYPT),
        ("RSA_2048", ENCRYPT),
        ("ECC_NIST_P256", AGREE),
        ("ML_KEM_768", ENCAPSULATE),
        ("HMAC_256", MAC),
    ],
)
def test_key_for_another_use_signs_nothing(refused: Any, spec: str, usage: Any) -> None:
    """An RSA key could do both, but its usage was fixed when it was created."""
    key = cmk(spec, usage)
    text = f"{key.arn} key usage is {usage} which is not valid for "
    with refused("InvalidKeyUsageException", f"{text}Sign."):
        sign(key, "RSASSA_PSS_SHA_256", "RAW", MESSAGE)
    with refused("InvalidKeyUsageException", f"{text}Verify."):
        verify(key, "RSASSA_PSS_SHA_256", "RAW", MESSAGE, b"x")


@for_every("spec", OFFERED, long=slow)
def test_signing_key_does_nothing_else(refused: Any, spec: str) -> None:
    key = cmk(spec, SIGN)
    calls: dict[str, Callable[[], Any]] = {
        "Encrypt": lambda: kms.encrypt(KeyId=key.arn, Plaintext=b"x"),
        "Decrypt": lambda: kms.decrypt(
            KeyId=key.arn, CiphertextBlob=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256"
        ),
        "GenerateDataKey": lambda: kms.generate_data_key(KeyId=key.arn, KeySpec="AES_256"),
        "GenerateMac": lambda: kms.generate_mac(
            KeyId=key.arn, Message=b"x", MacAlgorithm="HMAC_SHA_256"
        ),
        "DeriveSharedSecret": lambda: kms.derive_shared_secret(
            KeyId=key.arn, PublicKey=public(spec, SIGN), KeyAgreementAlgorithm="ECDH"
        ),
        "Encapsulate": lambda: kms.encapsulate(KeyId=key.arn, EncapsulationAlgorithm="ML_KEM"),
    }
    for operation, call in calls.items():
        text = f"{key.arn} key usage is SIGN_VERIFY which is not valid for {operation}."
        with refused("InvalidKeyUsageException", text):
            call()


# --------------------------------------------------------------------- verified by other libraries

HASHED = {"256": SHA256, "384": SHA384, "512": SHA512}


def check_rsa(der: bytes, algorithm: str, message: bytes, signature: bytes) -> None:
    scheme = pss if algorithm in PSS else pkcs1_15
    hashed = HASHED[algorithm[-3:]].new(message)
    scheme.new(RSA.import_key(der)).verify(hashed, signature)


def check_ecdsa(der: bytes, algorithm: str, message: bytes, signature: bytes) -> None:
    hashed = HASHED[algorithm[-3:]].new(message)
    DSS.new(ECC.import_key(der), "sec1", "der").verify(hashed, signature)


def check_ed25519(der: bytes, algorithm: str, message: bytes, signature: bytes) -> None:
    eddsa.new(ECC.import_key(der), "rfc8032").verify(message, signature)


def check_ed25519ph(der: bytes, algorithm: str, message: bytes, signature: bytes) -> None:
    """The caller's digest is the message of Ed25519ph, which hashes it again."""
    if not ed25519ph.verify(der[12:], SHA512.new(message).digest(), signature):
        raise ValueError


def check_ml_dsa(der: bytes, algorithm: str, message: bytes, signature: bytes) -> None:
    mldsa.new(MLDSA.import_key(der)).verify(message, signature)


# None of these made the signature: `cryptography` makes all but those of Ed25519ph.
BY_ANOTHER: dict[str, Callable[[bytes, str, bytes, bytes], None]] = {
    **dict.fromkeys([*PKCS1, *PSS], check_rsa),
    **dict.fromkeys(["ECDSA_SHA_256", "ECDSA_SHA_384", "ECDSA_SHA_512"], check_ecdsa),
    "ED25519_SHA_512": check_ed25519,
    "ED25519_PH_SHA_512": check_ed25519ph,
    "ML_DSA_SHAKE_256": check_ml_dsa,
}


@every_signing
def test_every_signature_is_verified_by_a_library_that_did_not_make_it(
    spec: str, algorithm: str, form: str
) -> None:
    key = cmk(spec, SIGN)
    signature = sign(key, algorithm, form, formed(key, algorithm, form, MESSAGE))
    check = BY_ANOTHER[algorithm]
    check(public(spec, SIGN), algorithm, MESSAGE, signature)
    with pytest.raises(ValueError):  # noqa: PT011 - each library has its own text
        check(public(spec, SIGN), algorithm, MESSAGE + b".", signature)


def check_with_cryptography(der: bytes, algorithm: str, message: bytes, signature: bytes) -> None:
    key: Any = load_der_public_key(der)
    if algorithm in PKCS1 | PSS | {"ECDSA_SHA_256", "ECDSA_SHA_384", "ECDSA_SHA_512"}:
        hashed = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}[
            algorithm[-3:]
        ]
        salted = padding.PSS(padding.MGF1(hashed), hashed.digest_size)
        scheme = salted if algorithm in PSS else padding.PKCS1v15()
        how = [ec.ECDSA(hashed)] if algorithm.startswith("ECDSA") else [scheme, hashed]
        key.verify(signature, message, *how)
    else:
        key.verify(signature, message)


def test_signatures_by_pycryptodome_are_verified_by_cryptography() -> None:
    """The second library can serve alone."""
    with Lab(backends=(pycryptodome, pyca)) as lab:
        for spec in [spec for spec in OFFERED if spec not in LONG_RSA]:
            key = lab.create_cmk(spec=spec, usage=SIGN)
            der = key.public_key().der
            for algorithm in sorted(OFFERED[spec] - {"ED25519_PH_SHA_512"}):
                signature = key.sign(MESSAGE, algorithm)
                check_with_cryptography(der, algorithm, MESSAGE, signature)
                with pytest.raises(InvalidSignature):
                    check_with_cryptography(der, algorithm, MESSAGE + b".", signature)


def test_signatures_outlive_their_lab() -> None:
    papers = []
    with Lab(clock=Clock.frozen(NOW)) as lab:
        for spec, algorithm in [pair for pair in PAIRS if pair[0] not in LONG_RSA]:
            key = lab.create_cmk(spec=spec, usage=SIGN)
            digest = SHA512.new(MESSAGE).digest()
            form = form_of(algorithm)
            message = digest if form == "DIGEST" else MESSAGE
            papers.append((key.public_key().der, algorithm, key.sign(message, algorithm, form)))
    for der, algorithm, signature in papers:
        BY_ANOTHER[algorithm](der, algorithm, MESSAGE, signature)


def test_the_slow_ed25519ph_verifies_the_rfcs_example() -> None:
    """RFC 8032, §7.3."""
    key = "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf"
    signature = bytes.fromhex(
        "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41"
        "31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406"
    )
    assert ed25519ph.verify(bytes.fromhex(key), b"abc", signature)
    assert not ed25519ph.verify(bytes.fromhex(key), b"abd", signature)


# ------------------------------------------------------------------------------ refused signatures


def refuses(
    key: CMK, algorithm: str, message: bytes, signature: bytes, form: str | None = None
) -> None:
    """A refusal is always this error, without a reason."""
    with pytest.raises(KMSError) as caught:
        verify(key, algorithm, form or form_of(algorithm), message, signature)
    assert (caught.value.code, caught.value.message) == ("KMSInvalidSignatureException", "")


# ECDSA signatures vary in length, and Hypothesis needs examples that do not depend on chance.
anywhere = st.integers(0, 2**20)
signatures = st.binary(min_size=1, max_size=6144)


def flipped(signature: bytes, bit: int) -> bytes:
    number = int.from_bytes(signature, "big") ^ (1 << bit % (8 * len(signature)))
    return number.to_bytes(len(signature), "big")


def messages(algorithm: str) -> st.SearchStrategy[bytes]:
    exact = 64 if algorithm == "ED25519_PH_SHA_512" else None
    return st.binary(min_size=exact or 1, max_size=exact or 200)


@one_of_a_kind
@given(data=st.data())
def test_signature_of_anything_else_is_refused(spec: str, algorithm: str, data: Any) -> None:
    key = cmk(spec, SIGN)
    one, other = data.draw(st.lists(messages(algorithm), min_size=2, max_size=2, unique=True))
    signature = sign(key, algorithm, form_of(algorithm), one)
    verify(key, algorithm, form_of(algorithm), one, signature)
    refuses(key, algorithm, other, signature)


@one_of_a_kind
@given(data=st.data())
def test_changed_cut_or_stretched_signature_is_refused(
    spec: str, algorithm: str, data: Any
) -> None:
    key, form = cmk(spec, SIGN), form_of(algorithm)
    message = data.draw(messages(algorithm))
    bit, cut = data.draw(anywhere), data.draw(anywhere)
    more, other = data.draw(st.binary(min_size=1, max_size=40)), data.draw(signatures)
    signature = sign(key, algorithm, form, message)
    size = 1 + cut % (len(signature) - 1)
    for forged in (
        flipped(signature, bit),
        signature[:size],
        signature[-size:],
        signature + more,
        more + signature,
        signature + bytes(len(more)),
        bytes(len(more)) + signature,
        bytes(len(signature)),
        other,
    ):
        refuses(key, algorithm, message, forged)


@for_every("spec", [spec for spec in OFFERED if spec not in LONG_RSA])
def test_signature_by_another_key_is_refused(spec: str) -> None:
    for algorithm in sorted(OFFERED[spec]):
        form = form_of(algorithm)
        message = formed(cmk(spec, SIGN), algorithm, form, MESSAGE)
        signature = sign(cmk(spec, SIGN, 2), algorithm, form, message)
        refuses(cmk(spec, SIGN), algorithm, message, signature)


def test_signature_by_a_key_of_another_spec_is_refused() -> None:
    """P-256 and secp256k1 have the same hash, and signatures of the same size."""
    one, other = cmk("ECC_NIST_P256", SIGN), cmk("ECC_SECG_P256K1", SIGN)
    for signer, verifier in ((one, other), (other, one)):
        signature = sign(signer, "ECDSA_SHA_256", "RAW", MESSAGE)
        refuses(verifier, "ECDSA_SHA_256", MESSAGE, signature)


@for_every("spec", ["RSA_2048", *LONG_RSA, "ECC_NIST_EDWARDS25519"], long=slow)
def test_signature_with_another_algorithm_is_refused(spec: str) -> None:
    key = cmk(spec, SIGN)
    message = SHA512.new(MESSAGE).digest()  # of a size that every algorithm takes
    for algorithm in sorted(OFFERED[spec]):
        signature = sign(key, algorithm, form_of(algorithm), message)
        for other in sorted(OFFERED[spec] - {algorithm}):
            refuses(key, other, message, signature)


def test_digest_that_was_signed_as_a_message_is_another_message() -> None:
    key, digest = cmk("ECC_NIST_P256", SIGN), SHA256.new(MESSAGE).digest()
    signature = sign(key, "ECDSA_SHA_256", "RAW", digest)
    refuses(key, "ECDSA_SHA_256", digest, signature, form="DIGEST")
    refuses(key, "ECDSA_SHA_256", MESSAGE, signature)


def test_either_sign_of_s_is_a_valid_ecdsa_signature() -> None:
    """AWS KMS does not require a low s, and neither does the lab."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    key = cmk("ECC_NIST_P256", SIGN)
    r, s = utils.decode_dss_signature(sign(key, "ECDSA_SHA_256", "RAW", MESSAGE))
    other = utils.encode_dss_signature(r, order - s)
    verify(key, "ECDSA_SHA_256", "RAW", MESSAGE, other)


def test_raw_r_and_s_are_not_a_signature_here() -> None:
    """The r and s of a JSON Web Signature must be encoded in DER first."""
    key = cmk("ECC_NIST_P256", SIGN)
    r, s = utils.decode_dss_signature(sign(key, "ECDSA_SHA_256", "RAW", MESSAGE))
    refuses(key, "ECDSA_SHA_256", MESSAGE, r.to_bytes(32, "big") + s.to_bytes(32, "big"))


# -------------------------------------------------------------------------------------------- MACs

MACS = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
every_mac = for_every("spec", MACS)


def algorithm_of(spec: str) -> str:
    return spec.replace("HMAC", "HMAC_SHA")


def mac(key: CMK, message: bytes) -> bytes:
    request = {"Message": message, "MacAlgorithm": algorithm_of(key.spec)}
    tag: bytes = kms.generate_mac(KeyId=key.arn, **request)["Mac"]
    return tag


def refuses_mac(key: CMK, message: bytes, tag: bytes) -> None:
    with pytest.raises(KMSError) as caught:
        kms.verify_mac(KeyId=key.arn, Message=message, MacAlgorithm=algorithm_of(key.spec), Mac=tag)
    assert (caught.value.code, caught.value.message) == ("KMSInvalidMacException", "")


@every_mac
def test_mac_is_verified_by_its_key(spec: str) -> None:
    key, algorithm = cmk(spec, MAC), algorithm_of(spec)
    assert key.metadata["MacAlgorithms"] == [algorithm]
    request = {"KeyId": key.id, "Message": MESSAGE, "MacAlgorithm": algorithm}
    made = kms.generate_mac(**request)
    tag = made.pop("Mac")
    assert made == {"KeyId": key.arn, "MacAlgorithm": algorithm}
    assert len(tag) == MACS[spec]
    assert tag == kms.generate_mac(**request)["Mac"]
    assert kms.verify_mac(**request, Mac=tag) == {
        "KeyId": key.arn,
        "MacValid": True,
        "MacAlgorithm": algorithm,
    }


@every_mac
def test_mac_takes_1_to_4096_bytes(refused: Any, spec: str) -> None:
    key = cmk(spec, MAC)
    assert {len(mac(key, bytes(size))) for size in (1, 64, 128, 4096)} == {MACS[spec]}
    text = "1 validation error detected: Value at 'message' failed to satisfy constraint: Member "
    for size, bound in ((0, "greater than or equal to 1"), (4097, "less than or equal to 4096")):
        with refused("ValidationException", f"{text}must have length {bound}"):
            mac(key, bytes(size))
        with refused("ValidationException", f"{text}must have length {bound}"):
            kms.verify_mac(
                KeyId=key.arn, Message=bytes(size), MacAlgorithm=algorithm_of(spec), Mac=b"x"
            )


@every_mac
@given(data=st.data())
def test_any_other_mac_is_refused(spec: str, data: Any) -> None:
    key = cmk(spec, MAC)
    messages = st.binary(min_size=1, max_size=200)
    one, other = data.draw(st.lists(messages, min_size=2, max_size=2, unique=True))
    tag = mac(key, one)
    refuses_mac(key, other, tag)
    refuses_mac(key, one, mac(cmk(spec, MAC, 2), one))
    refuses_mac(key, one, flipped(tag, data.draw(anywhere)))
    size = data.draw(st.integers(1, len(tag) - 1))
    for forged in (tag[:size], tag[-size:], tag + b"\0", b"\0" + tag, bytes(len(tag))):
        refuses_mac(key, one, forged)


@every_mac
def test_mac_algorithm_must_be_the_keys(refused: Any, spec: str) -> None:
    key = cmk(spec, MAC)
    for other in MACS.keys() - {spec}:
        algorithm = algorithm_of(other)
        text = f"Algorithm {algorithm} is incompatible with key spec {spec}."
        with refused("InvalidKeyUsageException", text):
            kms.generate_mac(KeyId=key.arn, Message=b"x", MacAlgorithm=algorithm)
        with refused("InvalidKeyUsageException", text):
            kms.verify_mac(KeyId=key.arn, Message=b"x", MacAlgorithm=algorithm, Mac=b"x")


@pytest.mark.parametrize(
    ("spec", "usage"), [("SYMMETRIC_DEFAULT", ENCRYPT), ("RSA_2048", SIGN), ("ML_DSA_44", SIGN)]
)
def test_key_for_another_use_makes_no_mac(refused: Any, spec: str, usage: Any) -> None:
    key = cmk(spec, usage)
    text = f"{key.arn} key usage is {usage} which is not valid for "
    request = {"KeyId": key.arn, "Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}
    with refused("InvalidKeyUsageException", f"{text}GenerateMac."):
        kms.generate_mac(**request)
    with refused("InvalidKeyUsageException", f"{text}VerifyMac."):
        kms.verify_mac(**request, Mac=b"x")


def test_mac_is_not_a_signature() -> None:
    """A MAC can be made by everyone who can verify it, so there is no public key."""
    key = cmk("HMAC_256", MAC)
    with pytest.raises(KMSError) as caught:
        kms.get_public_key(KeyId=key.arn)
    assert caught.value.code == "UnsupportedOperationException"
