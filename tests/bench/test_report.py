"""A report: tables, reasons, the computer and the method, with a picture beside it."""

import subprocess
import sys
from pathlib import Path

from PIL import Image

from kmslab.bench.report import NO_PICTURE, write
from tests.bench.test_result import by_hand


def test_a_report_says_what_was_measured_why_and_where(tmp_path):
    text, picture = write(by_hand(), tmp_path / "hand.md")
    shown = text.read_text("utf-8")
    for part in (
        "# hand",
        "![Made by hand.](hand.png)",
        "| way 1 | 40 | lib | 6 µs | 6 µs – 6.06 µs | 3.00 (3.00 – 3.00) |",
        "- **KW**: It is short.",
        "Not measured: lib X. It has no X.",
        "a processor, 2 cores, Linux x86_64, CPython 3.11.0; load average before and after: 0.1",
        "lib 1.0 (itself)",
        "percentile bootstrap",
    ):
        assert part in shown
    with Image.open(picture) as drawn:
        assert drawn.format == "PNG"


WITHOUT_MATPLOTLIB = """
import sys
from pathlib import Path
from importlib import util
for name in ("matplotlib", "numpy", "PIL", "IPython"):
    sys.modules[name] = None  # importing it fails, as if it were not installed
found = util.find_spec
util.find_spec = lambda name: None if sys.modules.get(name, 0) is None else found(name)
from kmslab.bench import report, running
from kmslab.bench.result import read
benchmark = running.find("sealing")
result = read(running.run(benchmark, benchmark.quick).to_json())
print(*report.write(result, Path(sys.argv[1])))
"""


def test_measuring_and_reporting_need_no_matplotlib(tmp_path: Path):
    target = tmp_path / "sealing.md"
    run = [sys.executable, "-c", WITHOUT_MATPLOTLIB, str(target)]
    ran = subprocess.run(run, capture_output=True, text=True, encoding="utf-8", check=True)
    assert ran.stdout.split() == [str(target)]
    assert NO_PICTURE in target.read_text("utf-8")
    assert "one data key" in target.read_text("utf-8")
