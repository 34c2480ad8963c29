"""Enforcing a decision: a refused caller gets AWS's error, which can explain itself in a lab."""

from functools import partial

from kmslab.kms.access.decision import Reason, decide, is_home, refusal
from kmslab.kms.access.explanation import explain
from kmslab.kms.access.question import Question
from kmslab.kms.contract.errors import EXCEPTIONS

UNREACHABLE = (
    "User: {0} is not authorized to perform: {1} on this resource because the resource does not "
    "exist in this Region, no resource-based policies allow access, or a resource-based policy "
    "explicitly denies access"
)
UNREACHABLE_BY_BLOB = UNREACHABLE.replace(
    "this resource", "the resource associated with this ciphertext"
)
# A caller of another account, to which the key policy or a grant gives access, may learn that its
# own IAM policy does not allow the request.
KNOWN_TO_CALLER = frozenset({Reason.IAM_SILENT})


def require(question: Question, *, named_by_blob: bool = False) -> None:
    """Raises AccessDeniedException unless the caller may do this. Nothing is cached.

    `named_by_blob`: only a ciphertext blob named the key, and not the caller. Then, and to a caller
    of another account, the text does not reveal whether the key exists.
    """
    verdict = decide(question)
    if verdict.allowed:
        return
    text = refusal(question, verdict)
    if named_by_blob:
        text = UNREACHABLE_BY_BLOB.format(question.caller.principal, question.action)
    elif not is_home(question) and verdict.reason not in KNOWN_TO_CALLER:
        text = UNREACHABLE.format(question.caller.principal, question.action)
    error = EXCEPTIONS["AccessDeniedException"](text)
    error.explanation = partial(explain, question)
    raise error
