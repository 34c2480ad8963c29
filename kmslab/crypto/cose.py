"""COSE_Sign1 (RFC 9052 §4.2) with ES384: a CBOR payload and one signature.

An attestation document is one. The signature covers the payload and says by which algorithm it was
made; the unprotected header is not signed, so it must be empty.
"""

from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)

from kmslab.crypto import cbor
from kmslab.crypto.backend import Forged, Malformed
from kmslab.crypto.message_types import MessageType
from kmslab.crypto.self_tested import proven

TAG = 18  # optional in front of a COSE_Sign1
ALGORITHM, ES384 = 1, -35  # header label 1 (RFC 9052 §3.1); RFC 9053 §2.1
PROTECTED = cbor.write({ALGORITHM: ES384})
HALF = 48  # bytes: r and s stand side by side, not in DER
ECDSA, SPEC = "ECDSA_SHA_384", "ECC_NIST_P384"


class Sign1(NamedTuple):
    """A message that was parsed and is not verified yet."""

    payload: bytes
    signature: bytes


def sign1(private: bytes, payload: bytes) -> bytes:
    """`private`: a P-384 key in PKCS#8. The result has no tag, as Nitro's has none."""
    message = _signed(payload)
    signature = proven(ECDSA, SPEC).sign(ECDSA, private, message, MessageType.RAW)
    raw = b"".join(each.to_bytes(HALF, "big") for each in decode_dss_signature(signature))
    return cbor.write([PROTECTED, {}, payload, raw])


def parse_sign1(message: bytes) -> Sign1:
    """Malformed if it is anything but a COSE_Sign1 by ES384."""
    found: Any = cbor.read(message)
    if isinstance(found, cbor.Tagged) and found.tag == TAG:
        found = found.value
    match found:
        case [bytes(protected), {**unprotected}, bytes(payload), bytes(signature)] if (
            protected == PROTECTED and not unprotected
        ):
            return Sign1(payload, signature)
    raise Malformed


def verify_sign1(message: Sign1, public: bytes) -> None:
    """Raises Forged unless the owner of this P-384 key signed the payload."""
    if len(message.signature) != 2 * HALF:
        raise Forged
    halves = message.signature[:HALF], message.signature[HALF:]
    signature = encode_dss_signature(*[int.from_bytes(half, "big") for half in halves])
    signed = _signed(message.payload)
    proven(ECDSA, SPEC).verify(ECDSA, public, signed, MessageType.RAW, signature)


def _signed(payload: bytes) -> bytes:
    """RFC 9052 §4.4: the Sig_structure, without external data."""
    return cbor.write(["Signature1", PROTECTED, b"", payload])
