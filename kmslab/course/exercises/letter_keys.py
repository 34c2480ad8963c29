"""Tries the keys of letters that a learner's function locked: are they fresh, secret, needed?"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import combinations, permutations, product
from typing import Any

from kmslab.course.clinic.stolen_laptop import unlock
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import Wrong
from kmslab.course.exercises.boxes import exchanged, parts_of
from kmslab.course.exercises.left_behind import check_left
from kmslab.course.exercises.letters import Letter, Post, lock, opened
from kmslab.course.exercises.recording import BLOBS, RecordedCalls
from kmslab.course.exercises.searching import found_in, made_from_data_alone
from kmslab.course.exercises.standing_still import started_again
from kmslab.crypto import Forged
from kmslab.crypto.backend import AES_256_KEY
from kmslab.crypto.public import PublicKey
from kmslab.kms.contract.errors import KMSError

NO_CALLS = RecordedCalls()  # who locks a letter has no KMS
MIN_KEY = 16  # bytes
MAX_SEARCHED = 1024  # bytes of a letter, or of a part, in which a key is looked for
SIZES = {"Decrypt": 256, "Decapsulate": 1088}  # bytes that RSA_2048 and ML_KEM_768 take
MIN_DIFFERENT = 16  # bytes in a key of 32; random ones have some 30

SAME_BYTES = (
    "The same letter, locked twice, gave the same bytes. A thief who guesses a letter locks his "
    "guess with the public key, and compares."
)
MASKED_KEY = (
    "The key that opens the letter travels with it, mixed with the same bytes each time (exclusive "
    "or). A thief who learns one key has them all."
)
SHORT_KEY = (
    "{} answered with {} bytes, and all of a letter's secrecy hangs on them. So short a key is "
    "found by trying all. `token_bytes(32)` makes one of 32."
)
KEY_IN_CLEAR = "The key that opens the letter travels with it{}. The thief needs no KMS."
SAME_KEY = (
    "Two different letters came with one and the same secret, as the KMS's answers show. Who gets "
    "it from one letter has it for the other."
)
KEY_FROM_LETTER = (
    "The same letter, locked twice, came with the same secret: a thief who guesses the letter "
    "computes it."
)
WEAK_KEY = "A letter's key has only {} different bytes in {}. A thief tries all keys of this kind."
PREDICTABLE = (
    "The check started your program twice, with the clock standing still and Python's `random` at "
    "the same start, and two letters got the same key. What comes again can be computed by others "
    "too: `secrets.token_bytes(32)` never comes again."
)
FROM_THE_LETTER_ALONE = (
    "The same letter, locked twice, gave the same piece of 16 bytes, and another letter did not. "
    "That piece is made from the letter: a thief who guesses the letter makes it too, and compares."
)
ONE_IS_ENOUGH = (
    "The thief got what {} answers, and nothing else, and read {}. `{}` wants two secrets; "
    "the box opens with one."
)
ONE_FROM_THE_OTHER = (
    "What {} answers can be computed from what {} answers. A thief who gets the one has the other, "
    "so two locks are as good as one."
)


def check_keys(post: Post, letters: Sequence[Letter], calls_of: Sequence[RecordedCalls]) -> None:
    """Each letter has a key of its own, which does not travel in the clear."""
    for letter, calls in zip(letters, calls_of, strict=True):
        for call in calls:
            for secret in RecordedCalls([call]).secrets:
                _check_secret(post, letter, call.operation, secret)
        boxes = _without_blobs(letter, calls)
        if len(letter.text) < MAX_SEARCHED and any(_opens(letter, boxes, _windows(boxes))):
            raise Wrong(KEY_IN_CLEAR.format(""))
    pairs = [*combinations(zip(letters, calls_of, strict=True), 2)]
    if any(one.locked == two.locked for (one, _), (two, _) in pairs):
        raise Wrong(SAME_BYTES)
    _check_no_mask(letters, calls_of)
    shared = [
        one.text == two.text
        for (one, ones), (two, twos) in pairs
        if set(ones.secrets) & set(twos.secrets) - {one.text}
    ]
    if shared:
        raise Wrong(KEY_FROM_LETTER if all(shared) else SAME_KEY)


def _check_secret(post: Post, letter: Letter, operation: str, secret: bytes) -> None:
    if secret == letter.text:
        return
    if len(secret) < MIN_KEY:
        raise Wrong(SHORT_KEY.format(operation, len(secret)))
    if how := found_in(letter.locked, secret):
        raise Wrong(KEY_IN_CLEAR.format("" if how == "as it is" else f", {how}"))
    check_left(post.lock.__name__, letter.left, NO_CALLS, [("the letter's key", secret)])


def _check_no_mask(letters: Sequence[Letter], calls_of: Sequence[RecordedCalls]) -> None:
    """A key that travels under a fixed mask leaves the mask when two letters are compared."""
    masks = []
    for letter, calls in zip(letters[:2], calls_of[:2], strict=True):
        secrets = {secret[:AES_256_KEY] for secret in calls.secrets} - {letter.text[:AES_256_KEY]}
        windows = [*_windows(_without_blobs(letter, calls))]
        masks.append(
            {(at, _xor(each, s)) for at, each in enumerate(windows) for s in secrets if len(s) > 15}
        )
    if set.intersection(*masks):
        raise Wrong(MASKED_KEY)


def _xor(one: bytes, two: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, two, strict=False))


def _without_blobs(letter: Letter, calls: RecordedCalls) -> list[bytes]:
    """The parts that travel, without the bytes that were handed to the KMS."""
    travelling, requests = letter.locked, [call.request for call in calls]
    for blob in (request[name] for request in requests for name in BLOBS if name in request):
        travelling = exchanged(travelling, blob, b"")
    parts = [part.encode() if isinstance(part, str) else part for part in parts_of(travelling)]
    return [each for part in parts for each in (part, _from_hexadecimal(part)) if each]


def _from_hexadecimal(part: bytes) -> bytes:
    try:
        return bytes.fromhex(part.decode("ascii"))
    except ValueError:
        return b""


def _windows(parts: Sequence[bytes]) -> Iterator[bytes]:
    """All that could be a key in the parts."""
    for part in parts:
        for start in range(min(len(part), MAX_SEARCHED) - AES_256_KEY + 1):
            yield part[start : start + AES_256_KEY]


def _opens(letter: Letter, boxes: Sequence[bytes], keys: Iterable[bytes]) -> Iterator[bytes]:
    """What the keys open of the letter, or of a part of it."""
    for key, box in product(keys, boxes):
        if found_in(found := _unlocked(box, key), letter.text):
            yield found


def check_random(post: Post, letter: Letter, calls: RecordedCalls) -> None:
    """The letter's keys have many different bytes, and do not come from a predictable source."""
    for secret in calls.secrets:
        drawn = _from_hexadecimal(secret) or secret  # a hexadecimal digit is half a byte
        if secret != letter.text and len(set(drawn)) < min(MIN_DIFFERENT, len(drawn) // 2):
            raise Wrong(WEAK_KEY.format(len(set(drawn)), len(drawn)))
    secrets = []
    for _ in range(2):
        with started_again([post.lock, post.open]) as (again, _):
            locked = lock(replace(post, lock=again), letter.text)
        secrets.append(set(opened(post, locked).secrets) - {letter.text})
    if set.intersection(*secrets):
        raise Wrong(PREDICTABLE)


def check_no_hash(post: Post, letter: Letter, again: Letter) -> None:
    """Nothing that travels is made from the letter alone, as a hash of it would be."""
    other = lock(post, fresh.other_digits(letter.text))
    if made_from_data_alone(letter.locked, again.locked, other.locked):
        raise Wrong(FROM_THE_LETTER_ALONE)


def check_independent(post: Post, letter: Letter) -> None:
    """While ML-KEM's secret stays the same, and the clock stands, RSA's secret is another one."""
    publics, secrets = [*map(_repeating, post.publics)], []
    for _ in range(2):
        with started_again([post.lock, post.open]) as (again, _):
            locked = lock(replace(post, lock=again), letter.text, publics)
        secrets.append({*opened(post, locked).of("Decrypt").secrets} - {letter.text})
    if set.intersection(*secrets):
        raise Wrong(ONE_FROM_THE_OTHER.format("Decrypt", "Decapsulate"))


class _SameSecret:
    """The library's ML-KEM key, which gives out the same secret, in the same capsule, each time."""

    def __init__(self, key: Any) -> None:
        self._key, self._made = key, key.encapsulate()

    def encapsulate(self) -> tuple[bytes, bytes]:
        made: tuple[bytes, bytes] = self._made
        return made

    def __getattr__(self, name: str) -> Any:
        return getattr(self._key, name)


@dataclass(frozen=True)
class _Loaded(PublicKey):
    key: Any

    def load(self) -> Any:
        return self.key


def _repeating(public: PublicKey) -> PublicKey:
    loaded = public.load()
    if not hasattr(loaded, "encapsulate"):
        return public
    return _Loaded(public.der, _SameSecret(loaded))


def check_one_is_not_enough(post: Post, letter: Letter, calls: RecordedCalls) -> None:
    """A thief who has broken one of two keys opens all that it opens, and tries what he gets.

    Half of the letter is found too, and a secret that is made from the other.
    """
    boxes = _without_blobs(letter, calls)
    blobs = [call.request[name] for call in calls for name in BLOBS if name in call.request]
    for one, two in permutations(calls, 2):
        secrets = RecordedCalls([one]).secrets
        if set(RecordedCalls([two]).secrets) & {*secrets, *(sha256(s).digest() for s in secrets)}:
            raise Wrong(ONE_FROM_THE_OTHER.format(two.operation, one.operation))
    for call in calls:
        got = {*RecordedCalls([call]).secrets, *_answers(post, boxes, call.operation)}
        for found in _opens(letter, boxes, _made_from(got, [*boxes, *blobs])):
            read = "the letter" if letter.text in found else "a part of the letter"
            raise Wrong(ONE_IS_ENOUGH.format(call.operation, read, post.open.__name__))


def _made_from(secrets: Iterable[bytes], travelling: Iterable[bytes]) -> set[bytes]:
    """The keys that are pieces of the secrets, or a hash of one or two of them, in any order.

    A hash of what travels counts as a secret, too: anybody can compute it.
    """
    whole = {*secrets, *(sha256(each).digest() for each in travelling)}
    pieces = {s[at : at + AES_256_KEY] for s in whole for at in range(0, len(s), AES_256_KEY)}
    pairs = (one + two for one, two in permutations(pieces, 2))
    return whole | pieces | {sha256(each).digest() for each in (*whole, *pieces, *pairs)}


def _answers(post: Post, boxes: Sequence[bytes], operation: str) -> Iterator[bytes]:
    """What this operation makes of all other parts that are as long as what it takes."""
    key, size = post.keys[post.operations.index(operation)], SIZES[operation]
    for box in boxes:
        for piece in {box[:size], box[-size:]}:
            if len(piece) == size:
                with suppress(KMSError):
                    yield key.decrypt(piece) if operation == "Decrypt" else key.decapsulate(piece)


def _unlocked(box: bytes, key: bytes) -> bytes:
    try:
        return unlock(box, key)
    except (Forged, ValueError):
        return b""
