"""The exercises: each is a function that judges a learner's functions, one module a lesson.

A judge takes the clinic and the learner's functions and returns the praise, or raises `NotYet` or
`Wrong`. It tests properties, so that reading it gives no answer away.
"""

from collections.abc import Callable, Mapping

from kmslab.course.exercises import lesson_00, lesson_01

EXERCISES: Mapping[str, Callable[..., str]] = {
    "00-thief": lesson_00.thief,
    "01-seal": lesson_01.seal,
}
