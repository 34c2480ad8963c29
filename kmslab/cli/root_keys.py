"""Where a command gets a store's root key: a file, or a passphrase, which is never an argument.

Other programs see a command's arguments, and the shell keeps them. So a passphrase comes from a
variable, from a file that a variable names, or from the person at the terminal.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from kmslab.cli.options import ROOT_KEY, CommandError, library_errors, validate

if TYPE_CHECKING:
    from kmslab.kms.backing.passphrase import Passphrase
    from kmslab.lab.lab import Lab

T = TypeVar("T")

PASSPHRASE = "KMSLAB_PASSPHRASE"
NEW_PASSPHRASE = "KMSLAB_NEW_PASSPHRASE"


def existing_lab(url: str, file: Path | None = None) -> "Lab":
    """The lab in this store, which has to exist: no command that works on a store makes one."""
    from kmslab.kms import store as stores
    from kmslab.lab.lab import Lab

    with library_errors():
        if not validate("--store", stores.is_there, url):
            raise CommandError(f"There is no store at {stores.shown(url)}.")
        return with_root_key(lambda root_key: Lab(url, root_key=root_key), file)


def with_root_key(
    open_store: "Callable[[Path | Passphrase | None], T]",
    file: Path | None = None,
    ask: str | None = None,
) -> T:
    """What `open_store` returns with the root key that was named, or with a passphrase typed in.

    `ask`: the URL of a store whose passphrase is asked for; twice if the store is new.
    """
    from kmslab.kms import store as stores
    from kmslab.kms.backing.startup import PassphraseNeeded

    given = named(file)
    if ask and not given:
        given = asked("Passphrase", twice=not stores.is_there(ask))
    try:
        return open_store(given)
    except PassphraseNeeded:
        if given or not sys.stdin.isatty():
            raise
    return open_store(asked("Passphrase"))


def named(file: Path | None = None) -> "Path | Passphrase | None":
    """What the command's option or the variables name."""
    variable, passphrase = os.environ.get(ROOT_KEY), from_environment(PASSPHRASE)
    file = file or (Path(variable) if variable else None)
    if file and passphrase:
        raise CommandError(f"Give a root key's file or a passphrase ({PASSPHRASE}), not both.")
    return file or passphrase


def from_environment(variable: str) -> "Passphrase | None":
    """From this variable, or from the first line of the file that `<variable>_FILE` names."""
    from kmslab.kms.backing.passphrase import Passphrase

    if text := os.environ.get(variable):
        try:
            return Passphrase(text)
        except ValueError as error:
            raise CommandError(f"{variable} cannot be used: {error}.") from None
    name = os.environ.get(f"{variable}_FILE")
    if not name:
        return None
    try:
        text = Path(name).read_text("utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeError) as error:
        why = getattr(error, "strerror", None) or "it is not text in UTF-8"
        raise CommandError(f"The passphrase file {name} cannot be read: {why}.") from None
    if not text:
        raise CommandError(f"The passphrase file {name} begins with an empty line.")
    return Passphrase(text)


def asked(what: str, twice: bool = False) -> "Passphrase":
    from kmslab.kms.backing.passphrase import Passphrase

    if not sys.stdin.isatty():
        text = f"There is no terminal to ask for a passphrase: set {PASSPHRASE}_FILE to a file."
        raise CommandError(text)
    try:
        return Passphrase(
            typer.prompt(
                what, hide_input=True, confirmation_prompt=twice, err=True, prompt_suffix=": "
            )
        )
    except ValueError:  # it has bytes of the passphrase in it
        raise CommandError("What was typed cannot be used: it is not text in UTF-8.") from None
