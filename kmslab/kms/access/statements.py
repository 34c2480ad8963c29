"""A parsed policy document: its statements, and the effect of each on a question.

A statement applies if all its elements do: Principal, Action, Resource and every condition.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from kmslab.kms.access import principals
from kmslab.kms.access.conditions import Condition
from kmslab.kms.access.patterns import AmbiguousError, Test
from kmslab.kms.access.question import Question
from kmslab.kms.contract.callers import Caller


class PrincipalMatch(Enum):
    """How a policy or a grant names the caller, if it does."""

    NO_MATCH = 0
    BY_ACCOUNT = 1  # the decision is left to the account's IAM policies
    DIRECTLY = 2  # by the caller's ARN, its role's ARN, or "*"


class Effect(IntEnum):
    """What a statement or a policy does for a question. A policy's strongest statement counts."""

    NO_EFFECT = 0
    DELEGATES = 1  # it allows the caller's account, whose IAM policies decide
    ALLOWS = 2
    DENIES = 3


# Short names, because every call needs a decision, and Python 3.11 looks up enum members slowly.
NO_MATCH, BY_ACCOUNT, DIRECTLY = PrincipalMatch
NO_EFFECT, DELEGATES, ALLOWS, DENIES = Effect


@dataclass(frozen=True, slots=True)
class Principals:
    """Principal or NotPrincipal."""

    wanted: frozenset[str]
    excludes: bool = False

    def match(self, question: Question) -> PrincipalMatch:
        if not self.excludes:
            named = question.caller.principal in self.wanted
            return DIRECTLY if named else match_among(self.wanted, question)
        # A caller is denied unless each of its names is listed: "you must also specify the account
        # ARN of the not-denied principal" (IAM user guide), for a session its role too.
        caller = question.caller
        account = _account(caller)
        names = {caller.principal, question.identity} - account  # none: it is the root user
        excepted = names <= self.wanted and not self.wanted.isdisjoint(account)
        excepted |= "*" in self.wanted
        excepted |= caller.is_service and not self.wanted.isdisjoint(caller.services)
        return NO_MATCH if excepted else DIRECTLY


def match_among(wanted: Collection[str], question: Question) -> PrincipalMatch:
    """How one of these principals names the caller."""
    caller = question.caller
    if caller.principal in wanted or "*" in wanted:
        return DIRECTLY
    if not principals.names(question.records, caller).isdisjoint(wanted):
        return DIRECTLY
    return NO_MATCH if _account(caller).isdisjoint(wanted) else BY_ACCOUNT


def _account(caller: Caller) -> set[str]:
    """The names of the caller's account: its root user's ARN, or in a policy its number."""
    return {caller.account_principal, caller.principal if caller.is_service else caller.account}


@dataclass(frozen=True, slots=True)
class Element:
    """Action or Resource, of which one pattern must fit; NotAction or NotResource: none may fit.

    Without patterns it covers nothing.
    """

    wanted: tuple[str, ...]
    fits: Test
    excludes: bool = False

    def covers(self, value: str, question: Question, allows: bool = True) -> bool:
        try:
            return self.fits(value, question) is not self.excludes
        except AmbiguousError:
            return not allows


@dataclass(frozen=True, slots=True)
class Statement:
    place: int  # in the document; the first is 1
    sid: str
    allows: bool
    principals: Principals | None  # None in an IAM policy, which applies to its own principal
    actions: Element
    resources: Element
    conditions: tuple[Condition, ...]
    # Whether it has no conditions, and its Resource is "*", as in most key policies.
    always: bool = field(init=False, repr=False)

    def __post_init__(self) -> None:
        every = self.resources.wanted == ("*",) and not self.resources.excludes
        object.__setattr__(self, "always", every and not self.conditions)

    def effect(self, question: Question) -> Effect:
        """Its effect if its Action covers the question's, as `Document.about` makes sure."""
        match = self.principals.match(question) if self.principals else DIRECTLY
        if match is NO_MATCH or not (self.always or self.applies(question)):
            return NO_EFFECT
        if not self.allows:
            return DENIES
        return ALLOWS if match is DIRECTLY else DELEGATES

    def applies(self, question: Question) -> bool:
        """Whether its Resource covers the question's, and all its conditions hold."""
        if not self.resources.covers(question.resource, question, self.allows):
            return False
        return all(each.holds(question, self.allows) for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Document:
    statements: tuple[Statement, ...]
    _by_operation: dict[str, tuple[Statement, ...]] = field(default_factory=dict, repr=False)

    def effect(self, question: Question) -> tuple[Effect, Statement | None]:
        """Its strongest statement's effect, and the first statement that has it."""
        strongest, found = NO_EFFECT, None
        for statement in self._by_operation.get(question.operation) or self.about(question):
            effect = statement.effect(question)
            if effect > strongest:
                strongest, found = effect, statement
        return strongest, found

    def about(self, question: Question) -> tuple[Statement, ...]:
        """The statements whose Action covers the question's, found once for each operation."""
        about = self._by_operation.get(question.operation)
        if about is None:
            action = question.action.lower()
            about = tuple(s for s in self.statements if s.actions.covers(action, question))
            self._by_operation[question.operation] = about
        return about
