"""Every error text of the service is AWS's own, or stands in the list of guessed texts."""

import ast
import inspect
import re
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from types import ModuleType

from kmslab.kms import admission, named_stores, names, service, throttle
from kmslab.kms.access import enforcement, grant_tokens
from kmslab.kms.backing import brought, cloudhsm, hsm, importing, recipients
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.operations import pages
from kmslab.kms.table import TABLE
from kmslab.lab import lab, view

OPERATIONS = {inspect.getmodule(row.run) for row in TABLE.values()}
CORE = (
    *(admission, named_stores, names, service, throttle, enforcement, grant_tokens, pages),
    *(brought, cloudhsm, hsm, importing, recipients),
)
MODULES = (lab, view, *CORE, *OPERATIONS)
GUESSED = Path(__file__).parents[1] / "guessed_texts.txt"

# Seen in AWS's documentation or in public reports of its answers; <…> is what varies.
# test_states.py has the texts of the key states, tests/kms/contract those of the contract.
PUBLISHED = {
    "",  # InvalidCiphertextException, and UnsupportedOperationException for a key's kind
    "Key '<…>' does not exist",
    "Invalid keyId '<…>'",
    "Invalid identifier",
    "Invalid arn <…>",
    "Alias <…> is not found.",
    "Key Aliases are not supported for this operation",
    "An alias with the name <…> already exists",
    'Alias must start with the prefix "alias/". Please see '
    "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html",
    "1 validation error detected: Value '<…>' at 'limit' failed to satisfy constraint: Member "
    "must have value less than or equal to <…>",
    "The new key policy will not allow you to update the key policy in the future.",
    "PendingWindowInDays must be between 7 and 30",
    "More than one constraint supplied",
    "<…> contains invalid characters for an alias",
    "Aliases must refer to keys. Not aliases",
    "Tags beginning with aws: are reserved",
    "Too many tags",
    "Please specify either number of bytes or key spec.",
    "NumberOfBytes is required.",
    "The operation failed because the KeyUsage value of the CMK is SIGN_VERIFY. To perform this "
    "operation, the KeyUsage value must be ENCRYPT_DECRYPT.",
    "KeyUsage <…> is not compatible with KeySpec <…>",
    "You must specify a KeyUsage value for all KMS keys except for symmetric encryption keys.",
    "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. "
    "CustomerMasterKeySpec is deprecated.",
    "The on-demand rotations limit has been reached for the given keyId. No more on-demand "
    "rotations can be performed for this key: <…>",
    "<…> is not a multi-region primary key.",
    "<…> origin is <…> which is not valid for this operation.",
    "No available key material pending rotation for the key: <…>.",
    "New key material (id: <…>) cannot be imported into KMS key <…>, because another key material "
    "(id: <…>) is pending rotation.",
    "A validTo date must be set if the ExpirationModel is KEY_MATERIAL_EXPIRES",
    "The AWS_RAM policy can only be managed by the RAM service",
    "<…> key usage is <…> which is not valid for <…>.",
    "Algorithm <…> is incompatible with key spec <…>.",
    "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
    "Digest is invalid length for algorithm <…>.",
    "The key ID in the request does not identify a CMK that can perform this operation.",
    "User: <…> is not authorized to perform: <…> on this resource because the resource does not "
    "exist in this Region, no resource-based policies allow access, or a resource-based policy "
    "explicitly denies access",
    "User: <…> is not authorized to perform: <…> on the resource associated with this "
    "ciphertext because the resource does not exist in this Region, no resource-based policies "
    "allow access, or a resource-based policy explicitly denies access",
}
# The lab's own words: AWS needs none, because AWS has every operation.
OWN = re.compile(r".* is offered in the China Regions only\.$")
ELSEWHERE = {"<…> <…>"}  # a key's ARN and the words of its state


def guessed() -> set[str]:
    """The texts in the list's lines for the core: core | text | reason."""
    lines = GUESSED.read_text("utf-8").splitlines()
    fields = [line.split(" | ") for line in lines if line.startswith("core | ")]
    return {re.sub(r"<[^<>]+>", "<…>", form) for _, form, _ in fields}


def test_text_that_is_not_published_is_in_the_list_of_guesses_and_nothing_else_is() -> None:
    said = {text for module in MODULES for text in texts(module)}
    assert {t for t in said - PUBLISHED - ELSEWHERE if not OWN.match(t)} == guessed()


def test_no_published_text_went_out_of_use() -> None:
    assert {text for module in MODULES for text in texts(module)} >= PUBLISHED


# ----------------------------------------------------------------------------------- the scan


def texts(module: ModuleType) -> Iterator[str]:
    """All texts in a `fail("…", …)` or `EXCEPTIONS["…"](…)` of this module, with <…> for values."""
    tree = ast.parse(inspect.getsource(module))
    constants = {name: value for name, value in vars(module).items() if isinstance(value, str)}
    pairs = [text for code, text in filter(is_pair, vars(module).values()) if code in EXCEPTIONS]
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        assigned = assignments(function)
        for node in ast.walk(function):
            match node:
                case ast.Call(func=ast.Name(id="fail"), args=[ast.Starred()]):
                    yield from pairs
                case ast.Call(func=ast.Name(id="fail"), args=[_]):
                    yield ""
                case (
                    ast.Call(func=ast.Name(id="fail"), args=[_, text])
                    | ast.Call(func=ast.Subscript(value=ast.Name(id="EXCEPTIONS")), args=[text])
                ):
                    yield from forms(text, constants, assigned)


def assignments(function: ast.FunctionDef) -> dict[str, list[ast.expr]]:
    """All values that the function assigns to each local name."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def is_pair(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2


def forms(
    node: ast.expr, constants: dict[str, str], assigned: dict[str, list[ast.expr]]
) -> Iterator[str]:
    match node:
        case ast.Constant(value=str(text)):
            yield text
        case ast.JoinedStr(values=values):
            yield "".join(v.value if isinstance(v, ast.Constant) else "<…>" for v in values)
        case ast.IfExp(body=body, orelse=orelse):
            yield from forms(body, constants, assigned)
            yield from forms(orelse, constants, assigned)
        case ast.Name(id=name) if name in assigned:
            yield from chain(*(forms(each, constants, assigned) for each in assigned[name]))
        case ast.Name(id=name):
            yield constants[name]
        case ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr="format")):
            yield re.sub(r"\{\d*\}", "<…>", constants[name])
        case ast.Call(func=ast.Name(id="missing" | "message" | "refusal")):
            return  # the contract's own text, or a decision's: tests/kms/access has those
        case _:
            raise AssertionError(f"cannot tell what text this is: {ast.unparse(node)}")
