"""One program that grows: what passes a check is kept, and later lessons use it.

`from clinic_program import seal` gives a lesson the learner's own `seal` if that has passed, and
the course's own if not, so that every lesson can be started cold. In order of reading:

1. `courses/`: the course's own version of each exercise's functions, a module an exercise, such as
   `exercise_02_envelope.py` for `02-envelope`.
2. `importing.py`: what `import clinic_program` finds.
3. `keeping.py`: what a check does after a pass. It takes the functions out of the notebook
   (`source.py`) and writes a section of the learner's file (`file.py`, with `sections.py`,
   `imports.py`, `collisions.py` and `renaming.py`).
4. `passed.py`: which exercises have passed, for `course.progress()`. Nothing is sent anywhere.

Rule: the learner's file is written beside and renamed, and nothing in it that the learner wrote by
hand is lost.
"""
