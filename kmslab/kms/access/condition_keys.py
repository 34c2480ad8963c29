"""THE TABLE of condition keys: what a policy can ask about a request, and where its value is.

A value is one or several texts, as in a policy; None means that the request lacks the key. It is
looked up only when a condition asks for it. Names are compared in any case.
Source: AWS KMS developer guide, "AWS KMS condition keys"; IAM user guide, "AWS global condition
context keys". Every request lacks the keys of what the lab does not have (organisations, VPC
endpoints, MFA, session tags), as on AWS where they are not in use.
"""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from kmslab.kms.access.caller_keys import OF_CALLER, Raw, by_service
from kmslab.kms.access.question import Question
from kmslab.kms.arn import resource_of
from kmslab.kms.contract.events import TRACKING_BEGAN
from kmslab.kms.contract.records import Alias
from kmslab.kms.contract.specs import (
    MULTI_REGION_TYPES,
    SYMMETRIC_DEFAULT,
    KeyUsage,
    Origin,
    Reach,
)

Values = tuple[str, ...] | None
Find = Callable[[Question], Values]
Family = Callable[[Question], Mapping[str, str]]  # pairs, whose names follow a prefix


def find(name: str) -> Find:
    """Makes the function that finds a key's values. Every request lacks an unknown key."""
    folded = name.lower()
    if raw := KEYS.get(folded):
        return lambda question: _once(question, folded, lambda: _values(raw(question)))
    for prefix, named in FAMILIES.items():
        if folded.startswith(prefix):
            return partial(_member_of, prefix, named, folded[len(prefix) :])
    return lambda question: None


def _member_of(prefix: str, named: Family, rest: str, question: Question) -> Values:
    """The values of all names that differ only in case."""
    return _values(_once(question, prefix, lambda: _by_name(named(question))).get(rest))


def _once(question: Question, name: str, found: Callable[[], Any]) -> Any:
    """However often a policy asks, a request is searched and the store is read once."""
    memo = question.memo if question.memo is not None else {}
    if name not in memo:
        memo[name] = found()
    return memo[name]


def is_of_a_family(name: str) -> bool:
    """Whether its values are of pairs whose names differ only in case.

    AWS compares the names in a policy in any case, so a request can have several such pairs. A
    policy's author meant one of them, and cannot say which.
    """
    return name.lower().startswith(tuple(FAMILIES))


def _values(raw: Any) -> Values:
    if raw is None or raw == "":
        return None
    if isinstance(raw, list | tuple):
        return tuple(_text(each) for each in raw) or None
    return (_text(raw),)


def _text(raw: Any) -> str:
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return f"{raw:%Y-%m-%dT%H:%M:%SZ}" if isinstance(raw, datetime) else str(raw)


def _by_name(pairs: Mapping[str, str]) -> dict[str, list[str]]:
    """The values by the name in lower case."""
    found: dict[str, list[str]] = {}
    for name, value in pairs.items():
        found.setdefault(name.lower(), []).append(value)
    return found


# --------------------------------------------------------------------------- of the request


def _member(name: str, default: Any = None) -> Raw:
    return lambda q: q.request.get(name, default)


def _only(operations: Collection[str], raw: Raw) -> Raw:
    """Only for these operations: others lack the key, even if they have such a member."""
    return lambda q: raw(q) if q.operation in operations else None


def _measurement(name: str) -> Raw:
    """From a verified attestation document alone; a request without a Recipient lacks it."""
    return lambda q: q.measurements.get(name)


def _own(name: str) -> Raw:
    """A member that ReEncrypt has twice, with a prefix."""
    return lambda q: q.request.get(q.prefix + name)


def _of_key(attribute: str, default: str, *members: str) -> Raw:
    """An attribute of the key, or what the CreateKey says that is to make the key, in a member."""
    create = _only(_CREATE, lambda q: next(filter(None, map(q.request.get, members)), default))
    copy = _only(_CREATE, lambda q: getattr(q.original, attribute))
    return lambda q: getattr(q.key, attribute) if q.key else copy(q) if q.original else create(q)


def encryption_context(question: Question) -> Mapping[str, str]:
    """The encryption context; for CreateGrant, the context in the new grant's constraints."""
    constraints = question.request.get("Constraints", {})
    return {
        **constraints.get("EncryptionContextSubset", {}),
        **constraints.get("EncryptionContextEquals", {}),
        **question.request.get(f"{question.prefix}EncryptionContext", {}),
    }


def _request_alias(question: Question) -> str | None:
    named = question.request.get("KeyId") or question.request.get(f"{question.prefix}KeyId") or ""
    resource = resource_of(named)
    return resource if resource.startswith("alias/") else None


def _constraint_types(question: Question) -> list[str]:
    constraints = question.request.get("Constraints", {})
    return [
        name for name in constraints if name.startswith("EncryptionContext") and constraints[name]
    ]


def _request_tags(question: Question) -> dict[str, str]:
    return {tag["TagKey"]: tag["TagValue"] for tag in question.request.get("Tags", ())}


def _tag_keys(question: Question) -> list[str]:
    return [*_request_tags(question), *question.request.get("TagKeys", ())]


# ------------------------------------------------------------------------------- of the key


def _reach(question: Question) -> Reach | None:
    """Of the key, or of the key that CreateKey is to make."""
    if question.key:
        return question.key.reach
    if question.operation not in _CREATE:
        return None
    if question.original:
        return Reach.REPLICA
    return Reach.PRIMARY if question.request.get("MultiRegion") else Reach.SINGLE_REGION


def _multi_region(question: Question) -> bool | None:
    reach = _reach(question)
    return reach is not Reach.SINGLE_REGION if reach else None


def _multi_region_type(question: Question) -> str | None:
    reach = _reach(question)
    return MULTI_REGION_TYPES.get(reach) if reach else None


def _resource_aliases(question: Question) -> list[str] | None:
    key = question.key
    return [each.name for each in question.records.find(Alias, target=key.arn)] if key else None


def _resource_tags(question: Question) -> Mapping[str, str]:
    return question.key.tags if question.key else {}


def _idle_days(question: Question) -> int | None:
    """Whole days since the key's last cryptographic use, or since AWS began to record uses."""
    key = question.key
    if key is None:
        return None
    use = question.records.last_use(key.arn)
    since = use.time if use else max(key.created, TRACKING_BEGAN)
    return (question.now - since).days


_CREATE = ("CreateKey",)
_SPEC = ("KeySpec", "CustomerMasterKeySpec")  # its name today, and before 2021
_GRANT = ("CreateGrant",)
_GRANTS = ("CreateGrant", "ListGrants", "RevokeGrant")
_POLICY = ("CreateKey", "PutKeyPolicy", "ReplicateKey")
_NAMED = ("GetKeyPolicy", "PutKeyPolicy")
MEASUREMENTS = ("ImageSha384", *(f"PCR{index}" for index in range(32)))

KEYS: dict[str, Raw] = {
    name.lower(): raw
    for name, raw in {
        # the key
        "kms:KeySpec": _of_key("spec", SYMMETRIC_DEFAULT, *_SPEC),
        "kms:KeyUsage": _of_key("usage", KeyUsage.ENCRYPT_DECRYPT, "KeyUsage"),
        "kms:KeyOrigin": _of_key("origin", Origin.AWS_KMS, "Origin"),
        "kms:CustomerMasterKeySpec": _of_key("spec", SYMMETRIC_DEFAULT, *_SPEC),
        "kms:CustomerMasterKeyUsage": _of_key("usage", KeyUsage.ENCRYPT_DECRYPT, "KeyUsage"),
        "kms:MultiRegion": _multi_region,
        "kms:MultiRegionKeyType": _multi_region_type,
        "kms:ResourceAliases": _resource_aliases,
        "kms:TrailingDaysWithoutKeyUsage": _only(("DisableKey", "ScheduleKeyDeletion"), _idle_days),
        "aws:ResourceAccount": lambda q: q.account,
        # the request
        "kms:RequestAlias": _request_alias,
        "kms:EncryptionContextKeys": lambda q: list(encryption_context(q)),
        "kms:EncryptionAlgorithm": _own("EncryptionAlgorithm"),
        "kms:SigningAlgorithm": _member("SigningAlgorithm"),
        "kms:MacAlgorithm": _member("MacAlgorithm"),
        "kms:KeyAgreementAlgorithm": _member("KeyAgreementAlgorithm"),
        "kms:MessageType": _only(("Sign", "Verify"), _member("MessageType", "RAW")),
        "kms:DataKeyPairSpec": _member("KeyPairSpec"),
        "kms:ReEncryptOnSameKey": lambda q: q.same_key,
        "kms:GranteePrincipal": _only(_GRANT, _member("GranteePrincipal")),
        "kms:GranteeServicePrincipal": _only(_GRANT, _member("GranteeServicePrincipal")),
        "kms:RetiringPrincipal": _only(_GRANT, _member("RetiringPrincipal")),
        "kms:RetiringServicePrincipal": _only(_GRANT, _member("RetiringServicePrincipal")),
        "kms:GrantOperations": _only(_GRANT, _member("Operations")),
        "kms:GrantConstraintType": _constraint_types,
        "kms:GrantConstraintSourceArn": lambda q: q.request.get("Constraints", {}).get("SourceArn"),
        "kms:GrantIsForAWSResource": _only(_GRANTS, by_service),
        "kms:WrappingAlgorithm": _member("WrappingAlgorithm"),
        "kms:WrappingKeySpec": _member("WrappingKeySpec"),
        "kms:ExpirationModel": _only(
            ("ImportKeyMaterial",), _member("ExpirationModel", "KEY_MATERIAL_EXPIRES")
        ),
        "kms:ValidTo": _member("ValidTo"),
        "kms:PrimaryRegion": _member("PrimaryRegion"),
        "kms:ReplicaRegion": _member("ReplicaRegion"),
        "kms:BypassPolicyLockoutSafetyCheck": _only(
            _POLICY, _member("BypassPolicyLockoutSafetyCheck", False)
        ),
        "kms:PolicyName": _only(_NAMED, _member("PolicyName", "default")),
        "kms:RotationPeriodInDays": _only(
            ("EnableKeyRotation",), _member("RotationPeriodInDays", 365)
        ),
        "kms:ScheduleKeyDeletionPendingWindowInDays": _only(
            ("ScheduleKeyDeletion",), _member("PendingWindowInDays", 30)
        ),
        **{f"kms:RecipientAttestation:{name}": _measurement(name) for name in MEASUREMENTS},
        "aws:TagKeys": _tag_keys,
        "aws:CurrentTime": lambda q: q.now,
        "aws:EpochTime": lambda q: int(q.now.timestamp()),
        "aws:RequestedRegion": lambda q: q.caller.region,
        **OF_CALLER,
    }.items()
}

# Families of keys: the name of a pair follows the prefix.
FAMILIES: dict[str, Family] = {
    "kms:encryptioncontext:": encryption_context,
    "aws:resourcetag/": _resource_tags,
    "aws:requesttag/": _request_tags,
}
