"""Enforcing a decision: a refused caller gets AWS's error, which can explain itself in a lab."""

from functools import partial

from kmslab.kms.access.decision import decide, refusal
from kmslab.kms.access.explanation import explain
from kmslab.kms.access.question import Question
from kmslab.kms.contract.errors import EXCEPTIONS

# AWS does not reveal whether a key exists that only a ciphertext blob names.
UNREACHABLE = (
    "User: {0} is not authorized to perform: {1} on the resource associated with this "
    "ciphertext because the resource does not exist in this Region, no resource-based policies "
    "allow access, or a resource-based policy explicitly denies access"
)


def require(question: Question, *, named_by_blob: bool = False) -> None:
    """Raises AccessDeniedException unless the caller may do this. Nothing is cached.

    `named_by_blob`: only a ciphertext blob named the key, and not the caller.
    """
    verdict = decide(question)
    if verdict.allowed:
        return
    text = refusal(question, verdict)
    if named_by_blob:
        text = UNREACHABLE.format(question.caller.principal, question.action)
    error = EXCEPTIONS["AccessDeniedException"](text)
    error.explanation = partial(explain, question)
    raise error
