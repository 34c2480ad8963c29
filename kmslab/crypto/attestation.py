"""Attestation documents: who runs inside an enclave, signed by the hypervisor that started it.

A document is a COSE_Sign1 message with a certificate chain. It measures the enclave's image and
carries a public key that only this enclave has the private key of. Rule: `verify` returns members
only if the form, the chain to the trusted root and the signature are right, at the given time.
Nothing here compares the document's timestamp: a document lives as long as its certificate.
Source: AWS Nitro Enclaves user guide, "Verifying the root of trust"; "Nitro Enclaves Attestation
Process" in the repository of the NSM API.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from kmslab.crypto import cbor, cose
from kmslab.crypto.backend import Forged, Malformed
from kmslab.crypto.certificate import (
    NO_USAGE,
    load_authority,
    new_authority,
    signed,
    subject_name,
)
from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.spki import spec_of

ROOT_NAME, LEAF_NAME = "kmslab enclaves (simulated)", "kmslab simulated hypervisor"
P384 = ec.SECP384R1()
BEGINNING = datetime(1970, 1, 2, tzinfo=UTC)
NO_END = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)  # RFC 5280 §4.1.2.5
LIFE = timedelta(hours=3)  # of a hypervisor's certificate, as AWS has it
DIGEST = "SHA384"
PAYLOAD = 16_384  # bytes
AROUND = 128  # bytes: more than header and signature take
CERTIFICATE = PUBLIC_KEY = 1_024  # bytes
USER_DATA = 512  # bytes; also of a nonce
REGISTERS, REGISTER_SIZES = range(32), frozenset({32, 48, 64})
RSA = frozenset({"RSA_2048", "RSA_3072", "RSA_4096"})


class Untrusted(Exception):
    """The document proves nothing. The text says why: everything in a document is public."""


@dataclass(frozen=True, slots=True)
class Attested:
    """What a document says. `pcrs`: the platform configuration registers, by their number."""

    module_id: str
    pcrs: Mapping[int, bytes]
    public_key: bytes | None = None
    user_data: bytes | None = None
    nonce: bytes | None = None


def _bytes(low: int, high: int) -> Callable[[Any], bool]:
    return lambda found: isinstance(found, bytes) and low <= len(found) <= high


def _or_null(fits: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda found: found is None or fits(found)  # Nitro writes null for what was not given


def _are_registers(found: Any) -> bool:
    return isinstance(found, dict) and bool(found) and all(map(_is_register, found.items()))


def _is_register(pair: tuple[Any, Any]) -> bool:
    index, content = pair
    return index in REGISTERS and isinstance(content, bytes) and len(content) in REGISTER_SIZES


def _are_certificates(found: Any) -> bool:
    return isinstance(found, list) and bool(found) and all(map(_bytes(1, CERTIFICATE), found))


REQUIRED: dict[str, Callable[[Any], bool]] = {
    "module_id": lambda found: isinstance(found, str) and found != "",
    "digest": lambda found: found == DIGEST,
    "timestamp": lambda found: isinstance(found, int) and found > 0,  # milliseconds since 1970
    "pcrs": _are_registers,
    "certificate": _bytes(1, CERTIFICATE),
    "cabundle": _are_certificates,  # the root first
}
OPTIONAL: dict[str, Callable[[Any], bool]] = {
    "public_key": _or_null(_bytes(1, PUBLIC_KEY)),
    "user_data": _or_null(_bytes(0, USER_DATA)),
    "nonce": _or_null(_bytes(0, USER_DATA)),
}


def verify(document: bytes, root: bytes, now: datetime) -> Attested:
    """Raises Untrusted. `root`: the certificate in DER that every chain has to begin with."""
    message, members = _parse(document)
    leaf = _end_of_chain([*members["cabundle"], members["certificate"]], root, now)
    try:
        cose.verify_sign1(message, _public(leaf))
    except (Forged, Malformed):
        raise Untrusted("its signature does not verify") from None
    return Attested(
        members["module_id"],
        members["pcrs"],
        *[members.get(name) for name in OPTIONAL],
    )


def is_rsa(public: bytes | None) -> bool:
    """Whether answers can be encrypted with this public key."""
    try:
        return public is not None and spec_of(public) in RSA
    except Malformed:
        return False


def _parse(document: bytes) -> tuple[cose.Sign1, dict[str, Any]]:
    if len(document) > PAYLOAD + AROUND:  # before it is read: that takes longer, the longer it is
        raise Untrusted("it is longer than an attestation document can be")
    try:
        message = cose.parse_sign1(document)
        members = cbor.read(message.payload)
    except Malformed:
        raise Untrusted("it is not a COSE_Sign1 message by ES384 around CBOR") from None
    if not isinstance(members, dict):
        raise Untrusted("it has no members")
    for name, fits in (REQUIRED | OPTIONAL).items():
        if (name in members or name in REQUIRED) and not fits(members.get(name)):
            raise Untrusted(f"its {name} is missing or has a wrong form")
    if not members.keys() <= REQUIRED.keys() | OPTIONAL.keys():
        raise Untrusted("it has members that no attestation document has")
    return message, members


def _end_of_chain(chain: list[bytes], root: bytes, now: datetime) -> x509.Certificate:
    """The last certificate, if each is signed by the one before it (RFC 5280 §6).

    The signatures are checked from the root on, before the verifier sees the chain: it would try
    every order of certificates that are not signed by the root at all, which takes for ever.
    """
    if chain[0] != root:
        raise Untrusted("its certificates do not begin with the root that is trusted here")
    try:
        certificates = [*map(x509.load_der_x509_certificate, chain)]
        for issuer, subject in pairwise(certificates):
            subject.verify_directly_issued_by(issuer)
        first, *between, leaf = certificates
        if not leaf.not_valid_before_utc <= now <= leaf.not_valid_after_utc:
            raise Untrusted("its certificate has expired or is not valid yet")
        policy = PolicyBuilder().store(Store([first])).time(now)
        policy = policy.extension_policies(ca_policy=AUTHORITIES, ee_policy=HYPERVISORS)
        policy.build_client_verifier().verify(leaf, between)
    except (VerificationError, *X509_ERRORS):
        raise Untrusted("its certificates are not a chain from the root") from None
    return leaf


def _signs(_: Policy, __: x509.Certificate, usage: x509.KeyUsage) -> None:
    if not usage.digital_signature or usage.key_cert_sign:
        raise ValueError("a hypervisor's certificate signs documents, not certificates")


X509_ERRORS = (
    ValueError,
    TypeError,  # an issuer's key cannot sign
    InvalidSignature,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
AUTHORITIES = ExtensionPolicy.webpki_defaults_ca()
# Unlike a server's certificate, a hypervisor's names no host.
HYPERVISORS = ExtensionPolicy.permit_all().require_present(
    x509.KeyUsage, Criticality.AGNOSTIC, _signs
)


# ------------------------------------------------------------------- the simulated hypervisor


def new_root() -> SecretBytes:
    """A root for a lab's enclaves: certificate and private key in PEM.

    It has no end, because a lab's clock may go far ahead.
    """
    return SecretBytes(new_authority(BEGINNING, NO_END, ROOT_NAME, P384).pem)


def root_certificate(root: bytes) -> bytes:
    """In DER, as `verify` takes it."""
    return x509.load_pem_x509_certificate(root).public_bytes(Encoding.DER)


def issue(attested: Attested, root: bytes, now: datetime) -> bytes:
    """A document as a hypervisor makes it, with a certificate of its own for the next hours."""
    authority = load_authority(root, BEGINNING)
    key = ec.generate_private_key(P384)
    extensions: dict[x509.ExtensionType, bool] = {
        x509.BasicConstraints(ca=False, path_length=None): True,
        x509.KeyUsage(**NO_USAGE | {"digital_signature": True}): True,
    }
    issuer, until = (
        (authority.certificate.subject, authority.private_key),
        min(now, NO_END - LIFE) + LIFE,
    )
    leaf = signed(subject_name(LEAF_NAME), key.public_key(), extensions, issuer, now, until)
    payload = {
        "module_id": attested.module_id,
        "digest": DIGEST,
        "timestamp": int(now.timestamp() * 1000),
        "pcrs": attested.pcrs,
        "certificate": leaf.public_bytes(Encoding.DER),
        "cabundle": [root_certificate(root)],
        "public_key": attested.public_key,
        "user_data": attested.user_data,
        "nonce": attested.nonce,
    }
    private = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return cose.sign1(private, cbor.write(payload))


def _public(certificate: x509.Certificate) -> bytes:
    """Malformed for a key of an algorithm that the library lacks."""
    try:
        key = certificate.public_key()
    except (ValueError, UnsupportedAlgorithm):
        raise Malformed from None
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
