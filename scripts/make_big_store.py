"""Makes a store with many keys, aliases, grants and events, to measure what their number costs.

    .venv/bin/python scripts/make_big_store.py sqlite:////tmp/big.db

makes a million keys and ten million events, which takes some minutes and eight gigabytes. The
options make it smaller. Every key opens. At the end it says how large each table and index is.
"""

import argparse
import sqlite3
from contextlib import closing
from pathlib import Path
from time import monotonic

from kmslab.bench.big_stores import Size, build
from kmslab.bench.progress import on_stderr
from kmslab.kms.store.opening import file_of


def main() -> None:
    asked = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    asked.add_argument("store", help="where no store is yet: sqlite:////tmp/big.db, postgresql://…")
    asked.add_argument("--keys", type=int, default=1_000_000)
    asked.add_argument("--aliases", type=int, default=1_000_000)
    asked.add_argument("--grants", type=int, default=49_000, help="on one key (the quota: 50,000)")
    asked.add_argument("--events", type=int, default=10_000_000)
    given = asked.parse_args()
    began = monotonic()
    build(given.store, Size(given.keys, given.aliases, given.grants, given.events), on_stderr)
    print(f"Made in {monotonic() - began:.0f} s.")
    if path := file_of(given.store):
        show_sizes(path, given.keys)


def show_sizes(path: Path, keys: int) -> None:
    query = "SELECT name, sum(pgsize) FROM dbstat GROUP BY name ORDER BY 2 DESC"
    with closing(sqlite3.connect(path)) as raw:
        sizes = raw.execute(query).fetchall()
    for name, size in sizes:
        if size > keys:
            print(f"{name:<45} {size / 1e6:>9,.1f} MB {size / keys:>8,.0f} bytes a key")
    other = ("event", "grant", "sqlite_autoindex_grant")
    records = sum(size for name, size in sizes if not name.startswith(other))
    print(f"{records / keys:,.0f} bytes a key, without grants and events.")


if __name__ == "__main__":
    main()
