"""The clinic's table as a data set: a key for names, one for findings, one for the rest."""

import json
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.csv as csv
import pytest

from kmslab import CMK, Lab, lake
from kmslab.envelope import KmsKeyring

RECORDS = Path(__file__).parents[2] / "data" / "records.csv"
CONTEXT = {"dataset": "records"}
SEALED = {"record": "names", "diagnosis": "findings"}  # the rest, under "measures"


class Clinic(NamedTuple):
    lab: Lab
    table: pa.Table
    cmks: dict[str, CMK]

    def keys(self) -> lake.ColumnKeys:
        return lake.ColumnKeys(self.cmks, context=CONTEXT)

    def keys_of(self, reader: str, *allowed: str) -> lake.ColumnKeys:
        """All keys of the data set, as a user names them whom these keys' policies let decrypt."""
        view = self.lab.user(reader)
        for name in allowed:
            let(self.lab, self.cmks[name], view.caller.principal)
        rings = {name: KmsKeyring(view.kms, cmk.arn) for name, cmk in self.cmks.items()}
        return lake.ColumnKeys(rings, context=CONTEXT)

    def write(self, folder: Path, **options) -> Path:
        given = {"columns": SEALED, "rest": "measures", "plaintext": ["ward"]} | options
        lake.write(self.table, folder, self.keys(), **{"partition": ["ward"]} | given)
        return folder


def let(lab: Lab, cmk: CMK, reader: str) -> None:
    """The key's policy lets this user decrypt; only for this data set, as the context says."""
    answer = lab.kms.get_key_policy(KeyId=cmk.arn, PolicyName="default")
    policy = json.loads(answer["Policy"])
    pairs = {f"kms:EncryptionContext:{key}": value for key, value in CONTEXT.items()}
    policy["Statement"].append(
        {
            "Effect": "Allow",
            "Principal": {"AWS": reader},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEquals": pairs},
        }
    )
    text = json.dumps(policy)
    lab.kms.put_key_policy(KeyId=cmk.arn, PolicyName="default", Policy=text)


@pytest.fixture
def clinic():
    table = csv.read_csv(RECORDS)
    wards = pa.array([f"ward-{number % 3}" for number in range(table.num_rows)])
    with Lab() as lab:
        cmks = {name: lab.create_cmk(name) for name in ("names", "findings", "measures")}
        yield Clinic(lab, table.append_column("ward", wards), cmks)


@pytest.fixture
def folder(clinic: Clinic, tmp_path: Path) -> Path:
    return clinic.write(tmp_path / "records")
