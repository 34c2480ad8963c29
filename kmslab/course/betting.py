"""Bets: a learner commits before a cell runs, and the answer replies to the bet that was made.

A bet lives in this kernel, under its id. What is said of each choice is data: `bets/<lesson>.toml`.
"""

import ast
import sys
from enum import StrEnum

from kmslab.course.messages import say
from kmslab.course.texts import text


class Choice(StrEnum):
    """What a bet can be; notebooks import the four names."""

    A = "A"
    B = "B"
    C = "C"
    UNDECIDED = "undecided"


A, B, C, undecided = Choice
_kept: dict[str, Choice] = {}


def predict(bet: str, choice: str = undecided) -> None:
    """Keep a bet (`A`, `B` or `C`) under its id; anything else clears it."""
    _kept.pop(bet, None)
    if not text("bets", bet):
        return say(_unknown(bet))
    wanted = str(choice).strip()
    chosen = next((known for known in Choice if wanted.lower() == known.lower()), None)
    if chosen is None:
        return say(f"`{wanted}` is none of the choices, so no bet is kept: type `A`, `B` or `C`.")
    if chosen is undecided:
        return say(
            "No bet yet. Double-click `undecided`, type `A`, `B` or `C`, and run this cell again."
        )
    _kept[bet] = chosen
    return say(f"Your bet is **{chosen}**. Now see what happens.")


def reveal(bet: str) -> None:
    """Answer the bet kept under this id; without one, give the right answer and every reply."""
    texts = text("bets", bet)
    if not texts:
        return say(_unknown(bet))
    right, chosen = texts["right"], _kept.get(bet)
    answer = f"**{right}** {texts[right]}"
    if chosen is None:
        wrong = [f"- **{other}** {texts[other]}" for other in (A, B, C) if other != right]
        return say("\n".join([answer, "", *wrong]))
    if chosen == right:
        return say(f"You bet **{right}**, and you were right. {texts[right]}")
    return say(f"You bet **{chosen}**. {texts[chosen]}\n\n{answer}")


class BareLetters(ast.NodeTransformer):
    """Makes `predict("01-key", a)` mean `"a"`: a learner's slip, or his own variable called `A`."""

    def visit_Call(self, call: ast.Call) -> ast.AST:
        self.generic_visit(call)
        match call:
            case ast.Call(func=ast.Name(id="predict"), args=[bet, ast.Name(id=letter)]):
                call.args = [bet, ast.copy_location(ast.Constant(letter), call)]
        return call


def listen() -> None:
    """In a notebook, let bare letters be bets; elsewhere nothing."""
    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell and not any(isinstance(each, BareLetters) for each in shell.ast_transformers):
        shell.ast_transformers.append(BareLetters())


def _unknown(bet: str) -> str:
    return f"There is no bet called `{bet}`. Its name must stay as the lesson wrote it."
