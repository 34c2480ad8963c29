"""Key material in a seed: `{hex: …}`, `{base64: …}` or `{pem: …}`.

For a symmetric or HMAC key it is raw bytes; for an asymmetric key a private key, in PEM or PKCS#8
DER.
"""

import binascii
from base64 import b64decode
from collections.abc import Callable

from kmslab.crypto import Malformed, SecretBytes, private_key_of_number, read_private_key
from kmslab.kms.contract.specs import KEY_SPECS, SYMMETRIC_DEFAULT
from kmslab.lab.seeding.nodes import Node

# The curve of a private number of so many bytes, if a file does not say which.
CURVE_OF_SIZE = {32: "ECC_NIST_P256", 48: "ECC_NIST_P384", 66: "ECC_NIST_P521"}
NO_KEY = (
    "this is not the private key of a KMS key: RSA (2048, 3072 or 4096 bits, an exponent from "
    "65537 on), one of AWS KMS's curves, ML-DSA or ML-KEM, as PEM or PKCS#8 DER, not encrypted."
)


def _hex(text: str) -> bytes:
    return bytes.fromhex("".join(text.split()).removeprefix("0x"))


def _base64(text: str) -> bytes:
    return b64decode("".join(text.split()), validate=True)


FORMS: dict[str, Callable[[str], bytes]] = {"hex": _hex, "base64": _base64, "pem": str.encode}


def materials(node: Node) -> list[SecretBytes]:
    """One piece of material, or a list: that before each rotation, the oldest first."""
    found = [_one(each) for each in (node.items() if isinstance(node.content, list) else [node])]
    return once(found, node)


def once(found: list[SecretBytes], node: Node) -> list[SecretBytes]:
    if len(set(found)) < len(found):
        node.wrong("the same key material stands here twice.")
    return found


def _one(node: Node) -> SecretBytes:
    found = node.members(*FORMS)
    if len(found) != 1:
        node.wrong("key material is given as one of hex, base64 and pem.")
    [(form, value)] = found.items()
    return decoded(form, value)


def decoded(form: str, node: Node) -> SecretBytes:
    try:
        return SecretBytes(FORMS[form](node.text()))
    except (ValueError, binascii.Error):
        node.wrong(f"this is not written in {form}.")


def number_as_key(spec: str, written: SecretBytes) -> SecretBytes:
    """A curve's private number as a private key in DER; other bytes are one already (RFC 5915)."""
    curve = spec or CURVE_OF_SIZE.get(len(written), "")
    try:
        return private_key_of_number(curve, written)
    except Malformed:
        return written


def settled(spec: str, known: list[SecretBytes], node: Node) -> tuple[str, list[SecretBytes]]:
    """The key spec, which a private key may determine, and the material in the HSM's format."""
    if (spec in KEY_SPECS and KEY_SPECS[spec].size) or not known:
        return spec or SYMMETRIC_DEFAULT, known
    if not spec and all(len(each) == KEY_SPECS[SYMMETRIC_DEFAULT].size for each in known):
        return SYMMETRIC_DEFAULT, known
    if len(known) > 1:
        node.wrong("an asymmetric key never rotates, so it has only one key material.")
    try:
        found, private = read_private_key(known[0])
    except Malformed:
        node.wrong(NO_KEY)
    if not (spec or found):
        node.wrong("the key spec cannot be read from this private key. Add spec: to the key.")
    if spec and found and spec != found:
        node.wrong(f"this is a private key of spec {found}, but the key's spec is {spec}.")
    return spec or found, [private]
