"""Exercise 12-replay: seal a file for its name and its version, so that no older one comes back."""

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh, mixing, opening, refusing, sealing
from kmslab.course.exercises.answers import Function, Wrong, require_bodies
from kmslab.course.exercises.boxes import exchanged, parts_of, with_part
from kmslab.course.exercises.recording import recorded
from kmslab.course.exercises.restarting import restarted

Place = tuple[str, str]  # a file's name and its version

# Pasted together, the names and versions of the last four are alike, two by two.
PLACES: tuple[Place, ...] = (
    ("R-017.csv", "1"),
    ("R-017.csv", "2"),
    ("R-020.csv", "1"),
    ("R-017.csv", "12"),
    ("R-1", "11"),
    ("R-11", "1"),
    ("1.csv", "2"),
    (".csv", "21"),
)
# Where the first and the fourth file lie, nearly: each differs in case, ending, folder or digits.
LOOK_ALIKES: dict[int, tuple[Place, ...]] = {
    0: (("r-017.csv", "1"), ("R-017.txt", "1"), ("2026/R-017.csv", "1"), ("R-017.csv ", "1")),
    3: (("R-017.csv", "112"), ("R-017.csv", "123"), ("R-017.csv", "-12")),
}
LONG: tuple[Place, ...] = (
    ("R-017 " + "x" * 40 + "1.csv", "1"),
    ("R-017 " + "x" * 40 + "2.csv", "1"),
)
BLOCK = 16  # bytes
OLD_VERSION = (
    "Version {2} of `{1}` was put back in the place of version {3}, and `{0}` opened it: a doctor "
    "reads what was true last week. Each old version is genuine; only its number is not the one "
    "that was asked for."
)
OTHER_FILE = (
    "`{1}`, version {2}, was put in the place of `{3}`, version {4}, and `{0}` opened it as if it "
    "belonged there."
)
PASTED = (
    "`{1}`, version {2}, was put in the place of `{3}`, version {4}, and `{0}` opened it: pasted "
    "together, both are one word. Lesson 3's careless KMS had the same hole."
)
RELABELLED = (
    "The thief put `{1}`, version {2}, in the place of `{3}`, version {4}, wrote the new name or "
    "version on the box, and `{0}` opened it. What stands beside a box can be written by anybody."
)
REMEMBERED = (
    "The program was started anew, and `{}` can't open a file that it opened before: it goes by "
    "something that the program remembers. What it needs has to lie on the disk."
)
EQUAL_BLOCKS = (
    "A file of zeros was sealed, and {:,} of the box's blocks of 16 bytes are equal: that is ECB. "
    "Whatever repeats in the file can be seen."
)


def check_replay(clinic: Clinic, save_version: Function, load_version: Function) -> str:
    lab, record = clinic.lab, fresh.record()
    every_key.enable(lab)
    key, other = fresh.key(lab), fresh.key(lab)
    with recorded(lab) as before:
        require_bodies([save_version, load_version], key, *PLACES[0], record)
    every_key.disable(lab, but=key)
    pair = sealing.Pair(lab, key, save_version, load_version)
    contents = [record, fresh.record(), fresh.record(), clinic.table]
    contents += [fresh.record() for _ in PLACES[len(contents) :]]
    files = [sealing.seal(pair, data, *place) for data, place in zip(contents, PLACES, strict=True)]
    sealing.check_asks_for_each(pair, files, before)
    for file in files:
        sealing.check_hides(pair, file)
    _check_blocks(pair)
    pair = _restarted(pair, files)
    keys = opening.check_opens(pair, files)
    opening.check_key_for_each(files, keys)
    for file in files:
        for place in PLACES:
            if place != file.named:
                _check_refuses_at(pair, file, place)
    _check_look_alikes(pair, files)
    opening.check_notices_damage(pair, files[0])
    opening.check_uses_the_key(pair, files[0], files[1])
    opening.check_needs_the_key(pair, files[0], other)
    mixing.check_sealed_with_the_key(pair, files[0], files[1])
    sealing.check_fresh_keys(pair, files[0])
    refusing.check_lets_refusals_out(pair, files[0])
    return (
        "Eight files, and each opens at its own place only: another name is refused, and so is "
        "last week's version. No block repeats, and no two files share a key."
    )


def _restarted(pair: sealing.Pair, files: list[sealing.Sealed]) -> sealing.Pair:
    """The program after a restart: the files, the names and the versions are all that it has."""
    again = sealing.Pair(pair.lab, pair.key, *restarted([pair.seal, pair.unseal]))
    for file in files:
        tried = opening.attempt(again, file.box, file.named)
        if tried.refused and opening.attempt(pair, file.box, file.named).found == file.data:
            raise Wrong(REMEMBERED.format(pair.unseal.__name__))
    return again


def _check_blocks(pair: sealing.Pair) -> None:
    zeros = sealing.seal(pair, bytes(4096), "zeros", "1")
    for part in parts_of(zeros.box):
        data = part.encode() if isinstance(part, str) else bytes(part)
        blocks = [data[start : start + BLOCK] for start in range(0, len(data), BLOCK)]
        equal = len(blocks) - len(set(blocks))
        if equal > BLOCK:
            raise Wrong(EQUAL_BLOCKS.format(equal))


def _check_refuses_at(pair: sealing.Pair, file: sealing.Sealed, place: Place) -> None:
    """The file lies where another one belongs; then its own name and version are overwritten."""
    name, own = pair.unseal.__name__, (file.named[0], file.named[1])
    tried = opening.attempt(pair, file.box, place)
    if tried.found == file.data:
        if own[0] == place[0]:
            raise Wrong(OLD_VERSION.format(name, *own, place[1]))
        alike = own[0] + own[1] == place[0] + place[1] or own[1] + own[0] == place[1] + place[0]
        raise Wrong((PASTED if alike else OTHER_FILE).format(name, *own, *place))
    what = f"`{own[0]}`, version {own[1]}, lay in the place of `{place[0]}`, version {place[1]}"
    opening.check_loud(pair, what, tried)
    box = _relabelled(file, place)
    if box != file.box and opening.attempt(pair, box, place).found == file.data:
        raise Wrong(RELABELLED.format(name, *own, *place))


def _check_look_alikes(pair: sealing.Pair, files: list[sealing.Sealed]) -> None:
    """A program that shortens a name, or takes a part of it, takes two files for one."""
    for number, places in LOOK_ALIKES.items():
        for place in places:
            _check_refuses_at(pair, files[number], place)
    long = sealing.seal(pair, fresh.record(), *LONG[0])
    _check_refuses_at(pair, long, LONG[1])


def _relabelled(file: sealing.Sealed, place: Place) -> object:
    """Parts that are a name or a version, and the names inside other parts."""
    box = exchanged(file.box, file.named[0].encode(), place[0].encode())
    for number, part in enumerate(parts_of(box)):
        for old, new in zip(file.named, place, strict=True):
            if part in (old, old.encode()):
                box = with_part(box, number, new if isinstance(part, str) else new.encode())
    return box
