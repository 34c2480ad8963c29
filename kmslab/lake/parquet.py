"""Parquet data sets in which each column is sealed under a key of one's choice.

PyArrow encrypts the files, in the format's own way (Parquet Modular Encryption): each column of a
file has a data key, a key-encryption key wraps those, and `ColumnKeys` has the KMS wrap that one.
A reader whose key policy allows some of the keys reads the columns under these.

Rule: what the caller forgets to mention is sealed. Only columns that `plaintext` names are not.
Source: "Parquet Modular Encryption", in the Apache Parquet format; PyArrow's guide to Parquet.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from itertools import chain
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from pyarrow.parquet import encryption

from kmslab.lake.column_keys import ColumnKeys
from kmslab.lake.errors import LakeError

Path = str | os.PathLike[str]
Filter = tuple[str, str, Any]  # a column, an operator such as "==" or "in", and a value

FOOTER = "(footer)"
FOR_EVER = timedelta(days=36500)
AMBIGUOUS = re.compile(r"[:;,]|^\s|\s$")  # to Arrow's parser, which ends the process when it fails


def write(
    data: Any,
    folder: Path,
    keys: ColumnKeys,
    *,
    columns: Mapping[str, str],
    rest: str,
    plaintext: Collection[str] = (),
    partition: Sequence[str] = (),
    plaintext_footer: bool = False,
    filesystem: Any = None,
) -> None:
    """Write a table, or what else `pyarrow.dataset.write_dataset` takes, as sealed Parquet files.

    `columns`: the name of a key for each column that needs one of its own. `rest`: the key of all
    other columns, and of the files' footers, which hold the schema and the number of rows; each
    reader needs it. `plaintext`: columns that are not sealed. `partition`: columns whose values
    become names of folders, so they must be among these. `plaintext_footer`: leave the footers
    readable to everybody; they are signed.

    The KMS wraps one key of 128 bits for each name, and these wrap the data keys of all files.

    A new local folder appears whole or not at all. With a `filesystem` of PyArrow, such as S3, what
    was written before an error stays. Raises LakeError, FileExistsError, and ValueError for columns
    that cannot be sealed as asked.
    """
    sealed = _assigned(data.schema.names, keys, columns, rest, plaintext, partition)
    config = encryption.EncryptionConfiguration(
        rest,
        column_keys=sealed,
        plaintext_footer=plaintext_footer,
        cache_lifetime=FOR_EVER,
    )
    form = ds.ParquetFileFormat()
    factory, connection = _factory(keys), encryption.KmsConnectionConfig()
    sealing = ds.ParquetEncryptionConfig(factory, connection, config)
    with _plain_errors(folder), _whole(folder, filesystem) as target:
        # All keys are wrapped here: an error of the KMS would end the process inside write_dataset.
        factory.file_encryption_properties(connection, config)
        ds.write_dataset(
            data,
            target,
            format=form,
            file_options=form.make_write_options(encryption_config=sealing),
            filesystem=filesystem,
            partitioning=list(partition) or None,
            partitioning_flavor="hive" if partition else None,
            existing_data_behavior="error",
        )


def dataset(folder: Path, keys: ColumnKeys, *, filesystem: Any = None) -> ds.Dataset:
    """The data set as PyArrow's own object, for all that PyArrow can do with it.

    The object keeps each key that the KMS has unwrapped for as long as it lives, and reads on if
    the KMS would now refuse: to have the KMS asked again, make a new one. Of its errors only those
    of the keys are LakeError. In PyArrow 26 a filter on a column whose key is refused waits for
    ever; `read` does not.
    """
    opening = ds.ParquetDecryptionConfig(
        _factory(keys), encryption.KmsConnectionConfig(), encryption.DecryptionConfiguration()
    )
    scan = ds.ParquetFragmentScanOptions(decryption_config=opening)
    form = ds.ParquetFileFormat(default_fragment_scan_options=scan)
    return ds.dataset(folder, format=form, filesystem=filesystem, partitioning="hive")


def read(
    folder: Path,
    keys: ColumnKeys,
    columns: Sequence[str] | None = None,
    *,
    filters: Sequence[Filter] = (),
    filesystem: Any = None,
) -> pa.Table:
    """The rows that fit all `filters`, as a table; the KMS is asked for the keys of these columns.

    Raises LakeError if it refuses one, or if a file was changed; ValueError for unknown columns.
    """
    with _plain_errors(folder):
        found = dataset(folder, keys, filesystem=filesystem)
        _list(columns=columns)
        wanted = list(found.schema.names if columns is None else columns)
        needed = list(dict.fromkeys([*wanted, *(name for name, *_ in filters)]))
        _known(needed, found.schema.names)
        if not filters:
            return found.to_table(columns=wanted)
        condition = pq.filters_to_expression([list(filters)])
        # Folders by their names; rows only after they were read, without Arrow's filter.
        pieces = (
            piece.to_table(schema=found.schema, columns=needed).filter(condition)
            for piece in found.get_fragments(condition)
        )
        fitting = pa.concat_tables(chain([found.schema.empty_table().select(needed)], pieces))
        return fitting.select(wanted)


def refusals(folder: Path, keys: ColumnKeys, *, filesystem: Any = None) -> dict[str, str]:
    """For each column, the text with which it does not open; "" if it opens.

    If the footers do not open, nobody knows the columns: the text stands under `"(footer)"` alone.
    Asks the KMS for the keys of all columns, so its trail shows the refusals.
    """
    with _plain_errors(folder):
        try:
            found = dataset(folder, keys, filesystem=filesystem)
        except LakeError as error:  # of a key; what Arrow says of a damaged file passes
            return {FOOTER: str(error)}
        return {name: _refusal(found, name) for name in found.schema.names}


def _refusal(found: ds.Dataset, column: str) -> str:
    try:
        found.head(1, columns=[column])
    except LakeError as error:
        return str(error)
    return ""


def _factory(keys: ColumnKeys) -> encryption.CryptoFactory:
    """A new one for each data set: it keeps unwrapped keys, and does not forget them when it says.

    In PyArrow 26 keys outlive any `cache_lifetime`, until the factory is gone.
    """
    return encryption.CryptoFactory(lambda _: keys.client)


def _assigned(
    names: Sequence[str],
    keys: ColumnKeys,
    columns: Mapping[str, str],
    rest: str,
    plaintext: Collection[str],
    partition: Sequence[str],
) -> dict[str, list[str]]:
    """The columns under each key, as Arrow wants them."""
    _list(plaintext=plaintext, partition=partition)
    _known([*columns, *plaintext, *partition], names)
    if both := set(columns) & set(plaintext):
        raise ValueError(f"{_listed(both)}: sealed under a key, and named in `plaintext`")
    if shown := set(partition) - set(plaintext):
        raise ValueError(
            f"{_listed(shown)}: the names of folders would show the values. Name the column in "
            "`plaintext` if they may be seen"
        )
    sealed: dict[str, list[str]] = {}
    for name in names:
        if name in plaintext:
            continue
        if AMBIGUOUS.search(name):
            raise ValueError(f"{name!r} cannot be sealed: Arrow allows no ':', ';' and ',' in it")
        sealed.setdefault(columns.get(name, rest), []).append(name)
    if not sealed:
        raise ValueError("no column is sealed: `plaintext` names them all")
    if unknown := {rest, *sealed} - set(keys.names):
        raise ValueError(f"no key has the name {_listed(unknown)}: {', '.join(keys.names)}")
    return sealed


def _known(asked: Collection[str], names: Collection[str]) -> None:
    if unknown := set(asked) - set(names):
        raise ValueError(f"no column has the name {_listed(unknown)}: {', '.join(names)}")


def _list(**named: Collection[str] | None) -> None:
    """Each letter of a text would be taken for a column, and `in` finds "site" in "websites"."""
    for name, given in named.items():
        if isinstance(given, str):
            raise TypeError(f"{name} is a list of columns, not one text: [{given!r}]")


def _listed(names: Collection[str]) -> str:
    return ", ".join(map(repr, sorted(names)))


@contextmanager
def _whole(folder: Path, filesystem: Any) -> Iterator[str]:
    """Where to write: beside the folder, which gets its name when all is there."""
    if filesystem is not None:
        yield os.fspath(folder)
        return
    target = os.path.abspath(folder)
    parent, name = os.path.split(target)
    if os.path.lexists(target):
        raise FileExistsError(f"{folder} already exists; a data set is written to a new folder")
    os.makedirs(parent, exist_ok=True)
    part = tempfile.mkdtemp(".part", f".{name[:40]}.kmslab-", parent)
    try:
        yield part
        os.rename(part, target)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


@contextmanager
def _plain_errors(folder: Path) -> Iterator[None]:
    """Arrow's errors as LakeError. Those of the keys come through Arrow as they are."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise  # the file system's, which says it well; FileExistsError below
        if isinstance(error, FileExistsError | FileNotFoundError):
            raise
        said = str(error).rpartition(": ")[2]
        raise LakeError(
            f"{folder} does not open: a file of it was changed or cut short, or is not sealed "
            f"as a data set of kmslab.lake. Arrow says: {said}"
        ) from error
