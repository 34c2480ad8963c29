"""What the notebooks use and programs don't: the clinic, bets, exercises, and a doctor.

Nothing here is part of the KMS, and the KMS knows nothing of it.
"""

from kmslab.course.betting import A, B, C, listen, predict, reveal, undecided
from kmslab.course.checking import check
from kmslab.course.doctor import doctor
from kmslab.course.endpoint import aws, endpoint
from kmslab.course.hinting import hint
from kmslab.course.laptop import lock, unlock
from kmslab.course.module import self_tests, wounded_lab
from kmslab.course.office import clinic
from kmslab.course.outcome import outcome, refusal
from kmslab.course.papers import let
from kmslab.course.rigged import machines
from kmslab.course.story import recorded

listen()

__all__ = [
    "A",
    "B",
    "C",
    "aws",
    "check",
    "clinic",
    "doctor",
    "endpoint",
    "hint",
    "let",
    "lock",
    "machines",
    "outcome",
    "predict",
    "recorded",
    "refusal",
    "reveal",
    "self_tests",
    "undecided",
    "unlock",
    "wounded_lab",
]
