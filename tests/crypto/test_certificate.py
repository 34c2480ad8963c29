"""The server's certificate, by the rules of another verifier than the TLS library of the tests."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import DNSName, IPAddress
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from kmslab.crypto.certificate import self_signed

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
