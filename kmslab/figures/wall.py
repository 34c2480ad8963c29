"""A KMS as a wall with a key that stays inside, and one lane for each call from outside.

A call that succeeds passes a gate in the wall, with an arrow each way; one that is refused ends at
the wall. The lane of a program that calls no KMS ends before the wall: its key is outside, beside
the data, stolen perhaps, or public.
"""

from collections.abc import Sequence

from kmslab.figures.canvas import (
    BLUE,
    BRICK,
    GREEN,
    GREY,
    PALE,
    VERMILLION,
    WIDTH,
    Canvas,
    Picture,
    count,
)
from kmslab.figures.watch import WatchedCall
from kmslab.kms.arn import Arn

MARGIN, HEADER, LANE = 16, 48, 136  # CSS pixels; a lane is eight bricks high
CALLER, TRACK, WALL, INSIDE, KEY = (MARGIN, 160), 196, (590, 36), 626, 712
MAX_LABEL = WALL[0] - TRACK - 24  # the largest width of a label
MAX_NOTE, MAX_RESULT = 150, 160  # of a note beside the operation, of a result beside a key
KEY_OUTSIDE = 440  # where a key is drawn that is not inside

CALLERS = {"root": "the account", "": "the laptop"}  # other callers have their own name

# What an operation takes in and gives back. For any other operation it is "data".
INPUT_AND_OUTPUT = {
    "Encrypt": ("plaintext", "ciphertext blob"),
    "Decrypt": ("ciphertext blob", "plaintext"),
    "ReEncrypt": ("ciphertext blob", "ciphertext blob"),
    "Sign": ("message", "signature"),
    "GenerateMac": ("message", "MAC"),
    "Decapsulate": ("capsule", "shared secret"),
    "DeriveSharedSecret": ("public key", "shared secret"),
}


def wall(*calls: WatchedCall) -> Picture:
    """Draw watched calls (one to six): who called, what crossed the wall, what came back.

    Every number is the length of real bytes, and every name comes from the call's event in the
    trail. Example: `wall(watch(records.encrypt, page))`.
    """
    canvas = Canvas(HEADER + LANE * len(calls) + MARGIN)
    _draw_background(canvas, calls)
    for lane, call in enumerate(calls):
        _draw(canvas, call, HEADER + LANE * lane)
    _keys(canvas, calls)
    return Picture(canvas.figure, _caption(calls))


def _draw_background(canvas: Canvas, calls: Sequence[WatchedCall]) -> None:
    height = LANE * len(calls)
    canvas.box(INSIDE, HEADER, WIDTH - MARGIN - INSIDE, height, facecolor=PALE, edgecolor="none")
    canvas.bricks(WALL[0], HEADER, WALL[1], height)
    canvas.label(MARGIN, HEADER / 2, "outside", weight="bold")
    canvas.label(WALL[0] + WALL[1] / 2, HEADER / 2, "the wall", weight="bold", ha="center")
    canvas.label(WIDTH - MARGIN, HEADER / 2, "inside the KMS", weight="bold", ha="right")
    for lane, call in enumerate(calls):
        top = HEADER + LANE * lane + 16
        canvas.rounded(*(CALLER[0], top, CALLER[1], LANE - 32), edgecolor=GREY)
        who = CALLERS.get(call.caller, call.caller.replace("/", " "))
        middle = (CALLER[0] + CALLER[1] / 2, top + (LANE - 32) / 2)
        canvas.label(*middle, who, CALLER[1] - 16, ha="center")


def _draw(canvas: Canvas, call: WatchedCall, top: float) -> None:
    width = MAX_LABEL - MAX_NOTE - 16 if call.note else MAX_LABEL
    canvas.label(TRACK, top + 28, call.operation, width, weight="bold")
    canvas.label(WALL[0] - 8, top + 28, call.note, MAX_NOTE, ha="right")
    if call.public:
        _draw_outside(canvas, call, top)
    elif not call.crossed:
        _draw_local(canvas, call, top)
    elif call.refused:
        _draw_refused(canvas, call, top)
    else:
        _draw_through(canvas, call, top)


def _draw_through(canvas: Canvas, call: WatchedCall, top: float) -> None:
    taken, given = INPUT_AND_OUTPUT.get(call.operation, ("data", "data"))
    canvas.box(
        WALL[0] - 1, top + 3 * BRICK, WALL[1] + 2, 4 * BRICK, facecolor="white", edgecolor="none"
    )
    canvas.arrow((TRACK, top + 72), (KEY - 28, top + 72))
    canvas.label(TRACK + 8, top + 58, f"{taken}: {count(call.sent)}", color=BLUE)
    canvas.arrow((KEY - 28, top + 104), (TRACK, top + 104), color=GREEN)
    canvas.label(TRACK + 8, top + 120, f"{given}: {count(call.returned)}", color=GREEN)


def _draw_refused(canvas: Canvas, call: WatchedCall, top: float) -> None:
    taken, _ = INPUT_AND_OUTPUT.get(call.operation, ("data", "data"))
    canvas.arrow((TRACK, top + 72), (WALL[0] - 14, top + 72))
    canvas.label(TRACK + 8, top + 58, f"{taken}: {count(call.sent)}", color=BLUE)
    canvas.cross(WALL[0] - 6, top + 72)
    canvas.arrow((WALL[0] - 14, top + 82), (TRACK, top + 104), color=VERMILLION, linestyle="--")
    canvas.label(TRACK + 8, top + 120, call.error, MAX_LABEL, color=VERMILLION, weight="bold")


def _draw_local(canvas: Canvas, call: WatchedCall, top: float) -> None:
    box, *keys = [f"{name}: {count(size)}" for name, size in call.files.items()] or ["no file"]
    canvas.arrow((TRACK, top + 72), (KEY_OUTSIDE - 26, top + 72))
    canvas.label(TRACK + 8, top + 58, box, KEY_OUTSIDE - TRACK - 34, color=BLUE)
    canvas.arrow((KEY_OUTSIDE - 26, top + 104), (TRACK, top + 104), color=VERMILLION)
    canvas.label(TRACK + 8, top + 120, f"opened: {count(call.returned)}", color=VERMILLION)
    canvas.key(KEY_OUTSIDE, top + 84, VERMILLION, "...")
    canvas.label(KEY_OUTSIDE - 14, top + 120, ", ".join(keys), WALL[0] - KEY_OUTSIDE)
    _draw_nothing_inside(canvas, top)


def _draw_outside(canvas: Canvas, call: WatchedCall, top: float) -> None:
    """A program with a public key, which is outside because everybody may have it."""
    inputs = ", ".join(f"{name}: {count(size)}" for name, size in call.files.items())
    canvas.label(TRACK + 8, top + 58, inputs, MAX_LABEL, color=BLUE)
    look = {"color": VERMILLION, "linestyle": "--"} if call.refused else {"color": GREEN}
    canvas.arrow((TRACK, top + 78), (KEY_OUTSIDE - 26 - 14 * call.refused, top + 78))
    canvas.arrow((KEY_OUTSIDE - 26 - 14 * call.refused, top + 102), (TRACK, top + 102), **look)
    if call.refused:
        canvas.cross(KEY_OUTSIDE - 30, top + 78)
    canvas.label(
        TRACK + 8, top + 120, _result(call), MAX_RESULT, color=look["color"], weight="bold"
    )
    canvas.key(KEY_OUTSIDE, top + 88, BLUE, "..")
    canvas.label(WALL[0] - 8, top + 120, f"public key: {count(call.public)}", ha="right")
    _draw_nothing_inside(canvas, top)


def _result(call: WatchedCall) -> str:
    if call.refused:
        return "refused"
    return count(call.returned) if call.returned else "accepted"


def _draw_nothing_inside(canvas: Canvas, top: float) -> None:
    canvas.label((INSIDE + WIDTH - MARGIN) / 2, top + LANE / 2, "no call came here", ha="center")


def _keys(canvas: Canvas, calls: Sequence[WatchedCall]) -> None:
    """Draw one key for all calls that found the same key in the same state, between their lanes."""
    found = [(call.key, _key_state(call)) for call in calls]
    for arn, refusal in dict.fromkeys(pair for pair in found if pair[0]):
        lanes = [lane for lane, pair in enumerate(found) if pair == (arn, refusal)]
        middle = HEADER + LANE * (lanes[0] + lanes[-1] + 1) / 2
        canvas.key(KEY, middle - 8, *((GREY, "///") if refusal else (GREEN, "")))
        canvas.label(KEY - 16, middle + 34, _short(arn))
        canvas.label(
            KEY - 16, middle + 56, refusal, WIDTH - MARGIN - KEY, color=VERMILLION, weight="bold"
        )


def _short(arn: str) -> str:
    return f"key {Arn.parse(arn).name[:8]}…"


def _key_state(call: WatchedCall) -> str:
    """The key's state in an error text such as "arn:… is disabled."; "" if it does not name one."""
    names_key = call.key and call.message.startswith(call.key)
    return call.message.removeprefix(call.key).strip() if names_key else ""


def _caption(calls: Sequence[WatchedCall]) -> str:
    return " ".join(["Picture:", *map(_sentence, calls), _ending(calls)]).strip()


def _sentence(call: WatchedCall) -> str:
    taken, given = INPUT_AND_OUTPUT.get(call.operation, ("data", "data"))
    sent = f"{count(call.sent)} ({taken})"
    if call.public:
        return _sentence_outside(call)
    if not call.crossed:
        files = " and ".join(f"`{name}` ({count(size)})" for name, size in call.files.items())
        return f"`{call.operation}` used {files} and got {count(call.returned)}, without any call."
    note = _note(call)
    if call.refused:
        text = call.message.replace(call.key, _short(call.key)) if call.key else call.message
        reason = f": {text.rstrip('.')}" if text else ""
        return (
            f"**{call.operation}**{note} brought {sent} as far as the wall: `{call.error}`{reason}."
        )
    back = f"{count(call.returned)} ({given})"
    return f"**{call.operation}**{note} took in {sent} and gave back {back}."


def _note(call: WatchedCall) -> str:
    return f" ({call.note})" if call.note else ""


def _sentence_outside(call: WatchedCall) -> str:
    inputs = [f"{name} ({count(size)})" for name, size in call.files.items()]
    given = " and ".join(filter(None, [", ".join(inputs), f"a public key ({count(call.public)})"]))
    result = f"{_result(call)} (`{call.error}`)" if call.refused else _result(call)
    return f"`{call.operation}`{_note(call)}, with {given}: {result}."


def _ending(calls: Sequence[WatchedCall]) -> str:
    public = any(call.public for call in calls)
    if any(call.crossed for call in calls):
        return "The private key stayed inside." if public else "The key stayed inside."
    return "The KMS was not called." if public else "The key lay outside."
