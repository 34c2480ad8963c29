"""`kmslab bench`: measures on this computer, compares two results, and reports one."""

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from kmslab.bench import BENCHMARKS
from kmslab.cli.options import AsJson, CommandError, library_errors, print_json, validate
from kmslab.display import terminal_width

if TYPE_CHECKING:
    from kmslab.bench.programs import Benchmark, Effort
    from kmslab.bench.result import Result

UNITS = {"": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}

Quick = Annotated[bool, typer.Option("--quick", help="Some seconds, for a first look.")]
Size = Annotated[
    str | None,
    typer.Option(metavar="BYTES", help="How much to work on: data, such as 100MiB, or keys."),
]
Output = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Keep the result here (JSON).")
]
Recorded = Annotated[Path, typer.Argument(metavar="FILE", help="A result of `kmslab bench`.")]

bench = typer.Typer(name="bench", help=__doc__, no_args_is_help=True)


def _measuring(name: str) -> Callable[..., None]:
    def command(
        quick: Quick = False, size: Size = None, output: Output = None, as_json: AsJson = False
    ) -> None:
        from kmslab.bench.progress import on_stderr
        from kmslab.bench.running import find, run

        with ExitStack() as stack, library_errors():
            benchmark = find(name)
            effort = _effort(benchmark, quick, size)
            # A file that cannot be written is said before anything is measured.
            file = stack.enter_context(_opened(output)) if output else BytesIO()
            result = run(benchmark, effort, on_stderr)
            file.write(result.to_json().encode())
        typer.echo(result.to_json() if as_json else repr(result))

    return command


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file that appears when all of it is written; it leaves an old one until then."""
    from kmslab.whole_file import written

    try:
        with written(path, overwrite=True) as file:
            yield file
    except OSError as error:
        raise CommandError(f"{path} cannot be written: {error.strerror}") from None


def _effort(benchmark: "Benchmark", quick: bool, size: str | None) -> "Effort":
    effort = benchmark.quick if quick else benchmark.full
    if size is None:
        return effort
    if not effort.size:
        hint = f"{benchmark.name} has one size only"
        raise typer.BadParameter(hint, param_hint="--size")
    return replace(effort, size=validate("--size", _bytes, size))


def _bytes(text: str) -> int:
    found = re.fullmatch(r"([0-9]{1,15})(|KiB|MiB|GiB)", text)
    if not found or not int(found[1]):
        raise ValueError(f"{text} is not a number of bytes, such as 4096, 100MiB or 1GiB")
    return int(found[1]) * UNITS[found[2]]


for name, title in BENCHMARKS.items():
    bench.command(name, help=title)(_measuring(name))


@bench.command()
def compare(old: Recorded, new: Recorded, as_json: AsJson = False) -> None:
    """Say what changed from one result to another, and whether that is more than chance."""
    from kmslab.bench.comparing import compare as compared

    try:
        comparison = compared(_read(old), _read(new))
    except ValueError as error:
        raise CommandError(str(error)) from None
    if as_json:
        print_json(comparison.to_dict())
    else:
        typer.echo(comparison.fitted(terminal_width()))


@bench.command()
def report(file: Recorded, output: Output = None) -> None:
    """Write a report in Markdown, with a picture beside it if matplotlib is installed."""
    from kmslab.bench.report import write

    result, target = _read(file), output or file.with_suffix(".md")
    try:
        written = write(result, target)
    except OSError as error:
        raise CommandError(f"{target} cannot be written: {error.strerror}") from None
    for path in written:
        typer.echo(f"Written: {path}")


def _read(path: Path) -> "Result":
    from kmslab.bench.result import read

    try:
        return read(path.read_bytes())
    except OSError as error:
        raise CommandError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise CommandError(f"{path} is not a result of `kmslab bench`: {error}") from None
