"""`kmslab backup` and `kmslab restore`: a store to a sealed file, and a new store from one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from kmslab.cli.options import ROOT_KEY, CommandError, RootKey, library_errors, validate
from kmslab.cli.root_keys import existing_lab, with_root_key

if TYPE_CHECKING:
    from kmslab.kms.backups import Restored

Store = Annotated[str, typer.Option(metavar="URL", help="The store, such as sqlite:///my.db.")]
NewStore = Annotated[
    str | None,
    typer.Option("--store", metavar="URL", help="Where to make the store. There must be none yet."),
]
Target = Annotated[Path, typer.Argument(metavar="FILE", help="The backup to write.")]
Source = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace a file that is there.")]
DryRun = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Restore to a temporary store, open every sealed record in it, and delete it.",
    ),
]
RootKeyThen = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        envvar=ROOT_KEY,
        show_envvar=True,
        help="The root key that the store had when the backup was made. Default: the file beside "
        "the new store.",
    ),
]


def backup(
    file: Target, store: Store, overwrite: Overwrite = False, root_key: RootKey = None
) -> None:
    """Write a store, as it is at one moment, to a sealed file. It may be served meanwhile.

    The file is sealed under the root key. Keep the two in different places: to restore, both are
    needed, and a thief who has both reads every key.
    """
    with existing_lab(store, root_key) as lab:
        try:
            contents = lab.backup(file, overwrite)
        except FileExistsError as error:
            there = f"{file} is there already. --overwrite replaces it."
            raise CommandError(f"{error}." if overwrite else there) from None
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}.") from None
    typer.echo(f"{file}: {contents}.")


def restore(
    file: Source, store: NewStore = None, root_key: RootKeyThen = None, dry_run: DryRun = False
) -> None:
    """Make a new store from a backup. It needs the root key that the store had then."""
    from kmslab.kms import backups

    if dry_run == (store is not None):
        raise typer.BadParameter("give it, or --dry-run", param_hint="--store")
    try:
        with library_errors():
            if store is None:
                done = with_root_key(lambda given: backups.rehearse(file, given), root_key)
            else:
                url = store
                validate("--store", backups.check_place, url)
                done = with_root_key(lambda given: backups.restore(file, url, given), root_key)
    except OSError as error:
        raise CommandError(f"{file} cannot be restored: {error.strerror}.") from None
    _report(file, done, store)
    if store and root_key:
        typer.echo(f"It has the same root key. Commands find that with {ROOT_KEY}={root_key}.")


def _report(file: Path, done: "Restored", store: str | None) -> None:
    from kmslab.kms import store as stores

    where = f" are in {stores.shown(store)}" if store else ""
    typer.echo(f"{file}: {done.contents}{where}. Sealed records that open: {done.opened:,}.")
    for name in done.unopened:
        typer.echo(f"Does not open, as it did not in the store: {name}", err=True)
    if done.unopened:
        raise CommandError("Some records are damaged. An older backup may have them whole.")
