"""Reports of any length that only the clinic can sign, and that anybody can check without it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import wraps
from hashlib import sha256
from typing import Any

from kmslab.course.clinic.clinic import STOLEN, Clinic, reports_key
from kmslab.course.exercises.answers import Answer, Wrong, ask, need_written
from kmslab.crypto import Forged, Malformed, PublicKey, pyca
from kmslab.crypto.message_types import MessageType
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.specs import KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

Signed = tuple[bytes, bytes]  # a report and its signature

OTHER = "R-101"
DIGIT = (b"14.68", b"11.68")
MOST = 4096  # bytes that Sign takes
TOO_LONG = (
    "`{}` sent the whole table, and Sign takes 4,096 bytes. The table has to stay at home: send "
    "what stands for it."
)
TWICE = (
    "This is a signature of the report's hash, hashed once more: Sign took the hash for a message "
    "like any other. Tell it that it is a digest."
)
OPEN_HASH = (
    "What `{}` gives back is the report's hash. Whoever changes a digit computes a new one: that "
    "takes no key."
)
MAC = (
    "`{}` gives back 32 bytes, the length of a MAC. Whoever checks a MAC needs the secret that "
    "made it, and with that he can make one too."
)
FOREIGN = (
    "What `{}` gives back is no signature by `reports` of that report: whoever has the clinic's "
    "public key would refuse it. (Or did you run the lesson's first cell again? Then run those "
    "after it too.)"
)
ASKED = (
    "`genuine` called `{}`, and in Busan nobody can call the KMS. A public key and a library are "
    "enough."
)
REFUSES = (
    "`{}` says no to a genuine report. (Does it give back what a library's `verify` gave? "
    "PyCryptodome's is False when all is well.)"
)
RAISES = (
    "`{}` raised `{}` at a forged report. There will be others: catch that error and give back "
    "False."
)
NEITHER = "`{}` should give back True or False, and it gave back `{!r}`."
OWN_KEY = (
    "`{}` refuses what another clinic has signed, though it was given that clinic's public key. "
    "Does it use one of its own?"
)


def reports(clinic: Clinic, sign: Answer, genuine: Answer) -> str:
    lab, key = clinic.lab, reports_key(clinic.lab)
    if key.state is KeyState.DISABLED:
        key.enable()
    public, record = key.public_key(), clinic.record(STOLEN)
    need_written([sign, _tried_with(genuine, b"", public)], record)
    signed = [(each, _signature(sign, each, public)) for each in (record, clinic.table)]
    if not all(_accepts(lab, genuine, each, public) for each in signed):
        raise Wrong(REFUSES.format(genuine.__name__))
    for what, forged in _forgeries(clinic, *signed[0]).items():
        if not _refuses(lab, genuine, forged, public):
            raise Wrong(f"{what}, and `{genuine.__name__}` says yes.")
    theirs, their_public = _signed_elsewhere(clinic.record(OTHER))
    if not _accepts(lab, genuine, theirs, their_public):
        raise Wrong(OWN_KEY.format(genuine.__name__))
    return (
        "The clinic signs, everybody can check, and nobody was asked. A forger changed digits, "
        "signatures and keys, and got nothing through."
    )


def _tried_with(function: Answer, *more: Any) -> Answer:
    """The same function with its other arguments filled in, so that one trial fits both."""

    @wraps(function)
    def tried(report: bytes) -> Any:
        return function(report, *more)

    return tried


def _signature(sign: Answer, report: bytes, public: PublicKey) -> bytes:
    """What the clinic's program makes of the report, if it is this key's signature of it."""
    name, digest = sign.__name__, sha256(report).digest()
    meaning: dict[type[Exception], str] = {}
    if len(report) > MOST:
        meaning = {EXCEPTIONS["ValidationException"]: TOO_LONG.format(name)}
    made = ask(sign, report, meaning=meaning)
    if not isinstance(made, bytes):
        raise Wrong(f"`{name}` should give back bytes: the signature, as Sign made it.")
    if made == digest:
        raise Wrong(OPEN_HASH.format(name))
    if len(made) == len(digest):
        raise Wrong(MAC.format(name))
    if _fits(public, digest, made):
        raise Wrong(TWICE)
    if not _fits(public, report, made):
        raise Wrong(FOREIGN.format(name))
    return made


def _fits(public: PublicKey, message: bytes, signature: bytes) -> bool:
    with suppress(Forged, Malformed):
        pyca.verify("ECDSA_SHA_256", public.der, message, MessageType.RAW, signature)
        return True
    return False


@contextmanager
def _nobody_asked(lab: Lab) -> Iterator[None]:
    calls = len(lab.trail)
    try:
        yield
    finally:
        if called := list(lab.trail)[calls:]:
            raise Wrong(ASKED.format(called[0]["eventName"]))


def _accepts(lab: Lab, genuine: Answer, signed: Signed, public: PublicKey) -> bool:
    with _nobody_asked(lab):
        return _yes_or_no(genuine, ask(genuine, *signed, public))


def _refuses(lab: Lab, genuine: Answer, signed: Signed, public: PublicKey) -> bool:
    try:
        with _nobody_asked(lab):
            answer = genuine(*signed, public)
    except Wrong:
        raise
    except Exception as error:
        raise Wrong(RAISES.format(genuine.__name__, type(error).__name__)) from error
    return not _yes_or_no(genuine, answer)


def _yes_or_no(genuine: Answer, answer: Any) -> bool:
    if isinstance(answer, bool):
        return answer
    raise Wrong(NEITHER.format(genuine.__name__, answer))


def _forgeries(clinic: Clinic, report: bytes, signature: bytes) -> dict[str, Signed]:
    with Lab() as thiefs:
        his = _signer(thiefs).sign(report)
    return {
        "A digit was changed": (report.replace(*DIGIT), signature),
        "The signature is that of another report": (clinic.record(OTHER), signature),
        "The last byte of the signature is missing": (report, signature[:-1]),
        "The thief signed the report himself, with a key of his own": (report, his),
    }


def _signed_elsewhere(report: bytes) -> tuple[Signed, PublicKey]:
    with Lab() as elsewhere:
        key = _signer(elsewhere)
        return (report, key.sign(report)), key.public_key()


def _signer(lab: Lab) -> CMK:
    return lab.create_cmk(spec="ECC_NIST_P256", usage=KeyUsage.SIGN_VERIFY)
