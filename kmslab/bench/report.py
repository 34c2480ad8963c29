"""A report of a result: Markdown with its tables, and a picture beside it.

Without matplotlib there is no picture, and the report says so.
"""

from collections.abc import Iterator
from importlib import util
from pathlib import Path

from kmslab.bench.result import Result
from kmslab.bench.tables import TEXTS, notes, tables

NO_PICTURE = "No picture: matplotlib is not installed (`pip install 'kmslab[notebooks]'`)."
METHOD = (
    "Each sample is a batch of calls; the batches of a round follow each other in an order drawn "
    "anew. The value is the median, the interval its 95 % interval by the percentile bootstrap. "
    "A ratio is the median of the rounds' ratios, with an interval of its own. Outliers, beyond "
    "1.5 interquartile ranges from a quartile, are counted and kept."
)


def write(result: Result, target: Path) -> list[Path]:
    """Write the report and, if it can be drawn, the picture; returns what was written."""
    picture = target.with_suffix(".png")
    drawn = util.find_spec("matplotlib") is not None
    if drawn:
        from kmslab.bench.drawing import draw

        picture.write_bytes(draw(result).png())
    target.write_text(markdown(result, picture.name if drawn else ""), encoding="utf-8")
    return [target, picture] if drawn else [target]


def markdown(result: Result, picture: str) -> str:
    """The report; `picture` is the name of its file, or "" if there is none."""
    return "\n\n".join(_parts(result, picture)) + "\n"


def _reasons(result: Result) -> Iterator[str]:
    """A line for all subjects that have the same text."""
    subjects: dict[str, list[str]] = {}
    for subject, facts in result.facts.items():
        text = " ".join(str(facts[heading]) for heading in TEXTS if facts.get(heading))
        subjects.setdefault(text, []).append(subject)
    return (f"- **{'; '.join(names)}**: {text}" for text, names in subjects.items() if text)


def _parts(result: Result, picture: str) -> Iterator[str]:
    machine = result.machine
    yield f"# {result.benchmark}"
    yield result.title
    yield f"![{result.title}]({picture})" if picture else NO_PICTURE
    yield from (table._repr_markdown_() for table in tables(result))
    yield from notes(result)
    yield "\n".join(_reasons(result))
    load = ", ".join(map(str, machine.load)) or "unknown"
    yield (
        f"Measured {result.measured_at}{' in a quick run' if result.quick else ''} on "
        f"{machine.processor}, {machine.cores} cores, {machine.system}, {machine.python}; load "
        f"average before and after: {load}. {'; '.join(map(str, result.software))}."
    )
    yield METHOD
