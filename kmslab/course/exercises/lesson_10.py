"""Exercises of lesson 10: lock a letter of any length, exchange one, and lock under two keys."""

from collections.abc import Callable
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import fresh, letter_keys, letters
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.recording import recorded
from kmslab.course.outcome import outcome
from kmslab.kms.contract.specs import KeyUsage
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

SHORT = b"R-017: I operate on Friday at nine."


def check_letter(clinic: Clinic, lock_letter: Function, open_letter: Function) -> str:
    lab = clinic.lab
    _need_bodies((lock_letter, open_letter), [_letters_key(lab)])
    key, other = _rsa_key(lab), _rsa_key(lab)
    post = letters.Post(lab, (key,), lock_letter, open_letter)
    record = fresh.record()
    texts = [record, record, record * 3, clinic.table]
    locked = [letters.lock(post, text) for text in texts]
    opened = letters.check_opens(post, locked)
    letter_keys.check_keys(post, locked, opened)
    letter_keys.check_random(post, locked[2], opened[2])
    letter_keys.check_no_hash(post, locked[0], locked[1])
    letters.check_notices_damage(post, locked[2])
    for letter in locked[2:]:
        letters.check_uses_answers(post, letter)
    letters.check_one_opens(post, locked[2], [other])
    calls = "one call" if len(opened[-1]) == 1 else f"{len(opened[-1])} calls"
    return (
        f"Letters of 80 bytes and of 46,950, each by {calls} to Decrypt, and no call in Busan. "
        "Everybody who has the public key can lock; one key opens."
    )


def check_both(clinic: Clinic, lock_both: Function, open_both: Function) -> str:
    lab = clinic.lab
    _need_bodies((lock_both, open_both), [_letters_key(lab), _kem_key(lab)])
    keys, others = ((_rsa_key(lab), _kem_key(lab)) for _ in range(2))
    post = letters.Post(lab, keys, lock_both, open_both)
    record = fresh.record()
    locked = [letters.lock(post, text) for text in (record, record, record * 3, clinic.table)]
    opened = letters.check_opens(post, locked)
    letter_keys.check_keys(post, locked, opened)
    letter_keys.check_random(post, locked[2], opened[2])
    letter_keys.check_no_hash(post, locked[0], locked[1])
    letters.check_notices_damage(post, locked[2])
    letters.check_uses_answers(post, locked[2])
    letter_keys.check_one_is_not_enough(post, locked[2], opened[2])
    letter_keys.check_independent(post, locked[2])
    letters.check_one_opens(post, locked[2], others)
    return (
        "The thief broke RSA and read nothing; then he broke ML-KEM instead, and read nothing. He "
        "has to break both."
    )


# ----------------------------------------------------------------------------------- the thief

THIEF_CALLED = "`{}` called `{}`. The thief can't call the KMS. What does he have? The public key."
UNCHANGED = "`{}` gave back the letter that came in: the clinic reads what the surgeon wrote."
REFUSED = (
    "The clinic can't open what `{}` gave back ({}): Decrypt answers `{}`. A changed letter does "
    "not open. A new one does."
)
SAME_WORDS = "What `{}` gave back says the same as the surgeon's letter."
EMPTY = "What `{}` gave back opens, and says nothing at all. The clinic would notice that."
NOT_TEXT = (
    "What `{}` gave back opens, and what comes out is not text ({:,} bytes). The clinic would "
    "notice that; write words of your own."
)
OTHER_CLINICS_KEY = (
    "The check gave `{}` the public key of another clinic, and that clinic can't open the letter."
)
NOT_BYTES = "`{}` should give back the bytes that go on to the clinic. It gave back a `{}`."


def check_swap(clinic: Clinic, replace_letter: Function) -> str:
    lab, key = clinic.lab, _letters_key(clinic.lab)
    require_bodies([replace_letter], key.public_key(), key.encrypt(SHORT))
    said = [_exchanged(lab, replace_letter, key, SHORT, REFUSED)]
    with Lab() as elsewhere:
        other = _rsa_key(elsewhere)
        text = fresh.record()
        said.append(_exchanged(lab, replace_letter, other, text, OTHER_CLINICS_KEY))
    shown = said[0].decode("utf-8")
    return (
        f'The clinic reads: "{shown}" The thief has not read the surgeon\'s letter, and needed no '
        "more than the public key. A lock that everybody can close says nothing about the writer."
    )


def _exchanged(lab: Lab, function: Function, key: CMK, text: bytes, refused: str) -> bytes:
    """What the clinic reads in place of the surgeon's words."""
    name, letter, public = function.__name__, key.encrypt(text), key.public_key()
    with recorded(lab) as calls:
        try:
            made = result_of(function, public, bytes(letter))
        finally:
            if calls:
                raise Wrong(THIEF_CALLED.format(name, calls.operations[0]))
    if not isinstance(made, bytes):
        raise Wrong(NOT_BYTES.format(name, type(made).__name__))
    if made == letter:
        raise Wrong(UNCHANGED.format(name))
    if (answer := outcome(key.decrypt, made)) != "ok":
        raise Wrong(refused.format(name, f"{len(made):,} bytes", answer))
    found = key.decrypt(made)
    if found == text:
        raise Wrong(SAME_WORDS.format(name))
    if not found.strip():
        raise Wrong(EMPTY.format(name))
    try:
        found.decode("utf-8")
    except UnicodeDecodeError:
        raise Wrong(NOT_TEXT.format(name, len(found))) from None
    return found


# --------------------------------------------------------------------------------------- keys


def _need_bodies(functions: tuple[Function, Function], keys: list[CMK]) -> None:
    publics = [key.public_key() for key in keys]
    lock, open_ = functions
    require_bodies([_filled_in(lock, *publics, SHORT), _filled_in(open_, *keys, b"")])


def _filled_in(function: Function, *arguments: Any) -> Callable[[], Any]:
    def filled_in() -> Any:
        return function(*arguments)

    filled_in.__name__ = function.__name__
    return filled_in


def _letters_key(lab: Lab) -> CMK:
    """The lesson's own key, so that a check of an empty answer makes no RSA key."""
    key = lab.create_cmk("letters", spec="RSA_2048")
    key.enable()
    return key


def _rsa_key(lab: Lab) -> CMK:
    return fresh.key(lab, spec="RSA_2048")


def _kem_key(lab: Lab) -> CMK:
    return fresh.key(lab, spec="ML_KEM_768", usage=KeyUsage.ENCAPSULATE_DECAPSULATE)
