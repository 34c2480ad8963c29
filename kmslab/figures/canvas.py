"""The canvas of every picture, in CSS pixels on white, and its caption, which repeats the numbers.

The rules: 960 pixels wide and drawn at twice that, labels of 16 pixels, at most 32 colours; four
colours that colour-blind people can tell apart (Okabe and Ito, 2008), each with a second sign such
as hatching, a dashed line or a cross; only fonts that matplotlib ships. Green is a key inside the
wall and what works; vermillion a key outside, in plaintext, and what is refused (dashed, with a
cross); blue what is sent and what is sealed; purple a second of its kind (hatched).

Text is dark on light, with a contrast of at least 4.5 (WCAG 2.2, AA), also when a dark theme turns
the lightness around: so it stands on white or on a pale colour, never on one of the four. The
caption is the picture's text for screen readers, and what tests of notebooks compare, since they
compare no PNG.
"""

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import matplotlib.style
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Rectangle
from PIL import Image

from kmslab.figures import html
from kmslab.figures.html import plain
from kmslab.figures.sizes import AtMost

WIDTH = 960  # CSS pixels
SCALE = 2  # device pixels per CSS pixel
COLOURS = 32  # of a fast octree, whose files are a fifth smaller than a median cut's of 64
LABEL = 16  # CSS pixels, the smallest text in any picture

BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
INK, GREY, PALE = "#1a1a1a", "#6b6b6b", "#e8f0f6"
PALE_GREEN = "#c9eadf"  # under text that says that something works
# The four colours' shades for text; blue is dark enough.
TEXT = {VERMILLION: "#b34700", GREEN: "#00704f", PURPLE: "#9c3f78"}

Style = dict[str, Any]  # keyword arguments of matplotlib
Pixels = Sequence[Sequence[int]]  # rows of grey levels, 0 to 255

BRICK = 17  # CSS pixels, the height of a brick in the wall

_POINTS = 72 / 100  # points per CSS pixel, on a figure of 100 CSS pixels to the inch


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawn figure: a notebook shows its PNG and the caption below it, a terminal the caption."""

    figure: Figure
    caption: str  # Markdown, of which only **bold** and `code`

    def png(self) -> bytes:
        """The picture as a PNG of at most 32 colours, 1920 device pixels wide."""
        drawn, small, width = BytesIO(), BytesIO(), WIDTH * SCALE
        with matplotlib.style.context("default"):
            self.figure.savefig(drawn, format="rgba", dpi=100 * SCALE)
        size = (width, drawn.tell() // (4 * width))
        flat = Image.frombytes("RGBA", size, drawn.getvalue()).convert("RGB")
        few = flat.quantize(COLOURS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
        few.putpalette([255 if part > 252 else part for part in few.getpalette() or []])
        few.save(small, format="PNG", optimize=True)
        return small.getvalue()

    def _ipython_display_(self) -> None:
        import IPython.display  # only IPython calls this method

        display: Any = IPython.display.display  # it has no types
        shown = html.picture(self.png(), WIDTH, self.caption)
        display({"text/html": shown, "text/plain": plain(self.caption)}, raw=True)

    def __repr__(self) -> str:
        return plain(self.caption)


def count(size: int) -> str:
    """A number of bytes as text; "up to" if it is the most that there can be."""
    bound = "up to " if isinstance(size, AtMost) else ""
    return f"{bound}{size:,} {'byte' if size == 1 else 'bytes'}"


class Canvas:
    """A white sheet with its origin at the top left; every length is in CSS pixels."""

    def __init__(self, height: int) -> None:
        with matplotlib.style.context("default"):
            self.figure = Figure(figsize=(WIDTH / 100, height / 100), dpi=100, facecolor="white")
            FigureCanvasAgg(self.figure)
            self.axes: Axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.set_xlim(0, WIDTH)
        self.axes.set_ylim(height, 0)
        self.axes.set_axis_off()

    def label(self, x: float, y: float, text: str, max_width: float = WIDTH, **style: Any) -> None:
        """Text centred on the height `y`, left-aligned unless `ha` says otherwise.

        Text wider than `max_width` pixels is cut and ends in `…`.
        """
        look: Style = {"ha": "left", "va": "center", "color": INK} | style
        look["color"] = TEXT.get(look["color"], look["color"])
        fonts: Style = {"fontsize": LABEL * _POINTS, "fontfamily": "DejaVu Sans"}
        shown = self.axes.text(x, y, text, clip_on=False, **fonts, **look)

        def too_wide(start: str) -> bool:
            shown.set_text(start + "…")
            return bool(shown.get_window_extent().width > max_width)

        if shown.get_window_extent().width > max_width:
            lengths = range(1, len(text))
            cut = bisect(lengths, False, key=lambda length: too_wide(text[:length]))
            shown.set_text(text[:cut] + "…")

    def box(self, x: float, y: float, width: float, height: float, **style: Any) -> None:
        look: Style = {"facecolor": "white", "edgecolor": INK, "linewidth": 1.2} | style
        self.axes.add_patch(Rectangle((x, y), width, height, **look))

    def rounded(self, x: float, y: float, width: float, height: float, **style: Any) -> None:
        look: Style = {"facecolor": "white", "edgecolor": INK, "linewidth": 1.2} | style
        corners = "round,pad=0,rounding_size=10"
        self.axes.add_patch(FancyBboxPatch((x, y), width, height, boxstyle=corners, **look))

    def arrow(self, start: tuple[float, float], end: tuple[float, float], **style: Any) -> None:
        look: Style = {"color": BLUE, "linewidth": 2.2, "linestyle": "-"} | style
        head = FancyArrowPatch(
            start, end, arrowstyle="-|>", mutation_scale=16, shrinkA=0, shrinkB=0, **look
        )
        self.axes.add_patch(head)

    def pixels(self, x: float, y: float, width: float, height: float, shades: Pixels) -> None:
        """A grey picture of rows of bytes, each pixel a rectangle."""
        extent = (x, x + width, y + height, y)
        look: Style = {"cmap": "gray", "vmin": 0, "vmax": 255, "interpolation": "nearest"}
        limits = self.axes.axis()  # which imshow would set
        self.axes.imshow(shades, extent=extent, aspect="auto", **look)
        self.axes.axis(limits)

    def bricks(self, x: float, y: float, width: float, height: float) -> None:
        """The wall of a KMS; `height` is a multiple of `BRICK`."""
        for course in range(int(height // BRICK)):
            joint = x + width * (1 / 3 if course % 2 else 2 / 3)
            for left, right in ((x, joint), (joint, x + width)):
                look = {"facecolor": "#c4bdb6", "edgecolor": "white", "linewidth": 1.5}
                self.box(left, y + BRICK * course, right - left, BRICK, **look)

    def cross(self, x: float, y: float, colour: str = VERMILLION) -> None:
        """Marks where something ended."""
        self.axes.plot([x], [y], marker="X", markersize=13, color=colour, markeredgecolor="white")

    def key(self, x: float, y: float, colour: str = GREEN, hatch: str = "") -> None:
        """A key, 96 by 36 pixels, with the centre of its ring at (x, y)."""
        look: Style = {
            "facecolor": colour,
            "edgecolor": INK,
            "linewidth": 1,
            "hatch": hatch,
        }
        for left, top, width, height in ((14, -5, 66, 10), (58, 3, 8, 12), (70, 3, 8, 16)):
            self.axes.add_patch(Rectangle((x + left, y + top), width, height, **look))
        self.axes.plot([x], [y], marker="o", markersize=25, color=colour, markeredgecolor=INK)
        self.axes.plot([x], [y], marker="o", markersize=9, color="white", markeredgecolor=INK)
