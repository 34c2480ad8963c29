"""A data set of sealed columns: where a lesson writes it, and which reader opens what of it."""

import atexit
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from kmslab import lake
from kmslab.display import Table

if TYPE_CHECKING:
    from kmslab.lab.cmk import CMK


def fresh_folder() -> Path:
    """A path for a folder that is not there yet; what is written there goes with the kernel."""
    place = tempfile.TemporaryDirectory(prefix="kmslab-", ignore_cleanup_errors=True)
    atexit.register(place.cleanup)
    return Path(place.name, "records")


def readers(folder: Path, who: Mapping[str, "lake.ColumnKeys"], off: "CMK") -> Table:
    """What each column says to each reader, and again while the key `off` is disabled."""
    off.enable()
    found = {name: lake.refusals(folder, keys) for name, keys in who.items()}
    off.disable()
    try:
        label = f"{{}}, {off.name} off"
        found |= {label.format(name): lake.refusals(folder, keys) for name, keys in who.items()}
    finally:
        off.enable()
    columns = next(iter(found.values()))
    rows = [[column, *(_word(said[column]) for said in found.values())] for column in columns]
    return Table(["column", *found], rows)


def _word(text: str) -> str:
    """`opens`, or the name of the error that the text quotes."""
    error = re.search(r"\b\w+Exception\b", text)
    return error[0] if error else text or "opens"
