"""Writes what KMS promises into the package, from the botocore that is installed.

    python scripts/contract.py

`kmslab/kms/contract/kms.json` gets the operations, shapes and errors of botocore's KMS model,
without its prose, and `partitions.json` beside it the Regions of each partition. Two stubs are for
type checkers and editors: `kmslab/errors.pyi` gets the exception classes, `kmslab/lab/client.pyi`
the client's methods. The same botocore gives the same bytes; an unknown trait stops the script.
"""

import inspect
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import botocore
from botocore.loaders import Loader

PACKAGE = Path(__file__).resolve().parents[1] / "kmslab"
CONTRACT = PACKAGE / "kms" / "contract" / "kms.json"
PARTITIONS = CONTRACT.with_name("partitions.json")

LICENCE = (
    "Apache-2.0. Derived from botocore, Copyright Amazon.com, Inc. or its affiliates: "
    "names and constraints only."
)
SERVICE = ("apiVersion", "endpointPrefix", "jsonVersion", "targetPrefix")
SHAPE = ("type", "required", "enum", "pattern", "min", "max", "sensitive")
UNUSED = {"documentation", "deprecated", "deprecatedMessage", "exception", "fault"}
MEMBER = {"shape", "documentation", "deprecated", "deprecatedMessage"}

CLIENT = """\
# Written by scripts/contract.py. Each method makes one `Service.call`; kmslab/kms/table.py names
# the function that does the operation's own work.

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from kmslab.kms.contract.callers import Caller
from kmslab.kms.service import Service

Blob = bytes | bytearray | memoryview | str  # a text is sent as UTF-8

class KmsClient:
    exceptions: SimpleNamespace

    def __init__(self, service: Service, caller: Caller) -> None: ...
"""
# The Python types of a request's members, by the kind of their shape.
TYPES = {
    "string": "str",
    "integer": "int",
    "boolean": "bool",
    "blob": "Blob",
    "timestamp": "datetime",
    "structure": "Mapping[str, Any]",
}


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


def partitions() -> str:
    """The text of partitions.json: the Regions of each partition, as a pattern."""
    loader = Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH], include_default_search_paths=False
    )
    found = loader.load_data("partitions")["partitions"]
    return _lines(
        {
            "source": f"botocore {botocore.__version__}, partitions.json",
            "licence": LICENCE,
            "partitions": {each["id"]: each["regionRegex"] for each in found},
        }
    )


def errors_stub() -> str:
    """The text of errors.pyi."""
    from kmslab.kms.contract.errors import EXCEPTIONS  # here: it reads the kms.json just written

    classes = "\n".join(f"class {name}(KMSError): ..." for name in EXCEPTIONS)
    return f"from kmslab.kms.contract.errors import KMSError as KMSError\n\n{classes}\n"


def client_stub() -> str:
    """The text of client.pyi: the methods as they are, with the types that their members take."""
    from kmslab.kms.contract.model import MODEL  # here, as above

    return CLIENT + "".join(map(_method, MODEL.operations.values()))


def _method(operation: Any) -> str:
    from kmslab.lab.client import KmsClient

    method = getattr(KmsClient, operation.snake_name)
    _, *members = inspect.signature(method).parameters.values()
    typed = []
    for member in members:
        default = "" if member.default is member.empty else " | None = None"
        typed.append(f"{member.name}: {_type(operation.input.members[member.name])}{default}")
    arguments = "".join(f"        {each},\n" for each in ["self", "*", *typed])
    return f"    def {operation.snake_name}(\n{arguments}    ) -> dict[str, Any]: ...\n"


def _type(shape: Any) -> str:
    if shape.kind == "list":
        return f"Sequence[{_type(shape.member)}]"
    return f"Mapping[str, {_type(shape.value)}]" if shape.kind == "map" else TYPES[shape.kind]


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


# In this order: the stubs are written from the package as the new kms.json makes it.
FILES: dict[Path, Callable[[], str]] = {
    CONTRACT: contract,
    PARTITIONS: partitions,
    PACKAGE / "errors.pyi": errors_stub,
    PACKAGE / "lab" / "client.pyi": client_stub,
}

if __name__ == "__main__":
    for path, text in FILES.items():
        path.write_text(text(), encoding="utf-8", newline="\n")
        print(f"{path.name}: {path.stat().st_size:,} bytes")
