"""08-flood: parcels that cost nothing to make, and cost who has the private key the most."""

from secrets import randbelow
from typing import Any


def flood(public: Any, number: int) -> list[bytes]:  # an RSA public key, of `cryptography`
    modulus, length = public.public_numbers().n, public.key_size // 8
    return [randbelow(modulus).to_bytes(length) for _ in range(number)]
