"""Key material that tests bring, for every key spec, and a lab that takes it quickly.

The RSA primes are NIST's, published.
"""

from datetime import UTC, datetime
from functools import cache

from kmslab import Clock, Lab, SecretBytes
from kmslab.crypto import pyca, pycryptodome
from kmslab.crypto.pyca import Pyca
from kmslab.kms.contract.specs import KEY_SPECS
from tests.crypto.published import blocks, numbers, rsa_private

USUAL, ODD, LARGE = 65537, 2**64 + 13, 2**255 - 19  # all prime


@cache
def primes(bits: int) -> tuple[int, int]:
    cases = blocks("asymmetric/RSA/FIPS_186-2/SigVer15_186-3.rsp")
    pairs = (numbers(case, "p", "q") for case in cases if {"p", "q"} <= case.keys())
    return next((p, q) for p, q in pairs if (p * q).bit_length() == bits)


@cache
def rsa_key(bits: int, exponent: int = USUAL) -> bytes:
    """PKCS#8 of a published modulus with any exponent that has an inverse."""
    p, q = primes(bits)
    return rsa_private(p, q, pow(exponent, -1, (p - 1) * (q - 1)), exponent)


@cache
def material(spec: str, number: int = 0) -> bytes:
    """Material that fits the key spec; another one for each number."""
    if KEY_SPECS[spec].sizes:
        return bytes([number + 1]) * KEY_SPECS[spec].sizes[0]
    if spec.startswith("RSA_"):
        return rsa_key(int(spec[4:]), USUAL if number == 0 else LARGE)
    maker = pyca if spec in pyca.KEY_SPECS else pycryptodome
    return bytes(maker.generate_key(spec))


class PublishedKeys(Pyca):
    """`cryptography`, but its RSA keys are published ones: new ones would take seconds."""

    def generate_key(self, spec: str) -> SecretBytes:
        if spec.startswith("RSA_"):
            return SecretBytes(rsa_key(int(spec[4:])))
        return super().generate_key(spec)


def new_lab(store: str | None = None) -> Lab:
    clock = Clock.frozen(datetime(2026, 1, 5, 9, 0, tzinfo=UTC))
    return Lab(store=store, clock=clock, backends=(PublishedKeys(), pycryptodome))
