"""Which operations work on a key in which state: AWS's key-state table, as THE TABLE has it.

Each cell follows from the roles in `table.py` and the rules in `contract/states.py`, by the
function that the service itself calls. Operations with the same answers share a row.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from textwrap import wrap

from kmslab.figures.canvas import INK, PALE, PALE_GREEN, VERMILLION, WIDTH, Canvas, Picture
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.states import KeyState, refusal
from kmslab.kms.table import (
    ACCOUNT,
    ALIAS,
    ALIAS_OLD,
    ALIAS_TO_DELETE,
    NEW_ALIAS,
    NEW_REPLICA,
    STORE,
    TABLE,
    TAGGING,
    TARGET,
    Role,
    Row,
)
from kmslab.lab.cmk import CMK

MARGIN, HEADER, LINE, PAD, CELL = 16, 68, 20, 8, 184  # CSS pixels; CELL is a column's width
COLUMNS = (KeyState.ENABLED, KeyState.DISABLED, KeyState.PENDING_DELETION)
NAMES = WIDTH - 2 * MARGIN - len(COLUMNS) * CELL
NAME_LETTERS, CELL_LETTERS = 36, 18  # in a line

# Roles without a state. A custom key store has one, but not that of a key.
STATELESS = {ALIAS, ALIAS_TO_DELETE, NEW_ALIAS, ACCOUNT, TAGGING, *NEW_REPLICA}
# Names the key, for an operation whose keys have different rules.
KEY_NAMES = {ALIAS_OLD: "old key", TARGET: "new key"}

Answer = tuple[str, str] | None  # the error's name and text; None: the operation works
Pattern = tuple[Answer, ...]  # one answer for each column


@dataclass(frozen=True, slots=True)
class Group:
    """Operations with the same answer in every column."""

    pattern: Pattern
    names: tuple[str, ...]

    @property
    def lines(self) -> list[str]:
        return wrap(", ".join(self.names), NAME_LETTERS, break_on_hyphens=False)

    @property
    def height(self) -> float:
        lines = max(len(self.lines), *(len(_answer_lines(answer)) for answer in self.pattern))
        return LINE * lines + 2 * PAD


def operations(key: CMK, *names: str) -> Picture:
    """Draw which operations work on a key that is Enabled, Disabled or PendingDeletion.

    `names`: of the operations to draw, such as `Encrypt`; without any, all that name a key. Raises
    ValueError for an operation that has no key with a state. The column of `key`'s present state is
    marked. Other states are not drawn: only imported keys, multi-Region keys and keys in custom key
    stores can have them.
    """
    current, groups = _state(key), _chosen(_groups(), names)
    height = HEADER + sum(group.height for group in groups)
    canvas = Canvas(round(height) + MARGIN)
    _draw_header(canvas, current)
    top: float = HEADER
    for group in groups:
        _draw(canvas, group, top)
        top += group.height
    if current in COLUMNS:
        frame = {"facecolor": "none", "linewidth": 3.5}
        canvas.box(_left(COLUMNS.index(current)), MARGIN, CELL, height - MARGIN, **frame)
    return Picture(canvas.figure, _caption(key, current, groups))


def _state(key: CMK) -> KeyState | None:
    """The key's state; None if it was deleted."""
    try:
        return key.state
    except EXCEPTIONS["NotFoundException"]:
        return None


def _chosen(groups: Sequence[Group], names: Sequence[str]) -> list[Group]:
    known = {name for group in groups for name in group.names}
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"{unknown[0]!r} is not an operation that a key's state concerns")
    wanted = set(names) or known
    left = [(group, tuple(each for each in group.names if each in wanted)) for group in groups]
    return [replace(group, names=chosen) for group, chosen in left if chosen]


def _groups() -> list[Group]:
    """Sorted by how many states they work in; those that do not work in Enabled come last."""
    found: dict[Pattern, list[str]] = {}
    for row in TABLE.values():
        for role, name in _roles(row):
            pattern = tuple(refusal(state, role.states) for state in COLUMNS)
            names = found.setdefault(pattern, [])
            if name not in names:
                names.append(name)
    groups = [Group(pattern, tuple(names)) for pattern, names in found.items()]
    return sorted(groups, key=lambda group: (bool(group.pattern[0]), group.pattern.count(None)))


def is_a_keys(role: Role) -> bool:
    return role not in STATELESS and role.naming is not STORE


def _roles(row: Row) -> Iterator[tuple[Role, str]]:
    """An operation's roles that have a key state (an alias or an account has none), with names."""
    keys = [role for role in row.roles if is_a_keys(role)]
    same_rules = len({role.states for role in keys}) == 1
    for role in keys:
        yield role, row.name if same_rules else f"{row.name} ({KEY_NAMES[role.naming]})"


def _left(column: int) -> float:
    return MARGIN + NAMES + CELL * column


def _draw_header(canvas: Canvas, current: KeyState | None) -> None:
    for column, state in enumerate(COLUMNS):
        middle = _left(column) + CELL / 2
        if state is current:
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
    canvas.box(left, top, CELL, height, linewidth=1, facecolor="white" if answer else PALE_GREEN)
    lines = _answer_lines(answer)
    first = top + height / 2 - LINE * (len(lines) - 1) / 2
    for number, line in enumerate(lines):
        colour = VERMILLION if answer and number < 2 else INK
        weight = "normal" if answer and number > 1 else "bold"
        middle = (left + CELL / 2, first + LINE * number)
        canvas.label(*middle, line, CELL - PAD, ha="center", color=colour, weight=weight)


def _answer_lines(answer: Answer) -> list[str]:
    if answer is None:
        return ["works"]
    name, text = answer
    shown = wrap(text.partition(" (")[0].rstrip("."), CELL_LETTERS)
    return [name.removesuffix("Exception"), "Exception", *shown]


def _caption(key: CMK, current: KeyState | None, groups: list[Group]) -> str:
    return " ".join(
        [f"Picture: key `{key.id[:8]}…` is {current or 'gone'}.", *map(_sentence, groups)]
    )


def _sentence(group: Group) -> str:
    pairs = list(zip(COLUMNS, group.pattern, strict=True))
    works = _join([state.value for state, answer in pairs if answer is None])
    refused = _join([f"{state} (`{answer[0]}`)" for state, answer in pairs if answer])
    if len(group.names) == 1:
        sentence, subject = f"**{group.names[0]}** works in {works}", "it is"
    else:
        sentence = f"{len(group.names)} operations, such as **{group.names[0]}**, work in {works}"
        subject = "they are"
    return f"{sentence}; {subject} refused in {refused}." if refused else f"{sentence}."


def _join(words: list[str]) -> str:
    *first, last = words or [""]
    return f"{', '.join(first)} and {last}" if first else last
