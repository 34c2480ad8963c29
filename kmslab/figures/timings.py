"""Times as they were measured, every sample a dot: on axes of powers of ten, or beside sizes.

Nothing is known here of what was timed. The median is a line across its dots; where two operations
share a row, the upper dots are round and the lower ones triangles.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median

from kmslab.figures.canvas import (
    BLUE,
    GREEN,
    GREY,
    INK,
    PURPLE,
    VERMILLION,
    WIDTH,
    Canvas,
    Picture,
    Style,
)
from kmslab.figures.scale import Scale, around, microseconds

LEFT, ROW, SEARCH, TOP, FOOT = 16, 48, 92, 34, 40  # CSS pixels
LOOKS = ((BLUE, "o", -10), (VERMILLION, "^", 10))  # of a row's first and second cloud; pixels down
JITTER = (0, 4, -3, 2, -5, 5, -1, 3, -4, 1, -2)  # pixels, so that dots don't hide each other


@dataclass(frozen=True, slots=True)
class Cloud:
    """What one operation took, in microseconds."""

    name: str
    samples: Sequence[float]

    @property
    def middle(self) -> float:
        return median(self.samples)

    def __str__(self) -> str:
        return f"{self.name} {microseconds(self.middle)}"


@dataclass(frozen=True, slots=True)
class Timings:
    """One row: its name, one or two clouds, and how many bytes came out (0: nothing to say)."""

    name: str
    clouds: tuple[Cloud, ...]
    size: int = 0

    def __str__(self) -> str:
        return f"{self.name} {', '.join(map(str, self.clouds))}"


@dataclass(frozen=True, slots=True)
class Mark:
    """A time to compare with, in microseconds."""

    name: str
    time: float


def times(title: str, rows: Sequence[Timings], *marks: Mark) -> Picture:
    """Every sample of every row on one axis of powers of ten; marks are dashed lines across all."""
    bottom = TOP + ROW * len(rows)
    canvas = Canvas(bottom + FOOT)
    taken = [sample for row in rows for cloud in row.clouds for sample in cloud.samples]
    scale = around([*taken, *(mark.time for mark in marks)], 200, 770)
    scale.draw(canvas, TOP, bottom, microseconds)
    canvas.label(LEFT, 16, title, 180, weight="bold")
    canvas.label(LEFT, bottom + 14, "time of one call", color=GREY)
    _line(canvas, 786, bottom + 14)
    canvas.label(798, bottom + 14, "median", color=GREY)
    for mark in marks:
        _mark(canvas, scale, mark, bottom)
    for number, row in enumerate(rows):
        middle = TOP + ROW * (number + 0.5)
        canvas.label(LEFT, middle, row.name, 176)
        for cloud, (colour, marker, down) in zip(row.clouds, LOOKS, strict=False):
            _cloud(canvas, scale, cloud, middle + down, colour, marker)
            canvas.label(782, middle + down, str(cloud), WIDTH - 782 - 4, color=colour)
    told = [f"{mark.name} {microseconds(mark.time)}" for mark in marks]
    medians = "; ".join([*map(str, rows), *told])
    return Picture(canvas.figure, f"Picture: {title}, medians. {medians}.")


def _mark(canvas: Canvas, scale: Scale, mark: Mark, bottom: float) -> None:
    x = scale.at(mark.time)
    canvas.axes.plot([x, x], [TOP - 4, bottom], color=GREEN, linestyle="--", linewidth=2)
    canvas.label(x, 16, mark.name, color=GREEN, ha="center", weight="bold")


def _cloud(
    canvas: Canvas, scale: Scale, cloud: Cloud, y: float, colour: str, marker: str, tall: float = 9
) -> None:
    xs = [scale.at(sample) for sample in cloud.samples]
    ys = [y + JITTER[number % len(JITTER)] * tall / 9 for number in range(len(xs))]
    look: Style = {"s": 16, "alpha": 0.35, "linewidths": 0, "zorder": 2}
    canvas.axes.scatter(xs, ys, color=colour, marker=marker, **look)
    _line(canvas, scale.at(cloud.middle), y, tall)


def _line(canvas: Canvas, x: float, y: float, tall: float = 9) -> None:
    """A median's, and the one that explains it."""
    canvas.axes.plot([x, x], [y - tall, y + tall], color=INK, linewidth=1.6, zorder=3)


def wings(title: str, rows: Sequence[Timings]) -> Picture:
    """Bytes grow to the left, evenly from nothing; time grows to the right, by powers of ten."""
    bottom = TOP + ROW * len(rows)
    canvas = Canvas(bottom + FOOT)
    scale = around([cloud.middle for row in rows for cloud in row.clouds], 580, 900)
    scale.draw(canvas, TOP, bottom, microseconds)
    most = max(row.size for row in rows)
    canvas.label(372, 16, "bytes", ha="right", color=GREY)
    canvas.label(480, 16, title, 190, ha="center", weight="bold")
    canvas.label(480, bottom + 14, "median time", ha="center", color=GREY)
    for number, (cloud, (colour, marker, _)) in enumerate(zip(rows[0].clouds, LOOKS, strict=False)):
        canvas.axes.scatter([600 + 110 * number], [16], s=60, color=colour, marker=marker)
        canvas.label(612 + 110 * number, 16, cloud.name, color=colour)
    for number, row in enumerate(rows):
        y = TOP + ROW * (number + 0.5)
        canvas.label(480, y, row.name, 190, ha="center")
        length = 290 * row.size / most
        look = {"facecolor": PURPLE, "hatch": "///", "edgecolor": "white"}
        canvas.box(380 - length, y - 9, length, 18, **look)
        canvas.label(372 - length, y, f"{row.size:,}", ha="right")
        _dumbbell(canvas, scale, row.clouds, y)
    told = "; ".join(f"{row}, {row.size:,} bytes" for row in rows)
    return Picture(canvas.figure, f"Picture: {title}. {told}.")


def _dumbbell(canvas: Canvas, scale: Scale, clouds: Sequence[Cloud], y: float) -> None:
    ends = [scale.at(cloud.middle) for cloud in clouds]
    canvas.axes.plot([min(ends), max(ends)], [y, y], color=GREY, linewidth=3, zorder=1)
    for x, (colour, marker, _) in zip(ends, LOOKS, strict=False):
        canvas.axes.scatter([x], [y], s=90, color=colour, marker=marker, zorder=3)


def searches(title: str, rows: Sequence[Timings]) -> Picture:
    """Times that differ by luck, on a linear axis from nothing, with median and mean."""
    bottom = TOP + SEARCH * len(rows)
    canvas = Canvas(bottom + FOOT)
    taken = [sample for row in rows for cloud in row.clouds for sample in cloud.samples]
    scale = Scale(0, max(taken) * 1.04, 240, 900, powers=False)
    scale.draw(canvas, TOP, bottom, lambda tick: microseconds(tick) if tick else "0")
    canvas.label(LEFT, 16, title, weight="bold")
    canvas.label(LEFT, bottom + 14, "time each took", color=GREY)
    told = [
        _search(canvas, scale, row, TOP + SEARCH * (number + 0.5), LOOKS[number % 2])
        for number, row in enumerate(rows)
    ]
    return Picture(canvas.figure, f"Picture: {title}. {'; '.join(told)}.")


def _search(
    canvas: Canvas, scale: Scale, row: Timings, y: float, look: tuple[str, str, int]
) -> str:
    (cloud,), (colour, marker, _) = row.clouds, look
    mean = fmean(cloud.samples)
    middle, average = microseconds(cloud.middle), microseconds(mean)
    longer = sum(sample > mean for sample in cloud.samples)
    _cloud(canvas, scale, cloud, y, colour, marker, 24)
    canvas.cross(scale.at(mean), y)
    canvas.label(LEFT, y - 26, row.name, 200, color=colour)
    _line(canvas, LEFT + 8, y)
    canvas.label(LEFT + 24, y, f"median {middle}", 180)
    canvas.cross(LEFT + 8, y + 26)
    canvas.label(LEFT + 24, y + 26, f"mean {average}", 180)
    above = f"{longer} of {len(cloud.samples)} took longer than the mean"
    return f"{row.name} median {middle}, mean {average}; {above}"
