"""A picture through ECB and through CTR: the same pixels under the same key, really encrypted.

The scan is made small and grey, of four shades, a byte a pixel, and is stored in tiles of 4 by 4
pixels. So each tile is one block of AES, and what ECB does to equal blocks can be seen. Of each
encrypted byte the picture shows the two highest bits as a shade.
"""

import secrets
from io import BytesIO

from PIL import Image, ImageOps

from kmslab.crypto.unsafe_modes import BLOCK, aes_ctr, aes_ecb
from kmslab.figures.canvas import INK, VERMILLION, Canvas, Picture

MARGIN, GAP, TOP, BELOW = 16, 14, 48, 88  # CSS pixels
WIDE, HIGH, TILE = 300, 224, 4  # pixels, each of which is drawn as one CSS pixel
SHADES = 4


def ecb(scan: bytes) -> Picture:
    """Draw an image file (PNG, JPEG …) in plaintext, through AES-ECB and through AES-CTR.

    The key and the counter are fresh. What the caption states depends on the image alone.
    """
    tiles = _tiles(scan)
    key, counter = secrets.token_bytes(32), secrets.token_bytes(BLOCK)
    stages = (
        ("the scan", "any viewer shows it", tiles),
        ("through AES-ECB", "and the outlines stay", aes_ecb(key, tiles)),
        ("through AES-CTR", "no outline is left", aes_ctr(key, counter, tiles)),
    )
    canvas = Canvas(TOP + HIGH + BELOW)
    for number, (title, remark, content) in enumerate(stages):
        left = MARGIN + number * (WIDE + GAP)
        canvas.label(left, TOP / 2, title, weight="bold")
        shades = [byte // 64 * 85 for byte in content] if number else _greys(content)
        canvas.pixels(left, TOP, WIDE, HIGH, _rows(shades))
        canvas.label(left, TOP + HIGH + 24, _blocks(content), WIDE, color=INK)
        colour = VERMILLION if number == 1 else INK
        canvas.label(left, TOP + HIGH + 50, remark, color=colour, weight="bold")
    return Picture(canvas.figure, _caption(stages[0][2], stages[1][2], stages[2][2]))


def _tiles(scan: bytes) -> bytes:
    """The image's shades, 0 to 3, tile by tile; parts that do not fit the frame are cut off."""
    with Image.open(BytesIO(scan)) as image:
        grey = ImageOps.fit(image.convert("RGB").convert("L"), (WIDE, HIGH))
    pixels = grey.tobytes()
    return bytes(
        pixels[(top + row) * WIDE + left + column] * SHADES // 256
        for top in range(0, HIGH, TILE)
        for left in range(0, WIDE, TILE)
        for row in range(TILE)
        for column in range(TILE)
    )


def _greys(content: bytes) -> list[int]:
    return [shade * 255 // (SHADES - 1) for shade in content]


def _rows(tiled: list[int]) -> list[list[int]]:
    """From tiles back to rows of pixels."""
    band = TILE * WIDE  # as many values as one row of tiles has
    return [
        [
            tiled[start + tile * BLOCK + row * TILE + column]
            for tile in range(WIDE // TILE)
            for column in range(TILE)
        ]
        for start in range(0, len(tiled), band)
        for row in range(TILE)
    ]


def _different(content: bytes) -> int:
    return len({content[start : start + BLOCK] for start in range(0, len(content), BLOCK)})


def _blocks(content: bytes) -> str:
    return f"{_different(content):,} different blocks of {len(content) // BLOCK:,}"


def _caption(plain: bytes, through_ecb: bytes, through_ctr: bytes) -> str:
    return (
        f"Picture: {WIDE} by {HIGH} pixels in {SHADES} shades, {len(plain):,} bytes in "
        f"{len(plain) // BLOCK:,} blocks, encrypted twice under the same AES-256 key. The scan has "
        f"{_different(plain):,} different blocks. Through **ECB** there are "
        f"{_different(through_ecb):,}, because equal blocks stay equal, so the outlines can be "
        f"seen. Through **CTR** there are {_different(through_ctr):,}, which look like noise."
    )
