"""Blocks of an explanation, for a terminal or as Markdown: sentences, titles, tables and JSON."""

import textwrap
from collections.abc import Iterable

from kmslab.display import COLUMNS, Table, escaped, visible


class Title(str):
    """A heading."""


class Code(str):
    """JSON to copy: it is not wrapped."""


Block = str | Table  # a plain string is a paragraph


def terminal(blocks: Iterable[Block]) -> str:
    return "\n".join(map(_in_terminal, blocks)).lstrip("\n")


def markdown(blocks: Iterable[Block]) -> str:
    return "\n\n".join(map(_in_markdown, blocks))


def _in_terminal(block: Block) -> str:
    if isinstance(block, Table | Code):
        return textwrap.indent(str(block), "    ")
    space = "\n" if isinstance(block, Title) else ""
    return space + textwrap.fill(
        visible(block), COLUMNS, break_long_words=False, break_on_hyphens=False
    )


def _in_markdown(block: Block) -> str:
    if isinstance(block, Title):
        return f"**{escaped(visible(block))}**"
    if isinstance(block, Code):
        return f"```json\n{block}\n```"
    return block._repr_markdown_() if isinstance(block, Table) else escaped(visible(block))
