"""Exercises of lesson 04: sign a report, check one without the KMS, forge one, refuse the forgery.

The checks hand over keys of other KMSs, other reports, and each thing that a forger may change.
"""

from collections.abc import Iterator
from functools import wraps
from hashlib import sha256
from secrets import SystemRandom
from typing import Any

from kmslab.course.clinic.clinic import STOLEN, Clinic, reports_key
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.forgeries import (
    MAX_MESSAGE,
    Paper,
    broken_keys,
    forgeries,
    signed,
    signing_key,
    verifies,
)
from kmslab.course.exercises.not_signatures import in_its_place
from kmslab.course.exercises.recording import recorded
from kmslab.course.exercises.verifiers import (
    GENUINE_REFUSED,
    check_accepts,
    check_in_any_order,
    check_not_accepted,
    check_refuses,
)
from kmslab.crypto import PublicKey
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

_random = SystemRandom()

# -------------------------------------------------------------------------------------- 04-sign

TOO_LONG = (
    "`{}` sent {:,} bytes, and Sign takes 4,096. The report has to stay at home: send what stands "
    "for it."
)
BY_ANOTHER_KEY = (
    "What `{}` gives back was signed by another key than the one that it was given as `key`."
)
OTHER_KMS = (
    "The check gave `{}` a key of another KMS, and it stopped with `{}`: this lab has no such key. "
    "Everything goes through the `key` that it is given."
)
NOT_BYTES_SENT = (
    "`{}` was refused with `SerializationException`: what it sent to Sign is not bytes. "
    "`sha256(…)` gives an object; `.digest()` of it gives the bytes."
)
TURNED_ON = (
    "The key was off, and `{}` turned it on again (EnableKey). Who turned it off had a reason: the "
    "refusal has to come out."
)
NO_ERROR = (
    "The key was turned off, and Sign refused. `{}` gave back {} all the same, as if it had "
    "signed. Let the error come out."
)


def check_sign(clinic: Clinic, sign_report: Function) -> str:
    key, record = _enabled(reports_key(clinic.lab)), clinic.record(STOLEN)
    require_bodies([sign_report], key, record)
    for report in _reports(clinic):
        _check_signature(sign_report, key, report, other=None)
    with Lab() as elsewhere:
        _check_signature(sign_report, signing_key(elsewhere), fresh.record(), other=key)
    another = signing_key(clinic.lab)
    _check_signature(sign_report, another, fresh.record(), other=key)
    another.disable()
    _check_error(clinic.lab, sign_report, another, record)
    return (
        "A line, 4,097 bytes or the whole table: each has its signature, by the key that was "
        "given, and that key may be in any KMS."
    )


def _reports(clinic: Clinic) -> tuple[bytes, ...]:
    exactly = clinic.table[:MAX_MESSAGE]
    return clinic.record(STOLEN), clinic.table, exactly, clinic.table[: MAX_MESSAGE + 1], b"R"


def _check_signature(sign_report: Function, key: CMK, report: bytes, other: CMK | None) -> None:
    """`other`: a key that the program was given before."""
    name, meanings = sign_report.__name__, dict[type[Exception], str]()
    if len(report) > MAX_MESSAGE:
        meanings[EXCEPTIONS["ValidationException"]] = TOO_LONG.format(name, len(report))
    meanings[EXCEPTIONS["SerializationException"]] = NOT_BYTES_SENT.format(name)
    for code in ("NotFoundException", "AccessDeniedException") if other else ():
        meanings[EXCEPTIONS[code]] = OTHER_KMS.format(name, code)
    made = result_of(sign_report, key, report, meanings=meanings)
    public = key.public_key()
    if isinstance(made, bytes) and verifies(public, report, made):
        return
    if other and isinstance(made, bytes) and verifies(other.public_key(), report, made):
        raise Wrong(BY_ANOTHER_KEY.format(name))
    raise Wrong(in_its_place(name, public, report, made))


def _check_error(lab: Lab, sign_report: Function, key: CMK, report: bytes) -> None:
    with recorded(lab) as calls:
        error = error_of(sign_report, key, report)
    if "EnableKey" in calls.operations:
        raise Wrong(TURNED_ON.format(sign_report.__name__))
    if error is not None:
        return
    made = sign_report(key, report)
    shown = "nothing (`None`)" if made is None else f"a `{type(made).__name__}`"
    raise Wrong(NO_ERROR.format(sign_report.__name__, shown))


# ----------------------------------------------------------------------------------- 04-genuine

IGNORES_PUBLIC_KEY = (
    "`{}` refuses what another clinic has signed, though it was given that clinic's public key. "
    "Does it use one of its own?"
)
NEW_CLINICS = 3
LONG_REPORT = "a genuine report of {:,} bytes"


def check_genuine(clinic: Clinic, is_genuine: Function) -> str:
    lab, key = clinic.lab, _enabled(reports_key(clinic.lab))
    ours = signed(key, clinic.record(STOLEN))
    require_bodies([is_genuine], ours.public, ours.report, ours.signature)
    check_accepts(lab, is_genuine, ours)
    with Lab() as elsewhere:
        theirs = signed(signing_key(elsewhere), fresh.record())
    check_accepts(lab, is_genuine, theirs, IGNORES_PUBLIC_KEY.format(is_genuine.__name__))
    table = signed(key, clinic.table)
    long = GENUINE_REFUSED.format(is_genuine.__name__, LONG_REPORT.format(len(clinic.table)))
    check_accepts(lab, is_genuine, table, long)
    forged = [*forgeries(key, ours, theirs, clinic.table)]
    later = _new_papers()
    check_in_any_order(
        lab, [(is_genuine, each) for each in forged], [(is_genuine, each) for each in later]
    )
    for paper in broken_keys(lab, ours):
        check_not_accepted(lab, is_genuine, paper)
    return (
        f"It says True to {3 + len(later)} genuine reports and to none of {len(forged)} forged "
        "ones, and no call was made. It needs a public key and a library."
    )


def _new_papers() -> list[Paper]:
    """Genuine reports of clinics that the program has not met yet."""
    papers = []
    for _ in range(NEW_CLINICS):
        with Lab() as elsewhere:
            papers.append(signed(signing_key(elsewhere), fresh.record()))
    return papers


def _enabled(key: CMK) -> CMK:
    if key.state is KeyState.PENDING_DELETION:
        key.cancel_deletion()
    if key.state is KeyState.DISABLED:
        key.enable()
    return key


# ------------------------------------------------------------------------------------- 04-forge

NOT_A_PAIR = (
    "`{}` should give back two things, `signature, public_key`: what Sign returned, and what "
    "`public_key()` returns. It gave back {}."
)
CLINICS_KEY_CALLED = (
    "`{}` called Sign with the clinic's own key. The forger can't: he is not one of the clinic's "
    "people. A key of his own he can have, in a KMS of his own."
)
CLINICS_PUBLIC_KEY = (
    "`{}` sends the clinic's public key along, and the signature does not fit it. The forger can "
    "choose what he sends: which public key fits *his* signature?"
)
DOES_NOT_FIT = (
    "Busan refuses what `{}` made: this signature, this public key and the report do not fit "
    "together."
)
CLINICS_KMS_CALLED = (
    "What `{}` made fits together, but it called {} in the clinic's own KMS. The forger is not one "
    "of the clinic's people and can call nothing there. `Lab()` makes a KMS of his own."
)
ONE_REPORT_ONLY = (
    "`{}` forges one report. It was asked for another one, and its signature does not fit that."
)


def check_forge(clinic: Clinic, forge: Function) -> str:
    lab, clinics = clinic.lab, _enabled(reports_key(clinic.lab))
    forged = clinic.record(STOLEN).replace(b"malignant", b"benign")
    require_bodies([forge], forged)
    for report, no in ((forged, DOES_NOT_FIT), (fresh.record(), ONE_REPORT_ONLY)):
        with recorded(lab) as calls:
            made = result_of(forge, report)
        if calls.on(clinics).of("Sign"):
            raise Wrong(CLINICS_KEY_CALLED.format(forge.__name__))
        signature, public = _pair(forge, made)
        if public == clinics.public_key():
            raise Wrong(CLINICS_PUBLIC_KEY.format(forge.__name__))
        if not verifies(public, report, signature):
            raise Wrong(no.format(forge.__name__))
        if called := list(dict.fromkeys(calls.operations)):
            raise Wrong(CLINICS_KMS_CALLED.format(forge.__name__, ", ".join(called)))
    return (
        "Report, signature and public key fit together, and the clinic has signed nothing. That "
        "they fit says that the owner of this key signed this report. It does not say who that is."
    )


def _pair(forge: Function, made: Any) -> tuple[bytes, PublicKey]:
    parts = made if isinstance(made, tuple | list) else [made]
    shown = ", ".join(f"a `{type(part).__name__}`" for part in parts) or "nothing"
    if len(parts) != 2 or not isinstance(parts[0], bytes):
        raise Wrong(NOT_A_PAIR.format(forge.__name__, shown))
    signature, public = parts
    if isinstance(public, bytes):
        public = PublicKey(public)
    if not isinstance(public, PublicKey):
        raise Wrong(NOT_A_PAIR.format(forge.__name__, shown))
    return signature, public


# ------------------------------------------------------------------------------- 04-fingerprint

DIGITS_CHANGED = 12  # of 64, besides the first and the last
RIGHT_REFUSED = (
    "The fingerprint is that of the public key, and the signature fits. `{}` says False. (The "
    "fingerprint is the SHA-256 of `public_key.der`, in 64 hexadecimal digits.)"
)
OTHER_CLINIC_REFUSED = (
    "Another clinic's report, with that clinic's public key and its fingerprint: all of it fits, "
    "and `{}` says False. Does it compare with a fingerprint of its own?"
)


def check_fingerprint(clinic: Clinic, is_from_clinic: Function) -> str:
    lab, key = clinic.lab, _enabled(reports_key(clinic.lab))
    ours = signed(key, clinic.record(STOLEN))
    with Lab() as elsewhere:
        theirs = signed(signing_key(elsewhere), fresh.record())
    known = {id(paper): sha256(paper.public.der).hexdigest() for paper in (ours, theirs)}
    arguments = (known[id(ours)], ours.public, ours.report, ours.signature)
    require_bodies([is_from_clinic], *arguments)
    for paper, no in ((ours, RIGHT_REFUSED), (theirs, OTHER_CLINIC_REFUSED)):
        told = _with_fingerprint(is_from_clinic, known[id(paper)])
        check_accepts(lab, told, paper, no.format(told.__name__))
    for what, fingerprint in _wrong_fingerprints(known[id(ours)], known[id(theirs)]):
        paper = Paper(ours.public, ours.report, ours.signature, what)
        check_refuses(lab, _with_fingerprint(is_from_clinic, fingerprint), paper)
    told = _with_fingerprint(is_from_clinic, known[id(ours)])
    forged = [(told, paper) for paper in forgeries(key, ours, theirs, clinic.table)]
    later = [
        (_with_fingerprint(is_from_clinic, sha256(paper.public.der).hexdigest()), paper)
        for paper in _new_papers()
    ]
    check_in_any_order(lab, forged, later)
    return (
        "The surgeon's 64 digits came by telephone, and they decide which public key is the right "
        "one. That key decides about the report."
    )


def _with_fingerprint(is_from_clinic: Function, fingerprint: str) -> Function:
    """The function with its first argument filled in, so that it can be called as `is_genuine`."""

    @wraps(is_from_clinic)
    def told(public: PublicKey, report: bytes, signature: bytes) -> Any:
        return is_from_clinic(fingerprint, public, report, signature)

    return told


def _wrong_fingerprints(right: str, other: str) -> Iterator[tuple[str, str]]:
    """Two long numbers that agree in their first digits look equal to somebody in a hurry."""
    yield "The fingerprint that she knows is another key's", other
    for at in (63, 0, *_random.sample(range(1, 63), DIGITS_CHANGED)):
        digit = "0" if right[at] != "0" else "1"
        what = f"The fingerprint that she knows differs in digit {at + 1} of 64"
        yield what, right[:at] + digit + right[at + 1 :]
    backwards = right[::-1]  # the same digits, and not the same number
    yield "The fingerprint that she knows has the same digits in another order", backwards
    yield "She has only the fingerprint's first 8 digits", right[:8]
    yield "She has no fingerprint", ""
