"""What several subcommands share: their options, their errors, and how they print JSON.

Rule: no module of a subcommand imports the KMS at its top. `--help`, `--version` and a shell's
completion read all of them, and must not wait for it; a subcommand imports it when it runs.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from kmslab.display import PlainError
from kmslab.lab import ACCOUNT

ROOT_KEY = "KMSLAB_ROOT_KEY"  # the variable that names the root key's file

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Store = Annotated[
    str | None, typer.Option(metavar="URL", help="A lab's store, such as sqlite:///my.db.")
]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="A running endpoint. Default: AWS_ENDPOINT_URL_KMS."),
]
Account = Annotated[
    str | None,
    typer.Option(metavar="ID", help=f"With --store: the account, 12 digits. Default: {ACCOUNT}."),
]
Region = Annotated[str | None, typer.Option(metavar="NAME", help="The Region, such as us-east-1.")]
RootKey = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar=ROOT_KEY,
        show_envvar=True,
        help="With --store: the root key's file. Default for a store in a file: beside it.",
    ),
]
Context = Annotated[
    list[str] | None,
    typer.Option(
        "--context",
        metavar="NAME=VALUE",
        help="A pair of the encryption context; can be given several times.",
    ),
]


class CommandError(PlainError):
    """The command cannot do its work. The text says why, and what to do."""


def validate(option: str, check: Callable[[Any], Any], value: Any) -> Any:
    """What `check` returns; its ValueError becomes an error of the option."""
    try:
        return check(value)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from None


def pairs(context: list[str] | None) -> dict[str, str]:
    """An encryption context from `NAME=VALUE`, a text for each pair."""
    found: dict[str, str] = {}
    for text in context or ():
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f"{text!r} is not NAME=VALUE", param_hint="--context")
        if found.setdefault(name, value) != value:
            raise typer.BadParameter(f"{name!r} has two values", param_hint="--context")
    return found


@contextmanager
def library_errors() -> Iterator[None]:
    """A missing library that kmslab can do without is a `CommandError`, which names it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if "pip install" not in str(error):
            raise
        raise CommandError(str(error)) from None


def print_json(value: Any) -> None:
    """With times in ISO 8601, and letters beyond ASCII as they are."""
    typer.echo(json.dumps(value, indent=2, default=_iso, ensure_ascii=False))


def print_json_line(**values: Any) -> None:
    """One object on one line. A file's name may have bytes that are no text: they are escaped."""
    text = json.dumps(values, default=_iso, ensure_ascii=False)
    typer.echo(text.encode("utf-8", "backslashreplace").decode())


def _iso(value: Any) -> str:
    return str(value.isoformat()) if hasattr(value, "isoformat") else str(value)
