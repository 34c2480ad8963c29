"""A certificate for a server, and the authority that signs it.

Clients trust the authority. Rule: its private key is not stored, so no further certificate that
those clients accept can be made; unless the server's operator keeps it, for clients that are to
trust the server's next run too. There are two certificates, and not one that signs itself, because
some TLS libraries do not accept an authority as a server.
Source: RFC 5280; RFC 9525 (clients look at SubjectAltName only).
"""

import contextlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=365)
SLACK = timedelta(hours=1)  # a client's clock may be behind
AUTHORITY, SERVER = "kmslab authority", "kmslab"
HOST_NAME = re.compile(r"(?=.{1,253}$)(?!(.*\.)?\d+\.?$)[\w-]{1,63}(\.[\w-]{1,63})*\.?", re.ASCII)
NO_USAGE = {
    "digital_signature": False,
    "content_commitment": False,
    "key_encipherment": False,
    "data_encipherment": False,
    "key_agreement": False,
    "key_cert_sign": False,
    "crl_sign": False,
    "encipher_only": False,
    "decipher_only": False,
}

P256 = ec.SECP256R1()

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
Extensions = dict[x509.ExtensionType, bool]  # whether each is critical


class Certificate(NamedTuple):
    """In PEM: what clients must trust, what the server shows, and what it keeps secret."""

    authority: bytes
    certificate: bytes
    private_key: bytes


class Authority(NamedTuple):
    """Signs servers' certificates. `certificate` is what clients must trust."""

    private_key: PrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> bytes:
        """Certificate and private key: who has it can pass for any server with its clients."""
        return self.public_pem + _private_pem(self.private_key)

    @property
    def public_pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)


def new_authority(
    now: datetime,
    until: datetime | None = None,
    name: str = AUTHORITY,
    curve: ec.EllipticCurve = P256,
) -> Authority:
    """Valid from an hour before `now`, for a year unless another end is given."""
    key = ec.generate_private_key(curve)
    extensions: Extensions = {
        x509.BasicConstraints(ca=True, path_length=0): True,
        x509.KeyUsage(**NO_USAGE | {"key_cert_sign": True, "crl_sign": True}): True,
    }
    end, subject = until or now + VALID, subject_name(name)
    return Authority(key, signed(subject, key.public_key(), extensions, (subject, key), now, end))


def load_authority(pem: bytes, now: datetime) -> Authority:
    """The authority that `Authority.pem` wrote. A ValueError says what is wrong with it."""
    try:
        key, certificate = load_pem_private_key(pem, None), x509.load_pem_x509_certificate(pem)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        raise ValueError("it does not hold an authority's certificate and private key") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("its private key is neither of an elliptic curve nor RSA")
    if certificate.public_key() != key.public_key():
        raise ValueError("its private key is not that of its certificate")
    if not constraints.value.ca:
        raise ValueError("its certificate is a server's, not an authority's")
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        until = certificate.not_valid_after_utc
        raise ValueError(f"it is not valid now, but until {until:%Y-%m-%d}")
    return Authority(key, certificate)


def self_signed(
    names: Sequence[str], now: datetime, authority: Authority | None = None
) -> Certificate:
    """A certificate for these host names and IP addresses, valid for a year from `now`.

    Without an authority a new one signs it, whose private key is forgotten. Raises ValueError if
    one of the names is not one.
    """
    authority = authority or new_authority(now)
    key = ec.generate_private_key(P256)
    extensions: Extensions = {
        x509.BasicConstraints(ca=False, path_length=None): True,
        x509.KeyUsage(**NO_USAGE | {"digital_signature": True}): True,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]): False,
        x509.SubjectAlternativeName([alternative(name) for name in names]): False,
    }
    issuer = authority.certificate.subject, authority.private_key
    until = min(now + VALID, authority.certificate.not_valid_after_utc)
    made = signed(subject_name(SERVER), key.public_key(), extensions, issuer, now, until)
    return Certificate(authority.public_pem, made.public_bytes(Encoding.PEM), _private_pem(key))


def signed(
    subject: x509.Name,
    public: ec.EllipticCurvePublicKey,
    extensions: Extensions,
    issuer: tuple[x509.Name, PrivateKey],
    now: datetime,
    until: datetime,
) -> x509.Certificate:
    name, authority = issuer
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(name)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(until)
    )
    identifiers: Extensions = {
        x509.SubjectKeyIdentifier.from_public_key(public): False,
        x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()): False,
    }
    for extension, critical in {**identifiers, **extensions}.items():
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(authority, hashes.SHA256())


def _private_pem(key: PrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def subject_name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def alternative(name: str) -> x509.GeneralName:
    """A computer may have a Korean name; certificates write it in ASCII (RFC 5890).

    Raises ValueError for what is neither a host name nor an IP address.
    """
    with contextlib.suppress(ValueError):
        return x509.IPAddress(ip_address(name))
    try:
        written = name.encode("idna").decode()
    except UnicodeError:
        written = ""
    if not HOST_NAME.fullmatch(written):
        raise ValueError(f"{name!r} is not a host name or an IP address, without scheme and port")
    return x509.DNSName(written)
