"""The key spec of a public key, from its SubjectPublicKeyInfo (RFC 5280) in DER.

DER has one way to write a key, so the first bytes and the length are enough. Rule: a public key is
accepted only in that form, with an uncompressed point; an RSA key with an exponent that FIPS 186-5
(§A.1.1) allows. The libraries check whether the point is on its curve.
"""

from dataclasses import dataclass

from kmslab.crypto.backend import Malformed


@dataclass(frozen=True, slots=True)
class _Form:
    head: bytes
    size: int


def _form(size: int, head: str) -> _Form:
    return _Form(bytes.fromhex(head), size)


_EC = "0607 2a8648ce3d0201"  # RFC 5480; the curve follows

_FORMS: dict[str, _Form] = {
    "ECC_NIST_P256": _form(91, f"3059 3013 {_EC} 0608 2a8648ce3d030107 034200 04"),
    "ECC_NIST_P384": _form(120, f"3076 3010 {_EC} 0605 2b81040022 036200 04"),
    "ECC_NIST_P521": _form(158, f"30819b 3010 {_EC} 0605 2b81040023 03818600 04"),
    "ECC_SECG_P256K1": _form(88, f"3056 3010 {_EC} 0605 2b8104000a 034200 04"),
    "ECC_NIST_EDWARDS25519": _form(44, "302a 3005 0603 2b6570 032100"),
    "ML_DSA_44": _form(1334, "30820532 300b 0609 608648016503040311 0382052100"),
    "ML_DSA_65": _form(1974, "308207b2 300b 0609 608648016503040312 038207a100"),
    "ML_DSA_87": _form(2614, "30820a32 300b 0609 608648016503040313 03820a2100"),
    "ML_KEM_512": _form(822, "30820332 300b 0609 608648016503040401 0382032100"),
    "ML_KEM_768": _form(1206, "308204b2 300b 0609 608648016503040402 038204a100"),
    "ML_KEM_1024": _form(1590, "30820632 300b 0609 608648016503040403 0382062100"),
}


_RSA = bytes.fromhex("300d 0609 2a864886f70d010101 0500")  # RFC 8017, appendix A.1
_RSA_HEAD = 33  # bytes before the modulus; every length there has two bytes of its own
_MODULI = {256: "RSA_2048", 384: "RSA_3072", 512: "RSA_4096"}  # by their bytes


def spec_of(public: bytes) -> str:
    """The key spec of a public key; Malformed if it has the form of no spec."""
    for spec, form in _FORMS.items():
        if len(public) == form.size and public.startswith(form.head):
            return spec
    for size, spec in _MODULI.items():
        if _is_rsa(public, size):
            return spec
    raise Malformed


def rsa_exponent(public: bytes) -> int:
    """The public exponent of a key that `spec_of` has recognised; 0 if it is not an RSA key."""
    if public[4 : 4 + len(_RSA)] != _RSA:
        return 0
    size = next(size for size, spec in _MODULI.items() if spec == spec_of(public))
    return int.from_bytes(public[_RSA_HEAD + size + 2 :], "big")


def has_long_exponent(public: bytes) -> bool:
    """Whether OpenSSL refuses this RSA key: over 3,072 bits it takes exponents of 64 bits or less.

    Only a key that was imported has such an exponent.
    """
    return len(public) > 550 and spec_of(public) == "RSA_4096" and rsa_exponent(public) >= 2**64


def _is_rsa(public: bytes, size: int) -> bool:
    """Whether these are the only bytes in which this modulus and exponent can be written.

    Each of the libraries would check only one of the modulus's first and last bit.
    """
    modulus, exponent = public[_RSA_HEAD:][:size], public[_RSA_HEAD + size + 2 :]
    if len(modulus) < size or not (modulus[0] & 0x80 and modulus[-1] & 1):
        return False
    number = int.from_bytes(exponent, "big")
    return is_exponent(number) and public == _written(modulus, number)


def is_exponent(number: int) -> bool:
    """Whether FIPS 186-5 (§A.1.1) allows it as an RSA public exponent."""
    return number & 1 == 1 and 2**16 < number < 2**256


def _written(modulus: bytes, exponent: int) -> bytes:
    """SubjectPublicKeyInfo of an RSA key (RFC 8017, appendix A.1.1)."""
    e = exponent.to_bytes(exponent.bit_length() // 8 + 1, "big")  # a first bit of 1 means negative
    numbers = _long(0x02, b"\0" + modulus) + bytes([0x02, len(e)]) + e
    return _long(0x30, _RSA + _long(0x03, b"\0" + _long(0x30, numbers)))


def _long(tag: int, content: bytes) -> bytes:
    """A DER value of 256 bytes or more."""
    return bytes([tag, 0x82]) + len(content).to_bytes(2, "big") + content


def compress(public: bytes) -> bytes:
    """A point of P-256 or P-384 by its x coordinate and the sign of y (SEC 1 §2.3.3)."""
    form = _FORMS[spec_of(public)]
    point = public[len(form.head) :]
    half = len(point) // 2
    return bytes([2 | point[-1] & 1]) + point[:half]


def check_compressed(spec: str, point: bytes) -> None:
    """Both libraries would also accept the longer forms of a point."""
    form = _FORMS[spec]
    if len(point) != 1 + (form.size - len(form.head)) // 2 or point[0] not in (2, 3):
        raise Malformed
