"""Exercise 12-cache: keep a data key for a minute, and for nobody else and not longer."""

from collections.abc import Callable
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.stolen_laptop import NoKey, NotOpened, lock
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, error_of, require_bodies, result_of
from kmslab.course.exercises.boxes import flipped
from kmslab.course.exercises.left_behind import watched
from kmslab.course.exercises.other_answers import other_answers, refusing
from kmslab.course.exercises.recording import recorded
from kmslab.course.exercises.searching import found_in
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

Sealed = tuple[bytes, bytes]  # the encrypted data key, and the box
REFUSALS = ("AccessDeniedException", "KeyUnavailableException", "KMSInternalException")
LATER = 3600  # seconds
START = 1_000_000.0

NOT_A_FUNCTION = (
    "`{}` should give back a function: define `read` inside it, and end with `return read`. It "
    "gave back `{}`."
)
OTHER_DATA = "`{}`: the reader gave back something else than what was sealed ({})."
OTHER_DATA_KEY = (
    "`read` stopped with `{}` at the file of `{}`: it tried a data key that is not this file's "
    "own. A file that is saved anew has the same name and another data key."
)
NOT_CALLED = "The reader opened a file without Decrypt: the key was not asked for."
ASKED_AGAIN = (
    "{} files were read within a minute, each {} times, and the KMS was called {} times. Keep what "
    "it answered, and look there first."
)
FOREVER = (
    "Sora turned the key off at second 10. At second {} the reader still opens the file that it "
    "first read at second 0: the portal's own flaw. What is kept has to end."
)
TOO_LONG = (
    "Sora turned the key off at second 10. At second {} the reader still opens the file that it "
    "first read at second 0: it does end, and later than the minute that was agreed."
)
SLIDES = (
    "The reader asked the KMS at second 0 and never again; it was used every twenty seconds, and "
    "at second {} it still opens the file, though the key is off. Count from the answer, not from "
    "the last use."
)
NOT_ITS_OWN_MINUTE = (
    "A file was read at second 0, and other files at second 50. Sora turned the key off at second "
    "55, and at second 100 the reader still opens the first: an answer for another file prolonged "
    "its minute. Each answer has a minute of its own."
)
OPENS_REFUSED = (
    "The minute was over, and Decrypt was refused with `{}`. The reader opened the file all the "
    "same, with what it had kept. A key that is off is not the only refusal."
)
LEFT = (
    "The reader {} the data key, {}. A thief who finds that needs no KMS, today and next year: "
    "what is kept for a minute stays in memory."
)
NO_CLOCK = " The reader never called `now`, the clock that it was given."
OPENS_ELSEWHERE = (
    "The file of `{}` was put in the place of `{}`. Without the cache the KMS refuses; the reader "
    "had its data key already, asked nobody, and opened it. What is kept belongs to a file *and* "
    "its name."
)
OLD_DATA = (
    "A new file was put in the place of `{}`, and the reader gave back the old one. Keep the data "
    "key, and keep it for the encrypted key that it came from."
)
DAMAGE = "A bit of the box was flipped, and the reader gave back {} without an error."
SHARED = (
    "A second reader was started, with the key off, and it opened a file that only the first had "
    "read: what is kept lies outside the reader, where every program finds it."
)
OTHER_KEYS = (
    "A reader with another KMS key opened the file. What `{0}` is given as `key` has to be the one "
    "that is asked."
)
ANSWER_IGNORED = (
    "The check made Decrypt answer with another key, and the reader opened the file all the same."
)
STAYS_SHUT = "The key is on again, and the file stays shut: {}."
WITHIN = "Within the minute the reader stopped with {}, though it has the data key."
SILENT = "{}, and the reader gave back `{!r}` without an error. Let the error come out."


class Time:
    """A clock that the check moves, in seconds."""

    def __init__(self) -> None:
        self.seconds = START
        self.asked = 0

    def __call__(self) -> float:
        self.asked += 1
        return self.seconds

    def at(self, second: float) -> None:
        self.seconds = START + second


def check_cache(clinic: Clinic, reader: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key, other = fresh.key(lab), fresh.key(lab)
    require_bodies([reader], key, Time())
    files = {name: _sealed(key, name, fresh.record()) for name in ("R-017", "R-020")}
    _check_reads(lab, reader, key)
    _check_place(reader, key, files)
    _check_damage(reader, key, files["R-017"][1])
    _check_ends(reader, key, (), FOREVER)
    _check_ends(reader, key, (20, 40, 59), SLIDES)
    _check_minutes(reader, key)
    for code in REFUSALS:
        _check_refusal(lab, reader, key, code)
    _check_starts_empty(lab, reader, key, other)
    return (
        "Forty readings of two files, and two calls; and a minute after an answer, with the key "
        "off, the file stays shut. That minute is the price, and you have chosen it."
    )


def _sealed(key: CMK, name: str, data: bytes) -> tuple[bytes, Sealed]:
    made = key.generate_data_key({"file": name})
    return data, (made.encrypted, lock(data, made.plaintext))


def _started(reader: Function, key: CMK, now: Callable[[], float]) -> Function:
    read = result_of(reader, key, now)
    if not callable(read):
        raise Wrong(NOT_A_FUNCTION.format(reader.__name__, type(read).__name__))
    return read  # type: ignore[no-any-return]


def _read(read: Function, name: str, file: tuple[bytes, Sealed]) -> None:
    data, sealed = file
    meanings: dict[type[Exception], str] = {
        error: OTHER_DATA_KEY.format(error.__name__, name) for error in (NotOpened, NoKey)
    }
    found = result_of(read, name, sealed, meanings=meanings)
    if found != data:
        size = f"{len(found)} bytes" if isinstance(found, bytes) else f"`{type(found).__name__}`"
        raise Wrong(OTHER_DATA.format(name, size))


def _check_reads(lab: Lab, reader: Function, key: CMK) -> None:
    for readings in (1, 20):
        files = {name: _sealed(key, name, fresh.record()) for name in ("R-017", "R-020")}
        time = Time()
        read = _started(reader, key, time)
        with recorded(lab) as calls:
            for number in range(readings):
                time.at(number * 2)
                for name, file in files.items():
                    _read(read, name, file)
        if len(calls.of("Decrypt")) < len(files):
            raise Wrong(NOT_CALLED)
        if readings > 1 and len(calls) > len(files):
            raise Wrong(ASKED_AGAIN.format(len(files), readings, len(calls)))
    _check_left(reader, key)
    data, sealed = _sealed(key, "R-017", fresh.record())
    with other_answers(lab):
        found = _found(_started(reader, key, Time()), "R-017", sealed)
    if found == data:
        raise Wrong(ANSWER_IGNORED)
    _check_refused(found, "Decrypt answered with another key")


def _check_left(reader: Function, key: CMK) -> None:
    file = _sealed(key, "R-017", fresh.record())
    with watched() as left:
        _read(_started(reader, key, Time()), "R-017", file)
    secret = key.decrypt(file[1][0], {"file": "R-017"})
    for where, content, _ in left.places:
        if how := found_in(content, secret):
            raise Wrong(LEFT.format(where, how))


def _check_place(reader: Function, key: CMK, files: dict[str, tuple[bytes, Sealed]]) -> None:
    (one, mine), (two, theirs) = files.items()
    read = _started(reader, key, Time())
    _read(read, one, mine)
    found = _found(read, two, mine[1])
    if found == mine[0]:
        raise Wrong(OPENS_ELSEWHERE.format(one, two))
    _check_refused(found, f"The file of `{one}` was put in the place of `{two}`")
    _read(read, two, theirs)
    found = _found(read, one, theirs[1])
    if found == theirs[0]:
        raise Wrong(OPENS_ELSEWHERE.format(two, one))
    newer = _sealed(key, one, fresh.record())
    if _found(read, one, newer[1]) == mine[0]:
        raise Wrong(OLD_DATA.format(one))
    _read(read, one, newer)


def _check_damage(reader: Function, key: CMK, sealed: Sealed) -> None:
    encrypted, box = sealed
    read = _started(reader, key, Time())
    result_of(read, "R-017", sealed)
    for changed in flipped(box):
        if (found := _found(read, "R-017", (encrypted, changed))) is not REFUSED:
            size = f"{len(found)} bytes" if isinstance(found, bytes) else f"`{found!r}`"
            raise Wrong(DAMAGE.format(size))


def _check_ends(reader: Function, key: CMK, readings: tuple[int, ...], message: str) -> None:
    """The key is turned off at second 10, and the file is read at these seconds."""
    time, file = Time(), _sealed(key, "R-017", fresh.record())
    read = _started(reader, key, time)
    _read(read, "R-017", file)
    time.at(10)
    key.disable()
    for second in readings:
        time.at(second)
        if error := error_of(read, "R-017", file[1]):
            raise Wrong(WITHIN.format(f"`{type(error).__name__}`"))
    for second in (61, 62, 79, LATER):
        time.at(second)
        found = _found(read, "R-017", file[1])
        if found == file[0]:
            raise Wrong(_too_long(read, file, time, second, message))
        _check_refused(found, "The key was off, and the minute over")
    key.enable()
    if error := error_of(read, "R-017", file[1]):
        raise Wrong(STAYS_SHUT.format(f"`{type(error).__name__}`"))


def _check_minutes(reader: Function, key: CMK) -> None:
    """The first file's minute ends though others are asked for, and a newer one of its name."""
    time = Time()
    older, newer, other = (
        _sealed(key, name, fresh.record()) for name in ("R-017", "R-017", "R-020")
    )
    read = _started(reader, key, time)
    _read(read, "R-017", older)
    time.at(50)
    _read(read, "R-020", other)
    _read(read, "R-017", newer)
    key.disable()
    time.at(100)
    found = _found(read, "R-017", older[1])
    key.enable()
    if found == older[0]:
        raise Wrong(NOT_ITS_OWN_MINUTE)
    _check_refused(found, "The key was off, and the minute over")


def _check_refusal(lab: Lab, reader: Function, key: CMK, code: str) -> None:
    """Whatever the KMS refuses with: after the minute, and to a reader that has kept nothing."""
    time, file = Time(), _sealed(key, "R-017", fresh.record())
    read, empty = _started(reader, key, time), _started(reader, key, time)
    _read(read, "R-017", file)
    time.at(61)
    with refusing(lab, code):
        found, first = _found(read, "R-017", file[1]), _found(empty, "R-017", file[1])
    if found == file[0]:
        raise Wrong(OPENS_REFUSED.format(code))
    for each in (found, first):
        _check_refused(each, f"Decrypt was refused with `{code}`")


def _too_long(
    read: Function, file: tuple[bytes, Sealed], time: Time, second: int, message: str
) -> str:
    if not time.asked:
        return message.format(second) + NO_CLOCK
    time.at(LATER)
    ends = _found(read, "R-017", file[1]) != file[0]
    return (TOO_LONG if ends and message is FOREVER else message).format(second)


def _check_starts_empty(lab: Lab, reader: Function, key: CMK, other: CMK) -> None:
    file = _sealed(key, "R-017", fresh.record())
    time = Time()
    _read(_started(reader, key, time), "R-017", file)
    key.disable()
    found = _found(_started(reader, key, time), "R-017", file[1])
    key.enable()
    if found == file[0]:
        raise Wrong(SHARED)
    _check_refused(found, "The key was off")
    found = _found(_started(reader, other, Time()), "R-017", file[1])
    if found == file[0]:
        raise Wrong(OTHER_KEYS.format(reader.__name__))
    _check_refused(found, "The reader was given another KMS key")


REFUSED = object()


def _found(read: Function, name: str, sealed: Any) -> Any:
    """What the reader gives back, or REFUSED if it raises."""
    try:
        return read(name, sealed)
    except Exception:
        return REFUSED


def _check_refused(found: Any, what: str) -> None:
    if found is not REFUSED:
        raise Wrong(SILENT.format(what, found))
