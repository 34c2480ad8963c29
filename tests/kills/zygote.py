"""Starts `kmslab serve` in a tenth of the time: a process that has loaded it, and forks.

`python zygote.py` reads one JSON line for each server to start, `[log file, argument, …]`, and
answers with the number of its process. What it starts is the command's own `main`, in a process of
its own. It collects the servers that end, so that a killed one is gone.
"""

import gc
import json
import os
import signal
import sys


def load() -> None:
    """What `kmslab serve` loads in its first second."""
    import importlib

    for name in (
        "kmslab.cli.app",
        "kmslab.crypto.pyca",
        "kmslab.crypto.pycryptodome",
        "kmslab.endpoint.server",
        "kmslab.kms.store.opening",
        "kmslab.lab.lab",
        "sqlalchemy.dialects.postgresql.psycopg",
        "sqlalchemy.dialects.sqlite.pysqlite",
        "psycopg",
        "uvloop",
    ):
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name not in ("psycopg", "uvloop"):
                raise


def collect(*_: object) -> None:
    """Ended servers leave nothing behind but the CPU time that they took."""
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        pass


def serve(log: str, arguments: list[str]) -> None:
    from kmslab.cli.app import main

    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for stream in (1, 2):
        os.dup2(output, stream)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = ["kmslab", "serve", *arguments]
    main()


if __name__ == "__main__":
    load()
    gc.freeze()
    signal.signal(signal.SIGCHLD, collect)
    for line in sys.stdin:
        log, *arguments = json.loads(line)
        if child := os.fork():
            print(child, flush=True)  # noqa: T201
        else:
            serve(log, arguments)
            sys.exit()
