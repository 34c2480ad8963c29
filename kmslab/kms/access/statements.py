"""What a policy document is when it has been read: statements, each of which can be asked.

A statement applies if all its elements do: Principal, Action, Resource and every condition.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from enum import Enum, IntEnum

from kmslab.kms.access.conditions import Condition
from kmslab.kms.access.patterns import Test
from kmslab.kms.access.question import Question
from kmslab.kms.contract.records import Caller


class PrincipalMatch(Enum):
    """How a policy or a grant names the caller."""

    NO_MATCH = 0
    BY_ACCOUNT = 1  # which leaves the decision to the IAM of that account
    DIRECTLY = 2  # by a name of his own, or as anybody


class Effect(IntEnum):
    """What a policy says to a question. Of several statements the strongest counts."""

    NO_EFFECT = 0
    DELEGATES = 1  # it allows the caller's account, whose IAM policies decide on
    ALLOWS = 2
    DENIES = 3


# Short names, because a decision is on every call's way, and Python 3.11 looks members up slowly.
NO_MATCH, BY_ACCOUNT, DIRECTLY = PrincipalMatch
NO_EFFECT, DELEGATES, ALLOWS, DENIES = Effect


@dataclass(frozen=True, slots=True)
class Principals:
    """Principal or NotPrincipal. An account stands there as the ARN of its root."""

    wanted: frozenset[str]
    excludes: bool = False

    def name(self, caller: Caller) -> PrincipalMatch:
        if self.excludes:
            # "you must also specify the account ARN of the not-denied principal", and of a session
            # its role too: whoever has one name that is not excepted is denied (IAM user guide).
            names = {caller.principal, caller.identity, caller.account_principal}
            excepted = "*" in self.wanted or names <= self.wanted
            return NO_MATCH if excepted else DIRECTLY
        return name_among(self.wanted, caller)


def name_among(wanted: Collection[str], caller: Caller) -> PrincipalMatch:
    """How one of these principals names the caller. A service belongs to no account."""
    if caller.principal in wanted or caller.identity in wanted or "*" in wanted:
        return DIRECTLY
    return BY_ACCOUNT if caller.account_principal in wanted else NO_MATCH


@dataclass(frozen=True, slots=True)
class Element:
    """Action or Resource: one pattern must fit; of NotAction or NotResource none may.

    Without patterns it covers nothing.
    """

    wanted: tuple[str, ...]
    fits: Test
    excludes: bool = False

    def covers(self, value: str, question: Question) -> bool:
        return self.fits(value, question) is not self.excludes


@dataclass(frozen=True, slots=True)
class Statement:
    place: int  # the first is 1
    sid: str
    allows: bool
    principals: Principals | None  # None: an IAM policy's, about whom the policy is attached to
    actions: Element
    resources: Element
    conditions: tuple[Condition, ...]

    def effect(self, question: Question) -> Effect:
        """Of a statement whose Action covers the question's; see `Document.about`."""
        named = self.principals.name(question.caller) if self.principals else DIRECTLY
        if named is NO_MATCH or not self.applies(question):
            return NO_EFFECT
        if not self.allows:
            return DENIES
        return ALLOWS if named is DIRECTLY else DELEGATES

    def applies(self, question: Question) -> bool:
        """Whether it speaks of this resource, in these circumstances."""
        if not self.resources.covers(question.resource, question):
            return False
        return not self.conditions or all(each.holds(question) for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Document:
    statements: tuple[Statement, ...]
    _by_operation: dict[str, tuple[Statement, ...]] = field(default_factory=dict, repr=False)

    def effect(self, question: Question) -> tuple[Effect, Statement | None]:
        """The strongest that its statements say, and the first that says it."""
        strongest, by = NO_EFFECT, None
        for statement in self.about(question):
            says = statement.effect(question)
            if says > strongest:
                strongest, by = says, statement
        return strongest, by

    def about(self, question: Question) -> tuple[Statement, ...]:
        """The statements whose Action covers the question's; worked out once an operation."""
        about = self._by_operation.get(question.operation)
        if about is None:
            action = question.action.lower()
            about = tuple(s for s in self.statements if s.actions.covers(action, question))
            self._by_operation[question.operation] = about
        return about
