"""Public keys, and secrets shared by ECDH or ML-KEM: both sides get the same secret, or an error.

The other side is always a library, outside the lab.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from Crypto.Protocol.DH import key_agreement
from Crypto.PublicKey import ECC, MLDSA, MLKEM, RSA
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_public_key,
    load_pem_public_key,
)
from hypothesis import given
from hypothesis import strategies as st

from kmslab import CMK, Lab, PublicKey, SecretBytes
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import DomainKey, Key, Material
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind
from tests.cases import for_every
from tests.kms.operations.keyring import (
    AGREE,
    ENCAPSULATE,
    ENCRYPT,
    LONG_RSA,
    MAC,
    SIGN,
    USES,
    cmk,
    public,
    shared,
    slow,
)

kms = shared().kms

# Key spec → the curve in both libraries, and the bytes of a coordinate.
CURVES: dict[str, tuple[ec.EllipticCurve, str, int]] = {
    "ECC_NIST_P256": (ec.SECP256R1(), "P-256", 32),
    "ECC_NIST_P384": (ec.SECP384R1(), "P-384", 48),
    "ECC_NIST_P521": (ec.SECP521R1(), "P-521", 66),
}
every_curve = for_every("spec", CURVES)


def derive(key: CMK, peer: bytes) -> SecretBytes:
    secret: SecretBytes = kms.derive_shared_secret(
        KeyId=key.arn, KeyAgreementAlgorithm="ECDH", PublicKey=peer
    )["SharedSecret"]
    return secret


def spki(key: ec.EllipticCurvePublicKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


# -------------------------------------------------------------------------------------------- ECDH


@every_curve
def test_two_keys_of_the_lab_agree_on_one_secret(spec: str) -> None:
    one, two = cmk(spec, AGREE), cmk(spec, AGREE, 2)
    secret = derive(one, public(spec, AGREE, 2))
    assert secret == derive(two, public(spec, AGREE))
    assert len(secret) == CURVES[spec][2]
    assert secret != derive(one, public(spec, AGREE))


@every_curve
def test_answer_has_awss_members(spec: str) -> None:
    key = cmk(spec, AGREE)
    assert key.metadata["KeyAgreementAlgorithms"] == ["ECDH"]
    answer = kms.derive_shared_secret(
        KeyId=key.id, KeyAgreementAlgorithm="ECDH", PublicKey=public(spec, AGREE, 2)
    )
    assert isinstance(answer.pop("SharedSecret"), SecretBytes)
    assert answer == {"KeyId": key.arn, "KeyAgreementAlgorithm": "ECDH", "KeyOrigin": "AWS_KMS"}


@every_curve
def test_secret_is_the_one_that_cryptography_derives(spec: str) -> None:
    mine = ec.generate_private_key(CURVES[spec][0])
    theirs = load_der_public_key(public(spec, AGREE))
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    assert derive(cmk(spec, AGREE), spki(mine.public_key())) == mine.exchange(ec.ECDH(), theirs)


@every_curve
def test_secret_is_the_one_that_pycryptodome_derives(spec: str) -> None:
    mine = ECC.generate(curve=CURVES[spec][1])
    theirs = ECC.import_key(public(spec, AGREE))
    secret = key_agreement(static_priv=mine, static_pub=theirs, kdf=bytes)
    assert derive(cmk(spec, AGREE), mine.public_key().export_key(format="DER")) == secret


def test_secret_that_begins_with_zero_keeps_its_length() -> None:
    key = cmk("ECC_NIST_P256", AGREE)
    theirs = load_der_public_key(public("ECC_NIST_P256", AGREE))
    assert isinstance(theirs, ec.EllipticCurvePublicKey)
    for number in range(1, 10_000):  # about one in 256 is such a secret
        mine = ec.derive_private_key(number, ec.SECP256R1())
        secret = mine.exchange(ec.ECDH(), theirs)
        if secret[0] == 0:
            assert derive(key, spki(mine.public_key())) == secret
            assert len(secret) == 32
            return
    pytest.fail("none was found")


def off_the_curve(der: bytes) -> bytes:
    return der[:-1] + bytes([der[-1] ^ 1])


def not_this_curve(spec: str) -> dict[str, bytes]:
    """Bytes that are not a public key of this spec."""
    own, (curve, _, size) = public(spec, AGREE, 2), CURVES[spec]
    loaded = load_der_public_key(own)
    assert isinstance(loaded, ec.EllipticCurvePublicKey)
    compressed = loaded.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    private = ec.generate_private_key(curve)
    head = own[: -2 * size]
    return {
        "off the curve": off_the_curve(own),
        "x and y swapped": head + own[-size:] + own[-2 * size : -size],
        "zeros": head + bytes(2 * size),
        "beyond the field": head + b"\xff" * (2 * size),
        "at infinity": bytes([0x30, len(head) - 1]) + head[2:-1] + b"\0",
        "cut": own[:-1],
        "cut at its head": own[1:],
        "stretched": own + b"\0",
        "one byte": b"0",
        "zero bytes alone": bytes(len(own)),
        "the bare point": own[-2 * size - 1 :],
        "the bare compressed point": compressed,
        "PEM": PublicKey(own).pem.encode(),
        "private": private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()),
        "RSA": public("RSA_2048", ENCRYPT),
        "Ed25519": public("ECC_NIST_EDWARDS25519", SIGN),
        "secp256k1": public("ECC_SECG_P256K1", SIGN),
        "ML-KEM": public("ML_KEM_768", ENCAPSULATE),
        **{other: public(other, AGREE) for other in CURVES if other != spec},
    }


@every_curve
def test_other_bytes_than_a_public_key_of_the_curve_are_refused(refused: Any, spec: str) -> None:
    for name, peer in not_this_curve(spec).items():
        with refused("ValidationException", ""):
            derive(cmk(spec, AGREE), peer)
            pytest.fail(name)


@every_curve
@given(data=st.data())
def test_random_point_is_refused(spec: str, data: Any) -> None:
    """A point that is not on the curve can reveal a private key bit by bit."""
    own, size = public(spec, AGREE, 2), CURVES[spec][2]
    x, y = (data.draw(st.binary(min_size=size, max_size=size)) for _ in "xy")
    for peer in (own[: -2 * size] + x + y, own[:-size] + y, own[: -2 * size] + x + own[-size:]):
        if peer != own and not is_on(CURVES[spec][0], peer[-2 * size :]):
            with pytest.raises(KMSError) as caught:
                derive(cmk(spec, AGREE), peer)
            assert caught.value.code == "ValidationException"


def is_on(curve: ec.EllipticCurve, point: bytes) -> bool:
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(curve, b"\4" + point)
    except ValueError:
        return False
    return True


@pytest.mark.parametrize("size", [0, 8193])
def test_public_key_has_1_to_8192_bytes(refused: Any, size: int) -> None:
    bound = "greater than or equal to 1" if size == 0 else "less than or equal to 8192"
    text = (
        f"1 validation error detected: Value at 'publicKey' failed to satisfy constraint: "
        f"Member must have length {bound}"
    )
    with refused("ValidationException", text):
        derive(cmk("ECC_NIST_P256", AGREE), bytes(size))


def uses_but(usage: Any) -> Any:
    """One key of each other usage."""
    kinds = [
        ("SYMMETRIC_DEFAULT", ENCRYPT),
        ("RSA_2048", ENCRYPT),
        ("ECC_NIST_P256", SIGN),
        ("ECC_NIST_P256", AGREE),
        ("ML_KEM_768", ENCAPSULATE),
        ("HMAC_256", MAC),
    ]
    others = [(spec, other) for spec, other in kinds if other is not usage]
    return for_every(("spec", "other"), others)


@uses_but(AGREE)
def test_key_for_another_use_derives_no_secret(refused: Any, spec: str, other: Any) -> None:
    key = cmk(spec, other)
    text = f"{key.arn} key usage is {other} which is not valid for DeriveSharedSecret."
    with refused("InvalidKeyUsageException", text):
        derive(key, public("ECC_NIST_P256", AGREE))


# ------------------------------------------------------------------------------------------ ML-KEM

# Key spec → bytes of the ciphertext.
ML_KEM = {"ML_KEM_512": 768, "ML_KEM_768": 1088, "ML_KEM_1024": 1568}
every_kem = for_every("spec", ML_KEM)


def decapsulate(key: CMK, ciphertext: bytes) -> SecretBytes:
    secret: SecretBytes = kms.decapsulate(
        KeyId=key.arn, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=ciphertext
    )["SharedSecret"]
    return secret


@every_kem
def test_what_is_encapsulated_is_decapsulated(spec: str) -> None:
    key = cmk(spec, ENCAPSULATE)
    assert key.metadata["EncapsulationAlgorithms"] == ["ML_KEM"]
    sent = kms.encapsulate(KeyId=key.id, EncapsulationAlgorithm="ML_KEM")
    secret, ciphertext = sent.pop("SharedSecret"), sent.pop("SharedSecretCiphertextBlob")
    assert sent == {"KeyId": key.arn, "EncapsulationAlgorithm": "ML_KEM"}
    assert (len(secret), len(ciphertext)) == (32, ML_KEM[spec])
    received = kms.decapsulate(
        KeyId=key.id, EncapsulationAlgorithm="ML_KEM", SharedSecretCiphertextBlob=ciphertext
    )
    assert isinstance(secret, SecretBytes)
    assert isinstance(received["SharedSecret"], SecretBytes)
    assert received == {**sent, "SharedSecret": secret}


@every_kem
def test_each_encapsulation_differs(spec: str) -> None:
    sent = [cmk(spec, ENCAPSULATE).encapsulate() for _ in range(5)]
    assert len({bytes(each.secret) for each in sent}) == 5
    assert len({bytes(each.ciphertext) for each in sent}) == 5


@every_kem
def test_secret_that_pycryptodome_sends_arrives(spec: str) -> None:
    """A sender needs only the public key."""
    secret, ciphertext = MLKEM.import_key(public(spec, ENCAPSULATE))._encaps()
    assert decapsulate(cmk(spec, ENCAPSULATE), ciphertext) == secret


@pytest.mark.parametrize("spec", ["ML_KEM_768", "ML_KEM_1024"])
def test_secret_that_cryptography_sends_arrives(spec: str) -> None:
    sender: Any = load_der_public_key(public(spec, ENCAPSULATE))
    secret, ciphertext = sender.encapsulate()
    assert decapsulate(cmk(spec, ENCAPSULATE), ciphertext) == secret


@every_kem
@given(data=st.data())
def test_other_ciphertext_of_the_right_length_gives_another_secret(spec: str, data: Any) -> None:
    """Never an error, and always the same secret: a distinguishable answer would leak."""
    key, size = cmk(spec, ENCAPSULATE), ML_KEM[spec]
    own = key.encapsulate()
    foreign = data.draw(st.binary(min_size=size, max_size=size))
    bit = data.draw(st.integers(0, 8 * size - 1))
    flipped = (int.from_bytes(own.ciphertext, "big") ^ (1 << bit)).to_bytes(size, "big")
    others = cmk(spec, ENCAPSULATE, 2).encapsulate()
    for ciphertext in (foreign, flipped, bytes(others.ciphertext)):
        secret = decapsulate(key, ciphertext)
        assert len(secret) == 32
        assert secret not in (own.secret, others.secret)
        assert decapsulate(key, ciphertext) == secret
        assert decapsulate(cmk(spec, ENCAPSULATE, 3), ciphertext) != secret


@every_kem
def test_ciphertext_of_another_length_is_refused(refused: Any, spec: str) -> None:
    key, ciphertext = cmk(spec, ENCAPSULATE), bytes(cmk(spec, ENCAPSULATE).encapsulate().ciphertext)
    sizes = {1, 32, len(ciphertext) - 1, len(ciphertext) + 1, 6144, *ML_KEM.values()}
    for size in sizes - {len(ciphertext)}:
        with refused("InvalidCiphertextException", ""):
            decapsulate(key, (ciphertext * 9)[:size])


@uses_but(ENCAPSULATE)
def test_key_for_another_use_encapsulates_nothing(refused: Any, spec: str, other: Any) -> None:
    key = cmk(spec, other)
    text = f"{key.arn} key usage is {other} which is not valid for "
    with refused("InvalidKeyUsageException", f"{text}Encapsulate."):
        kms.encapsulate(KeyId=key.arn, EncapsulationAlgorithm="ML_KEM")
    with refused("InvalidKeyUsageException", f"{text}Decapsulate."):
        decapsulate(key, b"x")


# ------------------------------------------------------------------------------------- public keys

PUBLIC_USES = [(spec, usage) for spec, usage in USES if KEY_SPECS[spec].kind is KeyKind.ASYMMETRIC]
every_public = for_every(("spec", "usage"), PUBLIC_USES, long=slow)

# Bytes of SubjectPublicKeyInfo.
SPKI = {
    "RSA_2048": 294,
    "RSA_3072": 422,
    "RSA_4096": 550,
    "ECC_NIST_P256": 91,
    "ECC_NIST_P384": 120,
    "ECC_NIST_P521": 158,
    "ECC_SECG_P256K1": 88,
    "ECC_NIST_EDWARDS25519": 44,
    "ML_DSA_44": 1312 + 22,
    "ML_DSA_65": 1952 + 22,
    "ML_DSA_87": 2592 + 22,
    "ML_KEM_512": 800 + 22,
    "ML_KEM_768": 1184 + 22,
    "ML_KEM_1024": 1568 + 22,
}
LIST_OF = {
    ENCRYPT: "EncryptionAlgorithms",
    SIGN: "SigningAlgorithms",
    AGREE: "KeyAgreementAlgorithms",
    ENCAPSULATE: "EncapsulationAlgorithms",
}


@every_public
def test_public_key_comes_with_what_it_is_for(spec: str, usage: Any) -> None:
    key = cmk(spec, usage)
    answer = kms.get_public_key(KeyId=key.id)
    assert len(answer.pop("PublicKey")) == SPKI[spec]
    assert answer == {
        "KeyId": key.arn,
        "KeySpec": spec,
        "CustomerMasterKeySpec": spec,
        "KeyUsage": usage,
        LIST_OF[usage]: key.metadata[LIST_OF[usage]],
    }


@every_public
def test_each_key_has_one_public_key_of_its_own(spec: str, usage: Any) -> None:
    assert public(spec, usage) == public(spec, usage)
    if spec not in LONG_RSA:
        assert public(spec, usage) != public(spec, usage, 2)


PYCRYPTODOME: dict[str, Callable[[str], Any]] = {
    "RSA": RSA.import_key,
    "ECC": ECC.import_key,
    "ML_DSA": MLDSA.import_key,
    "ML_KEM": MLKEM.import_key,
}


@every_public
def test_public_key_survives_pem_and_pycryptodome(spec: str, usage: Any) -> None:
    key = PublicKey(public(spec, usage))
    family = next(name for name in PYCRYPTODOME if spec.startswith(name))
    assert PYCRYPTODOME[family](key.pem).export_key(format="DER") == key.der


@every_public
def test_public_key_survives_pem_and_cryptography(spec: str, usage: Any) -> None:
    if spec == "ML_KEM_512":
        return  # which it lacks
    key = PublicKey(public(spec, usage))
    loaded = load_pem_public_key(key.pem.encode())
    form = PublicFormat.SubjectPublicKeyInfo
    assert loaded.public_bytes(Encoding.DER, form) == key.der
    assert loaded.public_bytes(Encoding.PEM, form).decode() == key.pem


def test_public_key_is_found_by_every_name() -> None:
    key = cmk("ECC_NIST_P256", SIGN)
    kms.create_alias(AliasName="alias/public", TargetKeyId=key.arn)
    alias_arn = key.arn.partition("key/")[0] + "alias/public"
    for name in (key.id, key.arn, "alias/public", alias_arn):
        assert kms.get_public_key(KeyId=name)["KeyId"] == key.arn


@pytest.mark.parametrize(
    ("spec", "usage"),
    [(spec, usage) for spec, usage in USES if KEY_SPECS[spec].kind is not KeyKind.ASYMMETRIC],
)
def test_symmetric_key_has_no_public_key(refused: Any, spec: str, usage: Any) -> None:
    with refused("UnsupportedOperationException", ""):
        kms.get_public_key(KeyId=cmk(spec, usage).arn)


# --------------------------------------------------------------------------------- a changed store

KINDS = [
    ("RSA_2048", SIGN),
    ("RSA_2048", ENCRYPT),
    ("ECC_NIST_P256", SIGN),
    ("ECC_NIST_P256", AGREE),
    ("ECC_NIST_EDWARDS25519", SIGN),
    ("ML_DSA_44", SIGN),
    ("ML_KEM_512", ENCAPSULATE),
    ("ML_KEM_768", ENCAPSULATE),
    ("HMAC_256", MAC),
    ("SYMMETRIC_DEFAULT", ENCRYPT),
]


def material(lab: Lab, key: CMK) -> Material:
    store: Any = lab._store  # what a thief with the file could reach
    found: list[Material] = store.find(Material, key=key.arn)
    return found[0]


def write(lab: Lab, *records: Any) -> None:
    store: Any = lab._store
    store.commit(put=records)


def uses(key: CMK) -> list[Callable[[], Any]]:
    """Every operation of a key that needs no earlier result of the key."""
    algorithm = next(iter(KEY_SPECS[key.spec].algorithms[key.usage]))
    peer = public("ECC_NIST_P256", AGREE)
    verbs: dict[Any, list[Callable[[], Any]]] = {
        SIGN: [
            key.public_key,
            lambda: key.sign(b"x", algorithm),
            lambda: key.verify(b"x", b"x", algorithm),
        ],
        ENCRYPT: [lambda: key.encrypt(b"x")],
        AGREE: [key.public_key, lambda: key.derive_shared_secret(peer)],
        ENCAPSULATE: [
            key.public_key,
            key.encapsulate,
            lambda: key.decapsulate(bytes(ML_KEM[key.spec])),
        ],
        MAC: [lambda: key.mac(b"x"), lambda: key.verify_mac(b"x", b"x")],
    }
    rsa = [key.public_key, lambda: key.decrypt(bytes(256))] if key.spec == "RSA_2048" else []
    return [*verbs[key.usage], *(rsa if key.usage is ENCRYPT else [])]


def nothing_works(key: CMK) -> None:
    for use in uses(key):
        with pytest.raises(KMSError) as caught:
            use()
        assert caught.value.code == "KMSInternalException"


def changed(data: bytes, position: int) -> bytes:
    copy = bytearray(data)
    copy[position] ^= 1
    return bytes(copy)


@pytest.fixture(scope="module")
def twins(shared_lab: Lab) -> dict[tuple[str, str], tuple[CMK, CMK]]:
    """Two keys of each kind, made once."""

    def two(spec: str, usage: str) -> tuple[CMK, CMK]:
        one, other = (shared_lab.create_cmk(spec=spec, usage=usage) for _ in "ab")
        return one, other

    return {kind: two(*kind) for kind in KINDS}


@pytest.fixture(params=KINDS, ids="-".join)
def pair(
    shared_lab: Lab,
    twins: dict[tuple[str, str], tuple[CMK, CMK]],
    request: pytest.FixtureRequest,
) -> Iterator[tuple[CMK, CMK]]:
    """Two keys; what a test writes about them is undone after it."""
    with shared_lab.rehearsal():
        yield twins[request.param]


def test_another_keys_public_key_in_the_store_is_noticed(
    shared_lab: Lab, pair: tuple[CMK, CMK]
) -> None:
    """Otherwise a sender would encrypt for a thief, or accept the thief's signatures."""
    own, other = (material(shared_lab, key) for key in pair)
    if not own.public:
        return
    for forged in (other.public, changed(own.public, -1), b""):
        write(shared_lab, replace(material(shared_lab, pair[0]), public=forged))
        nothing_works(pair[0])
    write(shared_lab, replace(material(shared_lab, pair[0]), public=own.public))
    pair[0].public_key()


def test_public_key_given_to_a_key_without_one_is_noticed(lab: Lab) -> None:
    for spec, usage in (("SYMMETRIC_DEFAULT", ENCRYPT), ("HMAC_256", MAC)):
        key = lab.create_cmk(spec=spec, usage=usage)
        write(lab, replace(material(lab, key), public=public("RSA_2048", ENCRYPT)))
        nothing_works(key)


def test_changed_seal_is_noticed(shared_lab: Lab, pair: tuple[CMK, CMK]) -> None:
    own, other = (material(shared_lab, key) for key in pair)
    middle = len(own.sealed) // 2
    for forged in (other.sealed, *(changed(own.sealed, place) for place in (0, middle, -1))):
        write(shared_lab, replace(material(shared_lab, pair[0]), sealed=forged))
        nothing_works(pair[0])


def test_swapped_rows_are_noticed(shared_lab: Lab, pair: tuple[CMK, CMK]) -> None:
    """Seal and public key together, under the other key's name."""
    own, other = (material(shared_lab, key) for key in pair)
    write(
        shared_lab,
        replace(own, sealed=other.sealed, public=other.public),
        replace(other, sealed=own.sealed, public=own.public),
    )
    for key in pair:
        nothing_works(key)


def test_material_that_was_given_to_another_key_is_noticed(
    shared_lab: Lab, pair: tuple[CMK, CMK]
) -> None:
    """The row is unchanged except for the key that it names."""
    write(shared_lab, replace(material(shared_lab, pair[1]), key=pair[0].arn))
    store: Any = shared_lab._store
    record = store.get(Key, pair[0].arn)
    stolen = next(
        each for each in store.find(Material, key=record.arn) if each.id != record.material
    )
    write(shared_lab, replace(record, material=stolen.id))
    nothing_works(pair[0])


def test_key_that_names_another_keys_material_is_noticed(
    shared_lab: Lab, pair: tuple[CMK, CMK]
) -> None:
    """Otherwise a caller with a key of its own could sign with another one."""
    store: Any = shared_lab._store
    record = store.get(Key, pair[0].arn)
    write(shared_lab, replace(record, material=material(shared_lab, pair[1]).id))
    nothing_works(pair[0])


def test_seal_belongs_to_its_regions_domain_key(shared_lab: Lab, pair: tuple[CMK, CMK]) -> None:
    shared_lab.region("eu-west-1").create_cmk()
    store: Any = shared_lab._store
    (elsewhere,) = store.find(DomainKey, region="eu-west-1")
    write(shared_lab, replace(material(shared_lab, pair[0]), domain=elsewhere.id))
    nothing_works(pair[0])


def test_only_the_changed_key_fails(shared_lab: Lab, pair: tuple[CMK, CMK]) -> None:
    own = material(shared_lab, pair[0])
    write(shared_lab, replace(own, sealed=changed(own.sealed, 20)))
    nothing_works(pair[0])
    uses(pair[1])[0]()
