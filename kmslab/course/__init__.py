"""The course: what the lessons use and other programs do not. No part of the KMS imports it.

In order of reading:

1. `clinic/`: the scenes and the people that a lesson starts from; `clinic(until="04")` builds them.
2. `betting.py`: `predict` keeps a bet and `reveal` replies to it, with the texts in `bets/`.
3. `exercises/`: `check` and `hint`, and how to write an exercise.
4. `outcome.py`, `network.py`, `policy_statements.py`, `module_self_tests.py`,
   `faulty_modules.py`, `certificates.py`, `simulated_machines.py`, `careless_kms.py`,
   `endpoint.py`, `sealed_columns.py`, `stand_in.py`, `fleet.py` and `postgresql.py`: small tools,
   each for a lesson or two.
5. `program/`: the learner's own program, which grows with each pass; `progress.py` shows how far.
6. `doctor.py`: is this computer ready? `workbook.py`: the learner's own copies of the lessons.

`messages.py`, `texts.py` and `installed_files.py` serve the others: they show Markdown, read the
texts, and find the lessons and the clinic's data.
"""

from kmslab.course.betting import A, B, C, accept_bare_letters, predict, reveal, undecided
from kmslab.course.careless_kms import careless_lab
from kmslab.course.certificates import Certificate
from kmslab.course.clinic.clinic import clinic
from kmslab.course.clinic.records import recorded
from kmslab.course.clinic.stolen_laptop import lock, unlock
from kmslab.course.clinic.workshop_envelope import openssl
from kmslab.course.doctor import doctor
from kmslab.course.endpoint import aws, aws_sdk_opens, endpoint
from kmslab.course.exercises.checking import check
from kmslab.course.exercises.hinting import hint
from kmslab.course.faulty_modules import faulty_lab, lax_lab
from kmslab.course.fleet import fleet
from kmslab.course.module_self_tests import self_tests
from kmslab.course.network import network_off
from kmslab.course.outcome import outcome, refusal
from kmslab.course.policy_statements import let
from kmslab.course.program.importing import install
from kmslab.course.progress import progress
from kmslab.course.sealed_columns import fresh_folder, readers
from kmslab.course.simulated_machines import machines
from kmslab.course.stand_in import stand_in

accept_bare_letters()
install()

__all__ = [
    "A",
    "B",
    "C",
    "Certificate",
    "aws",
    "aws_sdk_opens",
    "careless_lab",
    "check",
    "clinic",
    "doctor",
    "endpoint",
    "faulty_lab",
    "fleet",
    "fresh_folder",
    "hint",
    "lax_lab",
    "let",
    "lock",
    "machines",
    "network_off",
    "openssl",
    "outcome",
    "predict",
    "progress",
    "readers",
    "recorded",
    "refusal",
    "reveal",
    "self_tests",
    "stand_in",
    "undecided",
    "unlock",
]
