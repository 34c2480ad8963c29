"""`check` judges an exercise by what the learner's functions do, and leaves no trace of trying.

It runs on the learner's own lab, which is what the functions know; afterwards keys and trail are as
they were.
"""

from inspect import signature

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import EXERCISES
from kmslab.course.exercises.answers import Answer, NotYet, Wrong
from kmslab.course.exercises.hinting import second_way
from kmslab.course.messages import say
from kmslab.kms.contract.errors import KMSError

DISTURBED = (
    "The check could not set its scene: a key of the clinic's answered `{}`. Choose **Run ▸ Run "
    "All Above Selected Cell**, then run your own cell and this one again."
)


def check(exercise: str, clinic: Clinic, *functions: Answer) -> None:
    """Say `[ OK ]` and another way, `[FAIL]` and why, or `[    ]` while nothing can be judged.

    `clinic` is the lesson's; `functions` are those of the exercise's cell, in its order.
    """
    judge = EXERCISES.get(exercise)
    if judge is None:
        return say(f"There is no exercise called `{exercise}`.")
    wanted = len(signature(judge).parameters) - 1
    given = isinstance(clinic, Clinic) and all(map(callable, functions))
    if not given or len(functions) != wanted:
        return say(f"`[    ]` Give `check` the clinic, then the exercise's functions ({wanted}).")
    try:
        with clinic.lab.rehearsal():
            praise = judge(clinic, *functions)
    except NotYet as unfinished:
        return say(f"`[    ]` {unfinished}")
    except Wrong as why:
        return say(f"`[FAIL]` {why}")
    except KMSError as refusal:  # not of what the learner wrote, which `ask` would have caught
        return say(f"`[    ]` {DISTURBED.format(refusal.code)}")
    return say("\n\n".join(filter(None, [f"`[ OK ]` {praise}", second_way(exercise)])))
