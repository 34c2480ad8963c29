"""The server's certificate, by the rules of another verifier than the TLS library of the tests."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import DNSName, IPAddress
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from kmslab.crypto.certificate import (
    VALID,
    Authority,
    load_authority,
    new_authority,
    self_signed,
)

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
NAMES = ("localhost", "127.0.0.1", "::1", "clinic-pc", "진료실-pc")
MADE = self_signed(NAMES, NOW)
AUTHORITY, SERVER = (x509.load_pem_x509_certificate(pem) for pem in MADE[:2])


def verify(subject: x509.GeneralName, at: datetime = NOW) -> None:
    policy = PolicyBuilder().store(Store([AUTHORITY])).time(at)
    policy.build_server_verifier(subject).verify(SERVER, [])


@pytest.mark.parametrize(
    "subject",
    [
        DNSName("localhost"),
        IPAddress(ip_address("127.0.0.1")),
        IPAddress(ip_address("::1")),
        DNSName("clinic-pc"),
        DNSName("xn---pc-9b8my71bx5j"),
    ],
    ids=NAMES,
)
def test_the_certificate_is_valid_for_each_of_its_names(subject: x509.GeneralName) -> None:
    verify(subject)


def test_the_certificate_is_not_valid_for_another_name_or_another_time() -> None:
    for subject in (DNSName("example.com"), IPAddress(ip_address("127.0.0.2"))):
        with pytest.raises(VerificationError):
            verify(subject)
    for days in (-1, 366):
        with pytest.raises(VerificationError):
            verify(DNSName("localhost"), NOW + timedelta(days=days))


def test_another_authority_of_the_same_name_does_not_verify_it() -> None:
    other = x509.load_pem_x509_certificate(self_signed(NAMES, NOW).authority)
    assert other.subject == AUTHORITY.subject
    policy = PolicyBuilder().store(Store([other])).time(NOW)
    with pytest.raises(VerificationError):
        policy.build_server_verifier(DNSName("localhost")).verify(SERVER, [])


def test_the_private_key_is_the_servers_and_not_the_authoritys() -> None:
    public = load_pem_private_key(MADE.private_key, None).public_key()
    assert public == SERVER.public_key()
    assert public != AUTHORITY.public_key()


def test_a_client_whose_clock_is_an_hour_behind_accepts_it() -> None:
    verify(DNSName("localhost"), NOW - timedelta(minutes=59))


# ----------------------------------------------------------------------------- a kept authority


@pytest.mark.parametrize("kind", ["elliptic curve", "RSA"])
def test_a_kept_authority_signs_the_next_certificate(kind: str) -> None:
    kept = new_authority(NOW)
    if kind == "RSA":
        key = rsa.generate_private_key(65537, 2048)
        name = kept.certificate.subject
        builder = x509.CertificateBuilder(name, name, key.public_key(), 1, NOW, NOW + VALID)
        builder = builder.add_extension(x509.BasicConstraints(True, 0), critical=True)
        kept = Authority(key, builder.sign(key, hashes.SHA256()))
    again = load_authority(kept.pem, NOW)
    server = x509.load_pem_x509_certificate(self_signed(["kms.lan"], NOW, again).certificate)
    server.verify_directly_issued_by(kept.certificate)


def test_a_certificate_ends_with_its_authority() -> None:
    later = NOW + timedelta(days=300)
    made = self_signed(["kms.lan"], later, load_authority(new_authority(NOW).pem, later))
    certificates = [x509.load_pem_x509_certificate(pem) for pem in made[:2]]
    assert certificates[0].not_valid_after_utc == certificates[1].not_valid_after_utc


ONE, OTHER = new_authority(NOW), new_authority(NOW)


@pytest.mark.parametrize(
    ("pem", "says"),
    [
        (b"", "does not hold"),
        (b"nothing", "does not hold"),
        (ONE.public_pem, "does not hold"),
        (ONE.pem[:-60], "does not hold"),
        (ONE.public_pem + OTHER.pem.removeprefix(OTHER.public_pem), "not that of its certificate"),
        (MADE.certificate + MADE.private_key, "a server's, not an authority's"),
    ],
)
def test_what_is_not_an_authority_is_refused(pem: bytes, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        load_authority(pem, NOW)


@pytest.mark.parametrize("days", [-1, 366])
def test_an_authority_that_is_not_valid_now_is_refused(days: int) -> None:
    with pytest.raises(ValueError, match="until 2027-03-02"):
        load_authority(ONE.pem, NOW + timedelta(days=days))


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "a..b",
        "https://kms.lan",
        "kms.lan:4566",
        "kms lan",
        "10.0.0.300",
        "*.lan",
        "a" * 64,
    ],
)
def test_what_is_not_a_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="not a host name or an IP address"):
        self_signed([name], NOW)
