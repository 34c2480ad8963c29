"""What a learner's function needs in order to run in a file is found in the notebook's cells."""

import sys
from collections.abc import Iterator

import pytest

from kmslab.course.exercises.restarting import restarted
from kmslab.course.program.source import Source, source_of
from tests.course.notebook import Notebook, open_notebook


@pytest.fixture(scope="module")
def kernel() -> Iterator[Notebook]:
    with open_notebook() as opened:
        yield opened


@pytest.fixture
def notebook(kernel: Notebook) -> Notebook:
    kernel.restart()
    return kernel


def found(notebook: Notebook, *names: str) -> Source:
    return source_of([notebook.names[name] for name in names])


def test_a_function_alone_is_its_source_with_decorator_and_comment(notebook):
    cell = """\
from functools import cache

# Twice as much,
# whatever it is.
@cache
def double(value):
    # a comment inside
    return 2 * value  # and one at the end
"""
    notebook.run(cell)
    source = source_of([notebook.names["double"].__wrapped__])
    assert source.functions == ["double"]
    assert source.definitions["double"] == cell.partition("\n\n")[2].rstrip()
    assert list(map(str, source.imports)) == ["from functools import cache"]
    assert source.missing == {}


def test_helpers_classes_and_constants_of_other_cells_come_before_what_uses_them(notebook):
    notebook.run("import json\nfrom hashlib import sha256 as sha\nSIZE = 12; TAG = 16")
    notebook.run(
        "class Box(dict):\n    size = SIZE\n\ndef pack(data):\n    return Box(d=sha(data))"
    )
    notebook.run("def seal(data, size=TAG):\n    return json.dumps([pack(each) for each in data])")
    source = found(notebook, "seal")
    assert list(source.definitions) == ["TAG", "SIZE", "Box", "pack", "seal"]
    assert source.definitions["SIZE"] == "SIZE = 12"
    assert sorted(map(str, source.imports)) == ["from hashlib import sha256 as sha", "import json"]
    exec("\n".join([*map(str, source.imports), *source.definitions.values()]), {})


def test_a_name_is_looked_up_as_python_would(notebook):
    """A local, an attribute, an argument's keyword and a built-in function are none of them."""
    notebook.run("key = value = len = 7")
    notebook.run(
        "def seal(key):\n    size = max(key.value, int(base='7'))\n    return dict(len=size)"
    )
    assert list(found(notebook, "seal").definitions) == ["seal"]


def test_functions_that_call_each_other_and_themselves_are_all_kept(notebook):
    notebook.run("def even(n):\n    return n == 0 or odd(n - 1)")
    notebook.run("def odd(n):\n    return n != 0 and even(n - 1)")
    assert set(found(notebook, "even").definitions) == {"even", "odd"}


def test_the_version_that_was_run_last_is_kept(notebook):
    notebook.run("SIZE = 1\ndef seal():\n    return SIZE")
    notebook.run("SIZE = 2")
    notebook.run("def helper(): return SIZE\ndef seal():\n    return helper()")
    source = found(notebook, "seal")
    assert source.definitions["SIZE"] == "SIZE = 2"
    assert "helper" in source.definitions["seal"]


@pytest.mark.parametrize(
    ("cell", "kept"),
    [
        ("made = bytes([1, 2])", "made = b'\\x01\\x02'"),  # what a call made is kept as a value
        ("made = {'a': [1, 2.5, None]}", "made = {'a': [1, 2.5, None]}"),
        ("import re\nmade = re.compile('a+')", "made = re.compile('a+')"),
        ("made = lambda data: data", "made = lambda data: data"),
        ("first, made = 1, 2", "made = 2"),
        ("made: int = 5", "made: int = 5"),
        ("for made in range(4): pass", "made = 3"),
        ("made = 1  # one\nmade += 1", "made = 2"),
        ("made = {}  # a cache\nmade[1] = 2", "made = {}  # a cache"),
        ("from collections import namedtuple\nmade = namedtuple('made', 'a b')", "namedtuple('ma"),
    ],
)
def test_a_constant_is_kept_as_it_was_written_or_as_its_value(notebook, cell, kept):
    notebook.run(cell + "\ndef seal():\n    return made")
    assert kept in found(notebook, "seal").definitions["made"]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("from kmslab import Lab\nmade = Lab()", "`Lab` that only the lesson has"),
        ("from kmslab import Lab\nmade = Lab().create_cmk()", "`CMK` that only the lesson has"),
        ("from kmslab import course\nlab, made = course.clinic('01')", "`Clinic` that only the"),
        (
            "from kmslab import Lab\nmade = Lab().create_cmk().encrypt(b'1')",
            "`CiphertextBlob` that",
        ),
        ("made = open(__import__('os').devnull, 'rb')", "`BufferedReader` that only the lesson"),
        ("", "is defined nowhere"),
    ],
)
def test_what_no_file_can_hold_is_missing(notebook, cell, why):
    notebook.run(cell + "\ndef seal(data):\n    return made and data")
    assert why in found(notebook, "seal").missing["made"]
    notebook.run("if hasattr(globals().get('made'), 'close'): made.close()")


def test_what_a_helper_misses_is_missing_too(notebook):
    notebook.run(
        "def helper(data):\n    return lab.decrypt(data)\ndef seal(data):\n    return helper(data)"
    )
    assert found(notebook, "seal").missing == {"lab": "is defined nowhere"}


@pytest.mark.parametrize(
    ("cell", "name", "why"),
    [
        ("seal = lambda data: data", "<lambda>", "written with `def`"),
        ("seal = print", "print", "written with `def`"),
        ("class Seal:\n    def seal(self): pass\nseal = Seal().seal", "seal", "written with `def`"),
        (
            "def make(size):\n    def seal(data):\n        return data * size\n    return seal\n"
            "seal = make(2)",
            "seal",
            "stands inside another function",
        ),
        ("exec('def seal(data): return data')", "seal", "no source"),
    ],
)
def test_a_function_without_a_definition_of_its_own_is_missing(notebook, cell, name, why):
    notebook.run(cell)
    assert why in found(notebook, "seal").missing[name]


def test_what_came_from_the_program_is_told_apart(notebook):
    notebook.run(
        "import kmslab.course\nfrom clinic_program import thief\nimport clinic_program as p\n"
        "from clinic_program import cost as c"
    )
    notebook.run("def seal(files):\n    return thief(files)\ndef other():\n    return c")
    assert found(notebook, "seal").own == {"thief"}
    assert "under another name" in found(notebook, "other").missing["c"]


def test_a_function_in_a_block_is_kept_without_its_indentation(notebook):
    notebook.run("if True:\n    def seal(data):\n        return data\n")
    assert found(notebook, "seal").definitions["seal"] == "def seal(data):\n    return data"


def test_text_in_several_lines_stays_as_it_is(notebook):
    cell = 'def seal():\n    return """a  \n\tb  \n"""'
    notebook.run(cell)
    assert found(notebook, "seal").definitions["seal"] == cell


def test_a_star_import_is_resolved(notebook):
    notebook.run("from statistics import *\ndef seal(data):\n    return median(data)")
    assert list(map(str, found(notebook, "seal").imports)) == ["from statistics import median"]


def test_ipythons_own_names_are_not_pythons(notebook):
    notebook.run("def seal(data):\n    display(data)\n    return data")
    source = found(notebook, "seal")
    imported = [str(each) for each in source.imports if each.bound == "display"]
    assert imported or "display" in source.missing
    assert "IPython" in sys.modules


# ---------------------------------------------------------------------------------- restarted


@pytest.mark.parametrize(
    "program",
    [
        "kept = {}\ndef seal(data):\n    kept[0] = data\ndef unseal():\n    return kept.get(0)",
        "last = None\ndef seal(data):\n    global last\n    last = data\n"
        "def unseal():\n    return last",
        "def seal(data):\n    seal.d = data\ndef unseal():\n    return getattr(seal, 'd', None)",
        "class Memory:\n    data = None\ndef seal(data):\n    Memory.data = data\n"
        "def unseal():\n    return Memory.data",
    ],
)
def test_a_restarted_program_has_forgotten_and_the_old_one_has_not(notebook, program):
    notebook.run(program)
    functions = [notebook.names["seal"], notebook.names["unseal"]]
    functions[0](b"record")
    seal, unseal = restarted(functions)
    assert unseal() is None
    assert functions[1]() == b"record"
    seal(b"another")
    assert (unseal(), functions[1]()) == (b"another", b"record")


def test_a_restarted_program_keeps_its_lab(notebook):
    notebook.run("from kmslab import Lab\nlab = Lab()\ndef seal(data):\n    return lab, data")
    [again] = restarted([notebook.names["seal"]])
    assert again is not notebook.names["seal"]
    assert again(1) == (notebook.names["lab"], 1)


@pytest.mark.parametrize("program", ["seal = lambda data: data", "exec('def seal(data): pass')"])
def test_a_program_without_source_is_not_restarted(notebook, program):
    notebook.run(program)
    assert restarted([notebook.names["seal"]]) == [notebook.names["seal"]]
