"""`kmslab rekey`: new domain keys, or a new root key, for a store that goes on serving."""

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmslab.cli.options import CommandError, RootKey, validate
from kmslab.cli.root_keys import NEW_PASSPHRASE, asked, existing_lab, from_environment

if TYPE_CHECKING:
    from kmslab.lab.lab import Lab


class Kind(StrEnum):
    FILE = "file"
    PASSPHRASE = "passphrase"


Store = Annotated[str, typer.Option(metavar="URL", help="The store, such as sqlite:///my.db.")]
NewRootKey = Annotated[
    str | None,
    typer.Option(
        metavar=f"[{'|'.join(Kind)}]",
        help="Change the root key, and not the domain keys: to a new file, or to a passphrase, "
        f"which is asked for ({NEW_PASSPHRASE} or {NEW_PASSPHRASE}_FILE have it otherwise).",
    ),
]
NewFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="With --new-root-key file: where to put it. Default: where the one before is.",
    ),
]
NEW_PLACE = (
    "Name a file that is not, or leave the option out: then the new root key takes the place of "
    "the one before, which is kept beside it"
)


def rekey(
    store: Store,
    new_root_key: NewRootKey = None,
    new_file: NewFile = None,
    root_key: RootKey = None,
) -> None:
    """Make new domain keys, and seal every key of a store under them.

    The store may be served meanwhile. With --new-root-key, only the root key changes.
    """
    kind = None if new_root_key is None else validate("--new-root-key", _kind, new_root_key)
    if new_file and kind is not Kind.FILE:
        raise typer.BadParameter("it needs --new-root-key file", param_hint="--new-file")
    if new_file and os.path.lexists(new_file):
        text = f"{new_file} is there already. {NEW_PLACE}"
        raise typer.BadParameter(text, param_hint="--new-file")
    with existing_lab(store, root_key) as lab:
        if kind is None:
            _rekey(lab)
        else:
            _change(lab, kind, new_file)


def _kind(given: str) -> Kind:
    if given in list(Kind):
        return Kind(given)
    raise ValueError(
        f"{given!r} is neither 'file' nor 'passphrase'. For a new root key in a file of that name, "
        f"which is made: --new-root-key file --new-file {given}"
    )


def _rekey(lab: "Lab") -> None:
    done = lab.rekey()
    again = " An earlier run had been interrupted; this one went on." if done.went_on else ""
    typer.echo(
        f"Records sealed anew: {done.sealed}, under {done.domain_keys} new domain keys.{again}"
    )
    for name in done.unopened:
        typer.echo(f"Does not open, and is as it was: {name}", err=True)
    if done.unopened:
        raise CommandError("Some records are damaged: restore them from a backup.")


def _change(lab: "Lab", kind: Kind, file: Path | None) -> None:
    if kind is Kind.PASSPHRASE:
        new = from_environment(NEW_PASSPHRASE) or asked("New passphrase", twice=True)
        changed = lab.change_root_key(new)
    else:
        changed = lab.change_root_key(file)
    where = f"in {changed.file}" if changed.file else "made from the new passphrase"
    typer.echo(f"The root key, {where}, wraps {changed.domain_keys} domain keys.")
    if changed.kept:
        typer.echo(f"The one before is kept as {changed.kept}: backups until now need it.")
    else:
        typer.echo("Backups until now need the one before.")
    if not changed.file or file:
        typer.echo("Start the processes that serve this store again, with the new root key.")
