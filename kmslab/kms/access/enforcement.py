"""Refusing a caller: AWS's text, and behind it an explanation: `error.explain()`."""

from functools import partial

from kmslab.kms.access.decision import decide, refusal
from kmslab.kms.access.explanation import explain
from kmslab.kms.access.question import Question
from kmslab.kms.contract.errors import EXCEPTIONS

# Of a key that only a ciphertext blob has named, AWS does not say whether it is there.
UNREACHABLE = (
    "User: {0} is not authorized to perform: {1} on the resource associated with this "
    "ciphertext because the resource does not exist in this Region, no resource-based policies "
    "allow access, or a resource-based policy explicitly denies access"
)


def require(question: Question, *, unnamed: bool = False) -> None:
    """Raise AccessDeniedException unless the caller may. Nothing of the decision is kept.

    `unnamed`: a blob has named the key, not the caller.
    """
    verdict = decide(question)
    if verdict.allowed:
        return
    text = refusal(question, verdict)
    if unnamed:
        text = UNREACHABLE.format(question.caller.principal, question.action)
    error = EXCEPTIONS["AccessDeniedException"](text)
    error.explanation = partial(explain, question)
    raise error
