"""A program that needs no KMS: it works with a public key, at somebody's own desk.

What it was given and what came of it is drawn as a lane of the wall that stays on this side of it.
"""

from collections.abc import Callable
from typing import Any

from kmslab.crypto import PublicKey
from kmslab.figures.sizes import size
from kmslab.figures.watch import Watched

ANYBODY = "anybody"  # that is what "public" means


def outside(
    program: Callable[..., Any], *, public: PublicKey, note: str = "", **papers: bytes
) -> Watched:
    """Run `program(public=public, **papers)` and keep what it took and what came of it.

    The papers' names are those of the picture, `note` stands beside the program's. A program that
    checks says no by raising ValueError, as PyCryptodome does, or by giving back False; any other
    error is a mistake, and is raised.
    Example: `outside(verify_in_busan, report=report, signature=signature, public=public)`.
    """
    error, answer = "", None
    try:
        answer = program(public=public, **papers)
    except ValueError as refusal:
        error = type(refusal).__name__
    return Watched(
        operation=program.__name__,
        caller=ANYBODY,
        sent=0,
        returned=size(answer) if isinstance(answer, bytes) else 0,
        error="False" if answer is False else error,
        crossed=False,
        files={name: size(content) for name, content in papers.items()},
        note=note,
        public=len(public.der),
    )
