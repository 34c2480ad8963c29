"""Messages to the learner: Markdown in a notebook, and the same words plain in a terminal."""

import re
from collections.abc import Iterable
from typing import Any


class Message(str):
    """Markdown text. A notebook renders it; a terminal gets the words without the emphasis."""

    __slots__ = ()

    @property
    def plain(self) -> str:
        return re.sub(r"^```.*\n?|\*\*|`", "", self, flags=re.M).rstrip()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/markdown": str(self), "text/plain": self.plain}

    def __repr__(self) -> str:
        return self.plain


def show_message(markdown: str) -> None:
    """Show it below the cell."""
    from IPython.display import display  # only notebooks need IPython; the workbook does not

    display(Message(markdown))  # type: ignore[no-untyped-call]  # IPython has no types here


def listed(names: Iterable[str], form: str = "`{}`") -> str:
    """Such as `a`, `b` and `c`."""
    all_of_them = [form.format(name) for name in names]
    return " and ".join(filter(None, [", ".join(all_of_them[:-1]), *all_of_them[-1:]]))
