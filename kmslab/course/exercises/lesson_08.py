"""Lesson 08's checks: parcels that make Busan work, the best way for a job, a fair benchmark."""

from collections.abc import Sequence
from functools import cache
from itertools import product
from random import SystemRandom
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.fair_benchmark import check_fair
from kmslab.crypto import PublicKey, pyca

__all__ = ["check_choose", "check_fair", "check_flood"]

OAEP = "RSAES_OAEP_SHA_256"

PARCELS = 20
RANDOM = SystemRandom()
NOT_PARCELS = "`flood` should give back a list of parcels, each `bytes`. It gave back {}."
WRONG_NUMBER = "`flood` was asked for {asked} and gave back {given} parcels."
WRONG_LENGTH = (
    "A parcel has {given} bytes, and Busan's key here takes parcels of {wanted}: it was refused by "
    "its length, before any arithmetic. `public.key_size` says how many bits the key has."
)
TOO_LARGE = (
    "{refused} of {asked} parcels are numbers that are not smaller than the key's modulus. They "
    "were refused before any arithmetic. `public.public_numbers().n` is the modulus."
)
SEEN_BEFORE = (
    "Only {different} of {asked} parcels are different. Busan keeps a list of what it has opened, "
    "and looks there first."
)


def check_flood(clinic: Clinic, flood: Function) -> str:
    private = _busans_key()
    public = PublicKey(pyca.public_key(private)).load()
    modulus, length = public.public_numbers().n, public.key_size // 8
    require_bodies([flood], public, PARCELS)
    for asked in (1, PARCELS):
        parcels = _parcels(flood, public, asked)
        if len(parcels) != asked:
            raise Wrong(WRONG_NUMBER.format(asked=asked, given=len(parcels)))
        for parcel in parcels:
            if len(parcel) != length:
                raise Wrong(WRONG_LENGTH.format(given=len(parcel), wanted=length))
        if refused := sum(int.from_bytes(parcel) >= modulus for parcel in parcels):
            raise Wrong(TOO_LARGE.format(refused=refused, asked=asked))
        if (different := len(set(parcels))) < asked:
            raise Wrong(SEEN_BEFORE.format(different=different, asked=asked))
    found = sum(error_of(pyca.decrypt, OAEP, private, parcel) is None for parcel in parcels)
    return (
        f"Busan did the whole arithmetic for {PARCELS} parcels, and found a message in {found} of "
        "them. You had nothing but the public half. Before a server unwraps for anybody, it should "
        "ask who they are; a KMS does."
    )


def _parcels(flood: Function, public: Any, asked: int) -> list[bytes]:
    parcels = result_of(flood, public, asked)
    if not isinstance(parcels, Sequence) or isinstance(parcels, bytes | str):
        raise Wrong(NOT_PARCELS.format(f"`{type(parcels).__name__}`"))
    for parcel in parcels:
        if not isinstance(parcel, bytes | bytearray):
            raise Wrong(
                NOT_PARCELS.format(f"a list with an item of type `{type(parcel).__name__}`")
            )
    return [bytes(parcel) for parcel in parcels]


@cache
def _busans_key() -> bytes:
    """Shorter than the one in the lesson. Made once, because that is slow."""
    return pyca.generate_key("RSA_2048")


# Ways that no library has: name, bytes, and microseconds to wrap and to unwrap.
WAYS = (
    ("quick to write", 300, 10.0, 900.0),
    ("quick to read", 280, 400.0, 20.0),
    ("even", 120, 200.0, 190.0),
    ("fat", 2000, 5.0, 6.0),
    ("thin", 60, 600.0, 700.0),
)
# How many are wrapped, how many unwrapped, and the room for a parcel. 300 bytes of room hold 300.
JOBS = (*product((1, 1000), (1, 1000), (5000, 300, 130)), (1000, 200, 300), (300, 1000, 300))
SMALL_ROOM = 59
DRAWN = 12  # jobs more, with ways and numbers drawn at random
NOT_A_NAME = "`choose` should give back the name of one of the ways, and it gave back {!r}."
TOO_FAT = (
    "For {job} `choose` takes `{name}`, whose parcel has {bytes:,} bytes: it does not fit into the "
    "room."
)
EXACTLY_FITS = (
    "For {job} `choose` takes `{name}`. A parcel of {room:,} bytes fits into {room:,}, and with "
    "`{best}` it all takes {best_time}, in place of {time}."
)
SLOWER = (
    "For {job} `choose` takes `{name}`: in all {time}. With `{best}`, which fits as well, it takes "
    "{best_time}."
)
REFUSED_ALL = (
    "For {job} `choose` raised `ValueError`, as if none fitted. The parcel of `{best}` has "
    "{bytes:,} bytes. The room is for one parcel, however many are wrapped."
)
CHOSE_ANYWAY = (
    "No way fits into {room} bytes, and `choose` gave back {found!r}. It should raise "
    "`ValueError`, so that no program sends a parcel that does not fit."
)
OTHER_ERROR = (
    "No way fits into {room} bytes. `choose` should raise `ValueError`, and it raised `{error}`."
)


def check_choose(clinic: Clinic, choose: Function) -> str:
    require_bodies([choose], list(WAYS), 1, 1, 5000)
    for ways in (WAYS, WAYS[::-1]):
        for job in JOBS:
            _check_choice(choose, ways, *job)
    for _ in range(DRAWN):
        _check_choice(choose, *_drawn())
    error = error_of(choose, list(WAYS), 1, 1, SMALL_ROOM)
    if error is None:
        found = result_of(choose, list(WAYS), 1, 1, SMALL_ROOM, may_fail=True)
        raise Wrong(CHOSE_ANYWAY.format(room=SMALL_ROOM, found=found))
    if not isinstance(error, ValueError):
        raise Wrong(OTHER_ERROR.format(room=SMALL_ROOM, error=type(error).__name__))
    return (
        f"For {len(JOBS) + DRAWN} jobs you took the way that costs least, and for the one that no "
        "way fits you took none. There is no fastest way: there is one for each job."
    )


def _drawn() -> tuple[Any, ...]:
    """Ways, a number of wraps and one of unwraps, and room for at least one way's parcel."""
    ways = [
        (f"way {name}", RANDOM.randint(40, 999), RANDOM.uniform(1, 999), RANDOM.uniform(1, 999))
        for name in "ABCDEF"
    ]
    room = RANDOM.choice([size for _, size, _, _ in ways])
    return ways, RANDOM.randint(1, 999), RANDOM.randint(1, 999), room


def _check_choice(
    choose: Function, ways: Sequence[tuple[str, int, float, float]], *job: int
) -> None:
    wraps, unwraps, room = job
    times = {each: wraps * wrap + unwraps * unwrap for each, _, wrap, unwrap in ways}
    sizes = {each: size for each, size, _, _ in ways}
    best = min((each for each in times if sizes[each] <= room), key=times.__getitem__)
    words = f"{wraps:,} wrapped, {unwraps:,} unwrapped and room for {room:,} bytes"
    refused = REFUSED_ALL.format(job=words, best=best, bytes=sizes[best])
    name = result_of(choose, list(ways), *job, meanings={ValueError: refused})
    if not isinstance(name, str) or name not in times:
        raise Wrong(NOT_A_NAME.format(name))
    if sizes[name] > room:
        raise Wrong(TOO_FAT.format(job=words, name=name, bytes=sizes[name]))
    if name != best:
        why = EXACTLY_FITS if sizes[best] == room else SLOWER
        shown = {"time": _in_all(times[name]), "best_time": _in_all(times[best])}
        raise Wrong(why.format(job=words, name=name, best=best, room=room, **shown))


def _in_all(microseconds: float) -> str:
    return f"{microseconds / 1000:,.3g} ms"
