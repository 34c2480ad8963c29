"""What a policy document is when it has been read: statements, each of which can be asked.

A statement applies if all its elements do: Principal, Action, Resource and every condition.
"""

from dataclasses import dataclass, field
from enum import Enum, IntEnum

from kmslab.access.condition_keys import is_service
from kmslab.access.conditions import Condition
from kmslab.access.patterns import Test
from kmslab.access.question import Question
from kmslab.contract.records import Caller


class Named(Enum):
    """How a policy or a grant names the caller."""

    NOT = "not at all"
    ACCOUNT = "by the caller's account"  # which leaves the decision to the account's IAM
    SELF = "by the caller's own name, or as anybody"


class Says(IntEnum):
    """What a policy says to a question. Of several statements the strongest counts."""

    NOTHING = 0
    OPENS = 1  # it allows the caller's account, whose IAM policies decide on
    ALLOWS = 2
    DENIES = 3


Names = tuple[str, str, str]


def names(caller: Caller) -> Names:
    """Who calls, whose policies count, and the account: of a service all three are the service."""
    who = caller.principal
    if is_service(who):
        return who, who, who
    return who, caller.identity, f"arn:aws:iam::{caller.account}:root"


@dataclass(frozen=True, slots=True)
class Principals:
    """Principal or NotPrincipal. An account stands there as the ARN of its root."""

    wanted: tuple[str, ...]
    excludes: bool = False

    def name(self, caller: Names) -> Named:
        if self.excludes:
            # "you must also specify the account ARN of the not-denied principal", and of a session
            # its role too: whoever has one name that is not excepted is denied (IAM user guide).
            return Named.NOT if set(caller) <= set(self.wanted) else Named.SELF
        who, identity, account = caller
        if "*" in self.wanted or who in self.wanted or identity in self.wanted:
            return Named.SELF
        return Named.ACCOUNT if account in self.wanted else Named.NOT


@dataclass(frozen=True, slots=True)
class Element:
    """Action or Resource: one pattern must fit; of NotAction or NotResource none may.

    Without patterns it covers nothing.
    """

    wanted: tuple[str, ...]
    tests: tuple[Test, ...]
    excludes: bool = False

    def covers(self, value: str, question: Question) -> bool:
        return any(test(value, question) for test in self.tests) is not self.excludes


@dataclass(frozen=True, slots=True)
class Statement:
    place: int  # the first is 1
    sid: str
    allows: bool
    principals: Principals | None  # None: an IAM policy's, about whom the policy is attached to
    actions: Element
    resources: Element
    conditions: tuple[Condition, ...]

    def says(self, question: Question, caller: Names) -> Says:
        """Of a statement whose Action covers the question's; see `Document.about`."""
        named = self.principals.name(caller) if self.principals else Named.SELF
        if named is Named.NOT or not self.applies(question):
            return Says.NOTHING
        if not self.allows:
            return Says.DENIES
        return Says.ALLOWS if named is Named.SELF else Says.OPENS

    def applies(self, question: Question) -> bool:
        """Whether it speaks of this resource, in these circumstances."""
        if not self.resources.covers(question.resource, question):
            return False
        return all(condition.holds(question) for condition in self.conditions)


@dataclass(frozen=True, slots=True)
class Document:
    statements: tuple[Statement, ...]
    _by_operation: dict[str, tuple[Statement, ...]] = field(default_factory=dict, repr=False)

    def says(self, question: Question) -> tuple[Says, Statement | None]:
        """The strongest that its statements say, and the first that says it."""
        caller = names(question.caller)
        strongest: tuple[Says, Statement | None] = (Says.NOTHING, None)
        for statement in self.about(question):
            says = statement.says(question, caller)
            if says > strongest[0]:
                strongest = says, statement
        return strongest

    def about(self, question: Question) -> tuple[Statement, ...]:
        """The statements whose Action covers the question's; worked out once an operation."""
        about = self._by_operation.get(question.operation)
        if about is None:
            action = question.action.lower()
            about = tuple(s for s in self.statements if s.actions.covers(action, question))
            self._by_operation[question.operation] = about
        return about
