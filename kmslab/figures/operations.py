"""Which operations work on a key in which state: AWS's key-state table, as THE TABLE has it.

Every cell is worked out from the roles in `table.py` and the rules in `contract/states.py`, by the
function that the service itself asks. Operations that are answered alike stand together.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from textwrap import wrap

from kmslab.figures.canvas import GREEN, INK, PALE, VERMILLION, WIDTH, Canvas, Picture
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.states import KeyState, refusal
from kmslab.kms.table import ALIAS_OLD, STATELESS, TABLE, TARGET, Role, Row
from kmslab.lab.cmk import CMK

MARGIN, HEADER, LINE, PAD, CELL = 16, 68, 20, 8, 184  # CSS pixels; CELL is a column's width
COLUMNS = (KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION)
NAMES = WIDTH - 2 * MARGIN - len(COLUMNS) * CELL
NAME_LETTERS, CELL_LETTERS = 36, 18  # in a line

# An operation whose keys are judged differently says which of them is meant.
WHICH = {ALIAS_OLD: "old key", TARGET: "new key"}

Answer = tuple[str, str] | None  # the exception and its words; None: it works
Pattern = tuple[Answer, ...]  # one answer a column


@dataclass(frozen=True, slots=True)
class Group:
    """Operations that are answered alike in every column."""

    pattern: Pattern
    names: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        return wrap(", ".join(self.names), NAME_LETTERS, break_on_hyphens=False)

    @property
    def height(self) -> float:
        most = max(len(self.lines), *(len(_words(answer)) for answer in self.pattern))
        return LINE * most + 2 * PAD


def operations(key: CMK) -> Picture:
    """Draw which operations work on a key that is Enabled, Disabled or PendingDeletion.

    The column of the state in which `key` is now is marked. Other states are not drawn: only
    imported keys, multi-Region keys and those of custom key stores can have them.
    """
    here, groups = _state(key), _groups()
    height = HEADER + sum(group.height for group in groups)
    canvas = Canvas(round(height) + MARGIN)
    _draw_header(canvas, here)
    top: float = HEADER
    for group in groups:
        _draw(canvas, group, top)
        top += group.height
    if here in COLUMNS:
        frame = {"facecolor": "none", "linewidth": 3.5}
        canvas.box(_left(COLUMNS.index(here)), MARGIN, CELL, height - MARGIN, **frame)
    return Picture(canvas.figure, _caption(key, here, groups))


def _state(key: CMK) -> KeyState | None:
    """None if the key is gone."""
    try:
        return key.state
    except EXCEPTIONS["NotFoundException"]:
        return None


def _groups() -> list[Group]:
    """Like stairs: those that work in one state first, then in two, in all, and out of turn."""
    found: dict[Pattern, list[str]] = {}
    for row in TABLE.values():
        for role, name in _roles(row):
            pattern = tuple(refusal(state, role.states) for state in COLUMNS)
            names = found.setdefault(pattern, [])
            if name not in names:
                names.append(name)
    groups = [Group(pattern, tuple(names)) for pattern, names in found.items()]
    return sorted(groups, key=lambda group: (bool(group.pattern[0]), group.pattern.count(None)))


def _roles(row: Row) -> Iterator[tuple[Role, str]]:
    """The keys of an operation; an alias has no state, nor has an account."""
    keys = [role for role in row.roles if role not in STATELESS]
    alike = len({role.states for role in keys}) == 1
    for role in keys:
        yield role, row.name if alike else f"{row.name} ({WHICH[role.naming]})"


def _left(column: int) -> float:
    return MARGIN + NAMES + CELL * column


def _draw_header(canvas: Canvas, here: KeyState | None) -> None:
    for column, state in enumerate(COLUMNS):
        middle = _left(column) + CELL / 2
        if state is here:
            canvas.box(_left(column), MARGIN, CELL, HEADER - MARGIN, facecolor=PALE)
            canvas.label(middle, MARGIN + 38, "the key is here", ha="center")
        canvas.label(middle, MARGIN + 15, state.value, ha="center", weight="bold")


def _draw(canvas: Canvas, group: Group, top: float) -> None:
    canvas.box(MARGIN, top, NAMES, group.height, linewidth=1)
    first = top + group.height / 2 - LINE * (len(group.lines) - 1) / 2
    for number, line in enumerate(group.lines):
        canvas.label(MARGIN + PAD, first + LINE * number, line, NAMES - 2 * PAD)
    for column, answer in enumerate(group.pattern):
        _draw_answer(canvas, answer, _left(column), top, group.height)


def _draw_answer(canvas: Canvas, answer: Answer, left: float, top: float, height: float) -> None:
    canvas.box(left, top, CELL, height, linewidth=1, facecolor="white" if answer else GREEN)
    lines = _words(answer)
    first = top + height / 2 - LINE * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        colour = VERMILLION if answer and number < 2 else INK
        weight = "normal" if answer and number > 1 else "bold"
        middle = (left + CELL / 2, first + LINE * number)
        canvas.label(*middle, line, CELL - PAD, ha="center", color=colour, weight=weight)


def _words(answer: Answer) -> list[str]:
    if answer is None:
        return ["works"]
    name, words = answer
    shown = wrap(words.partition(" (")[0].rstrip("."), CELL_LETTERS)
    return [name.removesuffix("Exception"), "Exception", *shown]


def _caption(key: CMK, here: KeyState | None, groups: list[Group]) -> str:
    return " ".join([f"Picture: key `{key.id[:8]}…` is {here or 'gone'}.", *map(_sentence, groups)])


def _sentence(group: Group) -> str:
    pairs = list(zip(COLUMNS, group.pattern, strict=True))
    works = _listed([state.value for state, answer in pairs if answer is None])
    refused = _listed([f"{state} (`{answer[0]}`)" for state, answer in pairs if answer])
    if len(group.names) == 1:
        said, who = f"**{group.names[0]}** works in {works}", "it is"
    else:
        said = f"{len(group.names)} operations, such as **{group.names[0]}**, work in {works}"
        who = "they are"
    return f"{said}; {who} refused in {refused}." if refused else f"{said}."


def _listed(words: list[str]) -> str:
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last
