"""A ciphertext blob, one cell a byte: the parts that anybody can read carry their own letters.

Names, order and sizes come from the blob's own description in `backing/blob.py`; this module adds
only what each part is for.
"""

from dataclasses import dataclass

from kmslab.figures.canvas import BLUE, GREEN, INK, PURPLE, VERMILLION, Canvas, Picture, count
from kmslab.kms.backing.blob import fields

LEFT, CELL, ROW, MOST = 16, 25, 66, 36  # CSS pixels a cell and a row; cells in a row


@dataclass(frozen=True, slots=True)
class Look:
    colour: str
    hatch: str
    why: str
    letters: bool = False  # its bytes are text


LOOKS = {
    "magic": Look(BLUE, "", "says: one of ours", letters=True),
    "version": Look(BLUE, "", "of this layout"),
    "material id": Look(BLUE, "", "which piece of key material"),
    "key id": Look(BLUE, "", "the key's name, for anybody to read", letters=True),
    "call nonce": Look(GREEN, "///", "fresh for each call: this call's own key is derived from it"),
    "GCM nonce": Look(GREEN, "///", "fresh for each call"),
    "ciphertext": Look(VERMILLION, "xx", "as long as what was encrypted"),
    "tag": Look(PURPLE, "..", "one wrong byte anywhere, and it no longer fits"),
}
OTHER = Look(BLUE, "", "")


def blob_map(blob: bytes) -> Picture:
    """Draw a blob of this lab's, byte by byte. A foreign or damaged blob is a ValueError.

    Nothing is decrypted: whoever holds the blob can draw this picture.
    """
    parts = fields(blob)
    if not parts:
        raise ValueError("not a ciphertext blob of this lab: its first bytes say something else")
    canvas = Canvas(ROW * len(parts) + 12)
    for row, (name, offset, content) in enumerate(parts):
        _draw(canvas, 8 + ROW * row, name, offset, content)
    return Picture(canvas.figure, _caption(blob))


def _draw(canvas: Canvas, top: float, name: str, offset: int, content: bytes) -> None:
    look = LOOKS.get(name, OTHER)
    last = offset + len(content) - 1
    canvas.label(LEFT, top + 12, name, weight="bold", color=INK)
    where = f"from byte {offset:,}" if last <= offset else f"bytes {offset:,} to {last:,}"
    canvas.label(LEFT + 130, top + 12, f"{where}: {count(len(content))}")
    canvas.label(LEFT + 410, top + 12, look.why)
    shown = content[:MOST] if len(content) <= MOST else content[: MOST - 2]
    for cell, value in enumerate(shown):
        _cell(canvas, LEFT + CELL * cell, top + 26, look, chr(value) if look.letters else "")
    if len(content) > MOST:
        canvas.label(LEFT + CELL * (MOST - 2) + 10, top + 39, "…", weight="bold")


def _cell(canvas: Canvas, x: float, y: float, look: Look, letter: str) -> None:
    if letter:
        canvas.box(x, y, CELL, 26, facecolor="white", edgecolor=look.colour, linewidth=1.5)
        canvas.label(x + CELL / 2, y + 13, letter, ha="center", color=look.colour, weight="bold")
    else:
        canvas.box(x, y, CELL, 26, facecolor=look.colour, edgecolor="white", hatch=look.hatch)


def _caption(blob: bytes) -> str:
    listed = [f"{name} {len(content):,}" for name, _, content in fields(blob)]
    key = next(content.decode("ascii") for name, _, content in fields(blob) if name == "key id")
    parts = ", ".join(listed[:-1]) + f" and {listed[-1]}"
    return f"Picture: a blob of {count(len(blob))}: {parts}. Its key id reads `{key}`."
