"""The decision: may this caller do this? Everything is refused that nothing allows.

1. A statement that denies, in the key's policy or in the caller's IAM policy, ends it.
2. Something has to open the key: a statement of its policy, or a grant. IAM alone never does.
3. What names the caller himself is enough for a caller of the key's own account. What names his
   account (`…:root`) leaves it to IAM: his own policy must allow it too.
4. A caller of another account needs both: the key opened to him, and his own policy.
5. What has no key (an alias, the account as a whole) is a matter of IAM alone.

A root user's IAM policy allows everything; an AWS service has none, and needs none. A decision is
never kept.
Source: AWS KMS developer guide, "Troubleshooting AWS KMS permissions" (policy evaluation); IAM
user guide, "Policy evaluation logic", "Cross-account policy evaluation logic".
"""

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from kmslab.kms.access import grants
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
from kmslab.kms.contract.records import Grant, Principal


class Reason(StrEnum):
    KEY_POLICY = "the key policy allows it"
    IAM_POLICY = "an IAM policy allows it, and there is no key whose policy would matter"
    BOTH = "the key policy opens the key, and IAM allows it"
    GRANT = "a grant allows it"
    KEY_DENIES = "the key policy denies it"
    IAM_DENIES = "an IAM policy denies it"
    KEY_SILENT = "neither the key policy nor a grant allows it"
    IAM_SILENT = "no IAM policy allows it"
    ELSEWHERE = "the key is another account's, which only its own callers may do this to"
    NOT_RETIRING = "the grant names somebody else to retire it"


SILENCE = (NO_EFFECT, None)
# Of what has no key policy.
IAM_ALONE = {
    ALLOWS: Reason.IAM_POLICY,
    DENIES: Reason.IAM_DENIES,
    NO_EFFECT: Reason.IAM_SILENT,
}
# AWS's own words, which follow "is not authorized to perform: kms:X on resource: Y".
WORDS = {
    Reason.KEY_DENIES: "with an explicit deny in a resource-based policy",
    Reason.IAM_DENIES: "with an explicit deny in an identity-based policy",
    Reason.KEY_SILENT: "because no resource-based policy allows the {action} action",
    Reason.IAM_SILENT: "because no identity-based policy allows the {action} action",
    Reason.ELSEWHERE: "because no resource-based policy allows the {action} action",
    Reason.NOT_RETIRING: "because no resource-based policy allows the {action} action",
}


class Verdict(NamedTuple):
    """Whether, why, and which statement or grant has decided; neither where it was silence."""

    allowed: bool
    reason: Reason
    statement: Statement | None = None
    grant: Grant | None = None


def decide(question: Question) -> Verdict:
    """The verdict on one question. Grants are read from the store only if no policy has decided."""
    if isinstance(question.record, Grant):
        return _may_retire(question, question.record)
    iam, by_iam = ask_iam(question)
    key = question.key
    if key is None:
        return Verdict(iam is ALLOWS, IAM_ALONE[iam], by_iam)
    owner, by_owner = read(key_policy, key.policy).effect(question)
    if owner is DENIES:
        return Verdict(False, Reason.KEY_DENIES, by_owner)
    if iam is DENIES:
        return Verdict(False, Reason.IAM_DENIES, by_iam)
    home = is_home(question)
    if not home and not question.cross_account:
        return Verdict(False, Reason.ELSEWHERE)
    if owner is ALLOWS and home:
        return Verdict(True, Reason.KEY_POLICY, by_owner)
    if owner is not NO_EFFECT and iam is ALLOWS:
        return Verdict(True, Reason.BOTH, by_owner)
    return _by_grant(question, owner, iam, home)


def refusal(question: Question, verdict: Verdict) -> str:
    """AWS's text for a request that was refused."""
    words = WORDS[verdict.reason].format(action=question.action)
    what = f"{question.action} on resource: {question.resource}"
    return f"User: {question.caller.principal} is not authorized to perform: {what} {words}"


def is_home(question: Question) -> bool:
    """Whether the key is of the caller's account. A service is at home everywhere."""
    caller = question.caller
    return caller.account == question.account or caller.is_service


def ask_iam(question: Question) -> tuple[Effect, Statement | None]:
    if question.caller.is_root:
        return ALLOWS, None  # a root user has no policies, and IAM never stops him
    text = policy_of(question)
    return read(identity_policy, text).effect(question) if text else SILENCE


def policy_of(question: Question) -> str:
    """The caller's IAM policy, or ""."""
    principal = question.records.get(Principal, question.caller.identity)
    return principal.policy if principal else ""


def read(parse: Callable[[str], Document], text: str) -> Document:
    """A stored policy that cannot be read denies everything: something in it may have meant to."""
    try:
        return parse(text)
    except KMSError:
        return UNREADABLE


def _by_grant(question: Question, owner: Effect, iam: Effect, home: bool) -> Verdict:
    opened = owner is not NO_EFFECT
    for grant in grants.of_key(question):
        named = grants.grantee(grant, question)
        if named is NO_MATCH or not grants.covers(grant, question):
            continue
        if iam is ALLOWS or (named is DIRECTLY and home):
            return Verdict(True, Reason.GRANT, grant=grant)
        opened = True
    return Verdict(False, Reason.IAM_SILENT if opened else Reason.KEY_SILENT)


def _may_retire(question: Question, grant: Grant) -> Verdict:
    """The grant itself says who may give it back; no key policy does."""
    iam, by_iam = ask_iam(question)
    if iam is DENIES:
        return Verdict(False, Reason.IAM_DENIES, by_iam)
    named = grants.who_retires(grant, question)
    if DIRECTLY in named or (BY_ACCOUNT in named and iam is ALLOWS):
        return Verdict(True, Reason.GRANT, grant=grant)
    reason = Reason.IAM_SILENT if BY_ACCOUNT in named else Reason.NOT_RETIRING
    return Verdict(False, reason, grant=grant)
