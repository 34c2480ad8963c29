"""Exercises of lesson 03 for a thief: swap a row of a table, and paste a context together.

The third one, a file that is bound to its name, is in `lesson_03_file.py`.
"""

from secrets import SystemRandom
from typing import Any

from kmslab.course.careless_kms import careless_lab
from kmslab.course.clinic import records
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.recording import recorded
from kmslab.course.outcome import outcome
from kmslab.lab.cmk import CMK

_random = SystemRandom()

# ---------------------------------------------------------------------------------- the thief

ILL, WELL = b"malignant", b"benign"
EXAMPLE = "R-020"  # the lesson's own; not in a table that the check makes
ROWS, FEWER = 12, 2  # of such a table; and of its rows that say the rarer word
DAMAGED = (
    "The row of {} does not open any more: Decrypt answers `{}`. The tag notices each byte that is "
    "changed. Change none: what other blobs are there to put in its place?"
)
STILL_ILL = "The row of {} still says `malignant`.{}"
SAME_TABLE = " The table is the one that came in, unchanged."
LENGTH_TELLS = (
    " Another blob stands there now, and it holds the same word. The blobs are not equally long; "
    "which ones are shorter (lesson 1)?"
)
FOREIGN = (
    "The row of {} does not open any more: Decrypt answers `{}`. That blob comes from another KMS "
    "key. The check hands over a table of its own, under a key of its own: which blobs are in it?"
)
ROWS_LOST = (
    "`{}` gave back other rows than came in ({} instead of {}, or other numbers). Somebody would "
    "notice that."
)
OTHER_NUMBERS = (
    "`{}` stopped with `KeyError`: it looked for a row that its table does not have. The check "
    "hands over tables of its own, with other numbers: choose among the rows that come in."
)
ROW_SPOILT = (
    "The row of {} held a blob, and `{}` has put something else there, which does not open. One "
    "row that fails to open is one that somebody looks into."
)
NO_KEY = "`{}` called {}. The thief has no key, and needs none."


def check_swap(clinic: Clinic, look_healthy: Function) -> str:
    name = look_healthy.__name__
    every_key.enable(clinic.lab)
    key = fresh.key(clinic.lab)
    numbers = [STOLEN, *(row["record"] for row in _random.sample(records.rows(), 5))]
    for count, number in enumerate(dict.fromkeys(numbers)):
        table = _table(key, number, (ILL, WELL)[count % 2])
        require_bodies([look_healthy], dict(table), number)
        with recorded(clinic.lab) as calls:
            made = result_of(
                look_healthy, dict(table), number, meanings={KeyError: OTHER_NUMBERS.format(name)}
            )
        if calls:
            raise Wrong(NO_KEY.format(name, calls.operations[0]))
        _check_table(name, key, number, table, made)
    return (
        "Each row opens, each tag fits, and each of these patients is told that all is well. The "
        "thief had no key, and changed no blob."
    )


def _table(key: CMK, number: str, most: bytes) -> dict[str, bytes]:
    """Blobs by record number, in any order; some say benign, and `number`'s says malignant.

    `most` of them say one word or the other: a row that is chosen blindly is often a wrong one.
    """
    every = [row["record"] for row in records.rows()]
    others = [each for each in every if each not in (number, EXAMPLE)]
    sick, well, *rest = _random.sample(others, ROWS - 1)
    fewer = ILL if most == WELL else WELL
    words = {each: fewer if place < FEWER else most for place, each in enumerate(rest)}
    words |= {number: ILL, sick: ILL, well: WELL}
    order = _random.sample(list(words), len(words))
    return {each: key.encrypt(words[each]) for each in order}


def _check_table(name: str, key: CMK, number: str, table: dict[str, bytes], made: Any) -> None:
    if not isinstance(made, dict):
        raise Wrong(f"`{name}` should give back a table, as it got one: a dict of blobs by number.")
    if made.keys() != table.keys():
        raise Wrong(ROWS_LOST.format(name, len(made), len(table)))
    if not isinstance(made[number], bytes):
        raise Wrong(f"The row of {number} holds `{type(made[number]).__name__}`, and not a blob.")
    if (answer := outcome(key.decrypt, made[number])) != "ok":
        message = FOREIGN if answer == "IncorrectKeyException" else DAMAGED
        raise Wrong(message.format(number, answer))
    if key.decrypt(made[number]) != WELL:
        hint = SAME_TABLE if made == table else LENGTH_TELLS * (made[number] != table[number])
        raise Wrong(STILL_ILL.format(number, hint))
    for each, blob in made.items():
        if blob not in table.values() and outcome(key.decrypt, blob) != "ok":
            raise Wrong(ROW_SPOILT.format(each, name))


# ------------------------------------------------------------------------------ two contexts

CONTEXTS: tuple[dict[str, str], ...] = (
    {"ab": "c"},
    {"record": "R-017"},
    {"a": "bc"},
    {"for": "doctor", "record": "R-017"},
    {"이름": "미나", "record": "R-101", "year": "2026"},
)
NOT_A_CONTEXT = "`{}` should give back a context, a dict of text to text. It gave back {}."
SAME_CONTEXT = (
    "`{}` gave back {} for {}: that is the same context, whatever the order of its pairs. That it "
    "opens is no surprise."
)
DIFFERENT_WORDS = (
    "The careless KMS refuses {} for what {} sealed. It pastes the pairs in the order of their "
    "names: here `{}`, there `{}`."
)


def check_other(clinic: Clinic, other_context: Function) -> str:
    every_key.enable(clinic.lab)
    with careless_lab() as careless:
        careless_key, clinics_key = careless.create_cmk(), fresh.key(clinic.lab)
        require_bodies([other_context], dict(CONTEXTS[0]))
        strange = fresh.record().decode().split(",")
        contexts = (*CONTEXTS, {"record": strange[0], strange[1]: strange[2]})
        for context in contexts:
            _check_other(other_context, careless_key, clinics_key, context)
    return (
        f"{len(contexts)} contexts, and a second one for each that opens the same blob. The "
        "clinic's KMS refuses them all: it puts each word's length before the word."
    )


def _check_other(
    function: Function, careless_key: CMK, clinics_key: CMK, context: dict[str, str]
) -> None:
    name, data = function.__name__, fresh.record()
    other = result_of(function, dict(context))
    if not isinstance(other, dict) or not all(
        isinstance(word, str) for pair in other.items() for word in pair
    ):
        raise Wrong(NOT_A_CONTEXT.format(name, f"`{other!r}`"))
    # a learner's own kind of dict, or of text, may say that it equals nothing
    other = {str.__str__(name): str.__str__(word) for name, word in other.items()}
    if other == context:
        raise Wrong(SAME_CONTEXT.format(name, f"`{other}`", f"`{context}`"))
    if outcome(careless_key.decrypt, careless_key.encrypt(data, context), other) != "ok":
        there, here = _pasted(context), _pasted(other)
        raise Wrong(DIFFERENT_WORDS.format(f"`{other}`", f"`{context}`", here, there))
    if outcome(clinics_key.decrypt, clinics_key.encrypt(data, context), other) == "ok":
        raise RuntimeError("two contexts have one encoding")  # what the framing rules out


def _pasted(context: dict[str, str]) -> str:
    return "".join(word for name in sorted(context) for word in (name, context[name]))
