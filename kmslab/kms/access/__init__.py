"""May this caller do that? Key policies, IAM policies and grants, evaluated as AWS evaluates them.

Callers import from here the names below, and from no module in this folder. Read in this order:
`question` (what is asked), `decision` (the decision in five rules), `statements` (what a policy
consists of), `conditions` and `condition_keys` (two tables), `patterns` (wildcards and variables),
`grants`, `documents` (policies from JSON), `enforcement` (the error). `comparison`, `explanation`
and `blocks` then show a person why.
"""

from kmslab.kms.access import grant_tokens, principals
from kmslab.kms.access.decision import Reason, Verdict, decide, refusal
from kmslab.kms.access.documents import (
    allow,
    check_identity_policy,
    check_key_policy,
    identity_policy,
    key_policy,
)
from kmslab.kms.access.enforcement import require
from kmslab.kms.access.explanation import Explanation, explain
from kmslab.kms.access.question import Question

__all__ = [
    "Explanation",
    "Question",
    "Reason",
    "Verdict",
    "allow",
    "check_identity_policy",
    "check_key_policy",
    "decide",
    "explain",
    "grant_tokens",
    "identity_policy",
    "key_policy",
    "principals",
    "refusal",
    "require",
]
