"""Grants: permissions on one key for one grantee, in addition to all policies.

A grant can only allow. On AWS it takes effect after some minutes, and a grant token makes it usable
before. Here it takes effect when CreateGrant returns, so a token only names its grant.
Source: AWS KMS developer guide, "Grants in AWS KMS".
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NoReturn

from kmslab.kms.access import grant_tokens, principals
from kmslab.kms.arn import arn_prefix, as_arn, is_service_name, root_arn
from kmslab.kms.call import Call
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Grant, Key
from kmslab.kms.contract.required_pairs import required_pair
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind, grantable
from kmslab.kms.operations.pages import page_of, stored_page

MAX_GRANTS_PER_KEY = 50_000  # "Resource quotas"
MAX_PAIRS, MAX_VALUE_LENGTH = 8, 384  # of the encryption context in a constraint
TOO_MUCH = (
    f"A grant constraint holds at most {MAX_PAIRS} pairs, and values of {MAX_VALUE_LENGTH} "
    "characters."
)
TWO_CONTEXTS = "More than one constraint supplied"  # an empty one counts, too
NO_PRINCIPAL = "ARN {} does not refer to a valid principal."
SERVICE_NEEDS = "A GranteeServicePrincipal needs a SourceArn constraint and a retiring principal."
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
PAGE: Any = {"default": 50, "maximum": 100}
CONTEXTS = ("EncryptionContextEquals", "EncryptionContextSubset")


def create(call: Call, key: Key) -> dict[str, Any]:
    """The same request with the same name again returns the same grant with a new token."""
    requested = _requested(call, key)
    _check(call, key, requested)
    same = _same(call, requested) if requested.name else []
    if not same:
        if not call.records.are_fewer(Grant, MAX_GRANTS_PER_KEY, key=key.arn):
            fail("LimitExceededException", f"{key.arn} already has {MAX_GRANTS_PER_KEY} grants")
        call.put(requested, key)  # the key unchanged: of two callers at the limit one counts again
    grant = (*same, requested)[0]
    return {"GrantToken": grant_tokens.write(grant.handle), "GrantId": grant.id}


def list_(call: Call, key: Key) -> dict[str, Any]:
    grantee = _one_of(call, "GranteePrincipal", "GranteeServicePrincipal")
    if "GrantId" in call.request:
        grant = call.records.get(Grant, f"{key.arn}/{call['GrantId']}")
        if grant is None or grantee not in ("", grant.grantee):
            _refuse_id(call["GrantId"])
        shown, paging = page_of(call, {grant.handle: grant}, f"{key.arn}/", **PAGE)
        return _listed(shown, paging)
    wanted: Any = {"key": key.arn, "grantee": grantee} if grantee else {}
    return _listed(*stored_page(call, Grant, f"{key.arn}/", **PAGE, **wanted))


def list_retirable(call: Call) -> dict[str, Any]:
    """Grants in this Region, on any account's keys, that a principal of this account may retire.

    For an AWS service, which is in no account: those on this account's keys.
    """
    retiring = _one_of(call, "RetiringPrincipal", "RetiringServicePrincipal")
    if not retiring:
        fail("ValidationException", "Please specify a RetiringPrincipal.")
    is_principal = not is_service_name(retiring)
    if is_principal and not _is_own(retiring, call.caller):
        fail("InvalidArnException", NO_PRINCIPAL.format(retiring))
    here = arn_prefix("kms", call.caller.region) if is_principal else call.caller.here
    return _listed(*stored_page(call, Grant, here, **PAGE, retiring=retiring))


def retire(call: Call, grant: Grant) -> dict[str, Any]:
    call.details["grantId"] = grant.id  # the request may have only a grant token
    call.remove(grant)
    return {}


def revoke(call: Call, key: Key) -> dict[str, Any]:
    grant = call.records.get(Grant, f"{key.arn}/{call['GrantId']}")
    if grant is None:
        _refuse_id(call["GrantId"])
    call.remove(grant)
    return {}


def _is_own(principal: str, caller: Caller) -> bool:
    arn = as_arn(principal)
    return arn is not None and arn.account == caller.account


def _requested(call: Call, key: Key) -> Grant:
    constraints: Mapping[str, Any] = call.get("Constraints", {})
    contexts = {name: pairs for name in CONTEXTS if (pairs := constraints.get(name))}
    return Grant(
        handle=f"{key.arn}/{secrets.token_hex(32)}",
        key=key.arn,
        grantee=_one_of(call, "GranteePrincipal", "GranteeServicePrincipal"),
        retiring=_one_of(call, "RetiringPrincipal", "RetiringServicePrincipal"),
        operations=tuple(dict.fromkeys(call["Operations"])),
        constraints=contexts,
        pair=required_pair(contexts),
        source_arn=constraints.get("SourceArn", ""),
        name=call.get("Name", ""),
        issuer=root_arn(call.caller.account, call.caller.partition),
        created=call.now,
    )


def _check(call: Call, key: Key, requested: Grant) -> None:
    if not requested.grantee:
        fail("ValidationException", "Please specify a GranteePrincipal.")
    for member in ("GranteePrincipal", "RetiringPrincipal"):
        if member in call.request and not principals.exist(
            call.records, call[member], call.caller.partition
        ):
            fail("InvalidArnException", NO_PRINCIPAL.format(call[member]))
    if "GranteeServicePrincipal" in call.request and not (
        requested.source_arn and requested.retiring
    ):
        fail("ValidationException", SERVICE_NEEDS)
    _check_operations(key, requested)
    if all(name in call.get("Constraints", {}) for name in CONTEXTS):
        fail("ValidationException", TWO_CONTEXTS)
    _check_constraints(key, requested)


def _check_operations(key: Key, requested: Grant) -> None:
    wrong = [each for each in requested.operations if each not in grantable(key.spec, key.usage)]
    if wrong:
        fail(
            "ValidationException",
            f"Operations {', '.join(wrong)} are not valid for a key of spec {key.spec} "
            f"with key usage {key.usage}.",
        )


def _check_constraints(key: Key, requested: Grant) -> None:
    if requested.constraints and KEY_SPECS[key.spec].kind is not KeyKind.SYMMETRIC:
        fail(
            "ValidationException",
            "An encryption context constraint needs a symmetric encryption key.",
        )
    for pairs in requested.constraints.values():
        longest = max(map(len, pairs.values()), default=0)
        if len(pairs) > MAX_PAIRS or longest > MAX_VALUE_LENGTH:
            fail("ValidationException", TOO_MUCH)


def _same(call: Call, requested: Grant) -> list[Grant]:
    wanted = {"key": requested.key, "grantee": requested.grantee, "pair": requested.pair}
    grants = call.records.find(Grant, **wanted)
    return [each for each in grants if _terms(each) == _terms(requested)]


def _terms(grant: Grant) -> Grant:
    """What must be equal for two grants to be the same."""
    return replace(grant, handle="", created=EPOCH, version=0)


def _one_of(call: Call, *members: str) -> str:
    """The value of a principal or of a service principal; a request has at most one of them."""
    given = [call[member] for member in members if member in call.request]
    if len(given) > 1:
        fail("ValidationException", f"You cannot specify {members[0]} and {members[1]} both.")
    return given[0] if given else ""


def _listed(grants: Sequence[Grant], paging: Mapping[str, Any]) -> dict[str, Any]:
    return {"Grants": [_shown(grant) for grant in grants], **paging}


def _shown(grant: Grant) -> dict[str, Any]:
    constraints = dict(grant.constraints) | (
        {"SourceArn": grant.source_arn} if grant.source_arn else {}
    )
    shown = {
        "KeyId": grant.key,
        "GrantId": grant.id,
        "Name": grant.name,  # AWS shows "" if the grant has none
        "CreationDate": grant.created,
        **_principal("Grantee", grant.grantee, grant.source_arn),
        **_principal("Retiring", grant.retiring, grant.source_arn),
        "IssuingAccount": grant.issuer,
        "Operations": list(grant.operations),
        "Constraints": constraints or None,
    }
    return {member: value for member, value in shown.items() if value is not None}


def _principal(role: str, name: str, source_arn: str) -> dict[str, str]:
    """A service that works for one resource has a member of its own, as in the request."""
    if not name:
        return {}
    own_member = source_arn and is_service_name(name)
    return {f"{role}ServicePrincipal" if own_member else f"{role}Principal": name}


def _refuse_id(grant_id: str) -> NoReturn:
    fail("NotFoundException", f"Grant {grant_id} is not found.")
