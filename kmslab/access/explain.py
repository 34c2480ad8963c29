"""Why a request was allowed or refused, told to a person."""

from dataclasses import dataclass

from kmslab.access.decide import Verdict, decide
from kmslab.access.question import Question


@dataclass(frozen=True, slots=True)
class Explanation:
    question: Question
    verdict: Verdict


def explain(question: Question) -> Explanation:
    return Explanation(question, decide(question))
