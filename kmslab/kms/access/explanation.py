"""Why a request was allowed or refused, told to a person: who decided, what nearly matched and why
it did not, and what would have to be added.

AWS tells a refused caller one line, because the reasons are the key's owner's business. In a lab
the caller is the owner too. An explanation shows itself in a terminal and in a notebook.
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
from kmslab.kms.access.decision import Reason, Verdict, decide, is_home, policy_of, read
from kmslab.kms.access.documents import identity_policy, key_policy
from kmslab.kms.access.question import Question
from kmslab.kms.access.statements import ALLOWS, DELEGATES, DENIES, NO_EFFECT, Effect
from kmslab.kms.arn import resource_of
from kmslab.kms.contract.records import Grant
from kmslab.kms.contract.specs import grantable

WRITTEN, PROPOSED = "The key policy", "The key policy as proposed"
MAX_COMPARISONS_SHOWN = 6  # statements or grants of one section; the nearest come first


@dataclass(frozen=True, slots=True)
class Section:
    """A key policy, an IAM policy or a key's grants, and what each part of it says."""

    title: str
    comparisons: tuple[Comparison, ...]
    nothing: str = ""  # what to say if there is no part


@dataclass(frozen=True, slots=True, repr=False)
class Explanation:
    """Show it, or read its parts. `verdict` is the decision itself."""

    question: Question
    verdict: Verdict
    sentence: str
    sections: tuple[Section, ...]
    advice: str = ""  # what would have to change
    addition: dict[str, Any] | None = None  # a statement that would do, if one would

    def __repr__(self) -> str:
        return terminal(_blocks(self))

    def _repr_markdown_(self) -> str:
        return markdown(_blocks(self))


def explain(question: Question, *, proposed: bool = False) -> Explanation:
    """The same decision again, with all that it stands on. `proposed`: the key's policy is."""
    verdict = decide(question)
    sections = tuple(_sections(question, verdict, PROPOSED if proposed else WRITTEN))
    sentence = _sentence(question, verdict, "under the proposed policy " if proposed else "")
    if verdict.allowed:
        return Explanation(question, verdict, sentence, sections)
    advice, addition = ADVICE[verdict.reason](question, verdict)
    return Explanation(question, verdict, sentence, sections, advice, addition)


# ------------------------------------------------------------------------------ what is read


def _sections(question: Question, verdict: Verdict, policy: str) -> Iterator[Section]:
    key = question.key
    if isinstance(question.record, Grant):
        yield Section("The grant", (), _retiring(question.record))
    elif key:
        found = compare_statements(read(key_policy, key.policy), question, verdict.statement)
        yield Section(policy, found)
    yield _iam(question, verdict)
    if key and verdict.reason in ASKS_GRANTS and question.record is key:
        found = compare_grants(question, verdict.grant)
        yield Section("Grants on the key", found, f"None of them names {_who(question)}.")


# Where grants had to be asked, because no policy had allowed it and none had denied it.
ASKS_GRANTS = frozenset({Reason.GRANT, Reason.KEY_SILENT, Reason.IAM_SILENT})


def _iam(question: Question, verdict: Verdict) -> Section:
    caller = question.caller
    if caller.is_service:
        return Section("IAM", (), "An AWS service has no IAM policy, and needs none.")
    if caller.is_root:
        return Section(
            "IAM", (), "A root user has no IAM policy: what is left to IAM, root may do."
        )
    title = f"The IAM policy of {resource_of(caller.identity)}"
    text = policy_of(question)
    if not text:
        return Section(title, (), "There is none.")
    document = read(identity_policy, text)
    return Section(title, compare_statements(document, question, verdict.statement))


def _retiring(grant: Grant) -> str:
    retiring = f"{grant.retiring}, which it names for that, and " if grant.retiring else ""
    grantee = f"its grantee {grant.grantee}, and " if "RetireGrant" in grant.operations else ""
    return f"It may be retired by {retiring}{grantee}{grant.issuer}, whose account made it."


# ---------------------------------------------------------------------------- how it is told


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
    return "the account as a whole" if question.resource == "*" else resource_of(question.resource)


def _who(question: Question) -> str:
    caller = question.caller
    foreign = "" if is_home(question) else f" of account {caller.account}"
    return resource_of(caller.principal) + foreign


def _blocks(explanation: Explanation) -> Iterator[Block]:
    yield Title(explanation.sentence)
    for section in explanation.sections:
        yield Title(section.title)
        yield from _told(section)
    if explanation.advice:
        yield Title("What would change it")
        yield explanation.advice
    if explanation.addition:
        yield Code(json.dumps(explanation.addition, indent=2))


def _told(section: Section) -> Iterator[Block]:
    """First what says something, then what nearly did; the nearest with all its checks."""
    if not section.comparisons:
        yield section.nothing
        return
    ordered = sorted(section.comparisons, key=lambda each: each.nearness, reverse=True)
    for place, it in enumerate(ordered[:MAX_COMPARISONS_SHOWN]):
        yield _line(it)
        if it.decided or (it.effect is NO_EFFECT and (place == 0 or it.nearness[1])):
            yield _table(it)
    if len(ordered) > MAX_COMPARISONS_SHOWN:
        yield f"· {len(ordered) - MAX_COMPARISONS_SHOWN} more, which are no nearer"


SAYS: dict[Effect, str] = {
    DELEGATES: "opens the key to the IAM policies of the caller's account",
    ALLOWS: "allows it",
    DENIES: "denies it",
}
MARKS = {True: "✓", False: "✗"}


def _line(it: Comparison) -> str:
    missed = " and ".join(check.element for check in it.misses)
    outcome = SAYS.get(it.effect, f"does not apply: {missed}")
    return f"{MARKS[it.effect is not NO_EFFECT]} {it.label} ({it.written}) {outcome}"


def _table(it: Comparison) -> Table:
    rows = [
        (MARKS[c.fits], c.element, c.wanted, "the same" if c.found == c.wanted else c.found)
        for c in it.checks
    ]
    return Table(["", "element", "it wants", "the request has"], rows)


# ------------------------------------------------------------------------ what would change it

Advice = tuple[str, dict[str, Any] | None]


def _against_deny(question: Question, verdict: Verdict) -> Advice:
    conditions = verdict.statement.conditions if verdict.statement else ()
    unless = " and ".join(f"{each.operator} {each.key}" for each in conditions)
    escape = f", or the request has to differ in {unless}" if unless else ""
    return (
        "Nothing that is added helps: a Deny wins over every Allow. "
        f"The statement has to be changed{escape}."
    ), None


def _in_key_policy(question: Question, verdict: Verdict) -> Advice:
    caller = question.caller
    kind = "Service" if caller.is_service else "AWS"
    grant = ", or a grant" if _grantable(question) else ""
    text = f"A statement of the key policy that names {_who(question)}, as below{grant}."
    if not caller.is_service and not caller.is_root:
        text += (
            f" Or one that names {caller.account_principal}, beside an IAM policy that allows it."
        )
    if not is_home(question):
        text += " A caller of another account needs that IAM policy in any case."
    return text, {
        "Effect": "Allow",
        "Principal": {kind: caller.identity},
        "Action": question.action,
        "Resource": "*",
    }


def _grantable(question: Question) -> bool:
    key = question.key
    return key is not None and question.operation in grantable(key.spec, key.usage)


def _in_iam(question: Question, verdict: Verdict) -> Advice:
    text = f"An IAM policy of {resource_of(question.caller.identity)} with a statement as below."
    if question.key and is_home(question):
        grant = ", or a grant," if _grantable(question) else ""
        who = _who(question)
        text += f" Or a statement of the key policy{grant} that names {who} and not the account."
    return text, {"Effect": "Allow", "Action": question.action, "Resource": question.resource}


def _elsewhere(question: Question, verdict: Verdict) -> Advice:
    return (
        f"No policy can: AWS keeps {question.action} for callers of the key's own account, "
        f"{question.account}."
    ), None


def _retire(question: Question, verdict: Verdict) -> Advice:
    return "One of those has to call. A policy cannot give it to anybody else.", None


ADVICE: dict[Reason, Callable[[Question, Verdict], Advice]] = {
    Reason.KEY_DENIES: _against_deny,
    Reason.IAM_DENIES: _against_deny,
    Reason.KEY_SILENT: _in_key_policy,
    Reason.IAM_SILENT: _in_iam,
    Reason.ELSEWHERE: _elsewhere,
    Reason.NOT_RETIRING: _retire,
}
