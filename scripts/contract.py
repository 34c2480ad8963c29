"""Writes what KMS promises into the package, from the botocore that is installed.

    python scripts/contract.py

`kmslab/kms/contract/kms.json` gets the operations, shapes and errors of botocore's KMS
model, without its prose; `kmslab/errors.pyi` gets the names of the exception classes, for type
checkers and completion. The same botocore gives the same bytes; an unknown trait stops the script.
"""

import json
from pathlib import Path
from typing import Any

import botocore
from botocore.loaders import Loader

PACKAGE = Path(__file__).resolve().parents[1] / "kmslab"
CONTRACT = PACKAGE / "kms" / "contract" / "kms.json"
STUB = PACKAGE / "errors.pyi"

LICENCE = (
    "Apache-2.0. Derived from botocore, Copyright Amazon.com, Inc. or its affiliates: "
    "names and constraints only."
)
SERVICE = ("apiVersion", "endpointPrefix", "jsonVersion", "targetPrefix")
SHAPE = ("type", "required", "enum", "pattern", "min", "max", "sensitive")
UNUSED = {"documentation", "deprecated", "deprecatedMessage", "exception", "fault"}
MEMBER = {"shape", "documentation", "deprecated", "deprecatedMessage"}


def contract() -> str:
    """The text of kms.json: an entry a line, so that a new botocore shows as a readable diff."""
    # The built-in path alone: a stray file in ~/.aws/models must not change what we promise.
    loader = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )
    model = loader.load_service_model("kms", "service-2")
    shapes = model["shapes"]
    exceptions = sorted(name for name, shape in shapes.items() if shape.get("exception"))
    return _lines(
        {
            "source": f"botocore {botocore.__version__}, kms/2014-11-01/service-2.json",
            "licence": LICENCE,
            "service": {name: model["metadata"][name] for name in SERVICE},
            "operations": {n: _operation(model["operations"][n]) for n in model["operations"]},
            "errors": exceptions,
            "faults": [name for name in exceptions if shapes[name].get("fault")],
            "shapes": {n: _shape(s) for n, s in shapes.items() if n not in exceptions},
        }
    )


def stub() -> str:
    """The text of errors.pyi."""
    from kmslab.kms.contract.errors import (
        EXCEPTIONS,  # here, since it reads the kms.json just written
    )

    classes = "\n".join(f"class {name}(KMSError): ..." for name in EXCEPTIONS)
    return f"from kmslab.kms.contract.errors import KMSError as KMSError\n\n{classes}\n"


def _operation(operation: dict[str, Any]) -> dict[str, Any]:
    ends = {end: operation[end]["shape"] for end in ("input", "output") if end in operation}
    return ends | {"errors": [error["shape"] for error in operation["errors"]]}


def _shape(shape: dict[str, Any]) -> dict[str, Any]:
    inner = {part: _target(shape[part]) for part in ("member", "key", "value") if part in shape}
    strange = set(shape) - set(SHAPE) - UNUSED - set(inner) - {"members"}
    if strange:
        raise SystemExit(f"a shape has traits that kmslab does not know: {sorted(strange)}")
    kept = {trait: shape[trait] for trait in SHAPE if trait in shape} | inner
    if "members" in shape:
        members = shape["members"]
        kept["members"] = {name: _target(member) for name, member in members.items()}
        old = [name for name, member in members.items() if member.get("deprecated")]
        kept |= {"deprecated": old} if old else {}
    return kept


def _target(reference: dict[str, Any]) -> str:
    if not set(reference) <= MEMBER:
        raise SystemExit(f"a member has traits that kmslab does not know: {sorted(reference)}")
    return str(reference["shape"])


def _lines(contract: dict[str, Any]) -> str:
    entries = [f"{_dump(name)}:{_entry(value)}" for name, value in contract.items()]
    return "{\n" + ",\n".join(entries) + "\n}\n"


def _entry(value: Any) -> str:
    if not isinstance(value, dict):
        return _dump(value)
    return "{\n" + ",\n".join(f" {_dump(k)}:{_dump(v)}" for k, v in value.items()) + "\n}"


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


if __name__ == "__main__":
    for path, text in ((CONTRACT, contract), (STUB, stub)):
        path.write_text(text(), encoding="utf-8", newline="\n")
        print(f"{path.name}: {path.stat().st_size:,} bytes")
