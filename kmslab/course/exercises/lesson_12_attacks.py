"""Exercises 12-ecb and 12-nonce: attack how the portal seals its rows and its notes."""

from collections.abc import Collection, Iterator
from secrets import SystemRandom, token_bytes

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.flawed_sealing import NoteSealer, seal_row
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.recording import recorded
from kmslab.crypto.backend import AES_256_KEY

_random = SystemRandom()
ASKED = "`{}` called {}. Tonight you are the thief, and no KMS answers him."

# ----------------------------------------------------------------------------------- the rows

NOT_NUMBERS = "`{}` should give back the numbers of records, such as `['R-017']`. It gave back {}."
ALL_ROWS = (
    "`{}` gave back all {} rows. Equal fields have equal blocks, and not all of these rows have "
    "the same diagnosis."
)
ONLY_ITSELF = (
    "`{}` found nobody but {} itself. No two rows are equal as a whole: in each, the first block "
    "is the number. The diagnosis is the second."
)
OTHER_PEOPLE = (
    "`{}` gave back {}, who {} not in this table: the check has made it, under a key of its own. "
    "Look at the rows that come in."
)
WRONG_PEOPLE = (
    "Of {} people with the diagnosis of {}, `{}` found {}; and it named {} who have the other one."
)


def check_ecb(clinic: Clinic, same_diagnosis: Function) -> str:
    name = same_diagnosis.__name__
    with recorded(clinic.lab) as calls:
        rows, _ = _table(30)
        require_bodies([same_diagnosis], rows, next(iter(rows)))
        for size in (30, 80, 2):
            rows, diagnoses = _table(size)
            for number in _random.sample([*rows], 2):
                _check_same(same_diagnosis, rows, diagnoses, number)
    if calls:
        raise Wrong(ASKED.format(name, calls.operations[0]))
    return (
        "Everybody with the same diagnosis, in three tables under three keys, and not one row was "
        "opened. Who knows one patient's diagnosis knows them all."
    )


def _table(size: int) -> tuple[dict[str, bytes], dict[str, str]]:
    """Rows as the portal seals them, and the diagnoses, of which two occur at least once."""
    lines: dict[str, list[str]] = {}
    while len(lines) < size:
        fields = fresh.record().decode().split(",")
        fields[1] = ("malignant", "benign")[len(lines) if len(lines) < 2 else _random.randrange(2)]
        lines.setdefault(fields[0], fields)
    shuffled = _random.sample([*lines.values()], size)
    key = token_bytes(AES_256_KEY)
    rows = {fields[0]: seal_row(key, fields) for fields in shuffled}
    return rows, {fields[0]: fields[1] for fields in shuffled}


def _check_same(
    function: Function, rows: dict[str, bytes], diagnoses: dict[str, str], number: str
) -> None:
    name = function.__name__
    found = result_of(function, dict(rows), number)
    found = [*found] if isinstance(found, Iterator) else found
    if isinstance(found, str | bytes) or not isinstance(found, Collection):
        raise Wrong(NOT_NUMBERS.format(name, f"`{type(found).__name__}`"))
    if not all(isinstance(each, str) for each in found):
        raise Wrong(NOT_NUMBERS.format(name, f"`{type(next(iter(found))).__name__}` in it"))
    given = {*found, number}
    wanted = {each for each in rows if diagnoses[each] == diagnoses[number]}
    if given == wanted:
        return
    if others := sorted(given - rows.keys()):
        verb = "is" if len(others) == 1 else "are"
        raise Wrong(OTHER_PEOPLE.format(name, ", ".join(others[:3]), verb))
    if given == rows.keys():
        raise Wrong(ALL_ROWS.format(name, len(rows)))
    if given == {number}:
        raise Wrong(ONLY_ITSELF.format(name, number))
    right, wrong = len(given & wanted), len(given - wanted)
    raise Wrong(WRONG_PEOPLE.format(len(wanted), number, name, right, wrong))


# ---------------------------------------------------------------------------------- the notes

WORDS = b"told her today that it is benign malignant surgery on Thursday at nine rest weeks".split()
LENGTHS = ((90, 80), (60, 60), (40, 100))  # of the note that is known, and of the other
NOT_BYTES = "`{}` should give back bytes, the other note. It gave back `{}`."
WITH_THE_NONCE = (
    "`{}` begins too early: the first 12 bytes of a box are its nonce, and were not encrypted. "
    "Where they are equal in both boxes, their XOR is zeros."
)
WITH_THE_TAG = (
    "The note is there, and {} bytes too many behind it: the last 16 bytes of a box are its tag, "
    "which belongs to no letter."
)
KEYSTREAM = (
    "`{}` gave back what AES made of nonce and key: the known note, XORed with its own box. XOR "
    "that with the other box."
)
DIFFERENCE = (
    "`{}` gave back the two ciphertexts XORed. AES is gone from that, and what is left is the two "
    "notes XORed. One of them you know."
)
KNOWN = "`{}` gave back the note that was known. The other one is wanted."
TOO_SHORT = "`{}` gave back {} bytes that are right, and {} can be had."
NOT_THE_NOTE = "`{}` gave back {} bytes, which are not the other note. That one begins `{}`{}."


def check_nonce(clinic: Clinic, recover: Function) -> str:
    with recorded(clinic.lab) as calls:
        require_bodies([recover], b"note", bytes(32), bytes(32))
        for sizes in LENGTHS:
            _check_recovers(recover, *sizes)
    if calls:
        raise Wrong(ASKED.format(recover.__name__, calls.operations[0]))
    return (
        "Three notes read, without the key. A nonce that comes twice makes AES-GCM a plain XOR "
        "with the same bytes; no longer key helps."
    )


def _note(size: int) -> bytes:
    text = b""
    while len(text) < size:
        text += _random.choice(WORDS) + b" "
    return text[:size]


def _check_recovers(function: Function, known_size: int, other_size: int) -> None:
    name, key = function.__name__, token_bytes(AES_256_KEY)
    known, note = _note(known_size), _note(other_size)
    box, other = (NoteSealer(key).seal(each) for each in (known, note))
    found = result_of(function, known, box, other)
    if not isinstance(found, bytes | bytearray):
        raise Wrong(NOT_BYTES.format(name, type(found).__name__))
    found, size = bytes(found), min(known_size, other_size)
    wanted = note[:size]
    if found == wanted:
        return
    for message, wrong in (
        (KNOWN, known[:size]),
        (WITH_THE_NONCE, known[:12]),
        (KEYSTREAM, _xor(known, box[12:])[:size]),
        (DIFFERENCE, _xor(box[12:], other[12:])[:size]),
    ):
        if found[: len(wrong)] == wrong:
            raise Wrong(message.format(name))
    if found[:size] == wanted:
        raise Wrong(WITH_THE_TAG.format(len(found) - size))
    if found and wanted.startswith(found):
        raise Wrong(TOO_SHORT.format(name, len(found), size))
    begins = f", and yours `{found[:20]!r}`" if found else ""
    raise Wrong(NOT_THE_NOTE.format(name, len(found), wanted[:20].decode() + "…", begins))


def _xor(one: bytes, two: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, two, strict=False))
