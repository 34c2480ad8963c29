"""Tries the keys of letters that a learner's function locked: are they fresh, secret, needed?"""

import random
from collections.abc import Sequence
from hashlib import sha256
from itertools import combinations, permutations

from kmslab.course.clinic.stolen_laptop import unlock
from kmslab.course.exercises.answers import Wrong
from kmslab.course.exercises.boxes import exchanged, parts_of
from kmslab.course.exercises.letters import Letter, Post, lock, opened
from kmslab.course.exercises.recording import BLOBS, RecordedCalls
from kmslab.course.exercises.searching import found_in
from kmslab.crypto import Forged
from kmslab.crypto.backend import AES_256_KEY

START = 20260105  # of Python's `random`, for a check
MIN_DIFFERENT = 16  # bytes in a key of 32; random ones have some 30

SAME_BYTES = (
    "The same letter, locked twice, gave the same bytes. A thief who guesses a letter locks his "
    "guess with the public key, and compares."
)
KEY_IN_CLEAR = "The key that opens the letter travels with it{}. The thief needs no KMS."
SAME_KEY = (
    "Two different letters have one and the same key, as the KMS's answers show. The key that "
    "comes with one letter opens the other."
)
KEY_FROM_LETTER = (
    "The same letter, locked twice, has the same key. A thief who guesses the letter computes it."
)
WEAK_KEY = "A letter's key has only {} different bytes in {}. A thief tries all keys of this kind."
PREDICTABLE = (
    "The check set Python's `random` to the same start twice, and two letters got the same key. "
    "Who knows the start knows every key: `secrets.token_bytes` has none."
)
ONE_IS_ENOUGH = (
    "The thief got what {} answers, and nothing else, and read {}. `{}` wants two secrets; "
    "the box opens with one."
)
ONE_FROM_THE_OTHER = (
    "What {} answers can be computed from what {} answers. A thief who gets the one has the other, "
    "so two locks are as good as one."
)


def check_keys(letters: Sequence[Letter], calls_of: Sequence[RecordedCalls]) -> None:
    """Each letter has a key of its own, which does not travel in the clear."""
    for letter, calls in zip(letters, calls_of, strict=True):
        for secret in calls.secrets:
            if secret != letter.text and (how := found_in(letter.locked, secret)):
                raise Wrong(KEY_IN_CLEAR.format("" if how == "as it is" else f", {how}"))
    pairs = [*combinations(zip(letters, calls_of, strict=True), 2)]
    if any(one.locked == two.locked for (one, _), (two, _) in pairs):
        raise Wrong(SAME_BYTES)
    shared = [
        one.text == two.text
        for (one, ones), (two, twos) in pairs
        if set(ones.secrets) & set(twos.secrets) - {one.text}
    ]
    if shared:
        raise Wrong(KEY_FROM_LETTER if all(shared) else SAME_KEY)


def check_random(post: Post, letter: Letter, calls: RecordedCalls) -> None:
    """The letter's keys have many different bytes, and do not come from a predictable source."""
    for secret in calls.secrets:
        if secret != letter.text and len(set(secret)) < MIN_DIFFERENT:
            raise Wrong(WEAK_KEY.format(len(set(secret)), len(secret)))
    before, secrets = random.getstate(), []
    for _ in range(2):
        random.seed(START)
        again = lock(post, letter.text)
        random.setstate(before)
        secrets.append(set(opened(post, again).secrets) - {letter.text})
    if set.intersection(*secrets):
        raise Wrong(PREDICTABLE)


def check_one_is_not_enough(post: Post, letter: Letter, calls: RecordedCalls) -> None:
    """A thief who has broken one of two keys tries its secret on all that travels.

    Half of the letter is found too, and a secret that is made from the other.
    """
    travelling, requests = letter.locked, [call.request for call in calls]
    for blob in (request[name] for request in requests for name in BLOBS if name in request):
        travelling = exchanged(travelling, blob, b"")
    boxes = [part for part in parts_of(travelling) if isinstance(part, bytes)]
    for one, two in permutations(calls, 2):
        secrets = RecordedCalls([one]).secrets
        if set(RecordedCalls([two]).secrets) & {*secrets, *(sha256(s).digest() for s in secrets)}:
            raise Wrong(ONE_FROM_THE_OTHER.format(two.operation, one.operation))
    for call in calls:
        for secret in RecordedCalls([call]).secrets:
            for key in (secret, secret[:AES_256_KEY], sha256(secret).digest()):
                found = [_unlocked(box, key) for box in boxes]
                if any(found_in(each, letter.text) for each in found):
                    read = "the letter" if letter.text in found else "a part of the letter"
                    raise Wrong(ONE_IS_ENOUGH.format(call.operation, read, post.open.__name__))


def _unlocked(box: bytes, key: bytes) -> bytes:
    try:
        return unlock(box, key)
    except (Forged, ValueError):
        return b""
