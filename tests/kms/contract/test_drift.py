"""The contract in the package is that of the installed botocore, for every operation."""

import runpy
from pathlib import Path

import pytest
from botocore import xform_name

from kmslab.kms.contract.model import MODEL
from tests.cases import for_every
from tests.kms.contract.oracle import OPERATIONS, SHAPES

ROOT = Path(__file__).parents[3]
SCRIPT = runpy.run_path(str(ROOT / "scripts" / "contract.py"))


@pytest.mark.parametrize("path", SCRIPT["FILES"], ids=lambda path: path.name)
def test_generated_files_are_what_the_script_writes_today(path: Path) -> None:
    assert path.read_text("utf-8") == SCRIPT["FILES"][path](), "run scripts/contract.py"


def test_kms_json_holds_no_prose() -> None:
    text = SCRIPT["CONTRACT"].read_text("utf-8")
    assert "<p>" not in text
    assert "documentation" not in text


def test_an_unknown_trait_stops_the_script() -> None:
    with pytest.raises(SystemExit, match="idempotencyToken"):
        SCRIPT["_target"]({"shape": "KeyIdType", "idempotencyToken": True})
    with pytest.raises(SystemExit, match="union"):
        SCRIPT["_shape"]({"type": "structure", "members": {}, "union": True})


def test_the_model_has_botocores_operations() -> None:
    assert list(MODEL.operations) == list(OPERATIONS)
    assert len(OPERATIONS) == 56


@for_every("name", OPERATIONS)
def test_an_operation_is_described_as_botocore_does(name: str) -> None:
    operation, theirs = MODEL.operations[name], OPERATIONS[name]
    assert operation.snake_name == xform_name(name)
    assert list(operation.errors) == [error["shape"] for error in theirs["errors"]]
    assert (operation.output is None) == ("output" not in theirs)
    assert operation.input is not None
    shape = SHAPES[theirs["input"]["shape"]]
    assert list(operation.input.members) == list(shape["members"])
    assert list(operation.input.required) == shape.get("required", [])
    old = [member for member, target in shape["members"].items() if target.get("deprecated")]
    assert list(operation.input.deprecated) == old
