"""The decision: may this caller do this? A request that nothing allows is refused.

1. A statement that denies the request, in the key policy or in the caller's IAM policy, decides.
2. The key policy or a grant must allow the request. An IAM policy alone is never enough.
3. A statement or grant that names the caller is enough if the key is in the caller's account. One
   that names the account (`…:root`) leaves the decision to IAM: the caller's own IAM policy must
   allow the request too.
4. A caller from another account needs both: the key policy or a grant, and an IAM policy.
5. Without a key (an alias, the account as a whole) only IAM decides.

A root user counts as allowed by IAM. An AWS service has no IAM policy and needs none. No decision
is cached.
Source: AWS KMS developer guide, "Troubleshooting AWS KMS permissions" (policy evaluation); IAM
user guide, "Policy evaluation logic", "Cross-account policy evaluation logic".
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from kmslab.kms.access import grants, principals
from kmslab.kms.access.documents import UNREADABLE, identity_policy, key_policy
from kmslab.kms.access.question import Question
from kmslab.kms.access.statements import (
    ALLOWS,
    BY_ACCOUNT,
    DENIES,
    DIRECTLY,
    NO_EFFECT,
    NO_MATCH,
    Document,
    Effect,
    Statement,
)
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import Grant, Key


class Reason(StrEnum):
    KEY_POLICY = "the key policy allows it"
    IAM_POLICY = "an IAM policy allows it, and no key policy is involved"
    KEY_AND_IAM = "the key policy and IAM both allow it"
    GRANT = "a grant allows it"
    KEY_DENIES = "the key policy denies it"
    IAM_DENIES = "an IAM policy denies it"
    KEY_SILENT = "neither the key policy nor a grant allows it"
    IAM_SILENT = "no IAM policy allows it"
    OTHER_ACCOUNT = "the key is in another account, and only callers of that account may do this"
    MISSING = "there is no such key in this Region"
    NOT_RETIRING = "the grant does not let this principal retire it"


SILENCE = (NO_EFFECT, None)
# Reasons where no key policy is involved.
IAM_ALONE = {
    ALLOWS: Reason.IAM_POLICY,
    DENIES: Reason.IAM_DENIES,
    NO_EFFECT: Reason.IAM_SILENT,
}
# AWS's texts, which follow "is not authorized to perform: kms:X on resource: Y".
WORDS = {
    Reason.KEY_DENIES: "with an explicit deny in a resource-based policy",
    Reason.IAM_DENIES: "with an explicit deny in an identity-based policy",
    Reason.KEY_SILENT: "because no resource-based policy allows the {action} action",
    Reason.IAM_SILENT: "because no identity-based policy allows the {action} action",
    Reason.OTHER_ACCOUNT: "because no resource-based policy allows the {action} action",
    Reason.MISSING: "because no resource-based policy allows the {action} action",
    Reason.NOT_RETIRING: "because no resource-based policy allows the {action} action",
}


class Verdict(NamedTuple):
    """The decision, its reason, and the statement or grant behind it: None if nothing matched."""

    allowed: bool
    reason: Reason
    statement: Statement | None = None
    grant: Grant | None = None


def decide(question: Question) -> Verdict:
    """Grants are read from the store only if no policy decides."""
    key = question.record
    if isinstance(key, Grant):
        return _may_retire(question, key)
    iam_effect, iam_statement = ask_iam_policy(question)
    if not isinstance(key, Key):
        return _without_key(question, iam_effect, iam_statement)
    key_effect, key_statement = read_or_deny(key_policy, key.policy).effect(question)
    if key_effect is DENIES:
        return Verdict(False, Reason.KEY_DENIES, key_statement)
    if iam_effect is DENIES:
        return Verdict(False, Reason.IAM_DENIES, iam_statement)
    home = question.caller.is_home(key.account)
    if not home and not question.cross_account:
        return Verdict(False, Reason.OTHER_ACCOUNT)
    if key_effect is ALLOWS and home:
        return Verdict(True, Reason.KEY_POLICY, key_statement)
    if key_effect is not NO_EFFECT and iam_effect is ALLOWS:
        return Verdict(True, Reason.KEY_AND_IAM, key_statement)
    return _by_grant(question, key_effect, iam_effect, home)


def refusal(question: Question, verdict: Verdict) -> str:
    """AWS's error text for a refused request."""
    words = WORDS[verdict.reason].format(action=question.action)
    what = f"{question.action} on resource: {question.resource}"
    return f"User: {question.caller.principal} is not authorized to perform: {what} {words}"


def is_home(question: Question) -> bool:
    """Whether the resource is in the caller's account."""
    return question.caller.is_home(question.account)


def ask_iam_policy(question: Question) -> tuple[Effect, Statement | None]:
    if question.caller.is_root:
        return ALLOWS, None  # a root user has no IAM policies, and IAM never denies it anything
    text = iam_policy_of(question)
    return read_or_deny(identity_policy, text).effect(question) if text else SILENCE


def iam_policy_of(question: Question) -> str:
    """The caller's IAM policy as JSON, or ""."""
    principal = principals.of(question.records, question.caller)
    return principal.policy if principal else ""


def read_or_deny(parse: Callable[[str], Document], text: str) -> Document:
    """A stored policy that cannot be parsed denies everything: one of its statements might."""
    try:
        return parse(text)
    except KMSError:
        return UNREADABLE


def _without_key(question: Question, effect: Effect, statement: Statement | None) -> Verdict:
    if not is_home(question):
        return Verdict(False, Reason.MISSING)
    return Verdict(effect is ALLOWS, IAM_ALONE[effect], statement)


def _by_grant(question: Question, key_effect: Effect, iam_effect: Effect, home: bool) -> Verdict:
    needs_iam = key_effect is not NO_EFFECT  # the key policy allows it, and that is not enough
    for grant in grants.for_request(question):
        named = grants.grantee(grant, question)
        if named is NO_MATCH or not grants.covers(grant, question):
            continue
        if iam_effect is ALLOWS or (named is DIRECTLY and home):
            return Verdict(True, Reason.GRANT, grant=grant)
        needs_iam = True
    return Verdict(False, Reason.IAM_SILENT if needs_iam else Reason.KEY_SILENT)


def _may_retire(question: Question, grant: Grant) -> Verdict:
    """The grant itself names the principals that may retire it; the key policy is not evaluated."""
    iam_effect, iam_statement = ask_iam_policy(question)
    if iam_effect is DENIES:
        return Verdict(False, Reason.IAM_DENIES, iam_statement)
    named = grants.who_retires(grant, question)
    if DIRECTLY in named or (BY_ACCOUNT in named and iam_effect is ALLOWS):
        return Verdict(True, Reason.GRANT, grant=grant)
    reason = Reason.IAM_SILENT if BY_ACCOUNT in named else Reason.NOT_RETIRING
    return Verdict(False, reason, grant=grant)
