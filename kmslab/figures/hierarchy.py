"""The hierarchy of keys: what opens what, from the root key down to the data, and where each lies.

Sizes and names come from the records in the lab's store, which hold keys only sealed, and from the
blobs and messages themselves. No key and no data is opened to draw this.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kmslab import envelope
from kmslab.figures.canvas import (
    BLUE,
    BRICK,
    GREEN,
    GREY,
    INK,
    PALE,
    PURPLE,
    VERMILLION,
    WIDTH,
    Canvas,
    Picture,
    count,
)
from kmslab.kms.backing import blob
from kmslab.kms.backing.root_key import SIZE
from kmslab.kms.contract.records import DomainKey, Material
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

HEADER, ROW, MARGIN = 48, 5 * BRICK, 16  # CSS pixels
# Left edges and widths. "The program" stands between the wall and the disk.
STORE, INSIDE, WALL, DISK = (16, 194), (218, 296), (514, 36), (728, 216)
RING, INDENTED, PROGRAM = 248, 286, 584  # the centres of the keys' rings
BOX, PAD = 56, 8
PALE_GREY = "#f3f1ee"


@dataclass(frozen=True, slots=True)
class Level:
    """One key, where it is in plaintext, and what of it is stored."""

    name: str
    detail: str
    ring: float  # where its picture is
    look: tuple[str, str]  # colour and hatching
    relation: str = ""  # what the key above does with it
    stored: tuple[str, str] | None = None  # in the store: two lines
    kept: tuple[str, str] | None = None  # on the disk: two lines


def hierarchy(key: CMK, *sealed: bytes) -> Picture:
    """Draw the keys above `key`, and those below it that lead to each sealed thing (none to three).

    `sealed`: what the key encrypted (a ciphertext blob), or a message of `kmslab.envelope` with a
    data key that this key encrypted. ValueError for anything else. The key is a symmetric key of a
    lab. Example: `hierarchy(records, records.encrypt(page), envelope.encrypt(scan, records))`.
    """
    levels = [*_kept_by_kms(key), *(level for each in sealed for level in _below(key, each))]
    canvas = Canvas(HEADER + ROW * len(levels) + MARGIN)
    _draw_background(canvas, levels)
    _draw_rail(canvas, [level.ring for level in levels])
    for number, level in enumerate(levels):
        _draw(canvas, level, HEADER + ROW * number)
    return Picture(canvas.figure, _caption(key, sealed))


def _records(key: CMK) -> tuple[DomainKey, Material]:
    """The current material's record, and that of the domain key that seals it."""
    if not isinstance(key.lab, View):
        raise TypeError("hierarchy reads the records of the key's lab, so it takes a key of a lab")
    records, metadata = key.lab.service.records, key.lab.kms.describe_key(KeyId=key.arn)
    region, name = key.arn.split(":")[3], metadata["KeyMetadata"].get("CurrentKeyMaterialId", "")
    material = records.get(Material, f"{region}/{name}")
    domain = records.get(DomainKey, material.domain) if material else None
    if material is None or domain is None or not material.sealed or material.public:
        raise ValueError("hierarchy takes a symmetric key with key material in the lab's store")
    return domain, material


def _kept_by_kms(key: CMK) -> list[Level]:
    domain, material = _records(key)
    secret = len(material.sealed) - (len(domain.wrapped) - SIZE)  # both are sealed alike
    wrapped = ("domain key", f"sealed, {count(len(domain.wrapped))}")
    sealed = (f"key {key.id[:8]}…", f"sealed, {count(len(material.sealed))}")
    names = f"{count(SIZE)}, {domain.id[:6]}…", f"{count(secret)}, {material.id[:6]}…"
    return [
        Level("root key", count(SIZE), RING, (GREY, "")),
        Level("domain key", names[0], RING, (PURPLE, "///"), "seals", wrapped),
        Level("key material", names[1], RING, (GREEN, ""), "seals", sealed),
    ]


def _below(key: CMK, sealed: bytes) -> list[Level]:
    parsed = blob.parse(sealed)
    if parsed and parsed.key == key.id:
        data = len(sealed) - blob.OVERHEAD
        return [_call_level((f"blob: {count(len(sealed))}", f"with {data:,} of data"))]
    wrapped = _encrypted_data_key(key, sealed)
    size = count(len(wrapped) - blob.OVERHEAD)
    around = ("message around it", count(len(sealed)))
    return [
        _call_level(("encrypted data key", count(len(wrapped)))),
        Level("data key", size, PROGRAM, (VERMILLION, "..."), kept=around),
    ]


def _call_level(kept: tuple[str, str]) -> Level:
    return Level("per-call key", count(SIZE), INDENTED, (BLUE, "xxx"), "derives", kept=kept)


def _encrypted_data_key(key: CMK, message: bytes) -> bytes:
    """The one in the message that this key encrypted."""
    for field in envelope.inspect(message).fields:
        parsed = blob.parse(field.content)
        if parsed and parsed.key == key.id:
            return field.content
    raise ValueError(f"neither a blob nor a message with a data key that key {key.id} encrypted")


def _draw_background(canvas: Canvas, levels: Sequence[Level]) -> None:
    height = ROW * len(levels)
    for (left, width), colour in ((STORE, PALE_GREY), (INSIDE, PALE), (DISK, PALE_GREY)):
        canvas.box(left, HEADER, width, height, facecolor=colour, edgecolor="none")
    canvas.bricks(WALL[0], HEADER, WALL[1], height)
    canvas.label(STORE[0], HEADER / 2, "in the KMS's store", weight="bold")
    canvas.label(INSIDE[0] + PAD, HEADER / 2, "inside the wall", weight="bold")
    canvas.label(PROGRAM - 24, HEADER / 2, "in the program", weight="bold")
    canvas.label(WIDTH - MARGIN, HEADER / 2, "on your disk", weight="bold", ha="right")


def _draw(canvas: Canvas, level: Level, top: float) -> None:
    middle = top + ROW / 2
    colour, _ = level.look
    if level.relation:
        _draw_relation(canvas, level, middle)
    if level.stored:
        _draw_stored(canvas, STORE, level.stored, middle, colour)
        canvas.arrow((STORE[0] + STORE[1] - PAD, middle), (level.ring - 16, middle), color=colour)
    if level.ring == PROGRAM:
        _draw_data_key(canvas, level, middle)
    else:
        canvas.key(level.ring, middle, *level.look)
        left = level.ring + 96
        room = INSIDE[0] + INSIDE[1] - left - PAD
        canvas.label(left, middle - 11, level.name, room, weight="bold")
        canvas.label(left, middle + 12, level.detail, room)
    if level.kept:
        _draw_kept(canvas, level, level.kept, middle)


def _draw_rail(canvas: Canvas, rings: Sequence[float]) -> None:
    """From the key material down to the last per-call key: all of them come from it."""
    rows = [number for number, ring in enumerate(rings) if ring != PROGRAM]
    top, bottom = (HEADER + ROW * (row + 0.5) for row in (rings.count(RING) - 1, rows[-1]))
    canvas.axes.plot([RING, RING], [top, bottom], color=INK, linewidth=2.2)


def _draw_relation(canvas: Canvas, level: Level, middle: float) -> None:
    if level.ring == RING:
        canvas.arrow((RING, middle - ROW + 16), (RING, middle - 16), color=INK)
    else:
        canvas.arrow((RING, middle), (level.ring - 14, middle), color=INK)
    canvas.label(RING + 12, middle - ROW / 2, level.relation)


def _draw_stored(
    canvas: Canvas,
    column: tuple[float, float],
    lines: tuple[str, str],
    middle: float,
    colour: str,
) -> None:
    left, width = column[0] + PAD, column[1] - 2 * PAD
    canvas.box(left, middle - BOX / 2, width, BOX, edgecolor=colour, linewidth=2.5)
    for line, down in zip(lines, (-11, 12), strict=True):
        canvas.label(left + width / 2, middle + down, line, width - PAD, ha="center")


def _draw_data_key(canvas: Canvas, level: Level, middle: float) -> None:
    """The only key that leaves the wall. The call above brought it."""
    look = {"color": level.look[0], "linestyle": "--"}
    canvas.arrow((PROGRAM, middle - ROW + 6), (PROGRAM, middle - 32), **look)
    canvas.key(PROGRAM, middle - 14, *level.look)
    canvas.label(PROGRAM - 16, middle + 20, f"{level.name}: {level.detail}", DISK[0] - PROGRAM + 14)


def _draw_kept(canvas: Canvas, level: Level, kept: tuple[str, str], middle: float) -> None:
    colour, end = level.look[0], DISK[0] + PAD - 2
    if level.ring == PROGRAM:
        canvas.arrow((PROGRAM + 88, middle - 14), (end, middle - 14), color=colour)
    else:
        gate = middle - 1.5 * BRICK
        canvas.box(WALL[0] - 1, gate, WALL[1] + 2, 3 * BRICK, facecolor="white", edgecolor="none")
        canvas.arrow((WALL[0] - 4, middle), (end, middle), color=colour)
    _draw_stored(canvas, DISK, kept, middle, colour)


def _caption(key: CMK, sealed: Sequence[bytes]) -> str:
    domain, material = _records(key)
    top = (
        f"Picture: the root key ({count(SIZE)}), which is in no store, seals the domain key "
        f"({count(len(domain.wrapped))} in the store), and that seals the key material of key "
        f"`{key.id[:8]}…` ({count(len(material.sealed))} in the store)."
    )
    return " ".join([top, *(_sentence(key, each) for each in sealed)])


def _sentence(key: CMK, sealed: bytes) -> str:
    derived = "A **per-call key**, derived from it, sealed"
    if blob.parse(sealed):
        data = count(len(sealed) - blob.OVERHEAD)
        return f"{derived} {data} in a blob of {count(len(sealed))}."
    wrapped = len(_encrypted_data_key(key, sealed))
    data_key = f"{count(wrapped - blob.OVERHEAD)}, {wrapped:,} encrypted"
    message = count(len(sealed))
    first = f"{derived} the **data key** ({data_key})"
    return f"{first}, and the data key sealed the data, in a message of {message}."
