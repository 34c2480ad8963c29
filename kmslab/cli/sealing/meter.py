"""The progress bar: on a terminal, for what takes longer than a second."""

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Self

import typer

from kmslab.cli.sealing.plan import PIPE, Plan
from kmslab.display import visible

if TYPE_CHECKING:
    from rich.progress import Progress

PATIENCE = 1.0  # seconds
NAME = 30  # columns of the file's name


class Meter:
    def __init__(self, plan: Plan, now: Callable[[], float] = time.monotonic) -> None:
        self._now, self._began = now, now()
        self._plan = plan
        self._done = self._files = 0
        self._name = ""
        self._bar: Progress | None = None

    def __enter__(self) -> Self:
        shown = sys.stderr.isatty()
        self._of, self._total = self._plan.size() if shown else (0, None)
        self._shows_from = self._began + PATIENCE if shown else float("inf")
        return self

    def __exit__(self, *error: object) -> None:
        if self._bar:
            self._bar.stop()

    def begin(self, name: str) -> None:
        self._name = "stdin" if name == PIPE else visible(name)
        self._files += 1
        self.advance(0)

    def advance(self, count: int) -> None:
        self._done += count
        if self._bar is None:
            if self._now() < self._shows_from:
                return
            self._bar = self._begun()
        self._bar.update(self._task, completed=self._done, description=self._description())

    def say(self, text: str) -> None:
        """A line on stderr, above the bar."""
        if self._bar:
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)
        else:
            typer.echo(text, err=True)

    def _begun(self) -> "Progress":
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TextColumn,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._task = bar.add_task(self._description(), total=self._total)
        bar.start()
        return bar

    def _description(self) -> str:
        short = self._name if len(self._name) <= NAME else f"…{self._name[1 - NAME :]}"
        return f"{self._files:,}/{self._of:,} {short}" if self._of > 1 else short
