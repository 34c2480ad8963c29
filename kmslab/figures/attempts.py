"""Calls against a request quota: how many were answered in each second, and how many refused."""

from collections import Counter
from collections.abc import Mapping, Sequence

from kmslab.figures.canvas import GREEN, GREY, VERMILLION, WIDTH, Canvas, Picture

MARGIN, LEGEND, LANE, BAR, FOOT = 16, 44, 132, 84, 20  # CSS pixels
NAME = 200  # the names' column
SECONDS = 12  # columns, at most
WORKS = "ok"

Attempt = tuple[float, str]  # when, in seconds, and the outcome: `ok` or an error's name


def attempts(programs: Mapping[str, Sequence[Attempt]]) -> Picture:
    """Draw each program's calls (one to four programs, by name), second by second.

    `programs`: the attempts of each, as `(0.2, "ok")`; `course.outcome` gives the second part.
    ValueError if a program took longer than twelve seconds or made no attempt.
    """
    counted = {name: _count(name, made) for name, made in programs.items()}
    most = max(sum(each.values()) for lane in counted.values() for each in lane.values())
    last = max(second for lane in counted.values() for second in lane)
    canvas = Canvas(LEGEND + LANE * len(counted) + FOOT)
    _draw_legend(canvas)
    for number, (name, lane) in enumerate(counted.items()):
        _draw_lane(canvas, name, lane, LEGEND + LANE * number, most, last)
    return Picture(canvas.figure, _caption(counted))


def _count(name: str, made: Sequence[Attempt]) -> dict[int, Counter[bool]]:
    """Second by second, how many attempts were answered (True) and refused (False)."""
    if not made or max(at for at, _ in made) >= SECONDS:
        raise ValueError(f"{name} made no attempt, or took {SECONDS} seconds or more")
    lane: dict[int, Counter[bool]] = {}
    for at, outcome in made:
        lane.setdefault(int(at), Counter())[outcome == WORKS] += 1
    return lane


def _draw_legend(canvas: Canvas) -> None:
    for left, words, look in (
        (NAME, "answered", {"facecolor": GREEN}),
        (NAME + 150, "refused", {"facecolor": VERMILLION, "hatch": "///"}),
    ):
        canvas.box(left, LEGEND / 2 - 8, 16, 16, edgecolor="white", **look)
        canvas.label(left + 24, LEGEND / 2, words)


def _draw_lane(
    canvas: Canvas, name: str, lane: dict[int, Counter[bool]], top: float, most: int, last: int
) -> None:
    foot, column = top + LANE - 30, (WIDTH - NAME - MARGIN) / SECONDS
    canvas.label(MARGIN, foot - BAR / 2, name, NAME - 2 * MARGIN, weight="bold")
    canvas.axes.plot([NAME, WIDTH - MARGIN], [foot, foot], color=GREY, linewidth=1)
    for second in range(last + 1):
        left = NAME + column * second
        canvas.label(left + 17, foot + 14, f"{second} s", color=GREY, ha="center")
        height = foot
        for answered, look in (
            (True, {"facecolor": GREEN}),
            (False, {"facecolor": VERMILLION, "hatch": "///"}),
        ):
            if number := lane.get(second, Counter())[answered]:
                tall = BAR * number / most
                height -= tall
                canvas.box(left + 4, height, 26, tall, edgecolor="white", **look)
                if answered or tall > 20:
                    colour = GREEN if answered else VERMILLION
                    canvas.label(left + 34, height + tall / 2, f"{number}", color=colour)


def _caption(counted: Mapping[str, dict[int, Counter[bool]]]) -> str:
    return "Picture: calls against a quota, second by second. " + " ".join(
        f"**{name}**: {'; '.join(_second(at, lane[at]) for at in sorted(lane))}."
        for name, lane in counted.items()
    )


def _second(at: int, number: Counter[bool]) -> str:
    return f"{at} s, {number[True]} answered, {number[False]} refused"
