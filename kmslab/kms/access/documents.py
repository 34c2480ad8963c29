"""Policy documents: parses JSON into statements, once for each text.

The parser is strict and guesses nothing. A repeated or unknown member is an error, because the
policy's author and the service could understand it differently.
Source: IAM user guide, "Grammar of the IAM JSON policy language"; AWS KMS developer guide, "Key
policies in AWS KMS".
"""

import json
import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NoReturn

from kmslab.kms.access import principals
from kmslab.kms.access.conditions import Condition, condition
from kmslab.kms.access.patterns import any_of, pattern
from kmslab.kms.access.statements import Document, Element, Principals, Statement
from kmslab.kms.arn import AWS, SERVICE_NAME, is_arn
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Reader

MAX_POLICY_BYTES = 32_768  # bytes, "Resource quotas"; the model allows 131,072 characters
# Characters: the most that IAM takes in one document, as a role's inline policy. (A user's holds
# 2,048 and a managed one 6,144, but a principal of a lab has one document for all of its policies.)
MAX_IAM_POLICY = 10_240
SHOWN = 512  # characters of a policy that the text of an error quotes
# Whether the language has variables. A document without a version is in the older language.
VERSIONS = {"2012-10-17": True, "2008-10-17": False}
EFFECTS = {"Allow": True, "Deny": False}
DOCUMENT = frozenset({"Version", "Id", "Statement"})
ELEMENTS = frozenset(
    {"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction"}
    | {"Resource", "NotResource", "Condition"}
)
SID = re.compile(r"[0-9A-Za-z]*", re.ASCII)
ACTION = re.compile(r"\*|[a-z0-9-]+:[a-z0-9*?]+", re.ASCII | re.IGNORECASE)
RESOURCE = re.compile(r"\*|arn:.*", re.DOTALL)
# The names of each kind of principal. No caller of a lab comes through an identity provider or has
# a canonical user id of S3: a statement that names such a principal is valid, and fits no caller.
PRINCIPALS: dict[str, re.Pattern[str]] = {
    "AWS": re.compile(r"\*|\d{12}|arn:aws[a-z-]*:(iam|sts)::\d{12}:[!-~]+", re.ASCII),
    "Service": SERVICE_NAME,
    "Federated": re.compile(r"[!-~]+", re.ASCII),
    "CanonicalUser": re.compile(r"[0-9a-f]{64}", re.ASCII),
}
CALLERS = frozenset({"AWS", "Service"})

NO_PRINCIPAL = "Policy contains a statement with no principal."
INVALID_PRINCIPALS = "Policy contains a statement with one or more invalid principals."
PRINCIPAL_IN_IAM = "Policy document should not specify a principal."
NOTHING = "Policy statement must contain {}s."
VENDOR = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
NOT_AN_ARN = 'Resource {} must be in ARN format or "*".'
TWICE = "Statement IDs (SID) in a single policy must be unique."
SIDS = (
    "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular "
    "expression [0-9A-Za-z]*"
)


@lru_cache(1024)
def key_policy(text: str) -> Document:
    """Raises MalformedPolicyDocumentException, or LimitExceededException if it is too long."""
    return _document(text, of_key=True)


@lru_cache(1024)
def identity_policy(text: str) -> Document:
    """An IAM user's or role's policy; raises like `key_policy`."""
    return _document(text, of_key=False)


def check_key_policy(text: str, records: Reader, partition: str = AWS) -> str:
    """Returns the text if it is a valid key policy, all of whose principals exist."""
    for statement in key_policy(text).statements:
        for name in statement.principals.wanted if statement.principals else ():
            if is_arn(name) and not principals.exist(records, name, partition):
                malformed(INVALID_PRINCIPALS)
    return text


def check_identity_policy(text: str) -> str:
    """Returns the text if it is a valid policy that IAM would take. White space does not count."""
    if len("".join(text.split())) > MAX_IAM_POLICY:
        fail("LimitExceededException", f"Cannot exceed quota for PolicySize: {MAX_IAM_POLICY}")
    identity_policy(text)
    return text


_ALL = Element(("*",), pattern("*"))
UNREADABLE = Document(
    (Statement(1, "cannot be read", False, Principals(frozenset("*")), _ALL, _ALL, ()),)
)


def allow(
    *actions: str, resource: str = "*", condition: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """A short IAM policy: `allow("kms:Encrypt", "kms:Decrypt")`, for every key or for one ARN."""
    statement: dict[str, Any] = {"Effect": "Allow", "Action": [*actions], "Resource": resource}
    if condition:
        statement["Condition"] = condition
    return {"Version": "2012-10-17", "Statement": [statement]}


def malformed(text: str) -> NoReturn:
    text = text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
    fail("MalformedPolicyDocumentException", text)


# ------------------------------------------------------------------------------ from JSON


class _Number(str):
    """A number as it is written in the JSON. Only a condition's value may be one."""


def _document(text: str, of_key: bool) -> Document:
    if len(text.encode(errors="replace")) > MAX_POLICY_BYTES:
        fail("LimitExceededException", f"A policy document holds at most {MAX_POLICY_BYTES} bytes.")
    document = _members(_json(text), DOCUMENT, "the document")
    version = _text(document.get("Version", "2008-10-17"), "Version")
    if version not in VERSIONS:
        _syntax(f"Version must be one of {', '.join(VERSIONS)}")
    _text(document.get("Id", ""), "Id")
    written = document.get("Statement") or malformed("The policy contains no statement.")
    statements = written if isinstance(written, list) else [written]
    read = [
        _statement(place, each, of_key, VERSIONS[version])
        for place, each in enumerate(statements, start=1)
    ]
    sids = [statement.sid for statement in read if statement.sid]
    if not of_key and len(set(sids)) < len(sids):
        malformed(TWICE)
    return Document(tuple(read))


def _json(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_once,
            parse_int=_Number,
            parse_float=_Number,
            parse_constant=_constant,
        )
    except (ValueError, RecursionError):
        malformed("The policy is not valid JSON.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a member is repeated")
    return members


def _constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")  # Python would accept NaN and Infinity


def _statement(place: int, written: Any, of_key: bool, variables: bool) -> Statement:
    where = f"statement {place}"
    members = _members(written, ELEMENTS, where)
    effect = _text(members.get("Effect"), f"Effect of {where}")
    if effect not in EFFECTS:
        _syntax(f"Effect of {where} must be Allow or Deny")
    sid = _text(members.get("Sid", ""), f"Sid of {where}")
    if not of_key and not SID.fullmatch(sid):
        malformed(SIDS)
    return Statement(
        place=place,
        sid=sid,
        allows=EFFECTS[effect],
        principals=_principals(members, EFFECTS[effect], of_key, where),
        actions=_actions(members, of_key, where),
        resources=_resources(members, of_key, variables, where),
        conditions=_conditions(members.get("Condition", {}), variables, where),
    )


def _actions(members: Mapping[str, Any], of_key: bool, where: str) -> Element:
    wanted, excludes = _either(members, "Action", of_key, where)
    for action in wanted:
        if not ACTION.fullmatch(action):
            malformed(VENDOR)
    tests = [pattern(action.lower(), variables=False) for action in wanted]
    return Element(wanted, any_of(tests), excludes)


def _resources(members: Mapping[str, Any], of_key: bool, variables: bool, where: str) -> Element:
    wanted, excludes = _either(members, "Resource", of_key, where)
    for resource in wanted:
        if not RESOURCE.fullmatch(resource):
            malformed(NOT_AN_ARN.format(resource))
    tests = [pattern(each, variables=variables) for each in wanted]
    return Element(wanted, any_of(tests), excludes)


def _either(
    members: Mapping[str, Any], name: str, of_key: bool, where: str
) -> tuple[tuple[str, ...], bool]:
    """An element or its negation. A key policy may lack both; such a statement has no effect."""
    found = [each for each in (name, f"Not{name}") if each in members]
    if len(found) > 1:
        _syntax(f"{where} has both {name} and Not{name}")
    if not found and of_key:
        return (), False
    wanted = _texts(members[found[0]], f"{found[0]} of {where}") if found else ()
    if not wanted:
        malformed(NOTHING.format(name.lower()))
    return wanted, found[0] != name


def _principals(
    members: Mapping[str, Any], allows: bool, of_key: bool, where: str
) -> Principals | None:
    found = [each for each in ("Principal", "NotPrincipal") if each in members]
    if not of_key:
        return malformed(PRINCIPAL_IN_IAM) if found else None
    if not found:
        malformed(NO_PRINCIPAL)
    excludes = "NotPrincipal" in found
    if len(found) > 1 or (excludes and allows):
        _syntax(f"NotPrincipal of {where} needs Effect Deny, and no Principal beside it")
    wanted = _named(members[found[0]], f"{found[0]} of {where}")
    return Principals(frozenset(wanted), excludes) if wanted else malformed(NO_PRINCIPAL)


def _named(written: Any, where: str) -> tuple[str, ...]:
    if isinstance(written, str):
        return ("*",) if written == "*" else malformed(INVALID_PRINCIPALS)
    kinds = _members(written, PRINCIPALS, where)
    return tuple(
        _principal(kind, name) for kind, names in kinds.items() for name in _texts(names, where)
    )


def _principal(kind: str, name: str) -> str:
    """A principal that cannot call here gets a prefix, so that it fits no caller."""
    if not PRINCIPALS[kind].fullmatch(name):
        malformed(INVALID_PRINCIPALS)
    if kind not in CALLERS:
        return f"{kind} {name}"
    return name


def _conditions(written: Any, variables: bool, where: str) -> tuple[Condition, ...]:
    place = f"Condition of {where}"
    read = []
    for operator, keys in _members(written, None, place).items():
        for key, wanted in _members(keys, None, place).items():
            try:
                read.append(condition(operator, key, _values(wanted, place), variables))
            except ValueError as error:
                _syntax(f"{place}: {error}")
    return tuple(read)


# --------------------------------------------------------------------------------- shapes


def _members(written: Any, known: Collection[str] | None, where: str) -> dict[str, Any]:
    if not isinstance(written, dict):
        _syntax(f"{where} must be an object")
    unknown = [member for member in written if known is not None and member not in known]
    if unknown:
        _syntax(f"{where} has an unknown member {unknown[0]}")
    return written


def _text(written: Any, where: str) -> str:
    if type(written) is not str:
        _syntax(f"{where} must be a string")
    return written


def _texts(written: Any, where: str) -> tuple[str, ...]:
    listed = written if isinstance(written, list) else [written]
    return tuple(_text(each, where) for each in listed)


def _values(written: Any, where: str) -> tuple[str, ...]:
    """A condition's values, whose numbers and booleans JSON may write without quotes."""
    listed = written if isinstance(written, list) else [written]
    return tuple(_value(each, where) for each in listed)


def _value(written: Any, where: str) -> str:
    if isinstance(written, bool):
        return "true" if written else "false"
    return str(written) if isinstance(written, _Number) else _text(written, where)


def _syntax(what: str) -> NoReturn:
    malformed(f"Syntax errors in policy: {what}.")
