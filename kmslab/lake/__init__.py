"""Envelope encryption for what outgrows one machine: Parquet data sets, and folders on a cluster.

`column_keys.py` and `parquet.py` seal each column of a data set under a key of its choice, so that
a reader sees only the columns whose keys it may use. `cluster.py` seals the files of a folder on
Dask's workers, each of which asks the KMS for its own data keys.

Rule: a KMS is known here only through `kmslab.envelope`'s keyrings. PyArrow and Dask are loaded
when something of theirs is needed: `pip install 'kmslab[lake]'`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kmslab.lake.errors import LakeError

if TYPE_CHECKING:
    from kmslab.lake.cluster import Outcome, Report, decrypt_folder, encrypt_folder
    from kmslab.lake.column_keys import ColumnKeys
    from kmslab.lake.parquet import dataset, read, refusals, write

__all__ = [
    "ColumnKeys",
    "LakeError",
    "Outcome",
    "Report",
    "dataset",
    "decrypt_folder",
    "encrypt_folder",
    "read",
    "refusals",
    "write",
]

MODULES = {
    "ColumnKeys": "column_keys",
    **dict.fromkeys(("Outcome", "Report", "decrypt_folder", "encrypt_folder"), "cluster"),
    **dict.fromkeys(("dataset", "read", "refusals", "write"), "parquet"),
}
BROUGHT = {"dask", "distributed", "pyarrow"}  # by the extra


def __getattr__(name: str) -> Any:
    if name not in MODULES:
        raise AttributeError(f"module 'kmslab.lake' has no attribute {name!r}")
    try:
        module = import_module(f"kmslab.lake.{MODULES[name]}")
    except ModuleNotFoundError as error:
        missing = str(error.name).partition(".")[0]
        if missing not in BROUGHT:
            raise
        text = f"lake.{name} needs {missing}, which is not installed: pip install 'kmslab[lake]'"
        raise ModuleNotFoundError(text, name=error.name) from None
    found = globals()[name] = getattr(module, name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
