"""What the notebooks use and programs don't: the clinic, bets, exercises, and a doctor.

Nothing here is part of the KMS, and the KMS knows nothing of it.
"""

from kmslab.course.betting import A, B, C, listen, predict, reveal, undecided
from kmslab.course.clinic.clinic import clinic
from kmslab.course.clinic.records import recorded
from kmslab.course.clinic.stolen_laptop import lock, unlock
from kmslab.course.doctor import doctor
from kmslab.course.endpoint import aws, endpoint
from kmslab.course.exercises.checking import check
from kmslab.course.exercises.hinting import hint
from kmslab.course.module_self_tests import self_tests, wounded_lab
from kmslab.course.outcome import outcome, refusal
from kmslab.course.policy_statements import let
from kmslab.course.simulated_machines import machines

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
