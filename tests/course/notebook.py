"""A notebook's kernel without Jupyter: IPython's shell in this process, cell by cell."""

import atexit
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config


class Notebook:
    """Runs cells as a kernel does."""

    def __init__(self, shell: InteractiveShell) -> None:
        self._shell = shell
        self._own = shell.user_ns.copy()

    @property
    def names(self) -> dict[str, Any]:
        return self._shell.user_ns

    def restart(self) -> None:
        """No name is defined, and no cell has been run. (IPython's `reset` looks for garbage.)"""
        self.names.clear()
        self.names.update(self._own)
        self.names["In"][:] = [""]

    def run(self, cell: str) -> Any:
        """The result of the cell's last line. Raises what the cell raises."""
        done = self._shell.run_cell(cell, store_history=True)
        done.raise_error()
        return done.result


@contextmanager
def open_notebook() -> Iterator[Notebook]:
    main = sys.modules["__main__"]
    config = Config()
    config.HistoryManager.enabled = False
    config.InteractiveShell.xmode = "Minimal"
    shell = InteractiveShell.instance(config=config)
    try:
        yield Notebook(shell)
    finally:
        shell.atexit_operations()
        atexit.unregister(shell.atexit_operations)
        InteractiveShell.clear_instance()
        sys.modules["__main__"] = main
