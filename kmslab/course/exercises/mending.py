"""06-mend: a box whose data key has leaked gets another data key.

What it asks: the data key that leaked opens nothing of what is kept from now on, and the new one
depends on nothing that the thief has or can try out.
"""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any

from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.stolen_laptop import lock, unlock
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.boxes import damaged
from kmslab.course.exercises.errors_come_out import check_lets_out, check_powers
from kmslab.course.exercises.left_behind import check_left, watched
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.exercises.sealing import COMES_AGAIN
from kmslab.course.exercises.searching import found_in
from kmslab.course.exercises.standing_still import started_again
from kmslab.crypto import Forged
from kmslab.kms.arn import Arn
from kmslab.kms.contract.errors import KMSError
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

HASHES = ("sha256", "sha512", "sha3_256", "blake2b", "blake2s")  # that a thief would try
# A new data key takes one of these: it comes from the KMS, or is encrypted by it.
MAKING = ["GenerateDataKey", "GenerateDataKeyWithoutPlaintext", "Encrypt", "ReEncrypt"]
MIN_VALUES = 12  # different bytes among 32; random ones have some thirty

NOT_A_PAIR = (
    "`mend` should give back two things, the encrypted data key and the box: `return …, …`. It "
    "gave back {}."
)
NOT_BYTES = "`mend` gave back {} and {}, and both should be bytes."
TURNED_ROUND = "`mend` gave back the box first. First the encrypted data key, then the box."
SAME_BOX = (
    "The box is the one that went in, and the thief's data key opens it as before. {}The data key "
    "has leaked, so it is the box that has to be made anew."
)
ROTATED = "The KMS key was rotated; that changes no box. "
REENCRYPTED = "The data key was encrypted anew; inside it is the same. "
SAME_DATA_KEY = (
    "The box is a new one, and the thief's data key opens it all the same. What was called is {}: "
    "that takes no data key out of use. The box needs another data key."
)
OTHER_KEY = (
    "The new data key is encrypted under the KMS key `{}…`. `mend` was given `{}…`: use that one."
)
SHUT = "The encrypted data key and the box that `mend` gave back do not fit together: {}."
OTHER_DATA = "The new box opens, and what comes out is not what was in the old one."
READABLE = "The thief reads it without any key: {} lies in what `mend` gave back{}."
GUESSED = (
    "`mend` was called twice for one and the same box, and both times the new data key was the "
    "same. What can be made again, the thief may make too. A fresh one differs each time."
)
HALF_LEAKED = (
    "A part of the new data key is a part of the one that leaked, so the thief knows that much of "
    "it already. A new data key has nothing of an old one in it."
)
PATTERN = (
    "The new data key and {} differ by a pattern of {} different bytes. With that little to try, "
    "the thief soon has it. A fresh data key has nothing to do with any other bytes."
)
COMPUTED = (
    "The new data key is {} of the one that leaked{}. The thief has that one, and tries all that "
    "can be made from it."
)
ONE_FOR_ALL = (
    "Of {} different boxes, {} got one and the same new data key. If that one leaks, it opens them "
    "all."
)
DAMAGE = (
    "{} of what lay on the disk, and `mend` gave back {} without an error. What is in there now, "
    "nobody has checked. Let the error come out."
)
STRANGE_BOX = (
    "The box lay under another KMS key than the one that `mend` was given, and `mend` gave back {} "
    "without an error. So a stranger's box passes for one of your own. Tell Decrypt which key you "
    "expect (`key.decrypt`)."
)


def check_mend(clinic: Clinic, mend: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key = fresh.key(lab)
    contents = [clinic.record(STOLEN), fresh.record(), clinic.scan]
    require_bodies([mend], key, *_sealed(key, contents[0])[1:])
    leaks = [(data, *_sealed(key, data)) for data in contents]
    chosen = [_mended(lab, mend, key, *each) for each in leaks]
    if (most := max(map(chosen.count, chosen))) > 1:
        raise Wrong(ONE_FOR_ALL.format(len(chosen), most))
    again = [_mended(lab, mend, key, *each) for each in leaks]
    if any(each in chosen for each in again):
        raise Wrong(GUESSED)
    for new, (_, leaked, *_) in zip([*chosen, *again], [*leaks, *leaks], strict=True):
        _check_underived(new, leaked)
    for new, other in combinations([*chosen, *again], 2):
        _check_pattern(new, other, "another new one")
    _, encrypted, box = _sealed(key, contents[0])
    for happened, spoiled in damaged((encrypted, box)):
        _check_refuses(mend, key, spoiled, DAMAGE.format(happened, "{}"))
    _, *strange = _sealed(fresh.key(lab), contents[0])
    _check_refuses(mend, key, strange, STRANGE_BOX)
    if len({_started_again(lab, mend, key, *leaks[0]) for _ in range(2)}) == 1:
        raise Wrong(COMES_AGAIN.format(mend.__name__))
    _check_lets_refusals_out(lab, mend, key, encrypted, box)
    return (
        "Each box has a new data key, and the one that leaked opens it no more. (The thief may "
        "have copied the old box, and what he has read he has read.)"
    )


def _check_refuses(mend: Function, key: CMK, given: Sequence[bytes], why: str) -> None:
    try:
        found = mend(key, *given)
    except Exception:
        return
    raise Wrong(why.format(_shown(found, given[1])))


def _check_lets_refusals_out(
    lab: Lab, mend: Function, key: CMK, encrypted: bytes, box: bytes
) -> None:
    """When the old data key does not come out; when no new one is made; and with the key off."""
    for operations in (["Decrypt"], MAKING):
        check_lets_out(
            lab, operations, mend, key, encrypted, box, shown=lambda found: _shown(found, box)
        )
    key.disable()
    with recorded(lab) as calls:
        error_of(mend, key, encrypted, box)
    check_powers(mend, calls)


def _shown(found: Any, box: bytes) -> str:
    pair = isinstance(found, list | tuple) and len(found) == 2
    if pair and found[1] == box:
        return "that box as it was"
    if pair and all(isinstance(part, bytes) and part for part in found):
        return "a new box"
    return f"`{found!r}`"


def _sealed(key: CMK, data: bytes) -> tuple[bytes, bytes, bytes]:
    """A data key that has leaked, its encrypted copy, and the box that it opens."""
    made = key.generate_data_key()
    return made.plaintext, made.encrypted, lock(data, made.plaintext)


def _started_again(lab: Lab, mend: Function, key: CMK, *leak: bytes) -> bytes:
    """The data key that `mend` makes when its program has just been started, as it always is."""
    with started_again([mend]) as (again,):
        return _mended(lab, again, key, *leak)


def _mended(
    lab: Lab, mend: Function, key: CMK, data: bytes, leaked: bytes, encrypted: bytes, box: bytes
) -> bytes:
    """The data key that opens what `mend` gave back."""
    with watched() as left, recorded(lab) as calls:
        pair = result_of(mend, key, encrypted, box)
    new_encrypted, new_box = _pair(pair)
    for what, secret in (("the data", data), ("the old data key", leaked)):
        if how := found_in([new_encrypted, new_box], secret):
            raise Wrong(READABLE.format(what, "" if how == "as it is" else f", {how}"))
    check_powers(mend, calls)
    _check_leaked(calls, leaked, box, new_box)
    new = _decrypted(key, new_encrypted, new_box)
    secrets = {"the data": data, "the new data key": new, "the old data key": leaked}
    check_left(mend.__name__, left, calls, secrets.items())
    if new != leaked and found_in(new, leaked):
        raise Wrong(HALF_LEAKED)
    if how := found_in([new_encrypted, new_box], new):
        raise Wrong(READABLE.format("the new data key", "" if how == "as it is" else f", {how}"))
    if _unlocked(new_box, new) != data:
        raise Wrong(OTHER_DATA)
    return new


def _check_underived(new: bytes, leaked: bytes) -> None:
    _check_pattern(new, leaked, "the one that leaked")
    _check_pattern(new, bytes(len(new)), "zeros")
    for name, more, guess in _guesses(leaked):
        if guess[: len(new)] == new:
            raise Wrong(COMPUTED.format(name, " and of one small number" if more else ""))


def _check_pattern(new: bytes, other: bytes, what: str) -> None:
    values = len({one ^ two for one, two in zip(new, other, strict=False)})
    if values < MIN_VALUES:
        raise Wrong(PATTERN.format(what, values))


def _guesses(leaked: bytes) -> Iterator[tuple[str, bytes, bytes]]:
    """What a thief tries: hashes of the leaked key, alone and with a small number at either end."""
    numbers = [written for n in range(256) for written in (bytes([n]), str(n).encode())]
    for name in HASHES:
        for more in (b"", *numbers):
            yield name, more, hashlib.new(name, leaked + more).digest()
            yield name, more, hashlib.new(name, more + leaked).digest()


def _pair(pair: Any) -> tuple[bytes, bytes]:
    if not isinstance(pair, list | tuple) or len(pair) != 2:
        shown = (
            f"{len(pair)} things"
            if isinstance(pair, list | tuple)
            else f"a value of type `{type(pair).__name__}`"
        )
        raise Wrong(NOT_A_PAIR.format(shown))
    if not all(isinstance(part, bytes) for part in pair):
        raise Wrong(NOT_BYTES.format(*(f"`{type(part).__name__}`" for part in pair)))
    return pair[0], pair[1]


def _check_leaked(calls: RecordedCalls, leaked: bytes, box: bytes, new_box: bytes) -> None:
    if new_box == box:
        if calls.of("RotateKeyOnDemand"):
            raise Wrong(SAME_BOX.format(ROTATED))
        raise Wrong(SAME_BOX.format(REENCRYPTED if calls.of("ReEncrypt", "Encrypt") else ""))
    try:
        unlock(new_box, leaked)
    except Forged:
        return
    names = ", ".join(f"`{name}`" for name in dict.fromkeys(calls.operations)) or "nothing"
    raise Wrong(SAME_DATA_KEY.format(names))


def _decrypted(key: CMK, encrypted: bytes, box: bytes) -> bytes:
    try:
        answer = key.lab.kms.decrypt(CiphertextBlob=encrypted)
    except KMSError as refusal:
        if error_of(key.decrypt, box) is None:
            raise Wrong(TURNED_ROUND) from None
        raise Wrong(SHUT.format(f"Decrypt answers `{refusal.code}`")) from None
    named = Arn.parse(answer["KeyId"]).name
    if named != key.id:
        raise Wrong(OTHER_KEY.format(named[:8], key.id[:8]))
    return bytes(answer["Plaintext"])


def _unlocked(box: bytes, data_key: bytes) -> bytes:
    try:
        return unlock(box, data_key)
    except (Forged, ValueError) as error:
        raise Wrong(SHUT.format(error)) from None
