"""Rotation: one key, the pieces of key material that it has had, and blobs that each name one.

A blob names its material in its header; the list of materials comes from ListKeyRotations. Their
ids are random, so the caption numbers them; material 1 came with the key.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

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
from kmslab.kms.backing.blob import fields
from kmslab.lab.cmk import CMK

MARGIN, HEADER, LANE = 16, 48, 6 * BRICK  # CSS pixels; a lane has one blob and one material
STRIP = {"key id": 150, "material id": 190, "ciphertext": 130}  # the parts drawn of a blob
WALL, KEY, MATERIAL = (534, 36), (596, 348), (636, 268)  # left edges and widths
LETTERS = 6  # of an id
LOOKS = ((GREEN, ""), (PURPLE, "///"), (VERMILLION, "..."), (BLUE, "xxx"))


@dataclass(frozen=True, slots=True)
class Material:
    number: int  # from 1, in order
    id: str
    state: str  # such as CURRENT
    since: datetime | None  # when a rotation made it current; None: it came with the key
    expires: datetime | None  # of imported material only

    @property
    def waits(self) -> bool:
        """Imported, and not current before a rotation."""
        return self.state.startswith("PENDING_")

    @property
    def look(self) -> tuple[str, str]:
        return LOOKS[(self.number - 1) % len(LOOKS)]


def materials(key: CMK, *blobs: bytes) -> Picture:
    """Draw which of the key's materials each blob (one to four, of this key) names.

    Materials that no blob names are left out, except the current one. ValueError for a blob of
    another key. Nothing is decrypted.
    """
    all_materials = history(key)
    named_by_blob = named_by(key, blobs, all_materials)
    shown = [each for each in all_materials if each in named_by_blob or each is all_materials[-1]]
    canvas = Canvas(HEADER + LANE * max(len(blobs), len(shown)) + MARGIN)
    _draw_background(canvas, key, max(len(blobs), len(shown)), len(all_materials) - len(shown))
    for lane, material in enumerate(shown):
        _draw_material(canvas, material, HEADER + LANE * lane)
    for lane, (blob, material) in enumerate(zip(blobs, named_by_blob, strict=True)):
        _draw_blob(canvas, lane + 1, blob, material, HEADER + LANE * lane)
        start = (MARGIN + sum(STRIP.values()), HEADER + LANE * lane + 58)
        end = (MATERIAL[0] - 4, HEADER + LANE * shown.index(material) + 58)
        canvas.arrow(start, end, color=material.look[0], linestyle=_line_style(material))
    return Picture(canvas.figure, _caption(key, blobs, named_by_blob, len(all_materials)))


def history(key: CMK) -> list[Material]:
    """All materials, in order, with the first and the current one."""
    answer = key.lab.kms.list_key_rotations(
        KeyId=key.arn, IncludeKeyMaterial="ALL_KEY_MATERIAL", Limit=1000
    )
    return [
        Material(
            number,
            entry["KeyMaterialId"],
            entry["KeyMaterialState"],
            entry.get("RotationDate"),
            entry.get("ValidTo"),
        )
        for number, entry in enumerate(answer["Rotations"], 1)
    ]


def named_by(key: CMK, blobs: Sequence[bytes], known: Sequence[Material]) -> list[Material]:
    """The material that each blob names. ValueError for a blob of another key."""
    by_id = {material.id: material for material in known}
    named = [by_id.get(_field(blob, "material id").hex()) for blob in blobs]
    found = [material for material in named if material]
    if len(found) < len(blobs):
        raise ValueError(f"a blob that key {key.id} did not make")
    return found


def _field(blob: bytes, name: str) -> bytes:
    return next((content for each, _, content in fields(blob) if each == name), b"")


def _line_style(material: Material) -> str:
    return "-" if material.number % 2 else "--"


def _draw_background(canvas: Canvas, key: CMK, lanes: int, more: int) -> None:
    height = LANE * lanes
    inside = WALL[0] + WALL[1]
    canvas.box(inside, HEADER, WIDTH - MARGIN - inside, height, facecolor=PALE, edgecolor="none")
    canvas.bricks(WALL[0], HEADER, WALL[1], height)
    canvas.label(MARGIN, HEADER / 2, "outside", weight="bold")
    title = f"key {key.id[:8]}…" + (f", {more} more materials" if more else "")
    canvas.label(WIDTH - MARGIN, HEADER / 2, f"inside: {title}", weight="bold", ha="right")


def _draw_material(canvas: Canvas, material: Material, top: float) -> None:
    left, width = MATERIAL
    canvas.rounded(left, top + 24, width, LANE - 34, edgecolor=material.look[0], linewidth=2.5)
    canvas.key(left + 32, top + 58, *material.look)
    canvas.label(left + 132, top + 46, f"material {material.number}", weight="bold")
    canvas.label(left + 132, top + 70, material.state)


def _draw_blob(canvas: Canvas, number: int, blob: bytes, material: Material, top: float) -> None:
    canvas.label(MARGIN, top + 22, f"blob {number}: {count(len(blob))}", weight="bold")
    texts = {
        "key id": f"key {_field(blob, 'key id').decode('ascii')[:LETTERS]}…",
        "material id": f"material {material.id[:LETTERS]}…",
        "ciphertext": f"{len(_field(blob, 'ciphertext')):,} bytes",
    }
    colours = {"key id": BLUE, "material id": material.look[0], "ciphertext": GREY}
    left: float = MARGIN
    for name, width in STRIP.items():
        canvas.box(left, top + 41, width, 34, edgecolor=colours[name], linewidth=2)
        canvas.label(left + width / 2, top + 58, texts[name], width - 8, ha="center", color=INK)
        left += width


def _caption(key: CMK, blobs: Sequence[bytes], named: Sequence[Material], number: int) -> str:
    names = [
        f"blob {position} ({count(len(blob))}) names material {material.number}"
        for position, (blob, material) in enumerate(zip(blobs, named, strict=True), 1)
    ]
    return (
        f"Picture: key `{key.id[:8]}…` has had {number} pieces of key material; "
        f"number {number} is the current one. Outside, {', '.join(names)}. No blob was changed."
    )
