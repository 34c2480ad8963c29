"""Exercise 03-file: seal a file for its name, so that it opens in no other place."""

from collections.abc import Iterator
from itertools import chain, combinations
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh, mixing, opening, refusing, sealing
from kmslab.course.exercises.answers import Function, Wrong, require_bodies
from kmslab.course.exercises.boxes import exchanged, parts_of, with_part
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.course.outcome import outcome

RESERVED = "aws-crypto-"  # the Encryption SDK's own names in a context
NAMES = ("R-017.png", "R-101.png", "r-017.png", "R-017.png 2", "R-017.png")
MAX_MIXED = 4  # parts of a box that are mixed in each way
LIKE = ("{} ", "old/{}")  # other names that are easily taken for a file's own
NO_CONTEXT = (
    "`{}` sealed `{}`, and the KMS was not told: its call had no encryption context. The name has "
    "to go into the call, or the KMS can't insist on it."
)
ONE_CONTEXT_FOR_ALL = (
    "`{}` sealed `{}` and `{}` with the same context, {}. To the KMS the two files are one, and "
    "each can take the other's place."
)
CONTEXT_DIFFERS = (
    "`{0}` was refused its own file with InvalidCiphertextException: it gave Decrypt the context "
    "{2}, and `{1}` sealed the file with {3}."
)
CONTEXT_FROM_THE_BOX = (
    "The file of `{1}` was put in the place of `{2}`, and `{0}({2!r}, …)` opened it: it told "
    "Decrypt the context {3}. With that one the other file was sealed. What Decrypt is told has to "
    "follow from the name that was asked for, the argument. What lies in the box is the thief's "
    "choice."
)
SWAPPED_FILES = (
    "The file of `{1}` was put in the place of `{2}`, and `{0}({2!r}, …)` opened it as if it "
    "belonged there."
)
MIXED_FILES = (
    "Something of the file of `{1}` was left in its place, and the rest was exchanged for that of "
    "`{2}`. `{0}({1!r}, …)` gave back what is in `{2}`: the KMS checked the name with one "
    "encrypted key, and another one opened the box. Only the key that opens the box can bind it."
)
NAME_NOT_TOLD = (
    "`{}` sealed `{}` twice, and told the KMS {} and {}. Neither says which file that is, so the "
    "trail does not know it, and on another computer no program does."
)
RELABELLED = (
    "The name that lies in the box was changed from `{1}` to `{2}`, and `{0}({2!r}, …)` opened it. "
    "The thief can write names too; what he can't write is a blob."
)


def check_file(clinic: Clinic, seal_file: Function, unseal_file: Function) -> str:
    lab, record = clinic.lab, fresh.record()
    every_key.enable(lab)
    key, other = fresh.key(lab), fresh.key(lab)
    with recorded(lab) as before:
        require_bodies([seal_file, unseal_file], key, NAMES[0], record)
    every_key.disable(lab, but=key)
    pair = sealing.Pair(lab, key, seal_file, unseal_file)
    contents = (record, record, clinic.table, clinic.scan, record)
    files = [sealing.seal(pair, data, name) for name, data in zip(NAMES, contents, strict=True)]
    sealing.check_asks_for_each(pair, files, before)
    for file in files:
        sealing.check_hides(pair, file)
    _check_contexts(pair, files)
    keys = check_opens(pair, files)
    opening.check_key_for_each(files, keys)
    for file in files:
        strange = fresh.record().decode()[:5]
        for name in dict.fromkeys((*NAMES, strange, *(each.format(*file.named) for each in LIKE))):
            if name not in file.named:
                _check_refuses_under(pair, file, name)
    _check_refuses_mixed(pair, files[0], files[2])  # whose contents differ
    _check_names_the_file(pair, files)
    opening.check_notices_damage(pair, files[0])
    opening.check_uses_the_key(pair, files[0], files[1])
    opening.check_needs_the_key(pair, files[0], other)
    mixing.check_sealed_with_the_key(pair, files[0], files[2])
    mixing.check_after_a_restart(pair, files[0])
    sealing.check_fresh_keys(pair, files[0])
    refusing.check_lets_refusals_out(pair, files[0])
    return (
        "Five files under four names; each opens under its own and under no other. The trail says "
        "which file was asked for, and the thief can carry nothing to another place."
    )


def _context(file: sealing.Sealed) -> dict[str, str]:
    """What the KMS was told when it was asked for the file's data key."""
    return next(filter(None, _told(file.calls)), {})


def _told(calls: RecordedCalls) -> list[dict[str, str]]:
    """The calls' contexts, without the public key that a signed message adds."""
    contexts = [call.request.get("EncryptionContext") or {} for call in calls]
    return [
        {name: word for name, word in context.items() if not name.startswith(RESERVED)}
        for context in contexts
    ]


def _check_contexts(pair: sealing.Pair, files: list[sealing.Sealed]) -> None:
    name = pair.seal.__name__
    for number, file in enumerate(files):
        context = _context(file)
        if not context:
            raise Wrong(NO_CONTEXT.format(name, file.named[0]))
        for earlier in files[:number]:
            if _context(earlier) == context and earlier.named != file.named:
                names = earlier.named[0], file.named[0]
                raise Wrong(ONE_CONTEXT_FOR_ALL.format(name, *names, f"`{context}`"))


def _check_names_the_file(pair: sealing.Pair, files: list[sealing.Sealed]) -> None:
    """Contexts of the same name share a pair that those of other names lack."""
    first, *others, again = files
    of_others = {told for each in others for told in _context(each).items()}
    if not (_context(first).items() & _context(again).items()) - of_others:
        told = f"`{_context(first)}`", f"`{_context(again)}`"
        raise Wrong(NAME_NOT_TOLD.format(pair.seal.__name__, first.named[0], *told))


def check_opens(pair: sealing.Pair, files: list[sealing.Sealed]) -> list[set[bytes]]:
    """If it is refused for its context, say which one it gave."""
    seal_name, name = pair.names
    for file in files:
        try:
            with recorded(pair.lab) as calls:
                answer = outcome(pair.unseal, pair.key, *file.named, file.box)
        except Exception:
            break  # `opening.check_opens` says what went wrong
        told = _told(calls.of("Decrypt"))
        if answer == "InvalidCiphertextException" and told and told[-1] != _context(file):
            both = f"`{told[-1]}`", f"`{_context(file)}`"
            raise Wrong(CONTEXT_DIFFERS.format(name, seal_name, *both))
    return opening.check_opens(pair, files)


def _check_refuses_under(pair: sealing.Pair, file: sealing.Sealed, name: str) -> None:
    """The file lies where another one belongs."""
    tried = opening.attempt(pair, file.box, [name])
    if tried.found == file.data:
        from_the_box = _context(file) in _told(tried.calls.of("Decrypt"))
        message = CONTEXT_FROM_THE_BOX if from_the_box else SWAPPED_FILES
        names = pair.unseal.__name__, file.named[0], name
        raise Wrong(message.format(*names, f"`{_context(file)}`"))
    opening.check_loud(pair, f"`{file.named[0]}` lay in the place of `{name}`", tried)
    relabelled = exchanged(file.box, file.named[0].encode(), name.encode())
    if opening.attempt(pair, relabelled, [name]).found == file.data:
        raise Wrong(RELABELLED.format(pair.unseal.__name__, file.named[0], name))


def _check_refuses_mixed(pair: sealing.Pair, one: sealing.Sealed, two: sealing.Sealed) -> None:
    """Some of `two` lies in the place of `one`, beside what is left of `one`."""
    for box in _mixed(one, two):
        named = exchanged(box, two.named[0].encode(), one.named[0].encode())
        if any(opening.attempt(pair, each, one.named).found == two.data for each in (box, named)):
            names = pair.unseal.__name__, one.named[0], two.named[0]
            raise Wrong(MIXED_FILES.format(*names))


def _mixed(one: sealing.Sealed, two: sealing.Sealed) -> Iterator[Any]:
    """The box of `two` with some of its parts, or of its encrypted keys, taken from `one`."""
    parts, keys = parts_of(one.box), [*zip(two.calls.blobs, one.calls.blobs, strict=False)]
    for chosen in _choices(min(len(parts), len(parts_of(two.box)))):
        box = two.box
        for number in chosen:
            box = with_part(box, number, parts[number])
        yield box
    for chosen in _choices(len(keys)):
        box = two.box
        for number in chosen:
            box = exchanged(box, *keys[number])
        yield box


def _choices(number: int) -> Iterator[tuple[int, ...]]:
    """Each choice of some of so many things, at most the first four of them."""
    first = range(min(number, MAX_MIXED))
    return chain.from_iterable(combinations(first, size) for size in range(1, len(first) + 1))
