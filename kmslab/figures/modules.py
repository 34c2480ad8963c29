"""Cryptographic modules and what they answer: the self-tests' questions, and one bit of each tag.

Every square is a question that is really asked. A module that gives one wrong answer to the
self-tests is not used (`kmslab.crypto.self_tested`).
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from kmslab.crypto import Backend, Forged
from kmslab.crypto.backend import GCM_IV, GCM_TAG
from kmslab.crypto.self_test import KNOWN_ANSWERS
from kmslab.figures.canvas import GREEN, INK, PALE_GREEN, VERMILLION, WIDTH, Canvas, Picture

MARGIN, LINE, BELOW, SQUARE = 16, 40, 18, 26  # CSS pixels
STRIP, RESULT = 290, 740  # left edges
ALGORITHM = "AES_GCM"


@dataclass(frozen=True, slots=True)
class Examined:
    name: str
    answers: tuple[bool, ...]  # to the self-tests' questions: right?
    refusals: tuple[bool, ...]  # of a box with a bit flipped in each byte of its tag; maybe none

    @property
    def is_used(self) -> bool:
        return all(self.answers)


def modules(*backends: Backend, flipped: bool = False) -> Picture:
    """Draw what the modules (one to four) answer to the self-tests' questions about AES-GCM.

    With `flipped` also whether each refuses a fresh box in whose tag one bit was flipped, for each
    byte of the tag.
    """
    examined = [_examine(backend, flipped) for backend in backends]
    lines = 3 if flipped else 2
    canvas = Canvas(MARGIN + (LINE * lines + BELOW) * len(examined))
    for number, each in enumerate(examined):
        _draw(canvas, each, MARGIN + (LINE * lines + BELOW) * number)
    return Picture(canvas.figure, "Picture: AES-GCM. " + " ".join(map(_sentence, examined)))


def _examine(backend: Backend, flipped: bool) -> Examined:
    asked = [known for known in KNOWN_ANSWERS if known.algorithm == ALGORITHM]
    answers = tuple(known.holds(backend) for known in asked)
    refusals = tuple(_refuses(backend, -GCM_TAG + byte) for byte in range(GCM_TAG * flipped))
    return Examined(backend.NAME, answers, refusals)


def _refuses(backend: Backend, byte: int) -> bool:
    key, iv = secrets.token_bytes(32), secrets.token_bytes(GCM_IV)
    box = bytearray(backend.aes_gcm_seal(key, iv, b"R-017", b""))
    box[byte] ^= 1
    try:
        backend.aes_gcm_open(key, iv, bytes(box), b"")
    except Forged:
        return True
    return False


def _draw(canvas: Canvas, module: Examined, top: float) -> None:
    colour, verdict = (GREEN, "is used") if module.is_used else (VERMILLION, "is not used")
    canvas.label(MARGIN, top + LINE / 2, module.name, STRIP + 300, weight="bold")
    canvas.label(RESULT, top + LINE / 2, verdict, color=colour, weight="bold")
    _draw_strip(canvas, "known answers", module.answers, _right(module), top + LINE)
    if module.refusals:
        told = _refused(module)
        _draw_strip(canvas, "a bit flipped in tag byte", module.refusals, told, top + 2 * LINE)


def _draw_strip(canvas: Canvas, title: str, good: Sequence[bool], result: str, top: float) -> None:
    middle = top + LINE / 2
    canvas.label(MARGIN, middle, title)
    for number, each in enumerate(good):
        left = STRIP + (SQUARE + 1) * number
        look = {"facecolor": PALE_GREEN if each else "white", "edgecolor": INK}
        canvas.box(left, middle - SQUARE / 2, SQUARE, SQUARE, **look)
        if each:
            canvas.label(left + SQUARE / 2, middle, str(number + 1), ha="center")
        else:
            canvas.cross(left + SQUARE / 2, middle)
    canvas.label(RESULT, middle, result, WIDTH - RESULT - MARGIN)


def _right(module: Examined) -> str:
    return f"{sum(module.answers)} of {len(module.answers)} right"


def _refused(module: Examined) -> str:
    return f"{sum(module.refusals)} of {len(module.refusals)} refused"


def _sentence(module: Examined) -> str:
    verdict = "is used" if module.is_used else "is not used"
    told = f"; with a bit flipped in a byte of the tag, {_refused(module)}" * bool(module.refusals)
    return f"**{module.name}**: {_right(module)}, {verdict}{told}."
