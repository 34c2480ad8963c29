"""Lesson 11's checks: a blob forged for a lax module, a test of modules, and who is validated."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from kmslab.course import faulty_modules as faulty
from kmslab.course.certificates import Certificate
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.crypto import Backend, Forged, SecretBytes, pyca, pycryptodome
from kmslab.kms.contract.errors import KMSError

NOT_BYTES = "`change_record` should give back a blob, as bytes, and it gave back a `{}`."
UNCHANGED = "`change_record` gave back the blob that it was given, unchanged."
REFUSED = (
    "The KMS with the lax module refuses the blob that `change_record` gave back: `{}`. Ask "
    "`decrypt` before you give a blob back."
)
SAME_RECORD = (
    "The blob that `change_record` gave back opens, and the record in it is the same as before: "
    "only the tag is another. Change a byte before the tag."
)


def check_forge(clinic: Clinic, change_record: Function) -> str:
    lax = faulty.lax_lab()

    def decrypt(blob: bytes) -> bytes:
        return lax.decrypt(blob)

    require_bodies([change_record], lax.create_cmk("trial").encrypt(b"trial"), decrypt)
    tries = 0
    for _ in range(2):
        key, record = lax.create_cmk(), fresh.record()
        blob, before = key.encrypt(record), len(lax.trail)
        changed = result_of(change_record, blob, decrypt)
        tries += len(lax.trail) - before
        if not isinstance(changed, bytes | bytearray):
            raise Wrong(NOT_BYTES.format(type(changed).__name__))
        if changed == blob:
            raise Wrong(UNCHANGED)
        try:
            opened = key.decrypt(bytes(changed))
        except KMSError as refusal:
            raise Wrong(REFUSED.format(refusal.code)) from refusal
        if opened == record:
            raise Wrong(SAME_RECORD)
    return (
        f"Two records were changed, with {tries} calls to Decrypt in all, and nobody knew a key. A "
        "tag of 16 bytes would take up to 2¹²⁸ tries a record. This module looks at 8 bits of it, "
        "so 256 are enough."
    )


# ------------------------------------------------------------------------------------------ passes

NOT_A_VERDICT = "`{}` should give back `True` or `False`, and it gave back {!r}."
SOUND_FAILS = (
    "`passes` gave back `False` for a sound module, {}. A test that "
    "refuses good modules keeps them from being used."
)
# What each faulty module does, and so what a test has to ask.
FAULTS: Mapping[type[Backend], str] = {
    faulty.OneBitWrong: "seals with one bit wrong: the last one of the tag",
    faulty.RefusesAll: "refuses all boxes, also those that it has just sealed",
    faulty.OpensWrongly: "opens its own boxes with one bit wrong in the plaintext",
    faulty.ComparesNothing: "opens a box whatever its tag is",
    faulty.FourBytesOnly: (
        "compares the first four bytes of a tag and no others. A bit that is flipped in byte 5 or "
        "a later one goes unnoticed"
    ),
    faulty.LastByteOnly: (
        "compares the last byte of a tag and no other. A bit that is flipped in another byte goes "
        "unnoticed"
    ),
    faulty.IgnoresAad: "seals and opens as if `aad` were empty",
    faulty.IgnoresIv: "takes the same nonce for each box, whatever `iv` it is given",
    faulty.StartOnly: (
        "encrypts the first 64 bytes and leaves the others readable. A record of the clinic has "
        "some 80"
    ),
    faulty.ByHeart: (
        "knows the published answers by heart and leaves everything else unencrypted. Ask it "
        "something that is written nowhere"
    ),
}
ASKED_AGAIN = (
    "`passes` gave back `True` for a module that had learnt by heart what `passes` asked another "
    "module before. Ask fresh questions each time."
)
LET_THROUGH = "`passes` gave back `True` for a module that {}."
FORGED = (
    "`passes` stopped with `Forged`: a module refused what it should have opened. That is a "
    "finding: give back `False`."
)


def check_passes(clinic: Clinic, passes: Function) -> str:
    require_bodies([passes], pyca, pycryptodome)
    asked: set[faulty.Question] = set()
    _check_sound(passes, asked)
    for fault, does in FAULTS.items():
        if _verdict(passes, fault(), pycryptodome):
            raise Wrong(LET_THROUGH.format(does))
    if _verdict(passes, faulty.ByHeart(asked), pycryptodome):
        raise Wrong(ASKED_AGAIN)
    _check_sound(passes, asked)
    return (
        f"Two sound modules passed, and {len(FAULTS) + 1} faulty ones did not. Four of those pass "
        "all the lab's self-tests. Now somebody should test your test with a fault that is new."
    )


def _check_sound(passes: Function, asked: set[faulty.Question]) -> None:
    """Notes what was asked, in a form that `faulty.ByHeart` takes."""
    for module, reference in ((pyca, pycryptodome), (pycryptodome, pyca)):
        if not _verdict(passes, module, reference, asked):
            raise Wrong(SOUND_FAILS.format(module.NAME))


def _verdict(
    passes: Function,
    module: Backend,
    reference: Backend,
    asked: set[faulty.Question] | None = None,
) -> bool:
    given = (_disguised(module, set() if asked is None else asked), reference)
    return _true_or_false(result_of(passes, *given, meanings={Forged: FORGED}), passes)


def _disguised(module: Backend, asked: set[faulty.Question]) -> Any:
    """The same module: neither its class nor its name tells which one it is."""

    class Module:
        NAME = "the module under test"

        def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
            asked.add(tuple(map(bytes, (key, iv, plaintext, aad))))
            return module.aes_gcm_seal(key, iv, plaintext, aad)

        def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
            opened = module.aes_gcm_open(key, iv, sealed, aad)
            asked.add(tuple(map(bytes, (key, iv, opened, aad))))
            return opened

        def __getattr__(self, name: str) -> Any:
            return getattr(module, name)

    return Module()


def _true_or_false(answer: Any, function: Function) -> bool:
    if not isinstance(answer, bool):
        raise Wrong(NOT_A_VERDICT.format(function.__name__, answer))
    return answer


# --------------------------------------------------------------------------------------- validated

SAYS_NO = "`validated` gave back `False` {}."
SAYS_YES = "`validated` gave back `True` {}."
DAY = timedelta(days=1)
Change = Callable[[Certificate], Mapping[str, object]]  # of the arguments after the certificate
IN_FORCE: Mapping[str, Change] = {
    "on a day between the two days of the certificate, for its own module and version": (
        lambda certificate: {}
    ),
    "on the certificate's first day": lambda certificate: {"day": certificate.since},
    "on the certificate's last day, which counts": lambda certificate: {"day": certificate.until},
}
NOT_IN_FORCE: Mapping[str, Change] = {
    "for another module, whose version has the same number": (
        lambda certificate: {"name": certificate.module + " Lite"}
    ),
    "for the next version of the module, which no laboratory has seen": (
        lambda certificate: {"version": certificate.version + ".1"}
    ),
    "for an older version of the module": lambda certificate: {"version": "1.0"},
    "for the right version, run in a mode that the certificate does not cover": (
        lambda certificate: {"approved": False}
    ),
    "on the day before the certificate was given": (
        lambda certificate: {"day": certificate.since - DAY}
    ),
    "on the day after the certificate became historical": (
        lambda certificate: {"day": certificate.until + DAY}
    ),
}
CERTIFICATES = (
    Certificate("Seoul Vault", "4.2", "FIPS 140-3", 3, date(2025, 3, 3), date(2030, 3, 2)),
    Certificate("Han River", "12.0.7", "FIPS 140-2", 2, date(2021, 9, 1), date(2026, 9, 21)),
)


def check_validated(clinic: Clinic, validated: Function) -> str:
    require_bodies([validated], CERTIFICATES[0], "Seoul Vault", "4.2", True, date(2026, 1, 5))
    for certificate in CERTIFICATES:
        for circumstances, change in IN_FORCE.items():
            if not _says(validated, certificate, change):
                raise Wrong(SAYS_NO.format(circumstances))
        for circumstances, change in NOT_IN_FORCE.items():
            if _says(validated, certificate, change):
                raise Wrong(SAYS_YES.format(circumstances))
    renewed = replace(CERTIFICATES[0], module="Cuckoo", version="0.9")
    if not _says(validated, renewed, lambda certificate: {}):
        raise Wrong(SAYS_NO.format("for a certificate that it had not met before"))
    return (
        "One module, one version, in the mode that was tested, while the certificate is active. "
        "That something uses the same algorithm is not among the conditions."
    )


def _says(validated: Function, certificate: Certificate, change: Change) -> bool:
    given: dict[str, object] = {
        "name": certificate.module,
        "version": certificate.version,
        "approved": True,
        "day": certificate.since + (certificate.until - certificate.since) / 2,
    }
    given |= change(certificate)
    return _true_or_false(result_of(validated, certificate, *given.values()), validated)
