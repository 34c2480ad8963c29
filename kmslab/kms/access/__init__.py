"""May this caller? Key policies, IAM policies and grants, judged as AWS judges them.

Read `decide` first (the decision in five rules), then `statements` (what a policy consists of),
`conditions` and `condition_keys` (two tables), `granted`, `patterns`, and `documents` (from JSON).
`explain` tells a person why.
"""

from kmslab.kms.access.decide import Because, Verdict, decide, refusal
from kmslab.kms.access.documents import allow, check_key_policy, identity_policy, key_policy
from kmslab.kms.access.explain import Explanation, explain
from kmslab.kms.access.question import Question
from kmslab.kms.access.refusing import UNREACHABLE, require

__all__ = [
    "UNREACHABLE",
    "Because",
    "Explanation",
    "Question",
    "Verdict",
    "allow",
    "check_key_policy",
    "decide",
    "explain",
    "identity_policy",
    "key_policy",
    "refusal",
    "require",
]
