"""A statement or a grant compared with a request, element by element, for an explanation.

It asks the same objects that decide. A decision stops at the first element that does not fit; a
comparison asks all of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from kmslab.kms.access import grants
from kmslab.kms.access.condition_keys import encryption_context
from kmslab.kms.access.conditions import Condition
from kmslab.kms.access.question import Question
from kmslab.kms.access.statements import (
    ALLOWS,
    DELEGATES,
    DIRECTLY,
    NO_EFFECT,
    NO_MATCH,
    Document,
    Effect,
    Principals,
    Statement,
)
from kmslab.kms.arn import resource_of
from kmslab.kms.contract.records import Grant

MAX_VALUES_SHOWN = 4  # of one element
MAX_GRANTS = 100  # that are compared
ABSENT = "(not in the request)"
ABOUT_ACTION = frozenset({"Action", "NotAction", "operation"})


@dataclass(frozen=True, slots=True)
class Check:
    """One element of a statement or a grant, and what the request has for it."""

    element: str  # "Action", "NotResource", "StringEquals kms:ViaService", "grantee"
    wanted: str
    found: str
    fits: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """One statement or grant. It has an effect on the request only if all its checks fit."""

    label: str  # 'statement 1 "Enable IAM User Permissions"'
    written: str  # "Allow" or "Deny"
    effect: Effect  # on this request
    checks: tuple[Check, ...]
    decided: bool  # whether it decided the request

    @property
    def misses(self) -> tuple[Check, ...]:
        return tuple(check for check in self.checks if not check.fits)

    @property
    def about_action(self) -> bool:
        """Whether it concerns the action that the request asks for."""
        return all(check.element not in ABOUT_ACTION for check in self.misses)

    @property
    def nearness(self) -> tuple[bool, bool, int, int]:
        """Sorts comparisons: the greater, the more one has to do with the decision."""
        return self.decided, self.about_action, self.effect, -len(self.misses)


def compare_statements(
    document: Document, question: Question, decided: Statement | None
) -> tuple[Comparison, ...]:
    return tuple(_statement(each, question, each is decided) for each in document.statements)


def compare_grants(question: Question, decided: Grant | None) -> tuple[Comparison, ...]:
    """Compares the first grants that name the caller, and the one that decided."""
    first = [*islice(grants.for_caller(question), MAX_GRANTS)]
    compared = first if decided is None or decided in first else [decided, *first]
    return tuple(_grant(grant, question, grant == decided) for grant in compared)


def listed(values: Sequence[str], between: str = ", ") -> str:
    """The first values in one line: a policy may hold hundreds."""
    left = len(values) - MAX_VALUES_SHOWN
    more = f" … and {left} more" if left > 0 else ""
    return between.join(values[:MAX_VALUES_SHOWN]) + more


def _statement(statement: Statement, question: Question, decided: bool) -> Comparison:
    checks = _checks(statement, question)
    effect = statement.effect(question) if all(check.fits for check in checks) else NO_EFFECT
    written = "Allow" if statement.allows else "Deny"
    return Comparison(statement_label(statement), written, effect, tuple(checks), decided)


def _grant(grant: Grant, question: Question, decided: bool) -> Comparison:
    checks = _grant_checks(grant, question)
    directly = grants.grantee(grant, question) is DIRECTLY
    effect = NO_EFFECT
    if all(check.fits for check in checks):
        effect = ALLOWS if directly else DELEGATES
    return Comparison(grant_label(grant), "Allow", effect, tuple(checks), decided)


def statement_label(statement: Statement) -> str:
    return f"statement {statement.place}" + (f' "{statement.sid}"' if statement.sid else "")


def grant_label(grant: Grant) -> str:
    return f'grant "{grant.name}"' if grant.name else f"grant {grant.id[:8]}…"


def _checks(statement: Statement, question: Question) -> list[Check]:
    checks = [_principal(statement.principals, question)] if statement.principals else []
    checks.append(_element("Action", statement, question.action, question))
    checks.append(_element("Resource", statement, question.resource, question))
    return [*checks, *(_condition(each, statement, question) for each in statement.conditions)]


def _principal(principals: Principals, question: Question) -> Check:
    caller = question.caller
    identity = question.identity
    session = f" (a session of {identity})" if caller.principal != identity else ""
    found = f"{caller.principal}{session}"
    name = "NotPrincipal" if principals.excludes else "Principal"
    wanted = listed(sorted(principals.wanted))
    found = resource_of(found) if wanted == "*" else found
    return Check(name, wanted, found, principals.match(question) is not NO_MATCH)


def _element(name: str, statement: Statement, found: str, question: Question) -> Check:
    element = statement.actions if name == "Action" else statement.resources
    compared = found.lower() if name == "Action" else found
    wanted = listed(element.wanted) or "(left out: the statement has no effect)"
    found = resource_of(found) if wanted == "*" else found
    name = f"Not{name}" if element.excludes else name
    return Check(name, wanted, found, element.covers(compared, question, statement.allows))


def _condition(condition: Condition, statement: Statement, question: Question) -> Check:
    values = condition.find(question)
    found = ABSENT if values is None else listed(values)
    name = f"{condition.operator} {condition.key}"
    return Check(
        name, listed(condition.wanted, " or "), found, condition.holds(question, statement.allows)
    )


def _grant_checks(grant: Grant, question: Question) -> list[Check]:
    """Leaves out the checks that the grant does not make."""
    context = encryption_context(question)
    constraints = [f"{kind} {_pairs(pairs)}" for kind, pairs in grant.constraints.items()]
    shown = {
        "operation": (listed(grant.operations), question.operation),
        "encryption context": (listed(constraints, " and "), _pairs(context) or ABSENT),
        "source": (grant.source_arn, question.caller.source_arn or ABSENT),
        "new grant": (
            listed(["no more than its own operations", *filter(None, [grant.source_arn])], " for "),
            listed(question.request.get("Operations", ())),
        ),
    }
    checks = [Check("grantee", grant.grantee, question.caller.principal, True)]
    for name, check in grants.CHECKS.items():
        wanted, found = shown[name]
        fits = check(grant, question)
        if wanted and (name != "new grant" or not fits):
            checks.append(Check(name, wanted, found, fits))
    return checks


def _pairs(pairs: Mapping[str, str]) -> str:
    return listed([f"{name}={value}" for name, value in pairs.items()])
