"""What `docs/envelope.md` shows is what happens."""

import re
from pathlib import Path

import pytest

from kmslab.envelope import DecryptionError
from kmslab.envelope.suites import SUITES

TEXT = (Path(__file__).parents[2] / "docs" / "envelope.md").read_text("utf-8")


def test_the_table_has_every_suite() -> None:
    rows = [line for line in TEXT.splitlines() if line.startswith("| 0x")]
    for row in rows:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        numbers = [int(each, 16) for each in re.findall(r"0x\w{4}", cells[0])]
        sizes = [int(each) for each in re.findall(r"\d+", cells[2])]
        for number, size in zip(numbers, sizes, strict=True):
            suite = SUITES[number]
            assert (suite.format.version, suite.data_key) == (int(cells[1]), size)
            assert cells[3].replace("-", "_") == (suite.kdf or "nothing")
            assert bool(cells[4]) == (suite.signature is not None)
            assert cells[5] == ("yes" if suite.commits else "no")
    assert sum(len(re.findall("0x", row)) for row in rows) == len(SUITES) == 11


def test_the_example_does_what_its_comments_say() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {}
    for line in code.splitlines():
        statement, _, comment = line.partition("  #")
        if "DecryptionError" in comment:
            with pytest.raises(DecryptionError):
                exec(statement, names)
        elif comment.strip().startswith("b'"):
            assert eval(statement, names) == eval(comment)
        else:
            exec(statement, names)
