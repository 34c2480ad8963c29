"""The clinic's data, read from `data/`: a table of real measurements, a picture and a message."""

import csv
from functools import cache
from hashlib import sha256
from typing import Any

from kmslab.course import installed_files

DATA = installed_files.folder("data")
TABLE, SCAN = "records.csv", "scan-017.png"
CHECKSUMS = "SHA256SUMS"


@cache
def read(name: str) -> bytes:
    """The bytes of a file in `data/`."""
    return (DATA / name).read_bytes()


@cache
def rows() -> tuple[dict[str, str], ...]:
    """The table's rows, each a dict of text by column."""
    return tuple(csv.DictReader(read(TABLE).decode("ascii").splitlines()))


def arrow_table(columns: list[str]) -> Any:
    """These columns of the table as a `pyarrow.Table`, numbers as numbers."""
    from pyarrow import BufferReader, csv  # here, because only one lesson needs it

    return csv.read_csv(BufferReader(read(TABLE))).select(columns)


def record(number: str) -> bytes:
    """The table's line for a record such as `R-017`. KeyError if there is no such record."""
    lines = read(TABLE).decode("ascii").splitlines()
    return {line.partition(",")[0]: line for line in lines[1:]}[number].encode("ascii")


def recorded(benchmark: str) -> bytes:
    """A full run of a benchmark, such as `wrapping`, as JSON. `make bench` records a new one."""
    return read(f"benchmarks/{benchmark}.json")


def changed_files() -> list[str]:
    """The names of files whose content is not what was shipped."""
    listed = (line.split() for line in read(CHECKSUMS).decode("ascii").splitlines())
    return [name for digest, name in listed if sha256(read(name)).hexdigest() != digest]
