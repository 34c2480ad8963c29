"""A column opens for readers who may use its key; the others read AWS's text."""

import gc
import subprocess
import sys
from pathlib import Path
from weakref import ref

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.fs as fs
import pyarrow.parquet as pq
import pytest
from pyarrow.parquet import encryption

from kmslab import Lab, lake
from kmslab.endpoint.server import running
from kmslab.envelope import KmsKeyring, RawAesKeyring
from kmslab.lake import LakeError
from tests.lake.conftest import CONTEXT, SEALED, Clinic
from tests.waiting import until


def bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in files(folder))


def files(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.parquet"))


def decrypts(lab: Lab) -> list[str]:
    events = (event for event in lab.trail if event["eventName"] == "Decrypt")
    return [event.get("errorCode", "ok") for event in events]


# ------------------------------------------------------------------------------------ readers


def test_reader_with_all_keys_reads_what_was_written(clinic: Clinic, folder: Path):
    assert len(files(folder)) == 3
    read = lake.read(folder, clinic.keys_of("mina", "names", "findings", "measures"))
    assert read.sort_by("record").equals(clinic.table.sort_by("record").select(read.column_names))


def test_reader_with_some_keys_reads_their_columns(clinic: Clinic, folder: Path):
    keys = clinic.keys_of("researcher", "findings", "measures")
    read = lake.read(folder, keys, ["diagnosis", "radius"])
    assert pc.value_counts(read["diagnosis"]).to_pylist() == [
        {"values": "malignant", "counts": 212},
        {"values": "benign", "counts": 357},
    ]


@pytest.mark.parametrize("columns", [["record"], ["radius", "record"], None])
def test_refusal_of_the_kms_reaches_the_reader(clinic: Clinic, folder: Path, columns):
    keys = clinic.keys_of("researcher", "findings", "measures")
    with pytest.raises(LakeError) as raised:
        lake.read(folder, keys, columns)
    text = str(raised.value)
    assert text.startswith(
        "The key 'names' does not open its columns. AccessDeniedException: User: "
        "arn:aws:iam::111122223333:user/researcher is not authorized to perform: kms:Decrypt"
    )
    assert type(raised.value.__cause__).__name__ == "AccessDeniedException"


def test_reader_whose_policy_lacks_the_footers_key_sees_no_schema(clinic: Clinic, folder: Path):
    with pytest.raises(
        LakeError, match=r"The key 'measures' does not open its columns. AccessDenied"
    ):
        lake.dataset(folder, clinic.keys_of("researcher", "findings"))


def test_each_column_says_whether_it_opens(clinic: Clinic, folder: Path):
    found = lake.refusals(folder, clinic.keys_of("researcher", "measures"))
    refused = {column: text for column, text in found.items() if text}
    assert list(found)[:3] == ["record", "diagnosis", "radius"]
    assert refused.keys() == SEALED.keys()
    assert "AccessDeniedException" in refused["record"]


def test_refused_footer_is_the_one_refusal(clinic: Clinic, folder: Path):
    found = lake.refusals(folder, clinic.keys_of("researcher", "names", "findings"))
    assert found.keys() == {"(footer)"}
    assert found["(footer)"].startswith("The key 'measures' does not open its columns. AccessDen")


def test_column_of_a_key_whose_deletion_is_scheduled_does_not_open(clinic: Clinic, folder: Path):
    clinic.cmks["names"].schedule_deletion(days=7)
    keys = clinic.keys_of("mina", "names", "findings", "measures")
    with pytest.raises(LakeError, match=r"'names' .* KMSInvalidStateException: .* pending del"):
        lake.read(folder, keys)
    assert lake.read(folder, keys, ["diagnosis"]).num_rows == 569
    clinic.cmks["names"].cancel_deletion()
    clinic.cmks["names"].enable()
    assert lake.read(folder, keys).num_rows == 569


def test_condition_on_the_context_decides_over_data_sets(clinic: Clinic, folder: Path):
    rings = clinic.keys_of("mina", "names", "findings", "measures")
    other = lake.ColumnKeys(
        {
            name: KmsKeyring(clinic.lab.user("mina").kms, clinic.cmks[name].arn)
            for name in rings.names
        },
        context={"dataset": "payroll"},
    )
    with pytest.raises(LakeError, match="AccessDeniedException"):
        lake.read(folder, other)


# ------------------------------------------------------------ filters, and what the KMS is asked


def test_rows_are_filtered_also_by_columns_that_are_not_shown(clinic: Clinic, folder: Path):
    filters = [("diagnosis", "==", "malignant"), ("ward", "in", ["ward-1", "ward-2"])]
    read = lake.read(folder, clinic.keys(), ["radius"], filters=filters)
    table = clinic.table
    fits = pc.and_(pc.equal(table["diagnosis"], "malignant"), pc.not_equal(table["ward"], "ward-0"))
    assert read.column_names == ["radius"]
    assert sorted(read["radius"].to_pylist()) == sorted(table.filter(fits)["radius"].to_pylist())


@pytest.mark.parametrize("_", range(5))
def test_filter_on_a_refused_column_is_refused_and_does_not_wait(clinic: Clinic, folder: Path, _):
    keys = clinic.keys_of("researcher", "measures")
    with pytest.raises(
        LakeError, match=r"The key 'findings' does not open its columns. AccessDenied"
    ):
        lake.read(folder, keys, ["radius"], filters=[("diagnosis", "==", "malignant")])


def test_text_in_place_of_a_list_of_columns_is_refused(clinic: Clinic, folder: Path):
    """`"xy"` would leave the columns x and y in plaintext too."""
    table, keys = pa.table({"x": [1], "y": [2], "xy": [3]}), clinic.keys()
    for wrong in ({"plaintext": "xy"}, {"plaintext": ["x"], "partition": "x"}):
        with pytest.raises(TypeError, match="is a list of columns, not one text"):
            lake.write(table, folder / "new", keys, columns={}, rest="names", **wrong)
    with pytest.raises(TypeError, match=r"a list of columns, not one text: \['radius'\]"):
        lake.read(folder, keys, "radius")


def test_filter_that_nothing_fits_gives_an_empty_table(clinic: Clinic, folder: Path):
    read = lake.read(folder, clinic.keys(), ["record"], filters=[("ward", "==", "ward-9")])
    assert (read.num_rows, read.column_names) == (0, ["record"])


def test_kms_is_asked_once_for_each_key_that_is_needed(clinic: Clinic, folder: Path):
    before = len(decrypts(clinic.lab))
    lake.read(folder, clinic.keys(), ["radius", "texture"])
    assert len(decrypts(clinic.lab)) == before + 1


def test_kms_wraps_one_key_for_each_name(clinic: Clinic, tmp_path: Path):
    clinic.write(tmp_path / "records")
    assert sum(event["eventName"] == "Encrypt" for event in clinic.lab.trail) == 3


# ------------------------------------------------------------------------------- what Arrow keeps


def test_opened_data_set_reads_on_after_its_keys_are_disabled(clinic: Clinic, folder: Path):
    found = lake.dataset(folder, clinic.keys())
    found.to_table(columns=["record"])
    clinic.cmks["names"].disable()
    assert found.to_table(columns=["record"]).num_rows == 569
    with pytest.raises(LakeError, match="DisabledException"):
        lake.dataset(folder, clinic.keys()).to_table(columns=["record"])


def test_keys_are_free_when_the_data_set_is(clinic: Clinic, folder: Path):
    keys = clinic.keys()
    found, alive = lake.dataset(folder, keys), ref(keys)
    del keys
    assert found.to_table(columns=["record"]).num_rows == 569
    del found
    until(lambda: gc.collect() >= 0 and alive() is None)  # a thread of Arrow's may be a bit later


def test_pyarrows_own_functions_open_a_file_with_the_client(clinic: Clinic, folder: Path):
    keys = clinic.keys()
    factory = encryption.CryptoFactory(lambda _: keys.client)
    properties = factory.file_decryption_properties(encryption.KmsConnectionConfig())
    assert pq.read_table(files(folder)[0], decryption_properties=properties).num_rows > 180


# ------------------------------------------------------------------------------ what is sealed


def test_columns_that_are_not_mentioned_are_sealed(clinic: Clinic, tmp_path: Path):
    lake.write(clinic.table, tmp_path / "all", clinic.keys(), columns={}, rest="measures")
    written = bytes_of(tmp_path / "all")
    assert b"R-017" not in written
    assert b"malignant" not in written
    assert b"diagnosis" not in written  # the footer is sealed, too
    assert lake.read(tmp_path / "all", clinic.keys_of("mina", "measures")).equals(clinic.table)


def test_plaintext_footer_shows_names_and_what_is_left_in_plaintext(clinic: Clinic, tmp_path: Path):
    plaintext = ["ward", *clinic.table.column_names[2:12]]
    folder = clinic.write(tmp_path / "open", plaintext=plaintext, plaintext_footer=True)
    written = bytes_of(folder)
    assert b"diagnosis" in written
    assert b"malignant" not in written
    anybody = ds.dataset(folder, partitioning="hive")
    assert anybody.count_rows() == 569
    assert anybody.to_table(columns=["radius"]).num_rows == 569
    with pytest.raises(OSError, match=r"decrypt|encrypted"):
        anybody.to_table(columns=["diagnosis"])


def test_nested_columns_are_sealed_with_all_they_hold(clinic: Clinic, tmp_path: Path):
    table = pa.table(
        {"id": [1, 2], "who": [{"이름": "미나-secret"}, {"이름": "b"}], "x": [[7], []]}
    )
    lake.write(table, tmp_path / "n", clinic.keys(), columns={"who": "names"}, rest="measures")
    assert "미나-secret".encode() not in bytes_of(tmp_path / "n")
    assert lake.read(tmp_path / "n", clinic.keys()).equals(table)
    with pytest.raises(LakeError, match="'names'"):
        lake.read(tmp_path / "n", clinic.keys_of("researcher", "measures"), ["who"])


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"columns": {"name": "names"}},
            "no column has the name 'name': record, diagnosis, radius",
        ),
        ({"columns": {"record": "nmes"}}, "no key has the name 'nmes': names, findings, measures"),
        ({"rest": "others"}, "no key has the name 'others'"),
        (
            {"plaintext": ["ward", "record"]},
            "'record': sealed under a key, and named in `plaintext`",
        ),
        ({"plaintext": []}, "'ward': the names of folders would show the values"),
        ({"partition": ["wards"]}, "no column has the name 'wards'"),
    ],
)
def test_assignment_that_cannot_be_meant_is_refused(clinic: Clinic, tmp_path: Path, options, text):
    with pytest.raises(ValueError, match=text):
        clinic.write(tmp_path / "records", **options)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["a:b", "a;b", "a,b", " a", "a\t"])
def test_column_name_that_would_end_the_process_is_refused(clinic: Clinic, tmp_path: Path, name):
    table = pa.table({name: [1], "b": [2]})
    with pytest.raises(ValueError, match="cannot be sealed"):
        lake.write(table, tmp_path / "x", clinic.keys(), columns={}, rest="names")
    keys = clinic.keys()
    lake.write(table, tmp_path / "x", keys, columns={}, rest="names", plaintext=[name])
    assert lake.read(tmp_path / "x", keys).equals(table)


def test_data_set_without_a_sealed_column_is_refused(clinic: Clinic, tmp_path: Path):
    names = clinic.table.column_names
    with pytest.raises(ValueError, match="no column is sealed"):
        lake.write(
            clinic.table, tmp_path / "x", clinic.keys(), columns={}, rest="names", plaintext=names
        )


@pytest.mark.parametrize("name", ["", "a:b", "a b", "a;b"])
def test_name_of_a_key_is_a_word(name):
    with pytest.raises(ValueError, match="names no key"):
        lake.ColumnKeys({name: RawAesKeyring("clinic", "aes", bytes(32))})


def test_name_has_one_key(clinic: Clinic):
    with pytest.raises(ValueError, match="'a' has 2 keyrings, and a column is sealed under one"):
        lake.ColumnKeys({"a": [clinic.cmks["names"], clinic.cmks["findings"]]})


# ----------------------------------------------------------------------------- whole or not at all


def test_refused_write_leaves_nothing(clinic: Clinic, tmp_path: Path):
    clinic.cmks["findings"].disable()
    with pytest.raises(
        LakeError, match=r"The key 'findings' cannot seal its columns. DisabledException"
    ):
        clinic.write(tmp_path / "records")
    assert list(tmp_path.iterdir()) == []


def test_existing_folder_is_not_written_to(clinic: Clinic, folder: Path):
    before = bytes_of(folder)
    with pytest.raises(
        FileExistsError, match="already exists; a data set is written to a new folder"
    ):
        clinic.write(folder)
    assert bytes_of(folder) == before


def test_folder_that_is_not_there_is_called_that(clinic: Clinic, tmp_path: Path):
    with pytest.raises(FileNotFoundError):
        lake.read(tmp_path / "nowhere", clinic.keys())


def test_file_system_of_pyarrow_may_hold_the_data_set(clinic: Clinic, tmp_path: Path):
    store = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    clinic.write("bucket/records", filesystem=store)
    read = lake.read("bucket/records", clinic.keys(), ["record"], filesystem=store)
    assert read.num_rows == 569


# ----------------------------------------------------------------------------------- tampering


def test_any_changed_byte_of_a_file_is_noticed(clinic: Clinic, folder: Path):
    file = files(folder)[0]
    whole = file.read_bytes()
    keys = clinic.keys()
    opened = []
    for place in range(4, len(whole), 293):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        try:
            lake.read(folder, keys)
            opened.append(place)
        except LakeError:
            pass
    assert opened == []


@pytest.mark.parametrize("kept", [0, 3, 100, 0.5, -1])
def test_file_that_was_cut_short_does_not_open(clinic: Clinic, folder: Path, kept):
    file = files(folder)[0]
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * kept) if isinstance(kept, float) else kept])
    with pytest.raises(LakeError):
        lake.read(folder, clinic.keys())


def test_column_chunk_of_another_file_does_not_open(clinic: Clinic, folder: Path):
    """The files have the same schema, and their columns are sealed under the same keys."""
    first, second, _ = files(folder)
    ours, theirs = bytearray(first.read_bytes()), second.read_bytes()
    ours[4:2000] = theirs[4:2000]
    first.write_bytes(ours)
    with pytest.raises(LakeError, match="was changed or cut short"):
        lake.read(folder, clinic.keys())


def test_swapped_keys_are_refused(clinic: Clinic, folder: Path):
    cmks = clinic.cmks | {"names": clinic.cmks["findings"], "findings": clinic.cmks["names"]}
    swapped = lake.ColumnKeys(cmks, context=CONTEXT)
    with pytest.raises(
        LakeError, match=r"The key 'names' of this data set is aws-kms arn:.*you gave"
    ):
        lake.read(folder, swapped, ["record"])


def test_wrapped_key_opens_under_its_own_name_and_context_only(clinic: Clinic):
    keys = lake.ColumnKeys({"a": clinic.cmks["names"], "b": clinic.cmks["names"]}, context=CONTEXT)
    wrapped = keys.wrap("a", bytes(16))
    assert keys.unwrap("a", wrapped) == bytes(16)
    with pytest.raises(LakeError, match="InvalidCiphertextException"):
        keys.unwrap("b", wrapped)
    with pytest.raises(LakeError, match="InvalidCiphertextException"):
        lake.ColumnKeys({"a": clinic.cmks["names"]}).unwrap("a", wrapped)


@pytest.mark.parametrize("text", ["", "[]", "{}", '["", "", "", ""]', "[1, 2, 3]", "null", "é"])
def test_key_that_another_program_wrapped_is_called_that(clinic: Clinic, text):
    with pytest.raises(LakeError, match="holds no key that"):
        clinic.keys().unwrap("names", text)


def test_key_that_the_reader_did_not_list_is_not_asked(clinic: Clinic, folder: Path):
    before = len(decrypts(clinic.lab))
    keys = lake.ColumnKeys({"measures": clinic.cmks["measures"]}, context=CONTEXT)
    with pytest.raises(LakeError, match=r"No key has the name 'names'. You gave: measures."):
        lake.read(folder, keys, ["record"])
    assert len(decrypts(clinic.lab)) == before + 1


def test_raw_keys_refuse_another_context_without_a_reason():
    ring = RawAesKeyring("clinic", "aes", bytes(32))
    wrapped = lake.ColumnKeys({"a": ring}, context=CONTEXT).wrap("a", bytes(16))
    with pytest.raises(LakeError, match="was changed, or has another context"):
        lake.ColumnKeys({"a": ring}).unwrap("a", wrapped)


# --------------------------------------------------------------------------- whose client it is


def test_boto3_and_an_endpoint_open_what_the_lab_sealed(clinic: Clinic, folder: Path):
    import boto3

    def keys(client) -> lake.ColumnKeys:
        rings = {name: KmsKeyring(client, cmk.arn) for name, cmk in clinic.cmks.items()}
        return lake.ColumnKeys(rings, context=CONTEXT)

    assert lake.read(folder, keys(clinic.lab.boto3())).num_rows == 569
    with running(clinic.lab.user("stranger")) as endpoint:
        client = boto3.client(
            "kms",
            region_name=endpoint.region,
            endpoint_url=endpoint.url,
            aws_access_key_id=endpoint.access_key.id,
            aws_secret_access_key=endpoint.access_key.secret.decode(),
        )
        with pytest.raises(LakeError, match="AccessDeniedException: User: arn:aws:iam::1"):
            lake.read(folder, keys(client))


# ------------------------------------------------------------------------------- without PyArrow


def test_without_pyarrow_the_error_says_what_to_install():
    program = (
        "import sys; sys.modules['pyarrow'] = None\n"
        "from kmslab import Lab, lake\n"
        "try: lake.read\n"
        "except ModuleNotFoundError as error: print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout == (
        "lake.read needs pyarrow, which is not installed: pip install 'kmslab[lake]'\n"
    )
