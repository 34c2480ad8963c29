"""Published cases, as the `cryptography-vectors` package has them, and keys from their numbers."""

import re
from functools import cache
from importlib.resources import files

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from kmslab.crypto.spki import _FORMS

PUBLISHED = files("cryptography_vectors")
Case = dict[str, str]

CURVES: dict[str, ec.EllipticCurve] = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}


@cache
def blocks(path: str, carry: tuple[str, ...] = ()) -> list[Case]:
    """A CAVS file's cases, each with the `[settings]` it stands under (the last is its `section`)
    and the values to `carry` along that blocks before it gave."""
    settings: Case = {}
    found = []
    text = PUBLISHED.joinpath(path).read_text("ascii")
    for block in re.split(r"\n\s*\n", text):
        for heading in re.findall(r"^\[(.*)\]\s*$", block, re.MULTILINE):
            settings |= {"section": heading}
            settings |= dict(re.findall(r"^(\w+) ?= ?(.*)$", heading))
        case = dict(re.findall(r"^(\w+) ?= ?(.*?)\s*$", block, re.MULTILINE))
        if case:
            found.append(settings | case | ({"FAIL": "yes"} if "\nFAIL" in block else {}))
        settings |= {name: case[name] for name in carry if name in case}
    return found


@cache
def records(path: str) -> list[Case]:
    """A KAT file's cases: a line each, the first of a case being its `count`."""
    found: list[Case] = []
    with PUBLISHED.joinpath(path).open("r", encoding="ascii") as lines:
        for line in lines:
            name, _, value = line.partition(" = ")
            if name == "count":
                found.append({})
            found[-1][name] = value.strip()
    return found


def unhex(case: Case, *names: str) -> list[bytes]:
    return [bytes.fromhex(case[name]) for name in names]


def numbers(case: Case, *names: str) -> list[int]:
    return [int(case[name], 16) for name in names]


@cache
def rsa_private(p: int, q: int, d: int, e: int) -> bytes:
    dp, dq, inverse = rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q)
    key = rsa.RSAPrivateNumbers(p, q, d, dp, dq, inverse, rsa.RSAPublicNumbers(e, p * q))
    return _pkcs8(key.private_key(unsafe_skip_rsa_key_validation=True))  # published


def rsa_public(n: int, e: int) -> bytes:
    """Written by hand, because invalid keys must be written, too."""
    modulus, exponent = _integer(n), _integer(e)
    inner = _tagged(0x03, b"\0" + _tagged(0x30, modulus + exponent))
    return _tagged(0x30, bytes.fromhex("300d06092a864886f70d0101010500") + inner)


def ec_private(spec: str, d: int) -> bytes:
    return _pkcs8(ec.derive_private_key(d, CURVES[spec]))


def ec_public(spec: str, x: int, y: int) -> bytes:
    """Written by hand, because invalid points must be written, too."""
    size = (CURVES[spec].key_size + 7) // 8
    return _FORMS[spec].head + x.to_bytes(size, "big") + y.to_bytes(size, "big")


def seeded(spec: str, seed: bytes) -> bytes:
    """A PKCS#8 key of a seed, as RFC 8410, 9881 and 9935 write it."""
    last = {"ML_DSA_44": "0311", "ML_DSA_65": "0312", "ML_DSA_87": "0313"}
    last |= {"ML_KEM_512": "0401", "ML_KEM_768": "0402", "ML_KEM_1024": "0403"}
    if spec not in last:
        return bytes.fromhex("302e020100300506032b657004220420") + seed
    choice = _tagged(0x04, _tagged(0x80, seed))
    name = bytes.fromhex("300b0609608648016503" + "04" + last[spec])
    return _tagged(0x30, bytes.fromhex("020100") + name + choice)


def _pkcs8(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:
        return bytes([tag, size]) + content
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content
