"""The key spec of a public key, from its SubjectPublicKeyInfo (RFC 5280) in DER.

DER has one way to write a key, so the first bytes and the length are enough. Rule: a public key is
accepted only in that form, with an uncompressed point and the exponent 65537. The libraries check
whether the point is on its curve.
"""

from dataclasses import dataclass

from kmslab.crypto.backend import Malformed


@dataclass(frozen=True, slots=True)
class _Form:
    head: bytes
    size: int
    tail: bytes = b""


def _form(size: int, head: str, tail: str = "") -> _Form:
    return _Form(bytes.fromhex(head), size, bytes.fromhex(tail))


_E = "02 03 010001"  # 65537, as an INTEGER
_RSA = "300d 0609 2a864886f70d010101 0500"  # RFC 8017, appendix A.1
_EC = "0607 2a8648ce3d0201"  # RFC 5480; the curve follows

_FORMS: dict[str, _Form] = {
    "RSA_2048": _form(294, f"30820122 {_RSA} 0382010f00 3082010a 0282010100", _E),
    "RSA_3072": _form(422, f"308201a2 {_RSA} 0382018f00 3082018a 0282018100", _E),
    "RSA_4096": _form(550, f"30820222 {_RSA} 0382020f00 3082020a 0282020100", _E),
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


def spec_of(public: bytes) -> str:
    """The key spec of a public key; Malformed if it has the form of no spec."""
    for spec, form in _FORMS.items():
        if len(public) == form.size and public.startswith(form.head) and public.endswith(form.tail):
            if form.tail and not _is_modulus(public[len(form.head) : -len(form.tail)]):
                break
            return spec
    raise Malformed


def _is_modulus(number: bytes) -> bool:
    """Full length, and odd. Each of the libraries checks only one of the two."""
    return bool(number[0] & 0x80 and number[-1] & 1)


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
