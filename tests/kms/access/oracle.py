"""The slow oracle: AWS's rules, written from AWS's sentences without any code of kmslab.

It takes policies as JSON would have them, and a request as a table of condition keys and values
that the test has written down by hand. Each function quotes the sentence that it follows. Sources:
IAM user guide ("Policy evaluation logic", "Condition operators", "Set operators for multivalued
context keys", "Principal", "NotPrincipal"), AWS KMS developer guide ("Key policies", "Grants").
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address, ip_network
from typing import Any

Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Given:
    """A grant, as CreateGrant takes it."""

    grantee: str
    operations: Sequence[str]
    kind: str = ""  # of the encryption context constraint
    pairs: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Scene:
    principal: str
    role: str  # of a session, otherwise ""
    account: str
    owner: str  # the key's account
    operation: str
    resource: str
    cross_account: bool  # whether other accounts can be allowed this operation
    keys: Mapping[str, Sequence[str]]  # the request context
    context: Mapping[str, str]
    key_policy: Sequence[Statement]
    iam: Sequence[Statement]
    grants: Sequence[Given]


def may(scene: Scene) -> bool:
    # "An explicit deny in any of these policies overrides any allows."
    if any(denies(each, scene, key_policy=True) for each in scene.key_policy):
        return False
    if any(denies(each, scene, key_policy=False) for each in scene.iam):
        return False
    if is_service(scene):
        return named_by_policy(scene) or granted(scene)
    if scene.account != scene.owner:
        # "The key policy (or a grant) must allow it, and an IAM policy in the external account must
        # delegate it."
        opened = named_by_policy(scene) or account_by_policy(scene)
        opened = opened or granted(scene) or granted_to_account(scene)
        return scene.cross_account and opened and iam_allows(scene)
    # "To allow access to a KMS key, you must use the key policy, alone or together with IAM
    # policies or grants."
    if named_by_policy(scene) or granted(scene):
        return True
    return (account_by_policy(scene) or granted_to_account(scene)) and iam_allows(scene)


# ------------------------------------------------------------------------------------ who


def is_service(scene: Scene) -> bool:
    return scene.principal.endswith(".amazonaws.com")


def root_of(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def own_names(scene: Scene) -> list[str]:
    """ "Grant permissions to the role, or to one session of it." """
    return [name for name in (scene.principal, scene.role) if name]


def listed(element: Any) -> list[str]:
    """ "You can specify an account by its ARN or by its number." """
    if element == "*":
        return ["*"]
    entries = []
    for names in element.values():
        for name in [names] if isinstance(names, str) else names:
            entries.append(root_of(name) if len(name) == 12 else name)
    return entries


def names_himself(statement: Statement, scene: Scene) -> bool:
    entries = listed(statement["Principal"])
    return "*" in entries or any(name in entries for name in own_names(scene))


def names_account(statement: Statement, scene: Scene) -> bool:
    return not is_service(scene) and root_of(scene.account) in listed(statement["Principal"])


def named_by_policy(scene: Scene) -> bool:
    return any(names_himself(each, scene) for each in scene.key_policy if allows(each, scene))


def account_by_policy(scene: Scene) -> bool:
    return any(names_account(each, scene) for each in scene.key_policy if allows(each, scene))


def iam_allows(scene: Scene) -> bool:
    """A root user has no policies and may do whatever is left to IAM."""
    if scene.principal == root_of(scene.account):
        return True
    return any(allows(each, scene) for each in scene.iam)


# ----------------------------------------------------------------------------- statements


def allows(statement: Statement, scene: Scene) -> bool:
    return statement["Effect"] == "Allow" and covers(statement, scene)


def denies(statement: Statement, scene: Scene, *, key_policy: bool) -> bool:
    if statement["Effect"] != "Deny" or not covers(statement, scene):
        return False
    if not key_policy:
        return True
    if "NotPrincipal" in statement:
        # "When you use NotPrincipal with Deny, you must also specify the account ARN of the
        # not-denied principal."
        excepted = listed(statement["NotPrincipal"])
        if "*" in excepted:
            return False
        everything = own_names(scene)
        if not is_service(scene):
            everything = [*everything, root_of(scene.account)]
        return not all(name in excepted for name in everything)
    return names_himself(statement, scene) or names_account(statement, scene)


def covers(statement: Statement, scene: Scene) -> bool:
    action = f"kms:{scene.operation}"
    return (
        element(statement, "Action", action.lower(), lower=True)
        and element(statement, "Resource", scene.resource, lower=False)
        and all(
            of_each_reading(statement, operator, values, key.lower(), scene)
            for operator, keys in statement.get("Condition", {}).items()
            for key, values in keys.items()
        )
    )


def of_each_reading(
    statement: Statement, operator: str, values: Any, key: str, scene: Scene
) -> bool:
    """ "Encryption context keys in a condition are not case-sensitive": a request may have the key
    twice. An Allow must be right, and a Deny can be right, whichever of them the author meant."""
    found = scene.keys.get(key, [])
    if not key.startswith("kms:encryptioncontext:") or len(found) < 2:
        return condition(operator, values, found)
    readings = [condition(operator, values, [value]) for value in found]
    return all(readings) if statement["Effect"] == "Allow" else any(readings)


def element(statement: Statement, name: str, value: str, *, lower: bool) -> bool:
    found = statement.get(name, statement.get(f"Not{name}"))
    if found is None:
        return False  # "If the required Resource or Action element is missing, … no effect."
    patterns = [found] if isinstance(found, str) else found
    fits = any(like(each.lower() if lower else each, value) for each in patterns)
    return fits is (name in statement)


def like(pattern: str, value: str) -> bool:
    """ "* represents any combination of characters and ? any single character." """
    if not pattern:
        return not value
    if pattern[0] == "*":
        return any(like(pattern[1:], value[i:]) for i in range(len(value) + 1))
    return bool(value) and pattern[0] in ("?", value[0]) and like(pattern[1:], value[1:])


# ----------------------------------------------------------------------------- conditions


def condition(operator: str, wanted: Any, found: Sequence[str]) -> bool:
    if operator == "Null":
        # "true (the key doesn't exist — it is null) or false (the key exists)"
        return any((not found) is (value == "true") for value in many(wanted))
    together, name = operator.split(":") if ":" in operator else ("", operator)
    if name.endswith("IfExists"):
        # "If the key is not present, evaluate the condition element as true."
        name = name.removesuffix("IfExists")
        if not found:
            return True
    if together == "ForAllValues":
        # "true if every context key value in the request matches …, or there are no values"
        return all(single(name, wanted, value) for value in found)
    if together == "ForAnyValue":
        # "true if any one of the values matches; false for no matching key or a null data set"
        return any(single(name, wanted, value) for value in found)
    # "If the key is not present in the request, the values do not match and the condition is
    # false. If the condition requires that the key is not matched, … the condition is true."
    plain = name.replace("Not", "")
    matched = any(single(plain, wanted, value) for value in found)
    return not matched if plain != name else matched


def single(name: str, wanted: Any, value: str) -> bool:
    """ "Multiple values are evaluated with a logical OR; of a negated operator, with NOR." """
    plain = name.replace("Not", "")
    matched = any(compares(plain, each, value) for each in many(wanted))
    return not matched if plain != name else matched


def many(wanted: Any) -> list[str]:
    return list(wanted) if isinstance(wanted, list) else [wanted]


def compares(name: str, wanted: str, value: str) -> bool:
    plain = {
        "StringEquals": lambda: wanted == value,
        "StringEqualsIgnoreCase": lambda: wanted.lower() == value.lower(),
        "StringLike": lambda: like(wanted, value),
        "ArnEquals": lambda: arn_like(wanted, value),
        "ArnLike": lambda: arn_like(wanted, value),
        "Bool": lambda: value in ("true", "false") and wanted.lower() == value,
        "IpAddress": lambda: "." in value and ip_address(value) in ip_network(wanted),
    }
    if name in plain:
        return plain[name]()
    try:
        if name.startswith("Numeric"):
            return ordered(name.removeprefix("Numeric"), float(value), float(wanted))
        return ordered(name.removeprefix("Date"), date(value), date(wanted))
    except ValueError:
        return False


def arn_like(wanted: str, value: str) -> bool:
    """ "Each of the six colon-delimited components of the ARN is checked separately." """
    left, right = wanted.split(":", 5), value.split(":", 5)
    return len(left) == len(right) and all(map(like, left, right))


def date(text: str) -> float:
    """ "ISO 8601 date formats, or epoch (UNIX) time." """
    if text.isdigit():
        return float(text)
    return datetime.fromisoformat(text).timestamp()


def ordered(relation: str, value: float, wanted: float) -> bool:
    return {
        "Equals": value == wanted,
        "LessThan": value < wanted,
        "LessThanEquals": value <= wanted,
        "GreaterThan": value > wanted,
        "GreaterThanEquals": value >= wanted,
    }[relation]


# --------------------------------------------------------------------------------- grants


def granted(scene: Scene) -> bool:
    names = own_names(scene)
    return any(each.grantee in names and in_force(each, scene) for each in scene.grants)


def granted_to_account(scene: Scene) -> bool:
    return not is_service(scene) and any(
        each.grantee == root_of(scene.account) and in_force(each, scene) for each in scene.grants
    )


def in_force(given: Given, scene: Scene) -> bool:
    if scene.operation not in given.operations:
        return False
    if not given.kind or scene.operation == "DescribeKey":
        return True  # "Encryption context constraints are not applied to DescribeKey."
    # "Only the encryption context keys in a grant constraint are not case sensitive."
    has = sorted((name.lower(), value) for name, value in scene.context.items())
    must = sorted((name.lower(), value) for name, value in given.pairs.items())
    if given.kind.endswith("Equals"):
        return has == must
    # Whichever of two names that differ in case the grant means, it must have its value.
    return all(each in has for each in must) and all(
        value == wanted for name, value in has for known, wanted in must if name == known
    )
