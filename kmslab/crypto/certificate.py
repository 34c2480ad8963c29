"""A certificate for a server on this machine, and the authority that signs it.

Clients trust the authority. Rule: its private key is never stored, so that nobody can make another
certificate that those clients accept. There are two certificates, and not one that signs itself,
because some TLS libraries do not accept an authority as a server.
Source: RFC 5280; RFC 9525 (clients look at SubjectAltName only).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

VALID = timedelta(days=365)
SLACK = timedelta(hours=1)  # a client's clock may be behind
AUTHORITY, SERVER = "kmslab authority of this run", "kmslab"
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

PrivateKey = ec.EllipticCurvePrivateKey
Extensions = dict[x509.ExtensionType, bool]  # whether each is critical


class Certificate(NamedTuple):
    """In PEM: what clients must trust, what the server shows, and what it keeps secret."""

    authority: bytes
    certificate: bytes
    private_key: bytes


def self_signed(names: Sequence[str], now: datetime) -> Certificate:
    """A certificate for these host names and IP addresses, valid for a year from `now`."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority: Extensions = {
        x509.BasicConstraints(ca=True, path_length=0): True,
        x509.KeyUsage(**NO_USAGE | {"key_cert_sign": True, "crl_sign": True}): True,
    }
    server: Extensions = {
        x509.BasicConstraints(ca=False, path_length=None): True,
        x509.KeyUsage(**NO_USAGE | {"digital_signature": True}): True,
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]): False,
        x509.SubjectAlternativeName([_alternative(name) for name in names]): False,
    }
    return Certificate(
        _signed(AUTHORITY, authority_key, authority, authority_key, now),
        _signed(SERVER, key, server, authority_key, now),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def _signed(
    subject: str, key: PrivateKey, extensions: Extensions, authority: PrivateKey, now: datetime
) -> bytes:
    public, issuer = key.public_key(), authority.public_key()
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(AUTHORITY))
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SLACK)
        .not_valid_after(now + VALID)
    )
    identifiers: Extensions = {
        x509.SubjectKeyIdentifier.from_public_key(public): False,
        x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer): False,
    }
    for extension, critical in {**identifiers, **extensions}.items():
        builder = builder.add_extension(extension, critical=critical)
    return builder.sign(authority, hashes.SHA256()).public_bytes(Encoding.PEM)


def _name(common: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common)])


def _alternative(name: str) -> x509.GeneralName:
    """A computer may have a Korean name; certificates write it in ASCII (RFC 5890)."""
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name.encode("idna").decode())
