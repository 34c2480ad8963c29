"""Makes the methods of `lab.kms`: one for each operation, with its signature and its docstring.

Both are made from the contract, so that completion and `?` say what AWS's API says. A method checks
the names of its members; everything else is the service's work.
"""

import inspect
from collections.abc import Callable
from typing import Any, Protocol

from kmslab.crypto import check_context
from kmslab.kms import unopened
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import Operation
from kmslab.kms.contract.shapes import Shape
from kmslab.kms.service import Service

UNITS = {"string": "characters", "blob": "bytes", "list": "items", "map": "pairs"}


class Client(Protocol):
    """What a method needs of the client that it belongs to."""

    _service: Service
    _caller: Caller


def method_of(operation: Operation) -> Callable[..., dict[str, Any]]:
    """`client.encrypt(KeyId=…, Plaintext=…)` for the operation Encrypt."""
    name = operation.name
    members = operation.input.members if operation.input else {}
    maps = [member for member, shape in members.items() if shape.kind == "map"]

    def method(self: Client, **request: Any) -> dict[str, Any]:
        if not request.keys() <= members.keys():
            unknown = ", ".join(sorted(request.keys() - members.keys()))
            raise TypeError(f"{name} has no member {unknown}; it has {', '.join(members)}")
        for member in maps:
            if request.get(member) is not None:
                check_context(request[member])
        try:
            return self._service.call(name, self._caller, request)
        except KMSError as error:
            unopened.explain_in_process(error, self._service, name, self._caller, request)
            raise

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
