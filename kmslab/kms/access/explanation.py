"""Why a request is allowed or refused: the decision, and each statement and grant behind it.

An explanation compares the policies and grants with the request and advises what would change the
decision. AWS answers a refused caller in one line, because the reasons are the key owner's
business; in a lab the caller is the owner too. It shows itself in a terminal and in a notebook.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from kmslab.display import Table
from kmslab.kms.access.blocks import Block, Code, Title, markdown, terminal
from kmslab.kms.access.comparison import (
    Comparison,
    compare_grants,
    compare_statements,
    grant_label,
    statement_label,
)
from kmslab.kms.access.decision import (
    Reason,
    Verdict,
    decide,
    iam_policy_of,
    is_home,
    read_or_deny,
)
from kmslab.kms.access.documents import identity_policy, key_policy
from kmslab.kms.access.question import Question
from kmslab.kms.access.statements import ALLOWS, DELEGATES, DENIES, NO_EFFECT, Effect
from kmslab.kms.arn import resource_of
from kmslab.kms.contract.records import Grant
from kmslab.kms.contract.specs import grantable

MAX_COMPARISONS_SHOWN = 6  # in one section; the best matches come first


@dataclass(frozen=True, slots=True)
class Section:
    """A key policy, an IAM policy or a key's grants, each part compared with the request."""

    title: str
    comparisons: tuple[Comparison, ...]
    if_empty: str = ""  # shown instead of comparisons


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """A decision (`verdict`) and its grounds. `repr` shows all of it."""

    question: Question
    verdict: Verdict
    sentence: str
    sections: tuple[Section, ...]
    advice: str = ""  # what would change the decision
    addition: dict[str, Any] | None = None  # a statement that would, if there is one

    def __repr__(self) -> str:
        return terminal(_blocks(self))

    def _repr_markdown_(self) -> str:
        return markdown(_blocks(self))


def explain(question: Question, *, proposed: bool = False) -> Explanation:
    """Decides again and keeps the grounds. `proposed`: the key's policy is not stored yet."""
    verdict = decide(question)
    title = "The proposed key policy" if proposed else "The key policy"
    sections = tuple(_sections(question, verdict, title))
    sentence = _sentence(question, verdict, "under the proposed policy " if proposed else "")
    if verdict.allowed:
        return Explanation(question, verdict, sentence, sections)
    advice, addition = ADVICE[verdict.reason](question, verdict)
    return Explanation(question, verdict, sentence, sections, advice, addition)


# -------------------------------------------------------------------------------- the grounds


def _sections(question: Question, verdict: Verdict, title: str) -> Iterator[Section]:
    key = question.key
    if isinstance(question.record, Grant):
        yield Section("The grant", (), _retiring(question.record))
    elif key:
        policy = read_or_deny(key_policy, key.policy)
        yield Section(title, compare_statements(policy, question, verdict.statement))
    yield _iam(question, verdict)
    if key and verdict.reason in NEEDED_GRANTS and question.record is key:
        none = f"No grant on the key names {_who(question)}."
        yield Section("Grants on the key", compare_grants(question, verdict.grant), none)


# The decision needed the grants: no policy allowed the request, and none denied it.
NEEDED_GRANTS = frozenset({Reason.GRANT, Reason.KEY_SILENT, Reason.IAM_SILENT})


def _iam(question: Question, verdict: Verdict) -> Section:
    caller = question.caller
    if caller.is_service:
        return Section("IAM", (), "An AWS service has no IAM policy and needs none.")
    if caller.is_root:
        return Section("IAM", (), "A root user has no IAM policy: it may do what is left to IAM.")
    name = resource_of(question.identity)
    title, text = f"The IAM policy of {name}", iam_policy_of(question)
    if not text:
        return Section(title, (), f"{name} has no IAM policy.")
    policy = read_or_deny(identity_policy, text)
    return Section(title, compare_statements(policy, question, verdict.statement))


def _retiring(grant: Grant) -> str:
    may = [f"{grant.retiring} (its retiring principal)"] if grant.retiring else []
    if "RetireGrant" in grant.operations:
        may.append(f"{grant.grantee} (its grantee, which it allows to retire it)")
    may.append(f"{grant.issuer} (the account that created it)")
    return f"These principals may retire it: {', '.join(may)}."


# ---------------------------------------------------------------------------- how it is shown


def _sentence(question: Question, verdict: Verdict, under: str) -> str:
    start, may = ("Allowed", "may") if verdict.allowed else ("Refused", "may not")
    by = next((f" ({each})" for each in _deciders(verdict)), "")
    what = f"call {question.action} on {_what(question)}"
    return f"{start}: {under}{_who(question)} {may} {what}, because {verdict.reason}{by}."


def _deciders(verdict: Verdict) -> Iterator[str]:
    if verdict.statement:
        yield statement_label(verdict.statement)
    if verdict.grant:
        yield grant_label(verdict.grant)


def _what(question: Question) -> str:
    if not question.resource:
        return "the key that the ciphertext names"
    return "the account as a whole" if question.resource == "*" else resource_of(question.resource)


def _who(question: Question) -> str:
    caller = question.caller
    account = "" if is_home(question) else f" of account {caller.account}"
    return resource_of(caller.principal) + account


def _blocks(explanation: Explanation) -> Iterator[Block]:
    yield Title(explanation.sentence)
    for section in explanation.sections:
        yield Title(section.title)
        yield from _section_blocks(section)
    if explanation.advice:
        yield Title("What would change it")
        yield explanation.advice
    if explanation.addition:
        yield Code(json.dumps(explanation.addition, indent=2))


def _section_blocks(section: Section) -> Iterator[Block]:
    """What decides and what nearly matches comes first, with all its checks."""
    if not section.comparisons:
        yield section.if_empty
        return
    ordered = sorted(section.comparisons, key=lambda each: each.nearness, reverse=True)
    for place, it in enumerate(ordered[:MAX_COMPARISONS_SHOWN]):
        yield _line(it)
        if it.decided or (it.effect is NO_EFFECT and (place == 0 or it.about_action)):
            yield _table(it)
    if len(ordered) > MAX_COMPARISONS_SHOWN:
        yield f"· {len(ordered) - MAX_COMPARISONS_SHOWN} more, which match no better"


EFFECTS: dict[Effect, str] = {
    DELEGATES: "leaves it to the IAM policies of the caller's account",
    ALLOWS: "allows it",
    DENIES: "denies it",
}
MARKS = {True: "✓", False: "✗"}


def _line(it: Comparison) -> str:
    misses = " and ".join(check.element for check in it.misses)
    outcome = EFFECTS.get(it.effect, f"does not apply: {misses}")
    return f"{MARKS[it.effect is not NO_EFFECT]} {it.label} ({it.written}) {outcome}"


def _table(it: Comparison) -> Table:
    rows = [
        (MARKS[c.fits], c.element, c.wanted, "the same" if c.found == c.wanted else c.found)
        for c in it.checks
    ]
    return Table(["", "element", "it says", "the request has"], rows)


# ----------------------------------------------------------------------- what would change it

Advice = tuple[str, dict[str, Any] | None]


def _against_deny(question: Question, verdict: Verdict) -> Advice:
    conditions = verdict.statement.conditions if verdict.statement else ()
    differing = " and ".join(f"{each.operator} {each.key}" for each in conditions)
    escape = f", or make a request that differs in {differing}" if differing else ""
    return (
        "A Deny overrides every Allow, so no other statement or grant can help. "
        f"Change this statement{escape}."
    ), None


def _in_key_policy(question: Question, verdict: Verdict) -> Advice:
    caller = question.caller
    kind = "Service" if caller.is_service else "AWS"
    grant = " Or create a grant." if _grantable(question) else ""
    text = f"Add a statement that names {_who(question)} to the key policy, as below.{grant}"
    if not caller.is_service and not caller.is_root:
        account = caller.account_principal
        text += f" Or add one that names {account}, and an IAM policy that allows it."
    if not is_home(question):
        text += " A caller from another account needs such an IAM policy in any case."
    return text, {
        "Effect": "Allow",
        "Principal": {kind: question.identity},
        "Action": question.action,
        "Resource": "*",
    }


def _grantable(question: Question) -> bool:
    key = question.key
    return key is not None and question.operation in grantable(key.spec, key.usage)


def _in_iam(question: Question, verdict: Verdict) -> Advice:
    name = resource_of(question.identity)
    text = f"Add the statement below to the IAM policy of {name}."
    if question.key and is_home(question):
        who = _who(question)
        text += f" Or add a statement to the key policy that names {who} and not only the account."
        text += " Or create a grant." if _grantable(question) else ""
    return text, {"Effect": "Allow", "Action": question.action, "Resource": question.resource}


def _in_no_policy(question: Question, verdict: Verdict) -> Advice:
    return (
        f"No policy can change it: AWS allows {question.action} only to callers of the key's own "
        f"account, {question.account}."
    ), None


def _name_another(question: Question, verdict: Verdict) -> Advice:
    return "Name a key that exists. AWS does not say whether another account's key does.", None


def _retire(question: Question, verdict: Verdict) -> Advice:
    return "One of these principals has to call. No policy can allow it to another one.", None


ADVICE: dict[Reason, Callable[[Question, Verdict], Advice]] = {
    Reason.KEY_DENIES: _against_deny,
    Reason.IAM_DENIES: _against_deny,
    Reason.KEY_SILENT: _in_key_policy,
    Reason.IAM_SILENT: _in_iam,
    Reason.OTHER_ACCOUNT: _in_no_policy,
    Reason.MISSING: _name_another,
    Reason.NOT_RETIRING: _retire,
}
