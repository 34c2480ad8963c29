"""`hint` helps in stages, and only whoever asks; after a pass there is a second way to see.

Both are data: `hints/<lesson>.toml`.
"""

from kmslab.course.messages import say
from kmslab.course.texts import text


def hint(exercise: str, number: int = 1) -> None:
    """Show one hint of an exercise; 0 shows none, which is how a lesson leaves it."""
    hints = text("hints", exercise).get("hints", [])
    wanted = str(number).strip()
    if not hints:
        return say(
            f"There are no hints for `{exercise}`. Its name must stay as the lesson wrote it."
        )
    if wanted == "0":
        return None
    if wanted not in map(str, range(1, len(hints) + 1)):
        return say(f"There are {len(hints)} hints: put a number from 1 to {len(hints)}.")
    return say(f"Hint {wanted} of {len(hints)}. {hints[int(wanted) - 1].strip()}")


def second_way(exercise: str) -> str:
    """Markdown for whoever has passed: another good answer, and what it teaches; "" if none."""
    second = text("hints", exercise).get("second", {})
    if not second:
        return ""
    return f"**Another way.** {second['words'].strip()}\n\n```python\n{second['code'].strip()}\n```"
