"""`hint` shows one hint at a time; after a pass `check` shows a second way to do the exercise.

Both are data: `hints/<lesson>.toml`.
"""

from pathlib import Path

from kmslab.course.messages import show_message
from kmslab.course.texts import lesson_texts

HINTS = Path(__file__).parent / "hints"


def hint(exercise: str, number: int = 1) -> None:
    """Show one hint of an exercise; 0 shows none, which is how a lesson leaves it."""
    hints = lesson_texts(HINTS, exercise).get("hints", [])
    wanted = str(number).strip()
    if not hints:
        return show_message(
            f"There are no hints for `{exercise}`. Its name must stay as the lesson wrote it."
        )
    if wanted == "0":
        return None
    if wanted not in map(str, range(1, len(hints) + 1)):
        return show_message(f"There are {len(hints)} hints: put a number from 1 to {len(hints)}.")
    return show_message(f"Hint {wanted} of {len(hints)}. {hints[int(wanted) - 1].strip()}")


def second_way(exercise: str) -> str:
    """Markdown for after a pass: another right answer and what it teaches; "" if there is none."""
    second = lesson_texts(HINTS, exercise).get("second", {})
    if not second:
        return ""
    return f"**Another way.** {second['words'].strip()}\n\n```python\n{second['code'].strip()}\n```"
