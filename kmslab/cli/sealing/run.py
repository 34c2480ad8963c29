"""Does all files of a plan, one after the other, and says what became of them.

stdout has the data of a pipe, or with `--json` a line of JSON for each file, or nothing. stderr has
a line for each file that could not be done, and a summary. Exit codes: 0 all are done; 1 something
could not be done, the rest is; 130 stopped with Ctrl+C; 141 the reader of stdout has ended.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import typer

from kmslab.cli.options import print_json_line
from kmslab.cli.sealing.failures import fails_all, line, reason
from kmslab.cli.sealing.meter import Meter
from kmslab.cli.sealing.one_file import Advance, StdoutClosed, abandon_stdout
from kmslab.cli.sealing.plan import ENCRYPT, Job, NotDone, Plan
from kmslab.display import visible

if TYPE_CHECKING:
    from kmslab.envelope import Header

FAILED, STOPPED, NOT_READ = 1, 130, 141
KIND = {True: "error", False: "left_out"}
HOPELESS = "The other files were not tried: each would fail in the same way."
UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")


Work = Callable[[Job, Advance], "Header"]


@dataclass
class Report:
    plan: Plan
    meter: Meter
    as_json: bool
    files: int = 0
    size: int = 0
    failed: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    last: str = ""
    began: float = field(default_factory=time.monotonic)

    def done(self, job: Job, size: int, header: "Header") -> None:
        self.files, self.size, self.last = self.files + 1, self.size + size, job.target
        if self.as_json:
            keys = [str(key) for key in header.keys]
            said = {"suite": str(header.suite), "context": dict(header.full_context.pairs)}
            print_json_line(source=job.source, target=job.target, read=size, **said, keys=keys)

    def not_done(self, found: NotDone) -> None:
        if found.failed:
            self.failed += 1
            self.meter.say(line(found.source, found.why))
        else:
            self.left_out[found.why] += 1
        if self.as_json:
            print_json_line(source=found.source, **{KIND[found.failed]: found.why})

    def summary(self) -> str:
        """One line, with the target's name if there is one target."""
        one = self.files == 1
        seconds = time.monotonic() - self.began
        text = f"{self.plan.direction.done} {self.files:,} file{'' if one else 's'}"
        text += f" ({_shown(self.size)}) in {seconds:.1f} s"
        if one:
            text += f": {self.last}"
        if self.failed:
            text += f"; {self.failed:,} not done"
        for why, number in self.left_out.items():
            text += f"; {number:,} left out ({why})"
        return visible(text)

    @property
    def says_more(self) -> bool:
        """More than an error's line has said, or the data on stdout."""
        if self.plan.to_stdout:
            return False
        return bool(self.files or self.left_out) or self.failed != 1


def run(plan: Plan, work: Work, *, one_key: bool, as_json: bool, quiet: bool) -> None:
    """Raises Exit unless every file was done. `one_key`: none but this can open the messages."""
    with Meter(plan) as meter:
        report = Report(plan, meter, as_json)
        with _ended(report):
            hopeless = False
            for found in plan:
                if isinstance(found, NotDone):
                    report.not_done(found)
                elif hopeless:
                    meter.say(HOPELESS)
                    break
                else:
                    hopeless = not _done(found, work, report, one_key)
    if report.says_more and not quiet:
        typer.echo(report.summary(), err=True)
    if report.failed:
        raise typer.Exit(FAILED)


def _done(job: Job, work: Work, report: Report, one_key: bool) -> bool:
    """False if there is no point in trying another."""
    size = 0

    def advance(count: int) -> None:
        nonlocal size
        size += count
        report.meter.advance(count)

    report.meter.begin(job.source)
    try:
        header = work(job, advance)
    except StdoutClosed:
        raise
    except Exception as error:
        report.not_done(NotDone(job.source, reason(error, job.source), failed=True))
        return not fails_all(error, report.plan.direction is ENCRYPT, one_key)
    report.done(job, size, header)
    return True


@contextmanager
def _ended(report: Report) -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        report.meter.say(f"Stopped. {report.summary()}")
        raise typer.Exit(STOPPED) from None
    except (StdoutClosed, BrokenPipeError):
        abandon_stdout()
        raise typer.Exit(NOT_READ) from None


def _shown(size: int) -> str:
    value, unit = float(size), 0
    while value >= 1000 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:,.1f} {UNITS[unit]}" if unit else f"{size} bytes"
