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


class Named(Enum):
    """How a policy or a grant names the caller."""

    NOT_AT_ALL = 0
    BY_ACCOUNT = 1  # which leaves the decision to the IAM of that account
    IN_PERSON = 2  # by a name of his own, or as anybody


class Says(IntEnum):
    """What a policy says to a question. Of several statements the strongest counts."""

    NOTHING = 0
    OPENS = 1  # it allows the caller's account, whose IAM policies decide on
    ALLOWS = 2
    DENIES = 3


# Short names, because a decision is on every call's way, and Python 3.11 looks members up slowly.
NOT_AT_ALL, BY_ACCOUNT, IN_PERSON = Named
NOTHING, OPENS, ALLOWS, DENIES = Says


@dataclass(frozen=True, slots=True)
class Principals:
    """Principal or NotPrincipal. An account stands there as the ARN of its root."""

    wanted: frozenset[str]
    excludes: bool = False

    def name(self, caller: Caller) -> Named:
        if self.excludes:
            # "you must also specify the account ARN of the not-denied principal", and of a session
            # its role too: whoever has one name that is not excepted is denied (IAM user guide).
            names = {caller.principal, caller.identity, caller.account_principal}
            excepted = "*" in self.wanted or names <= self.wanted
            return NOT_AT_ALL if excepted else IN_PERSON
        return name_among(self.wanted, caller)


def name_among(wanted: Collection[str], caller: Caller) -> Named:
    """How one of these principals names the caller. A service belongs to no account."""
    if caller.principal in wanted or caller.identity in wanted or "*" in wanted:
        return IN_PERSON
    return BY_ACCOUNT if caller.account_principal in wanted else NOT_AT_ALL


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

    def says(self, question: Question) -> Says:
        """Of a statement whose Action covers the question's; see `Document.about`."""
        named = self.principals.name(question.caller) if self.principals else IN_PERSON
        if named is NOT_AT_ALL or not self.applies(question):
            return NOTHING
        if not self.allows:
            return DENIES
        return ALLOWS if named is IN_PERSON else OPENS

    def applies(self, question: Question) -> bool:
        """Whether it speaks of this resource, in these circumstances."""
        if not self.resources.covers(question.resource, question):
            return False
        return not self.conditions or all(each.holds(question) for each in self.conditions)


@dataclass(frozen=True, slots=True)
class Document:
    statements: tuple[Statement, ...]
    _by_operation: dict[str, tuple[Statement, ...]] = field(default_factory=dict, repr=False)

    def says(self, question: Question) -> tuple[Says, Statement | None]:
        """The strongest that its statements say, and the first that says it."""
        strongest, by = NOTHING, None
        for statement in self.about(question):
            says = statement.says(question)
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
