"""The exercises: each is a function that judges a learner's functions, one module a lesson.

How to write one, `05-rescue` for example:

1. *The judge*, in `lesson_05.py`, with a row in `EXERCISES`. It takes the clinic and the learner's
   functions in the cell's order. First `need_written(functions, …)`, which tells *not written* from
   *half written*; then call them with `ask(function, …)`, which knows *forgot return* and errors.
   Raise `Wrong("why, and why that matters")` at the first thing that is wrong; return the praise.
   Judge by what comes of it (does it open? does it stay shut?) and never by how it is written, so
   that reading the judge gives no answer away. Set each state that you need: the learner may have
   left any. Restore nothing: `check` runs you in `lab.rehearsal()`, after which keys, trail and
   clock are as they were.
2. *The hints and another way*, in `../hints/05.toml`: about three hints, from "what is asked?" to
   "the line begins with"; in `second` an answer that teaches something more, as words and code.
3. *The cells*. A stub with the tag `exercise:05-rescue`: functions whose only line is
   `raise NotImplementedError`. Then a cell with these two lines:

       check("05-rescue", clinic, rescue)
       hint("05-rescue", 0)  # stuck? 1, 2 or 3

4. *The answers*, in `tests/solutions/05-rescue.toml`: right ones, and each way to go wrong that you
   can think of, by name, with the message that it gets and no other does. Tests inject them all,
   and the second way, into the lesson itself.
"""

from collections.abc import Callable, Mapping

from kmslab.course.exercises import (
    lesson_00,
    lesson_01,
    lesson_02,
    lesson_04,
    lesson_05,
    lesson_07,
    lesson_08,
)

EXERCISES: Mapping[str, Callable[..., str]] = {
    "00-thief": lesson_00.thief,
    "01-seal": lesson_01.seal,
    "02-envelope": lesson_02.mend,
    "04-reports": lesson_04.reports,
    "05-rescue": lesson_05.rescue,
    "07-policy": lesson_07.policy,
    "08-fair": lesson_08.fair,
}
