"""How fast data is sealed: each piece by a call of its own, or all of it under one data key.

This module measures nothing: `kmslab.bench.sealing` does, and passes it plain numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from kmslab.figures.canvas import BLUE, GREY, VERMILLION, WIDTH, Canvas, Picture
from kmslab.figures.scale import Scale

LEFT, CALLS, RATIO, TOP, ROW, FOOT = 16, 116, 800, 40, 52, 56  # CSS pixels
SCALE = (330, 770)  # the ends of the scale
MEGABYTE = 10**6
SIZES = ((2**30, "GiB"), (2**20, "MiB"), (2**10, "KiB"), (1, "bytes"))
LOOKS = {"envelope": (BLUE, "o"), "direct": (VERMILLION, "^")}


@dataclass(frozen=True, slots=True)
class SealingTimes:
    """How long data of one size took: directly, in so many calls, and in an envelope, in one."""

    size: int  # bytes
    direct_calls: int
    direct: float  # microseconds
    envelope: float

    @property
    def rates(self) -> dict[str, float]:
        """MB a second; bytes a microsecond are the same."""
        return {"envelope": self.size / self.envelope, "direct": self.size / self.direct}

    @property
    def ratio(self) -> float:
        return self.direct / self.envelope


def throughput(title: str, rows: Sequence[SealingTimes]) -> Picture:
    """Draw the rates of both ways for each size on one scale of powers of ten."""
    bottom = TOP + ROW * len(rows)
    canvas = Canvas(bottom + FOOT)
    rates = [rate for row in rows for rate in row.rates.values()]
    scale = Scale(min(rates) / 2, max(rates) * 2, *SCALE)
    scale.draw(canvas, TOP, bottom, lambda tick: f"{tick:,g}")
    canvas.label(LEFT, 18, title, 300, weight="bold")
    canvas.label(SCALE[1], bottom + 38, "MB a second", ha="right", color=GREY)
    for number, (name, (colour, marker)) in enumerate(LOOKS.items()):
        canvas.axes.scatter([SCALE[0] + 10 + 170 * number], [18], s=70, color=colour, marker=marker)
        words = "in an envelope" if name == "envelope" else "piece by piece"
        canvas.label(SCALE[0] + 24 + 170 * number, 18, words, color=colour)
    for number, row in enumerate(rows):
        _draw(canvas, scale, row, TOP + ROW * (number + 0.5))
    return Picture(canvas.figure, _caption(title, rows))


def _draw(canvas: Canvas, scale: Scale, row: SealingTimes, y: float) -> None:
    canvas.label(LEFT, y, short_size(row.size), CALLS - LEFT - 8, weight="bold")
    calls = f"{row.direct_calls:,} call{'' if row.direct_calls == 1 else 's'} against 1"
    canvas.label(CALLS, y, calls, SCALE[0] - CALLS - 8)
    places = {name: scale.at(rate) for name, rate in row.rates.items()}
    canvas.axes.plot([*places.values()], [y, y], color=GREY, linewidth=3, zorder=1)
    for name, (colour, marker) in LOOKS.items():
        canvas.axes.scatter([places[name]], [y], s=90, color=colour, marker=marker, zorder=3)
    canvas.label(RATIO, y, f"envelope: × {_two_digits(row.ratio)}", WIDTH - RATIO)


def _two_digits(value: float) -> str:
    return f"{float(f'{value:.2g}'):,g}"


def short_size(size: int) -> str:
    """In the largest unit of which it is a whole number."""
    number, unit = next((size // unit, name) for unit, name in SIZES if size % unit == 0)
    return f"{number:,} {unit}"


def _caption(title: str, rows: Sequence[SealingTimes]) -> str:
    return f"Picture: {title}, in MB a second. {' '.join(map(_sentence, rows))}"


def _sentence(row: SealingTimes) -> str:
    rates = row.rates
    calls = f"{row.direct_calls:,} call{'' if row.direct_calls == 1 else 's'}"
    return (
        f"**{short_size(row.size)}**: piece by piece in {calls} {rates['direct']:.3g}, in an "
        f"envelope with one call {rates['envelope']:.3g}."
    )
