"""`kmslab inspect`: what anyone can read of messages. It needs no key and asks no KMS."""

import mmap
import os
import shutil
import stat
import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from kmslab.cli.options import print_json_line
from kmslab.cli.sealing.failures import line, reason
from kmslab.cli.sealing.options import AsJson, Files, Recursive
from kmslab.cli.sealing.plan import DECRYPT, PIPE, NotDone, Plan
from kmslab.display import terminal_width, visible

if TYPE_CHECKING:
    from kmslab.envelope import MessageView

# Parts of a header for programs: the name of the field, and how it is read.
PARTS: dict[str, tuple[str, Callable[[bytes], Any]]] = {
    "version": ("format version", lambda content: content[0]),
    "suite": ("algorithm suite", lambda content: f"0x{content.hex()}"),
    "message_id": ("message id", bytes.hex),
    "frame_length": ("frame length", lambda content: int.from_bytes(content, "big")),
}


def inspect(files: Files, recursive: Recursive = False, as_json: AsJson = False) -> None:
    """Explain encrypted files, field by field. This needs no key and no KMS.

    Nothing is verified. In folders, only files named ….encrypted are taken. Exit code 0: all have
    the form of a message, 1: something has not, or cannot be read.
    """
    several, failed = len(files) > 1 or recursive, False
    for name, view in _views(Plan(DECRYPT, tuple(files), recursive=recursive)):
        if isinstance(view, str):
            typer.echo(line(name, view), err=True)
            failed = True
            continue
        if as_json:
            print_json_line(file=name, **described(view))
        else:
            shown = view.table().fitted(terminal_width())
            typer.echo(f"{visible(name)}:\n{shown}\n" if several else shown)
        if view.problem:
            typer.echo(line(name, f"not a message, {view.problem}"), err=True)
            failed = True
    raise typer.Exit(failed)


def _views(plan: Plan) -> Iterator[tuple[str, "MessageView | str"]]:
    from kmslab.envelope import inspect as explain

    for found in plan:
        if isinstance(found, NotDone) and os.path.isdir(found.source):
            yield found.source, found.why
        elif not isinstance(found, NotDone) or found.failed:
            try:
                yield found.source, explain(_content(found.source))
            except OSError as error:
                yield found.source, reason(error, found.source)


def _content(source: str) -> Any:
    """The message, without all of it in memory."""
    if source == PIPE:
        return _kept(sys.stdin.buffer)
    with open(source, "rb") as file:
        is_file = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        return _mapped(file) if is_file else _kept(file)


def _kept(pipe: BinaryIO) -> Any:
    with tempfile.TemporaryFile() as whole:
        shutil.copyfileobj(pipe, whole)
        whole.flush()
        return _mapped(whole)


def _mapped(file: Any) -> Any:
    if os.fstat(file.fileno()).st_size == 0:  # which cannot be mapped
        return b""
    return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def described(view: "MessageView") -> dict[str, Any]:
    """A message's header for programs. Parts that the bytes do not reach are left out."""

    def texts(name: str) -> list[str]:
        return [_text(field.content) for field in view.fields if field.name == name]

    found = {
        key: read(field.content)
        for key, (name, read) in PARTS.items()
        for field in view.fields
        if field.name == name
    }
    keys = zip(texts("key provider"), texts("key name"), strict=False)
    return {
        **found,
        "signed": any(field.name == "signature" for field in view.fields),
        "context": dict(zip(texts("context key"), texts("context value"), strict=False)),
        "encrypted_data_keys": [
            {"provider": provider, "key": _name(key)} for provider, key in keys
        ],
        "bytes": sum(field.offset + field.size for field in view.fields[-1:]),
        "problem": view.problem,
    }


def _text(content: bytes) -> str:
    return content.decode("utf-8", "replace")


def _name(text: str) -> str:
    """Without the bytes that follow the name of a raw AES key."""
    return "".join(takewhile(str.isprintable, text))
