"""What a forger may hand over as a signed report: each kind once, with words for what was done."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from secrets import token_bytes

from kmslab.course.exercises import fresh
from kmslab.course.exercises.boxes import flipped
from kmslab.crypto import Forged, Malformed, PublicKey, pyca
from kmslab.crypto.message_types import MessageType
from kmslab.kms.contract.specs import KeyUsage
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

DIGIT = (b"14.68", b"11.68")
MAX_MESSAGE = 4096  # bytes that Sign takes


@dataclass(frozen=True, slots=True)
class Paper:
    """What reaches Busan. `what` says what somebody has done to it."""

    public: PublicKey
    report: bytes
    signature: bytes
    what: str = ""


def verifies(public: PublicKey, message: bytes, signature: bytes) -> bool:
    """True if it is an ECDSA signature of the message, in DER, by this key's private half."""
    with suppress(Forged, Malformed):
        pyca.verify("ECDSA_SHA_256", public.der, message, MessageType.RAW, signature)
        return True
    return False


def signing_key(lab: View) -> CMK:
    return fresh.key(lab, spec="ECC_NIST_P256", usage=KeyUsage.SIGN_VERIFY)


def signed(key: CMK, report: bytes) -> Paper:
    signature = key.sign(sha256(report).digest(), message_type=MessageType.DIGEST)
    return Paper(key.public_key(), report, signature)


def forgeries(key: CMK, ours: Paper, theirs: Paper, table: bytes) -> Iterator[Paper]:
    """All that a forger may have done to a genuine report, one thing at a time.

    `ours`: by this key; `theirs`: by another clinic's; `table`: a report that Sign does not take.
    """
    with Lab() as thiefs_lab:
        thiefs = signed(signing_key(thiefs_lab), ours.report)
    other = signed(key, fresh.record())
    hashed = key.sign(sha256(ours.report).digest())
    for what, report in _changed_reports(ours.report):
        yield Paper(ours.public, report, ours.signature, what)
    changed = {
        "The signature is that of another report": other.signature,
        "The thief signed the report himself, with a key of his own": thiefs.signature,
        "The signature is one of the report's hash, which was hashed once more": hashed,
        "The signature says that r and s are zero": bytes.fromhex("3006020100020100"),
        "The signature is empty": b"",
        "The signature is 72 random bytes": token_bytes(72),
        "The last byte of the signature is missing": ours.signature[:-1],
        "A byte was appended to the signature": ours.signature + b"\0",
    }
    for what, signature in changed.items():
        yield Paper(ours.public, ours.report, signature, what)
    for signature in flipped(ours.signature):
        yield Paper(ours.public, ours.report, signature, "One bit of the signature was flipped")
    for public in (theirs.public, thiefs.public):
        what = "Somebody else's public key was handed over with the clinic's report"
        yield Paper(public, ours.report, ours.signature, what)
    what = "The clinic's public key was handed over with another clinic's report"
    yield Paper(ours.public, theirs.report, theirs.signature, what)
    for size in (len(table.partition(b"\n")[0]), MAX_MESSAGE):
        what = f"The signature is that of the report's first {size:,} bytes"
        yield Paper(ours.public, table, signed(key, table[:size]).signature, what)


def _changed_reports(report: bytes) -> Iterator[tuple[str, bytes]]:
    yield "A digit was changed", report.replace(*DIGIT)
    for changed in flipped(report):
        yield "One bit of the report was flipped", changed
    for more in (b"0", b" ", b"\n", b"\0", b"\n" + report):
        yield "Something was written behind the report", report + more
        yield "Something was written before the report", more + report
    for size in (len(report) - 1, len(report) // 2, 1, 0):
        yield "The report was cut short", report[:size]
    yield "The report was written in small letters", report.lower()
    yield "The report's hash was handed over in place of the report", sha256(report).digest()


def broken_keys(lab: View, ours: Paper) -> Iterator[Paper]:
    """Public keys with which a library may stop in its own way."""
    signs_otherwise = fresh.key(lab, spec="ECC_NIST_EDWARDS25519", usage=KeyUsage.SIGN_VERIFY)
    broken = {
        "The public key is 91 bytes of nonsense": PublicKey(token_bytes(91)),
        "The last byte of the public key is missing": PublicKey(ours.public.der[:-1]),
        "The public key is one for Ed25519": signs_otherwise.public_key(),
    }
    for what, public in broken.items():
        yield Paper(public, ours.report, ours.signature, what)
