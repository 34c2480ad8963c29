"""Bets: a learner commits before a cell runs, and `reveal` replies to the choice.

The kernel keeps each bet under its id. The replies are data: `bets/<lesson>.toml`.
"""

import ast
import sys
from enum import StrEnum
from pathlib import Path

from kmslab.course.messages import show_message
from kmslab.course.texts import lesson_texts

REPLIES = Path(__file__).parent / "bets"


class Choice(StrEnum):
    """What a bet can be; notebooks import the four names."""

    A = "A"
    B = "B"
    C = "C"
    UNDECIDED = "undecided"


A, B, C, undecided = Choice
_bets: dict[str, Choice] = {}


def predict(bet: str, choice: str = undecided) -> None:
    """Keep a bet (`A`, `B` or `C`) under its id; any other choice clears it."""
    _bets.pop(bet, None)
    if not lesson_texts(REPLIES, bet):
        return show_message(_unknown(bet))
    typed = str(choice).strip()
    chosen = next((known for known in Choice if typed.lower() == known.lower()), None)
    if chosen is None:
        return show_message(
            f"{f'`{typed}`' if typed else 'Nothing'} is not one of the choices, so no bet is kept: "
            "type `A`, `B` or `C`."
        )
    if chosen is undecided:
        return show_message(
            "No bet yet. Double-click `undecided`, type `A`, `B` or `C`, and run this cell again."
        )
    _bets[bet] = chosen
    return show_message(f"Your bet is **{chosen}**. Now see what happens.")


def reveal(bet: str) -> None:
    """Reply to the bet kept under this id; without one, give the right answer and every reply."""
    replies = lesson_texts(REPLIES, bet)
    if not replies:
        return show_message(_unknown(bet))
    right, chosen = replies["right"], _bets.get(bet)
    answer = f"**{right}** {replies[right]}"
    if chosen is None:
        wrong = [f"- **{other}** {replies[other]}" for other in (A, B, C) if other != right]
        return show_message("\n".join([answer, "", *wrong]))
    if chosen == right:
        return show_message(f"You bet **{right}**, and you were right. {replies[right]}")
    return show_message(f"You bet **{chosen}**. {replies[chosen]}\n\n{answer}")


class BareLetters(ast.NodeTransformer):
    """Reads `predict("01-key", a)` as `predict("01-key", "a")`, whatever a variable `a` holds.

    Anything else that is typed there, such as `b or c`, is a text too, to which `predict` replies.
    """

    def visit_Call(self, call: ast.Call) -> ast.AST:
        self.generic_visit(call)
        match call:
            case ast.Call(func=ast.Name(id="predict"), args=[_, ast.Constant()]):
                pass
            case ast.Call(func=ast.Name(id="predict"), args=[bet, *typed]) if typed:
                text = ", ".join(ast.unparse(each) for each in typed)
                call.args = [bet, ast.copy_location(ast.Constant(text), call)]
        return call


def accept_bare_letters() -> None:
    """In a notebook, let a bare letter be a bet; elsewhere do nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell and not any(isinstance(each, BareLetters) for each in shell.ast_transformers):
        shell.ast_transformers.append(BareLetters())


def _unknown(bet: str) -> str:
    return f"There is no bet called `{bet}`. Its name must stay as the lesson wrote it."
