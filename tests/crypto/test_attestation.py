"""Attestation documents: what an honest hypervisor signs is believed, and nothing else is."""

from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from kmslab.crypto import Forged, Malformed, attestation, cbor, cose
from kmslab.crypto.attestation import Attested, Untrusted, issue, new_root, root_certificate, verify
from kmslab.crypto.certificate import load_authority
from tests.cases import for_every
from tests.crypto.published import ec_public

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
PCRS = {index: bytes([index]) * 48 for index in range(16)}
SAID = Attested("i-0123456789abcdef0-enc0123456789abcdef", PCRS, b"key", b"data", b"nonce")
ROOT_PEM, OTHER_PEM = new_root(), new_root()
ROOT, OTHER_ROOT = (load_authority(pem, NOW) for pem in (ROOT_PEM, OTHER_PEM))
TRUSTED = root_certificate(ROOT_PEM)
HONEST = issue(SAID, ROOT_PEM, NOW)
HOUR = timedelta(hours=1)


def believed(document: bytes, now: datetime = NOW) -> bool:
    try:
        verify(document, TRUSTED, now)
    except Untrusted:
        return False
    return True


def refusal(document: bytes, now: datetime = NOW) -> str:
    with pytest.raises(Untrusted) as caught:
        verify(document, TRUSTED, now)
    return str(caught.value)


# ------------------------------------------------------------------------------------------ COSE

# github.com/cose-wg/Examples, ecdsa-examples/ecdsa-sig-02.json: ES384, COSE_Sign1.
X = "kTJyP2KSsBBhnb4kjWmMF7WHVsY55xUPgb7k64rDcjatChoZ1nvjKmYmPh5STRKc"
Y = "mM0weMVU2DKsYDxDJkEP9hZiRZtB8fPfXbzINZj_fF7YQRynNWedHEyzAJOX2e8s"
PAYLOAD = b"This is the content."
SIGNED = "846a5369676e61747572653144a101382240" + "54" + PAYLOAD.hex()
SIGNATURE = (
    "b8f85eff78c88f5351ced2f1887b79b296490795594b62e41e22529bb90208b7d8cddd4a46d0e9c986464d83d0a5d1"
    "edf39b3e2c5750364230d0e8d76460d8808e76c83830fbbd1978cc174066eb437f17887979ecf027dcc9d51baf6c4f"
    "d8c0"
)


def test_a_published_signature_verifies_and_no_other() -> None:
    public = ec_public(
        "ECC_NIST_P384", *[int.from_bytes(urlsafe_b64decode(each)) for each in (X, Y)]
    )
    message = cose.Sign1(PAYLOAD, bytes.fromhex(SIGNATURE))
    assert cose._signed(PAYLOAD).hex() == SIGNED
    cose.verify_sign1(message, public)
    signature = message.signature
    for wrong in (
        message._replace(payload=PAYLOAD + b"!"),
        message._replace(signature=signature[:-1] + bytes([signature[-1] ^ 1])),
        message._replace(signature=signature[:-1]),
        message._replace(signature=bytes(96)),
        message._replace(signature=b"\xff" * 96),
        message._replace(signature=b""),
    ):
        with pytest.raises(Forged):
            cose.verify_sign1(wrong, public)


def test_a_tag_is_optional() -> None:
    assert verify(b"\xd2" + HONEST, TRUSTED, NOW) == verify(HONEST, TRUSTED, NOW)


@for_every(
    "wrong",
    [
        [cose.PROTECTED, {}, b"payload"],
        [cose.PROTECTED, {4: b"kid"}, b"payload", bytes(96)],  # nobody has signed it
        [cbor.write({1: -7}), {}, b"payload", bytes(96)],  # ES256
        [b"", {}, b"payload", bytes(96)],
        [cose.PROTECTED, {}, None, bytes(96)],  # detached
        [cose.PROTECTED, {}, "payload", bytes(96)],
        cbor.Tagged(98, [cose.PROTECTED, {}, b"payload", []]),  # COSE_Sign
        {"payload": b"payload"},
        7,
    ],
    ids=repr,
)
def test_other_messages_are_refused(wrong: Any) -> None:
    with pytest.raises(Malformed):
        cose.parse_sign1(cbor.write(wrong))


# -------------------------------------------------------------------------------------- documents


@dataclass(frozen=True)
class Hypervisor:
    """It signs whatever it is given, with a certificate of its own."""

    key: Any
    certificate: x509.Certificate
    bundle: tuple[x509.Certificate, ...]

    def document(self, **members: Any) -> bytes:
        """An honest document with some members changed; `...` leaves one out."""
        payload = cbor.read(cbor.read(HONEST)[2])
        payload |= {"certificate": der(self.certificate), "cabundle": [*map(der, self.bundle)]}
        payload |= members
        kept = {name: value for name, value in payload.items() if value is not ...}
        return self.signed(cbor.write(kept))

    def signed(self, payload: bytes) -> bytes:
        private = self.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        return cose.sign1(private, payload)


def der(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(Encoding.DER)


def certificate(
    issuer: x509.Certificate | None,
    signer: Any,
    key: Any,
    *,
    ca: bool = False,
    path: int | None = None,
    usages: tuple[str, ...] = ("digital_signature",),
    valid: tuple[datetime, datetime] = (NOW - HOUR, NOW + HOUR),
    name: str = "hypervisor",
    critical: str = "",
) -> x509.Certificate:
    """With the forms of a Nitro certificate, and what a test wants to be wrong in it."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    usage = dict.fromkeys(attestation.NO_USAGE, False) | dict.fromkeys(usages, True)
    public = signer.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
        .add_extension(x509.BasicConstraints(ca, path if ca else None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
    )
    if critical:
        unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier(critical), b"\x05\x00")
        builder = builder.add_extension(unknown, critical=True)
    return builder.sign(signer, hashes.SHA384())


AUTHORITY = {"ca": True, "usages": ("key_cert_sign", "crl_sign"), "name": "authority"}
KEYS = [ec.generate_private_key(ec.SECP384R1()) for _ in range(4)]


def directly(**wrong: Any) -> Hypervisor:
    """Signed by the root, with something wrong in its certificate."""
    made = certificate(ROOT.certificate, ROOT.private_key, KEYS[0], **wrong)
    return Hypervisor(KEYS[0], made, (ROOT.certificate,))


@pytest.fixture(scope="module")
def hypervisor() -> Hypervisor:
    return directly()


def test_an_honest_document_says_what_the_enclave_said(hypervisor: Hypervisor) -> None:
    assert verify(HONEST, TRUSTED, NOW) == SAID
    assert verify(hypervisor.document(), TRUSTED, NOW) == SAID


def test_what_an_enclave_does_not_say_is_null_or_absent(hypervisor: Hypervisor) -> None:
    silent = Attested(SAID.module_id, PCRS)
    assert verify(issue(silent, ROOT_PEM, NOW), TRUSTED, NOW) == silent
    absent = dict.fromkeys(("public_key", "user_data", "nonce"), ...)
    assert verify(hypervisor.document(**absent), TRUSTED, NOW) == silent


def test_a_document_lives_as_long_as_its_certificate() -> None:
    assert believed(HONEST, NOW + 3 * HOUR)
    assert believed(HONEST, NOW - HOUR)  # a clock may be behind
    expired = "its certificate has expired or is not valid yet"
    assert refusal(HONEST, NOW + 3 * HOUR + timedelta(seconds=1)) == expired
    assert refusal(HONEST, NOW - 2 * HOUR) == expired


@for_every("year", [1980, 2026, 9999])
def test_a_root_serves_whatever_a_labs_clock_says(year: int) -> None:
    now = datetime(year, 12, 31, 23, 0, tzinfo=UTC)
    assert believed(issue(SAID, ROOT_PEM, now), now)


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.long)])
def test_no_bit_of_a_document_can_be_flipped(step: int) -> None:
    """The header's bits, the payload's and the signature's; a place at a time."""
    for place in range(0, len(HONEST), step):
        flipped = bytes([HONEST[place] ^ 1 << place % 8])
        assert not believed(HONEST[:place] + flipped + HONEST[place + 1 :]), place


def test_nothing_can_be_cut_off_or_appended() -> None:
    for end in range(0, len(HONEST), 11):
        assert not believed(HONEST[:end])
    assert not believed(HONEST + b"\0")


def wrong_members() -> Iterator[tuple[str, Any]]:
    for name in attestation.REQUIRED:
        yield from ((name, ...), (name, None), (name, []), (name, -1))
    yield from (("module_id", ""), ("module_id", b"i-0123"))
    yield from (("digest", "SHA256"), ("digest", "SHA512"), ("digest", "sha384"))
    yield from (("timestamp", 0), ("timestamp", "now"))
    yield from (("pcrs", {}), ("pcrs", {32: bytes(48)}), ("pcrs", {-1: bytes(48)}))
    yield from (("pcrs", {0: bytes(47)}), ("pcrs", {0: b""}), ("pcrs", {0: "0" * 48}))
    yield from (("pcrs", {"0": bytes(48)}), ("pcrs", [bytes(48)]), ("pcrs", {0: None}))
    yield from (("certificate", b""), ("certificate", bytes(1025)))
    yield from (("cabundle", [b""]), ("cabundle", [bytes(1025)]), ("cabundle", [TRUSTED, "x"]))
    yield from (("public_key", b""), ("public_key", bytes(1025)), ("public_key", "key"))
    yield from (("user_data", bytes(513)), ("user_data", 1), ("nonce", bytes(513)), ("nonce", {}))


@for_every(("name", "value"), wrong_members(), ids=lambda each: repr(each)[:30])
def test_signed_document_with_a_wrong_member_is_refused(
    hypervisor: Hypervisor, name: str, value: Any
) -> None:
    expected = f"its {name} is missing or has a wrong form"
    assert refusal(hypervisor.document(**{name: value})) == expected


def test_signed_document_with_an_unknown_member_is_refused(hypervisor: Hypervisor) -> None:
    unknown = "it has members that no attestation document has"
    assert refusal(hypervisor.document(admin="yes")) == unknown


@for_every(
    "payload", [b"", b"\x80", b"\xff", b"\x9b" + b"\x7f" * 8, b"\x81" * 16_000, b"\xa0" * 99]
)
def test_signed_rubbish_is_refused(hypervisor: Hypervisor, payload: bytes) -> None:
    assert not believed(hypervisor.signed(payload))


def test_document_beyond_its_limit_is_refused(hypervisor: Hypervisor) -> None:
    bundle = [TRUSTED, *[bytes(1024)] * 16]
    assert "longer" in refusal(hypervisor.document(cabundle=bundle))


# ----------------------------------------------------------------------------------- certificates

CHAIN = "its certificates are not a chain from the root"
NOT_TRUSTED = "its certificates do not begin with the root that is trusted here"


def test_document_of_another_root_is_refused(hypervisor: Hypervisor) -> None:
    assert refusal(issue(SAID, OTHER_PEM, NOW)) == NOT_TRUSTED
    mixed = hypervisor.document(cabundle=[root_certificate(OTHER_PEM), TRUSTED])
    assert refusal(mixed) == NOT_TRUSTED


def test_certificate_that_the_root_did_not_sign_is_refused() -> None:
    """Right names, right identifiers, and another root's signature."""
    impostor = certificate(ROOT.certificate, OTHER_ROOT.private_key, KEYS[0])
    assert refusal(Hypervisor(KEYS[0], impostor, (ROOT.certificate,)).document()) == CHAIN


def test_document_signed_by_another_key_than_the_certificates_is_refused(
    hypervisor: Hypervisor,
) -> None:
    thief = replace(hypervisor, key=KEYS[1])
    assert refusal(thief.document()) == "its signature does not verify"


@for_every(
    "wrong",
    [
        {"usages": ("key_encipherment",)},
        {"usages": ("digital_signature", "key_cert_sign")},
        {"critical": "1.2.3.4"},
    ],
    ids=repr,
)
def test_certificate_of_another_kind_is_refused(wrong: Mapping[str, Any]) -> None:
    assert refusal(directly(**wrong).document()) == CHAIN


def test_certificate_with_a_key_of_another_kind_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048)
    made = certificate(ROOT.certificate, ROOT.private_key, key)
    other = Hypervisor(KEYS[0], made, (ROOT.certificate,))
    assert refusal(other.document()) == "its signature does not verify"


def test_an_enclaves_own_certificate_signs_no_other(hypervisor: Hypervisor) -> None:
    """Whoever runs one enclave cannot become the authority of others."""
    made = certificate(hypervisor.certificate, KEYS[0], KEYS[1])
    chain = (ROOT.certificate, hypervisor.certificate)
    assert refusal(Hypervisor(KEYS[1], made, chain).document()) == CHAIN


def long_chain(**wrong: Any) -> tuple[bytes, Hypervisor]:
    """A root, an authority below it, and a hypervisor, as on AWS; the authority may be wrong."""
    root = certificate(None, KEYS[0], KEYS[0], path=None, **AUTHORITY | {"name": "root"})
    between = certificate(root, KEYS[0], KEYS[1], **AUTHORITY | wrong)
    leaf = certificate(between, KEYS[1], KEYS[2])
    return der(root), Hypervisor(KEYS[2], leaf, (root, between))


def test_a_chain_with_authorities_between_is_followed_in_its_order() -> None:
    root, hypervisor = long_chain()
    assert verify(hypervisor.document(), root, NOW) == SAID
    for bundle in (hypervisor.bundle[:1], [*hypervisor.bundle, hypervisor.bundle[1]]):
        with pytest.raises(Untrusted, match=CHAIN):
            verify(hypervisor.document(cabundle=[*map(der, bundle)]), root, NOW)


@for_every(
    "wrong",
    [
        {"ca": False},
        {"usages": ("digital_signature",)},
        {"valid": (NOW - 3 * HOUR, NOW - HOUR)},
        {"critical": "1.2.3.4"},
    ],
    ids=repr,
)
def test_a_wrong_authority_between_is_refused(wrong: Mapping[str, Any]) -> None:
    root, hypervisor = long_chain(**wrong)
    with pytest.raises(Untrusted, match=CHAIN):
        verify(hypervisor.document(), root, NOW)


def test_many_certificates_of_one_name_are_refused_at_once() -> None:
    """A verifier that tries every order of them would not come back."""
    stranger = certificate(None, KEYS[3], KEYS[3], **AUTHORITY)
    leaf = certificate(stranger, KEYS[3], KEYS[2])
    crowd = Hypervisor(KEYS[2], leaf, (ROOT.certificate, *[stranger] * 20))
    assert refusal(crowd.document()) == CHAIN


@for_every("rubbish", [b"\x30\x80", b"x" * 100, b"\x30\x03\x02\x01\x00"])
def test_certificates_that_are_none_are_refused(hypervisor: Hypervisor, rubbish: bytes) -> None:
    assert refusal(hypervisor.document(certificate=rubbish)) == CHAIN
    assert refusal(hypervisor.document(cabundle=[TRUSTED, rubbish])) == CHAIN


@for_every(
    ("public", "accepted"),
    [(None, False), (b"", False), (b"key", False), (ec_public("ECC_NIST_P384", 1, 1), False)],
)
def test_only_an_rsa_key_can_receive(public: bytes | None, accepted: bool) -> None:
    assert attestation.is_rsa(public) is accepted
