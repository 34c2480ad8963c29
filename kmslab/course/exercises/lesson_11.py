"""Lesson 11's checks: a blob forged for a lax module, and a test of modules."""

from collections.abc import Mapping
from functools import wraps
from random import SystemRandom
from typing import Any

from kmslab.course import faulty_modules as faulty
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    require_bodies,
    result_of,
    true_or_false,
)
from kmslab.crypto import Backend, Forged, SecretBytes, pyca, pycryptodome
from kmslab.kms.contract.errors import KMSError

NOT_BYTES = "`change_record` should give back a blob, as bytes, and it gave back a `{}`."
UNCHANGED = "`change_record` gave back the blob that it was given, unchanged."
REFUSED = (
    "Jiho's KMS refuses the blob that `change_record` gave back: `{}`. Ask `decrypt` before you "
    "give a blob back."
)
NOT_THE_BLOB = (
    "`change_record` gave back a record, as `decrypt` had answered it. Give back the blob that "
    "opened."
)
NOTHING_OPENED = (
    "`change_record` gave nothing back: it asked `decrypt`, and no blob with another record in it "
    "opened. The picture shows which byte of the tag Jiho's module compares."
)
SAME_RECORD = (
    "The blob that `change_record` gave back opens, and the record in it is the same as before: "
    "only the tag is another. Change a byte before the tag."
)


class NothingOpened(Exception):
    """`change_record` returned None, though it had asked `decrypt` about changed blobs."""


class Thief:
    """The learner's program in front of Jiho's KMS, with what `decrypt` answered it."""

    def __init__(self, change_record: Function) -> None:
        self.lax, self.answers, self.tries = faulty.lax_lab(), list[bytes](), 0
        self._change_record = change_record

    def decrypt(self, blob: bytes) -> bytes:
        self.tries += 1
        self.answers.append(b"")  # what stays if this is refused
        self.answers[-1] = self.lax.decrypt(blob)
        return self.answers[-1]

    def changed(self, blob: bytes, record: bytes) -> Any:
        @wraps(self._change_record)
        def change_record(blob: bytes, decrypt: Function) -> Any:
            changed = self._change_record(blob, decrypt)
            if changed is None and b"" in self.answers and not {*self.answers} - {b"", record}:
                raise NothingOpened
            return changed

        self.answers.clear()
        meanings: Mapping[type[Exception], str] = {NothingOpened: NOTHING_OPENED}
        return result_of(change_record, blob, self.decrypt, meanings=meanings)


def check_forge(clinic: Clinic, change_record: Function) -> str:
    thief = Thief(change_record)
    trial = thief.lax.create_cmk("trial").encrypt(b"trial")
    require_bodies([change_record], trial, thief.decrypt)
    thief.tries = 0
    for _ in range(2):
        _check_forged(thief, fresh.record())
    return (
        f"Two records were changed, with {thief.tries} calls to Decrypt in all, and without a key. "
        "This module compares 8 bits of the tag, so about one guess in 256 fits. If it compared "
        "all 16 bytes, one guess in 2¹²⁸ would."
    )


def _check_forged(thief: Thief, record: bytes) -> None:
    key = thief.lax.create_cmk()
    blob = key.encrypt(record)
    changed = thief.changed(blob, record)
    if not isinstance(changed, bytes | bytearray):
        raise Wrong(NOT_BYTES.format(type(changed).__name__))
    if changed == blob:
        raise Wrong(UNCHANGED)
    if changed and bytes(changed) in thief.answers:
        raise Wrong(NOT_THE_BLOB)
    try:
        opened = key.decrypt(bytes(changed))
    except KMSError as refusal:
        raise Wrong(REFUSED.format(refusal.code)) from refusal
    if opened == record:
        raise Wrong(SAME_RECORD)


# ------------------------------------------------------------------------------------------ passes

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
IN_ANOTHER_ORDER = (
    "The modules came a second time, in another order, and `passes` gave back `{}` for {}. The "
    "first time it had not."
)
LET_THROUGH = "`passes` gave back `True` for a module that {}."
REFUSED_WRONGLY = (
    "`passes` stopped with `Forged`: a module refused a box that was as it should be. That is a "
    "finding: catch `Forged` there, and give back `False`."
)
REFUSED_RIGHTLY = (
    "`passes` stopped with `Forged`: a module refused a box that was not as it should be. It was "
    "right to do so: catch `Forged` there, and go on."
)


class RefusedWrongly(Forged):
    """A box in order was refused."""


class RefusedRightly(Forged):
    """A box that was changed, or asked about with another key, nonce or `aad`."""


STOPPED: Mapping[type[Exception], str] = {
    RefusedWrongly: REFUSED_WRONGLY,
    RefusedRightly: REFUSED_RIGHTLY,
    Forged: "`passes` stopped with `Forged`: the reference refused a box.",
}


def check_passes(clinic: Clinic, passes: Function) -> str:
    require_bodies([passes], pyca, pycryptodome)
    asked: set[faulty.Question] = set()
    _check_sound(passes, asked)
    for fault, does in FAULTS.items():
        if _verdict(passes, fault(), pycryptodome):
            raise Wrong(LET_THROUGH.format(does))
    if _verdict(passes, faulty.ByHeart(asked), pycryptodome):
        raise Wrong(ASKED_AGAIN)
    _check_in_any_order(passes)
    return (
        f"Two sound modules passed, and {len(FAULTS) + 1} faulty ones did not. Four of those pass "
        "all the lab's self-tests. Now somebody should test your test with a fault that is new."
    )


def _check_in_any_order(passes: Function) -> None:
    """Again, in an order drawn at random: a verdict that was counted off shows."""
    mixed: list[tuple[Backend, str]] = [(fault(), does) for fault, does in FAULTS.items()]
    mixed += [(pyca, ""), (pycryptodome, ""), (pyca, ""), (pycryptodome, "")]
    SystemRandom().shuffle(mixed)
    for module, does in mixed:
        verdict = _verdict(passes, module, pycryptodome if module is not pycryptodome else pyca)
        if verdict and does:
            raise Wrong(IN_ANOTHER_ORDER.format(True, "a module that " + does))
        if not verdict and not does:
            raise Wrong(IN_ANOTHER_ORDER.format(False, "a sound module, " + module.NAME))


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
    return true_or_false(result_of(passes, *given, meanings=STOPPED), passes)


def _disguised(module: Backend, asked: set[faulty.Question]) -> Any:
    """The same module: neither its class nor its name tells which one it is."""

    class Module:
        NAME = "the module under test"

        def aes_gcm_seal(self, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
            asked.add(tuple(map(bytes, (key, iv, plaintext, aad))))
            return module.aes_gcm_seal(key, iv, plaintext, aad)

        def aes_gcm_open(self, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> SecretBytes:
            try:
                opened = module.aes_gcm_open(key, iv, sealed, aad)
            except Forged:
                raise _refusal(key, iv, sealed, aad) from None
            asked.add(tuple(map(bytes, (key, iv, opened, aad))))
            return opened

        def __getattr__(self, name: str) -> Any:
            value = getattr(module, name)
            return (lambda *given, **named: value(*given, **named)) if callable(value) else value

    return Module()


def _refusal(key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> Forged:
    try:
        pyca.aes_gcm_open(key, iv, sealed, aad)
    except Forged:
        return RefusedRightly()
    return RefusedWrongly()
