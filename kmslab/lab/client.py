"""`lab.kms`: every operation of AWS KMS as a plain Python method, in AWS's shapes, without boto3.

The methods, their signatures and their docstrings are made from the contract, so that completion
and `?` say what the API says.
"""

import inspect
from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.model import MODEL, Operation
from kmslab.kms.contract.records import Caller
from kmslab.kms.contract.shapes import Shape
from kmslab.kms.service import Service

UNITS = {"string": "characters", "blob": "bytes", "list": "items", "map": "pairs"}


class KmsClient:
    """One method an operation: `generate_data_key(KeyId=…, KeySpec="AES_256")` gives AWS's answer.

    Errors are those of `kmslab.errors`, which `exceptions` holds too, as on a boto3 client.
    """

    exceptions = SimpleNamespace(**EXCEPTIONS)

    def __init__(self, service: Service, caller: Caller) -> None:
        self._service = service
        self._caller = caller

    def __repr__(self) -> str:
        return f"<KMS in {self._caller.region} for {self._caller.principal}>"

    if TYPE_CHECKING:

        def __getattr__(self, operation: str) -> Callable[..., dict[str, Any]]: ...


def _method(operation: Operation) -> Callable[..., dict[str, Any]]:
    name = operation.name
    members = operation.input.members if operation.input else {}

    def method(self: KmsClient, **request: Any) -> dict[str, Any]:
        if not request.keys() <= members.keys():
            unknown = ", ".join(sorted(request.keys() - members.keys()))
            raise TypeError(f"{name} has no member {unknown}; it has {', '.join(members)}")
        return self._service.call(name, self._caller, request)

    method.__name__ = operation.snake_name
    method.__qualname__ = f"KmsClient.{operation.snake_name}"
    method.__doc__ = _documentation(operation)
    method.__signature__ = _signature(operation)  # type: ignore[attr-defined]  # inspect reads it
    return method


def _signature(operation: Operation) -> inspect.Signature:
    """Members are named, never positional; those that may be left out are None."""
    shape = operation.input
    required = shape.required if shape else ()
    members = sorted(shape.members if shape else (), key=lambda member: member not in required)
    named = inspect.Parameter.KEYWORD_ONLY
    parameters = [
        inspect.Parameter(m, named, default=inspect.Parameter.empty if m in required else None)
        for m in members
    ]
    itself = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return inspect.Signature([itself, *parameters], return_annotation=dict[str, Any])


def _documentation(operation: Operation) -> str:
    parts = [f"AWS KMS's {operation.name}."]
    parts += _members("Members:", operation.input)
    parts += _members("Returns a dict with:", operation.output)
    parts += ["", "Raises " + ", ".join(operation.errors) + "."]
    return "\n".join(parts)


def _members(heading: str, shape: Shape | None) -> list[str]:
    if shape is None or not shape.members:
        return []
    lines = [f"    {name}: {_described(member)}" for name, member in shape.members.items()]
    return ["", heading, *lines]


def _described(shape: Shape) -> str:
    """`string, 1 to 2048 characters`, or the values that an enum allows."""
    if shape.enum:
        return " | ".join(shape.enum)
    bounds = [str(bound) for bound in (shape.low, shape.high) if bound is not None]
    if not bounds:
        return shape.kind
    return f"{shape.kind}, {' to '.join(bounds)} {UNITS.get(shape.kind, '')}".rstrip()


for _operation in MODEL.operations.values():
    setattr(KmsClient, _operation.snake_name, _method(_operation))
