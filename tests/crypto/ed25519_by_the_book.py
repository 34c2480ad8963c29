"""Ed25519 and Ed25519ph as RFC 8032 defines them: slow, plain, for public values only.

No library but PyCryptodome has Ed25519ph here, so that its signatures are checked with this.
"""

import hashlib

Point = tuple[int, int]

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493  # the base point's order
D = -121665 * pow(121666, -1, P) % P
IDENTITY: Point = (0, 1)
DOM = b"SigEd25519 no Ed25519 collisions"


def add(a: Point, b: Point) -> Point:
    """The addition law of the curve -x² + y² = 1 + d x² y² (§5.1)."""
    (x1, y1), (x2, y2) = a, b
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P)
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P)
    return x % P, y % P


def times(number: int, point: Point) -> Point:
    total = IDENTITY
    while number:
        if number & 1:
            total = add(total, point)
        point, number = add(point, point), number >> 1
    return total


def decode(encoded: bytes) -> Point | None:
    """§5.1.3: y with the sign of x in the highest bit; None if that is no point."""
    number = int.from_bytes(encoded, "little")
    y, sign = number & (2**255 - 1), number >> 255
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if y >= P or (x * x - square) % P or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else P - x), y


def encode(point: Point) -> bytes:
    x, y = point
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))


def challenge(r: bytes, public: bytes, message: bytes, prehash: bool = False) -> int:
    if prehash:
        message = hashlib.sha512(message).digest()
    dom = DOM + b"\1\0" if prehash else b""
    return int.from_bytes(hashlib.sha512(dom + r + public + message).digest(), "little") % L


def verifies(
    public: bytes, message: bytes, signature: bytes, prehash: bool = False, cofactor: int = 8
) -> bool:
    """§5.1.7: 8 S B = 8 R + 8 k A; with cofactor 1 the equation that is sufficient, not required.

    `message` is what is signed; `prehash` (Ed25519ph) hashes it first.
    """
    r, s = decode(signature[:32]), int.from_bytes(signature[32:], "little")
    a = decode(public)
    if len(signature) != 64 or r is None or a is None or s >= L or BASE is None:
        return False
    k = challenge(signature[:32], public, message, prehash)
    return times(cofactor * s, BASE) == add(times(cofactor, r), times(cofactor * k, a))
