"""The `kmslab` command: a function for each subcommand, which prints for people.

With `--json` it prints the same for programs. Exit codes: 0 done; 1 it cannot be done, or the
answer is no; 2 wrong arguments. stderr says in one line what cannot be done, or what is wrong.
"""

import json
import os
import platform
import sys
from dataclasses import asdict
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated

import typer

from kmslab.cli import backup, bench, bill, explain, keys, rekey, serve, trail
from kmslab.cli.options import AsJson
from kmslab.cli.sealing import commands, inspection
from kmslab.display import PlainError

app = typer.Typer(
    name="kmslab",
    invoke_without_command=True,
    pretty_exceptions_enable=False,  # an error in kmslab shows Python's own traceback
    context_settings={"help_option_names": ["-h", "--help"]},
)

OPENS = "Your browser opens. If it does not, open the address below in one."
TWICE = "" if os.name == "nt" else ", twice"  # JupyterLab asks for confirmation, not on Windows

Version = Annotated[bool, typer.Option("--version", help="Print the version.")]
Folder = Annotated[
    Path,
    typer.Option(envvar="KMSLAB_WORKBOOK", help="The folder with your copies of the lessons."),
]
Port = Annotated[
    int, typer.Option(min=0, max=65535, help="JupyterLab's port; if it is in use, one near it.")
]
Browser = Annotated[bool, typer.Option(help="Open JupyterLab in a browser.")]
Reset = Annotated[
    str | None,
    typer.Option(metavar="LESSON", help="Only make a fresh copy of a lesson, such as 02."),
]
Jupyter = Annotated[list[str] | None, typer.Argument(help="After --: options for JupyterLab.")]


@app.callback()
def about(context: typer.Context, show_version: Version = False) -> None:
    """A key management service to learn with. Nothing here needs a network."""
    if show_version:
        from importlib.metadata import version

        typer.echo(f"kmslab {version('kmslab')}, Python {platform.python_version()}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


@app.command()
def lab(
    folder: Folder = Path("workbook"),
    port: Port = 8888,
    browser: Browser = True,
    reset: Reset = None,
    jupyter: Jupyter = None,
) -> None:
    """Open the course in JupyterLab. Your own work in it is never overwritten."""
    from kmslab.course import workbook

    if reset is not None:
        _reset(folder, reset)
        return
    workbook.check_jupyterlab()
    _lay_out(folder)
    opens = browser and workbook.finds_browser()
    typer.echo(OPENS if opens else "Open the address below in a browser.")
    if workbook.is_root():
        typer.echo("You are root here, so what a notebook does is done with all rights.")
    typer.echo(f"Leave this window open. To stop the course, press Ctrl+C here{TWICE}.")
    options = [f"--port={port}", *([] if opens else ["--no-browser"])]
    workbook.open_lab(folder, [*options, *(jupyter or ())])


def _reset(folder: Path, lesson: str) -> None:
    from kmslab.course import workbook

    kept = workbook.reset(folder, lesson)
    typer.echo(f"Lesson {workbook.number(lesson)} is fresh again.")
    if kept:
        typer.echo(f"Your old copy is kept: {kept}")


def _lay_out(folder: Path) -> None:
    from kmslab.course import workbook

    was_there = folder.is_dir()
    added = workbook.lay_out(folder)
    typer.echo(f"Your lessons are in {folder.resolve()}")
    if was_there and added:
        typer.echo(f"New: {', '.join(path.name for path in added)}")


@app.command(name="doctor")
def examine(as_json: AsJson = False) -> None:
    """Check what works on this computer: the library and its extras. This needs no network."""
    from kmslab.course.doctor import doctor

    diagnosis = doctor()
    if as_json:
        findings = [asdict(finding) for finding in diagnosis]
        typer.echo(json.dumps({"green": diagnosis.green, "findings": findings}, indent=2))
    else:
        typer.echo(repr(diagnosis))
    raise typer.Exit(not diagnosis.green)


for command in (
    serve.serve,
    keys.keys,
    keys.describe,
    trail.trail,
    bill.bill,
    explain.explain,
    backup.backup,
    backup.restore,
    rekey.rekey,
    commands.encrypt,
    commands.decrypt,
    inspection.inspect,
):
    app.command()(command)
app.add_typer(bench.bench)


def main() -> None:
    """Run the command. An error whose text says what to do is shown without a traceback."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # not all names can be written to a pipe on Windows
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name="kmslab")
    except PlainError as error:
        typer.echo(str(error), err=True)
        sys.exit(1)
