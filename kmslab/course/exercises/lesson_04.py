"""Exercise 04-reports: sign reports of any length, and verify them without the KMS."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from hashlib import sha256
from typing import Any

from kmslab.course.clinic.clinic import STOLEN, Clinic, reports_key
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.crypto import Forged, Malformed, PublicKey, pyca
from kmslab.crypto.message_types import MessageType
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.specs import KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

SignedReport = tuple[bytes, bytes]  # a report and its signature

OTHER = "R-101"
DIGIT = (b"14.68", b"11.68")
MAX_MESSAGE = 4096  # bytes that Sign takes
TABLE_SENT_TO_KMS = (
    "`{}` sent the whole table, and Sign takes 4,096 bytes. The table has to stay at home: send "
    "what stands for it."
)
HASHED_TWICE = (
    "This is a signature of the report's hash, hashed once more: Sign took the hash for a message "
    "like any other. Tell it that it is a digest."
)
HASH_NOT_SIGNED = (
    "What `{}` gives back is the report's hash. Whoever changes a digit computes a new one: that "
    "takes no key."
)
MAC_NOT_SIGNATURE = (
    "`{}` gives back 32 bytes, the length of a MAC. Whoever checks a MAC needs the secret that "
    "made it, and with that he can make one too."
)
NOT_BY_REPORTS = (
    "What `{}` gives back is not a signature of that report by `reports`: with the clinic's public "
    "key anybody would refuse it. (Or did you run the lesson's first cell again? Then run those "
    "after it too.)"
)
KMS_CALLED = (
    "`genuine` called `{}`, and in Busan nobody can call the KMS. A public key and a library are "
    "enough."
)
GENUINE_REFUSED = (
    "`{}` says no to a genuine report. (Does it give back what a library's `verify` gave? "
    "PyCryptodome's is False when all is well.)"
)
RAISES_AT_FORGERY = (
    "`{}` raised `{}` at a forged report. There will be others: catch that error and give back "
    "False."
)
NOT_A_BOOL = "`{}` should give back True or False, and it gave back `{!r}`."
IGNORES_PUBLIC_KEY = (
    "`{}` refuses what another clinic has signed, though it was given that clinic's public key. "
    "Does it use one of its own?"
)


def check_reports(clinic: Clinic, sign_report: Function, genuine: Function) -> str:
    lab, key = clinic.lab, reports_key(clinic.lab)
    if key.state is KeyState.DISABLED:
        key.enable()
    public, record = key.public_key(), clinic.record(STOLEN)
    require_bodies([sign_report, _with_arguments(genuine, b"", public)], record)
    signed = [(each, _signature(sign_report, each, public)) for each in (record, clinic.table)]
    if not all(_accepts(lab, genuine, each, public) for each in signed):
        raise Wrong(GENUINE_REFUSED.format(genuine.__name__))
    for what, forged in _forgeries(clinic, *signed[0]).items():
        if not _refuses(lab, genuine, forged, public):
            raise Wrong(f"{what}, and `{genuine.__name__}` says yes.")
    theirs, their_public = _signed_elsewhere(clinic.record(OTHER))
    if not _accepts(lab, genuine, theirs, their_public):
        raise Wrong(IGNORES_PUBLIC_KEY.format(genuine.__name__))
    return (
        "The clinic signs, everybody can check, and nobody was asked. A forger changed digits, "
        "signatures and keys, and got nothing through."
    )


def _with_arguments(function: Function, *more: Any) -> Function:
    """The function with its other arguments filled in, so that both take a report alone."""

    @wraps(function)
    def filled_in(report: bytes) -> Any:
        return function(report, *more)

    return filled_in


def _signature(sign_report: Function, report: bytes, public: PublicKey) -> bytes:
    """What the clinic's program returns for the report, if it is this key's signature of it."""
    name, digest = sign_report.__name__, sha256(report).digest()
    meanings: dict[type[Exception], str] = {}
    if len(report) > MAX_MESSAGE:
        meanings = {EXCEPTIONS["ValidationException"]: TABLE_SENT_TO_KMS.format(name)}
    made = result_of(sign_report, report, meanings=meanings)
    if not isinstance(made, bytes):
        raise Wrong(f"`{name}` should give back bytes: the signature, as Sign made it.")
    if made == digest:
        raise Wrong(HASH_NOT_SIGNED.format(name))
    if len(made) == len(digest):
        raise Wrong(MAC_NOT_SIGNATURE.format(name))
    if _is_valid(public, digest, made):
        raise Wrong(HASHED_TWICE)
    if not _is_valid(public, report, made):
        raise Wrong(NOT_BY_REPORTS.format(name))
    return made


def _is_valid(public: PublicKey, message: bytes, signature: bytes) -> bool:
    with suppress(Forged, Malformed):
        pyca.verify("ECDSA_SHA_256", public.der, message, MessageType.RAW, signature)
        return True
    return False


@contextmanager
def _no_kms_call(lab: Lab) -> Iterator[None]:
    calls_before = len(lab.trail)
    try:
        yield
    finally:
        if calls := list(lab.trail)[calls_before:]:
            raise Wrong(KMS_CALLED.format(calls[0]["eventName"]))


def _accepts(lab: Lab, genuine: Function, signed: SignedReport, public: PublicKey) -> bool:
    with _no_kms_call(lab):
        return _checked_bool(genuine, result_of(genuine, *signed, public))


def _refuses(lab: Lab, genuine: Function, signed: SignedReport, public: PublicKey) -> bool:
    try:
        with _no_kms_call(lab):
            answer = genuine(*signed, public)
    except Wrong:
        raise
    except Exception as error:
        raise Wrong(RAISES_AT_FORGERY.format(genuine.__name__, type(error).__name__)) from error
    return not _checked_bool(genuine, answer)


def _checked_bool(genuine: Function, answer: Any) -> bool:
    if isinstance(answer, bool):
        return answer
    raise Wrong(NOT_A_BOOL.format(genuine.__name__, answer))


def _forgeries(clinic: Clinic, report: bytes, signature: bytes) -> dict[str, SignedReport]:
    with Lab() as thiefs_lab:
        thiefs_signature = _signing_key(thiefs_lab).sign(report)
    return {
        "A digit was changed": (report.replace(*DIGIT), signature),
        "The signature is that of another report": (clinic.record(OTHER), signature),
        "The last byte of the signature is missing": (report, signature[:-1]),
        "The thief signed the report himself, with a key of his own": (report, thiefs_signature),
    }


def _signed_elsewhere(report: bytes) -> tuple[SignedReport, PublicKey]:
    with Lab() as other_lab:
        key = _signing_key(other_lab)
        return (report, key.sign(report)), key.public_key()


def _signing_key(lab: Lab) -> CMK:
    return lab.create_cmk(spec="ECC_NIST_P256", usage=KeyUsage.SIGN_VERIFY)
