"""`check` calls the learner's functions and shows whether they do what the exercise asks.

It does so in the learner's own lab, which those functions use; afterwards the lab's keys, trail and
clock are as they were. What passes is kept in the learner's own program.
"""

from collections.abc import Sequence
from contextlib import redirect_stdout
from inspect import signature
from io import StringIO

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import EXERCISES
from kmslab.course.exercises.answers import Function, NotWritten, Wrong
from kmslab.course.exercises.hinting import second_way
from kmslab.course.messages import show_message
from kmslab.course.program.keeping import keep
from kmslab.kms.contract.errors import KMSError

NO_SCENE = (
    "The check could not set its scene: a key of the clinic's answered `{}`. Choose **Run ▸ Run "
    "All Above Selected Cell**, then run your own cell and this one again."
)


def check(exercise: str, clinic: Clinic, *functions: Function) -> None:
    """Show `[ OK ]` and another way, `[FAIL]` and why, or `[    ]` if nothing can be checked yet.

    `clinic` is the lesson's; `functions` are those of the exercise's cell, in its order.
    """
    check_functions = EXERCISES.get(exercise)
    if check_functions is None:
        return show_message(f"There is no exercise called `{exercise}`.")
    wanted = len(signature(check_functions).parameters) - 1
    given = isinstance(clinic, Clinic) and all(map(callable, functions))
    if not given or len(functions) != wanted:
        return show_message(
            f"`[    ]` Give `check` the clinic, then the exercise's functions ({wanted})."
        )
    try:
        with clinic.lab.rehearsal():
            praise = check_functions(clinic, *functions)
    except NotWritten as unfinished:
        return show_message(f"`[    ]` {unfinished}")
    except Wrong as why:
        return show_message(f"`[FAIL]` {why}")
    except KMSError as refusal:  # the check's own call; `result_of` catches the learner's
        return show_message(f"`[    ]` {NO_SCENE.format(refusal.code)}")

    def passes(others: Sequence[Function]) -> bool:
        with redirect_stdout(StringIO()):  # the learner has seen once what they print
            return _passes(exercise, clinic, others)

    kept = keep(exercise, functions, passes)
    parts = [f"`[ OK ]` {praise}", kept, second_way(exercise)]
    return show_message("\n\n".join(filter(None, parts)))


def _passes(exercise: str, clinic: Clinic, functions: Sequence[Function]) -> bool:
    try:
        with clinic.lab.rehearsal():
            EXERCISES[exercise](clinic, *functions)
    except Exception:
        return False
    return True
