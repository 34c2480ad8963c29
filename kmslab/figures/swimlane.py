"""The envelope as a swimlane: what is on the disk, what the program does, what crosses the wall.

Time runs downwards. Every arrow through the wall is a call that was really made (`follow`), and
each number is the length of real bytes. The picture shows that the data itself stays outside.
"""

from collections.abc import Mapping, Sequence
from math import ceil

from kmslab.figures.canvas import (
    BLUE,
    BRICK,
    GREEN,
    GREY,
    INK,
    PALE,
    VERMILLION,
    WIDTH,
    Canvas,
    Picture,
    Style,
    count,
)
from kmslab.figures.follow import FollowedProgram, KmsCall
from kmslab.kms.arn import Arn

MARGIN, HEADER = 16, 48  # CSS pixels, as are all numbers below
DISK, BAR, WALL, KEY = (MARGIN, 240), (300, 10), (640, 36), 752  # left edges and widths
INSIDE = WALL[0] + WALL[1]
TEXT, MAX_TEXT = BAR[0] + BAR[1] + 16, 300  # the left edge of labels, and their largest width
MAX_BOLD = 28  # letters of an operation's name; a longer one is not bold, so that it fits
# Downwards: to the name of the call, to its arrow, and for each member sent, each member returned,
# and a refusal.
NAME, ARROW, SENT, RETURNED, REFUSAL = 12, 28, 26, 42, 56
MESSAGE, WORK, GAP = 60, 78, 16  # heights
STRIP, CELL = (216, 36), 44  # a message on the disk; the width of an encrypted data key in it
DISK_COLOUR = "#f3f1ee"
MEGABYTE = 1_000_000  # from here on labels are rounded
NOTHING = "Nothing crossed the wall."

# A member's name in this picture, and its colour.
MEMBERS: Mapping[str, tuple[str, str]] = {
    "Plaintext": ("data key", VERMILLION),
    "CiphertextBlob": ("encrypted data key", GREEN),
}


def swimlane(*programs: FollowedProgram) -> Picture:
    """Draw followed programs (one or two), one below the other.

    Example: `swimlane(follow(envelope.encrypt, clinic.table, records))`.
    """
    heights = [_height(program) for program in programs]
    canvas = Canvas(HEADER + sum(heights) + MARGIN)
    _draw_background(canvas, sum(heights))
    top = HEADER
    for program, height in zip(programs, heights, strict=True):
        _draw(canvas, program, top, height)
        top += height
    return Picture(canvas.figure, _caption(programs))


def _height(program: FollowedProgram) -> int:
    """A whole number of bricks."""
    calls = sum(map(_call_height, program.calls))
    return BRICK * ceil((GAP + program.opens * MESSAGE + calls + WORK + GAP) / BRICK)


def _call_height(call: KmsCall) -> int:
    back = REFUSAL if call.error else RETURNED * len(call.returned)
    return ARROW + SENT * len(call.sent) + back + GAP


def _draw_background(canvas: Canvas, height: int) -> None:
    canvas.box(DISK[0], HEADER, DISK[1], height, facecolor=DISK_COLOUR, edgecolor="none")
    canvas.box(INSIDE, HEADER, WIDTH - MARGIN - INSIDE, height, facecolor=PALE, edgecolor="none")
    canvas.bricks(WALL[0], HEADER, WALL[1], height)
    canvas.label(MARGIN, HEADER / 2, "on the disk", weight="bold")
    canvas.label(BAR[0], HEADER / 2, "the program", weight="bold")
    canvas.label(WALL[0] + WALL[1] / 2, HEADER / 2, "the wall", weight="bold", ha="center")
    canvas.label(WIDTH - MARGIN, HEADER / 2, "inside the KMS", weight="bold", ha="right")


def _draw(canvas: Canvas, program: FollowedProgram, top: float, height: float) -> None:
    bar: Style = {"facecolor": GREY, "edgecolor": "none"}
    canvas.box(BAR[0], top + GAP / 2, BAR[1], height - GAP, **bar)
    y = top + GAP
    if program.opens:
        _draw_message(canvas, program, program.input_size, y)
        y += MESSAGE
    for call in program.calls:
        _draw_call(canvas, call, y)
        y += _call_height(call)
    _draw_work(canvas, program, y)
    if program.output_size and not program.opens:
        _draw_message(canvas, program, program.output_size, y)


def _draw_message(canvas: Canvas, program: FollowedProgram, size: int, top: float) -> None:
    """The message on the disk: the encrypted data keys, then the sealed data."""
    left, (width, height) = DISK[0] + 12, STRIP
    data = program.output_size if program.opens else program.input_size
    kind = "no data yet" if program.only_prepares else "message"
    canvas.label(left, top + 10, f"{kind}: {_short(size)}", width, weight="bold")
    for key in _key_sizes(program):
        canvas.box(left, top + 26, CELL, height, edgecolor=GREEN, linewidth=2.5)
        canvas.label(left + CELL / 2, top + 26 + height / 2, f"{key}", ha="center", color=GREEN)
        left += CELL
        width -= CELL
    canvas.box(left, top + 26, width, height, edgecolor=BLUE, linewidth=2.5)
    words = _short(data) if data else "empty" if program.only_prepares else "sealed"
    canvas.label(
        left + width / 2, top + 26 + height / 2, words, width - 12, ha="center", color=BLUE
    )
    ends = [(DISK[0] + DISK[1] + 4, top + 44), (BAR[0] - 4, top + 44)]
    canvas.arrow(*(ends if program.opens else ends[::-1]), color=INK)


def _key_sizes(program: FollowedProgram) -> list[int]:
    """The sizes of the message's encrypted data keys: each call sent one or returned one."""
    calls = ({**call.sent, **call.returned} for call in program.calls)
    return [sizes["CiphertextBlob"] for sizes in calls if "CiphertextBlob" in sizes]


def _draw_call(canvas: Canvas, call: KmsCall, top: float) -> None:
    """An arrow to the KMS, and an arrow back for each member that it returned."""
    near = WALL[0] - 16 if call.error else KEY - 28
    weight = "bold" if len(call.operation) <= MAX_BOLD else "normal"
    canvas.label(TEXT, top + NAME, call.operation, MAX_TEXT, weight=weight)
    out = top + ARROW + SENT * len(call.sent)
    lowest = out + RETURNED * len(call.returned)
    if not call.error:
        _open_gate(canvas, out, lowest)
    for member, size in call.sent.items():
        _label(canvas, member, size, out - 16)
    canvas.arrow((BAR[0] + BAR[1] + 4, out), (near, out))
    for number, (member, size) in enumerate(call.returned.items(), 1):
        back = out + RETURNED * number
        _label(canvas, member, size, back - 16)
        canvas.arrow((near, back), (BAR[0] + BAR[1] + 4, back), color=MEMBERS[member][1])
    middle = (out + lowest) / 2 - 10
    canvas.key(KEY, middle, *((GREY, "///") if call.error else (GREEN, "")))
    lines = [call.name, f"key {Arn.parse(call.key).name[:8]}…"]
    for number, line in enumerate(filter(None, lines)):
        canvas.label(KEY - 16, middle + 34 + 22 * number, line, WIDTH - MARGIN - KEY)
    if call.error:
        _draw_refusal(canvas, call.error, out)


def _label(canvas: Canvas, member: str, size: int, y: float) -> None:
    word, colour = MEMBERS[member]
    canvas.label(TEXT, y, f"{word}: {count(size)}", MAX_TEXT, color=colour)


def _open_gate(canvas: Canvas, first: float, last: float) -> None:
    """Remove whole bricks where arrows pass."""
    top = HEADER + BRICK * ((first - HEADER - 10) // BRICK)
    bottom = HEADER + BRICK * ceil((last - HEADER + 10) / BRICK)
    look: Style = {"facecolor": "white", "edgecolor": "none"}
    canvas.box(WALL[0] - 1, top, WALL[1] + 2, bottom - top, **look)


def _draw_refusal(canvas: Canvas, error: str, y: float) -> None:
    canvas.cross(WALL[0] - 8, y)
    start, end = (WALL[0] - 16, y + 10), (BAR[0] + BAR[1] + 4, y + 28)
    canvas.arrow(start, end, color=VERMILLION, linestyle="--")
    canvas.label(TEXT, y + 46, error, MAX_TEXT, color=VERMILLION, weight="bold")


def _draw_work(canvas: Canvas, program: FollowedProgram, top: float) -> None:
    """What the program itself does with the data key."""
    if not program.output_size:
        canvas.label(TEXT, top + 44, "opens nothing", MAX_TEXT, color=VERMILLION)
        return
    if program.only_prepares:
        _draw_preparation(canvas, program, top)
        return
    verb, data = ("opens", program.output_size) if program.opens else ("seals", program.input_size)
    canvas.key(TEXT + 16, top + 38, VERMILLION, "...")
    canvas.label(TEXT + 118, top + 30, f"{verb} {_short(data)},", MAX_TEXT - 118)
    canvas.label(TEXT + 118, top + 54, "and is forgotten", MAX_TEXT - 118)
    if program.data_stayed:
        middle = (INSIDE + WIDTH - MARGIN) / 2
        canvas.label(middle, top + 50, "no data came here", ha="center")


def _draw_preparation(canvas: Canvas, program: FollowedProgram, top: float) -> None:
    """A program that has no data: all that matters is whether it had a data key in plaintext."""
    if program.had_data_key:
        canvas.key(TEXT + 16, top + 38, VERMILLION, "...")
        canvas.label(TEXT + 118, top + 38, "was here", MAX_TEXT - 118, color=VERMILLION)
    else:
        canvas.label(TEXT, top + 38, "no plaintext key came here", MAX_TEXT)


def _short(size: int) -> str:
    """The rounded size; the caption has the exact one."""
    return count(size) if size < MEGABYTE else f"{size / MEGABYTE:,.1f} MB"


def _caption(programs: Sequence[FollowedProgram]) -> str:
    total = sum(call.total for program in programs for call in program.calls)
    stayed = ", and no data" * all(program.data_stayed for program in programs)
    ending = f"In all, {count(total)} crossed the wall{stayed}." if total else NOTHING
    return " ".join(["Picture:", *map(_sentence, programs), ending])


def _sentence(program: FollowedProgram) -> str:
    if program.only_prepares:
        calls = ", ".join(map(_call, program.calls))
        return f"`{program.program}` {calls}, and kept {count(program.output_size)}."
    got = f"`{program.program}` got {'a message of ' * program.opens}{count(program.input_size)}"
    calls = ", ".join(map(_call, program.calls))
    made = f"gave back {'' if program.opens else 'a message of '}{count(program.output_size)}"
    if (around := program.output_size - program.input_size - sum(_key_sizes(program))) > 0:
        made += f" (beside data and encrypted key, {count(around)} of header, tags and the like)"
    return f"{got}, {calls}, and {made if program.output_size else 'gave back nothing'}."


def _call(call: KmsCall) -> str:
    sent, returned = _listed(call.sent), _listed(call.returned)
    asked = f"called **{call.operation}**" + (f" with {sent}" if sent else "")
    return f"{asked}: `{call.error}`" if call.error else f"{asked} for {returned}"


def _listed(sizes: Mapping[str, int]) -> str:
    return " and ".join(
        f"the {MEMBERS[member][0]} ({count(size)})" for member, size in sizes.items()
    )
