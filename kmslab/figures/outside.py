"""Runs a program that needs no KMS because it works with a public key.

In the picture of the wall it has a lane that ends before the wall.
"""

from collections.abc import Callable
from typing import Any

from kmslab.crypto import PublicKey
from kmslab.figures.sizes import size
from kmslab.figures.watch import WatchedCall

CALLER = "anybody"  # a public key is for everybody


def outside(
    program: Callable[..., Any], *, public: PublicKey, note: str = "", **inputs: bytes
) -> WatchedCall:
    """Run `program(public=public, **inputs)` and keep the sizes of its inputs and its result.

    The picture shows the inputs' names, and `note` beside the program's name. A program that checks
    a signature refuses it by raising ValueError, as PyCryptodome does, or by returning False; any
    other error is a mistake and is raised.
    Example: `outside(verify_in_busan, report=report, signature=signature, public=public)`.
    """
    error, result = "", None
    try:
        result = program(public=public, **inputs)
    except ValueError as refusal:
        error = type(refusal).__name__
    return WatchedCall(
        operation=program.__name__,
        caller=CALLER,
        sent=0,
        returned=size(result) if isinstance(result, bytes) else 0,
        error="False" if result is False else error,
        crossed=False,
        files={name: size(content) for name, content in inputs.items()},
        note=note,
        public=len(public.der),
    )
