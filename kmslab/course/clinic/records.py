"""The clinic's own things: a table of real measurements and a picture, as they lie in `data/`."""

import csv
from functools import cache
from hashlib import sha256

from kmslab.course import installed_files

DATA = installed_files.folder("data")
TABLE, SCAN, SUMS = "records.csv", "scan-017.png", "SHA256SUMS"
LETTER = "messages/r-017.message"


@cache
def read(name: str) -> bytes:
    """A file of `data/`, byte for byte as it was shipped."""
    return (DATA / name).read_bytes()


@cache
def rows() -> tuple[dict[str, str], ...]:
    """The table's rows, each a dict of text by column."""
    return tuple(csv.DictReader(read(TABLE).decode("ascii").splitlines()))


def record(number: str) -> bytes:
    """One line of the table, such as that of `R-017`; any other number is a KeyError."""
    lines = read(TABLE).decode("ascii").splitlines()
    return {line.partition(",")[0]: line for line in lines[1:]}[number].encode("ascii")


def recorded(benchmark: str) -> bytes:
    """A full run of a benchmark, such as `wrapping`, as JSON: `make bench` measures it anew."""
    return read(f"benchmarks/{benchmark}.json")


def changed() -> list[str]:
    """The names of shipped files that are not as they were shipped."""
    listed = (line.split() for line in read(SUMS).decode("ascii").splitlines())
    return [name for digest, name in listed if sha256(read(name)).hexdigest() != digest]
