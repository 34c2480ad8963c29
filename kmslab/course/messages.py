"""How the course speaks: Markdown, which wraps and follows the theme, and the same words plain."""

import re
from typing import Any


class Words(str):
    """Markdown for a notebook; a terminal gets the same words without the emphasis."""

    __slots__ = ()

    @property
    def plain(self) -> str:
        return re.sub(r"^```.*\n?|\*\*|`", "", self, flags=re.M).rstrip()

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        return {"text/markdown": str(self), "text/plain": self.plain}

    def __repr__(self) -> str:
        return self.plain


def say(markdown: str) -> None:
    """Show it below the cell."""
    from IPython.display import display  # the course's other half, the workbook, works without it

    display(Words(markdown))  # type: ignore[no-untyped-call]  # IPython has no types here
