"""What README's blocks of Python say happens: they run from the first line to the last."""

import re
from pathlib import Path
from typing import Any

import pytest

README = Path(__file__).parents[2] / "README.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", README.read_text("utf-8"), re.DOTALL | re.MULTILINE)
ERROR = re.compile(r"# (\w+Exception)$")


def test_readmes_lines_run_in_order_and_fail_where_they_say(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "README.md").write_bytes(README.read_bytes())
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    lines = [line for block in BLOCKS for line in block.splitlines() if line]
    assert len(lines) > 15
    for line in lines:
        if expected := ERROR.search(line):
            with pytest.raises(Exception) as caught:  # noqa: PT011  # by name, below
                exec(line, names)
            assert type(caught.value).__name__ == expected[1], line
        else:
            exec(line, names)
    names["lab"].close()
