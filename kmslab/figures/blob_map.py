"""A ciphertext blob, one cell a byte; the parts that anybody can read show their letters.

Names, order and sizes come from the blob's description in `backing/blob.py`; this module adds only
what each part is for.
"""

from dataclasses import dataclass

from kmslab.figures.canvas import BLUE, GREEN, INK, PURPLE, VERMILLION, Canvas, Picture, count
from kmslab.kms.backing.blob import fields

LEFT, CELL, ROW = 16, 25, 66  # CSS pixels
MAX_CELLS = 36  # in a row


@dataclass(frozen=True, slots=True)
class PartStyle:
    colour: str
    hatch: str
    purpose: str
    letters: bool = False  # its bytes are text


STYLES = {
    "magic": PartStyle(BLUE, "", "says: one of ours", letters=True),
    "version": PartStyle(BLUE, "", "of this layout"),
    "material id": PartStyle(BLUE, "", "which piece of key material"),
    "key id": PartStyle(BLUE, "", "the key's name, for anybody to read", letters=True),
    "derivation nonce": PartStyle(GREEN, "///", "fresh: this call's own key is derived from it"),
    "IV": PartStyle(GREEN, "///", "fresh for each call"),
    "ciphertext": PartStyle(VERMILLION, "xx", "as long as what was encrypted"),
    "tag": PartStyle(PURPLE, "..", "one wrong byte anywhere, and it no longer fits"),
}
OTHER = PartStyle(BLUE, "", "")


def blob_map(blob: bytes) -> Picture:
    """Draw a blob that a lab made, byte by byte. ValueError for any other or a damaged blob.

    Nothing is decrypted: it takes only the blob to draw this picture.
    """
    parts = fields(blob)
    if not parts:
        raise ValueError("not a ciphertext blob of this lab: its first bytes say something else")
    canvas = Canvas(ROW * len(parts) + 12)
    for row, (name, offset, content) in enumerate(parts):
        _draw(canvas, 8 + ROW * row, name, offset, content)
    return Picture(canvas.figure, _caption(blob))


def _draw(canvas: Canvas, top: float, name: str, offset: int, content: bytes) -> None:
    style = STYLES.get(name, OTHER)
    last = offset + len(content) - 1
    canvas.label(LEFT, top + 12, name, weight="bold", color=INK)
    where = f"from byte {offset:,}" if last <= offset else f"bytes {offset:,} to {last:,}"
    canvas.label(LEFT + 175, top + 12, f"{where}: {count(len(content))}")
    canvas.label(LEFT + 445, top + 12, style.purpose)
    shown = content[:MAX_CELLS] if len(content) <= MAX_CELLS else content[: MAX_CELLS - 2]
    for cell, value in enumerate(shown):
        _cell(canvas, LEFT + CELL * cell, top + 26, style, chr(value) if style.letters else "")
    if len(content) > MAX_CELLS:
        canvas.label(LEFT + CELL * (MAX_CELLS - 2) + 10, top + 39, "…", weight="bold")


def _cell(canvas: Canvas, x: float, y: float, style: PartStyle, letter: str) -> None:
    if letter:
        canvas.box(x, y, CELL, 26, facecolor="white", edgecolor=style.colour, linewidth=1.5)
        canvas.label(x + CELL / 2, y + 13, letter, ha="center", color=style.colour, weight="bold")
    else:
        canvas.box(x, y, CELL, 26, facecolor=style.colour, edgecolor="white", hatch=style.hatch)


def _caption(blob: bytes) -> str:
    listed = [f"{name} {len(content):,}" for name, _, content in fields(blob)]
    key = next(content.decode("ascii") for name, _, content in fields(blob) if name == "key id")
    parts = ", ".join(listed[:-1]) + f" and {listed[-1]}"
    return f"Picture: a blob of {count(len(blob))}: {parts}. Its key id reads `{key}`."
