"""What `docs/lake.md` shows is what happens."""

import re
from pathlib import Path

import pytest

from kmslab.lake import LakeError

TEXT = (Path(__file__).parents[2] / "docs" / "lake.md").read_text("utf-8")


def test_the_example_does_what_its_comments_say(tmp_path: Path) -> None:
    (code,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names: dict[str, object] = {"FOLDER": tmp_path / "records"}
    shown = 0
    for line in code.splitlines():
        statement, _, comment = map(str.strip, line.partition("  #"))
        if comment.startswith("LakeError: "):
            with pytest.raises(LakeError, match=comment.removeprefix("LakeError: ")):
                exec(statement, names)
        elif comment:
            assert eval(statement, names) == eval(comment)
        else:
            exec(statement, names)
        shown += bool(comment)
    assert shown == 5
