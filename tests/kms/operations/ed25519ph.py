"""Verifies Ed25519ph by RFC 8032, §5.1.7, because only one library can.

Slow, and not in constant time: for public keys and tests only.
"""

from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # the order of B
D = -121665 * pow(121666, -1, P) % P
ROOT = pow(2, (P - 1) // 4, P)  # of -1

Point = tuple[int, int]


def verify(public: bytes, message: bytes, signature: bytes) -> bool:
    """`public` has 32 bytes and `signature` 64, as they are sent. The message is hashed here."""
    r, s = decode(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or s >= L:
        return False
    dom2 = b"SigEd25519 no Ed25519 collisions" + b"\1\0"  # prehashed, an empty context
    hashed = sha512(dom2 + signature[:32] + public + sha512(message).digest()).digest()
    k = int.from_bytes(hashed, "little")
    return times(s, B) == add(r, times(k % L, decode(public)))


def add(one: Point, two: Point) -> Point:
    (x1, y1), (x2, y2) = one, two
    t = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - t, -1, P)
    return x % P, y % P


def times(number: int, point: Point) -> Point:
    total = (0, 1)
    for bit in bin(number)[2:]:
        total = add(total, total)
        if bit == "1":
            total = add(total, point)
    return total


def decode(encoded: bytes) -> Point:
    number = int.from_bytes(encoded, "little")
    sign, y = number >> 255, number & (2**255 - 1)
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P:
        raise ValueError("no point of the curve")
    return (x if x & 1 == sign else P - x), y


B = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
