"""The learner's file after a section was added or replaced: valid, readable, and nothing lost."""

import ast

import pytest

from kmslab.course.program.collisions import NotKept
from kmslab.course.program.file import with_section
from kmslab.course.program.renaming import renamed
from kmslab.course.program.sections import sections
from kmslab.course.program.source import Import, Source
from tests.cases import for_every

SEAL = "def seal(key, data):\n    return pack(key, data)"
UNSEAL = "def unseal(key, sealed):\n    return sealed[SIZE:]"
SIGN = "def sign(key, data):\n    return pack(data)"
SHA = Import("hashlib", "sha256", "sha256")
LOCK, UNLOCK = (Import("kmslab.course", name, name) for name in ("lock", "unlock"))


def source(*functions: str, imports: tuple[Import, ...] = (), own: tuple[str, ...] = (), **helpers):
    """Functions by their source, helpers by name."""
    names = [text.partition("(")[0].removeprefix("def ") for text in functions]
    texts = helpers | dict(zip(names, functions, strict=True))
    return Source(names, texts, set(imports), set(own))


def envelope(**helpers):
    known = {"SIZE": "SIZE = 12", "pack": "def pack(key, data):\n    return data"}
    return source(SEAL, UNSEAL, imports=(SHA, LOCK), **(known | helpers))


def run(text: str) -> dict[str, object]:
    names: dict[str, object] = {}
    exec(text, names)
    return names


def test_a_new_file_has_a_docstring_imports_and_the_section():
    text = with_section("", "02-envelope", envelope())
    docstring = ast.get_docstring(ast.parse(text))
    assert docstring.startswith("The clinic's program")
    assert "print(clinic_program.unseal(key, clinic_program.seal(key, b'a record')))" in docstring
    after = text.partition('"""\n\n')[2]
    imports = "from hashlib import sha256\n\nfrom kmslab.course import lock\n\n\n"
    assert after.startswith(f"{imports}# ---- 02-envelope: seal, unseal ---")
    assert after.endswith(f"{SEAL}\n\n\n{UNSEAL}\n\n# ---- end of 02-envelope {'-' * 53}\n")
    assert max(map(len, text.splitlines())) <= 100
    run(text)


def test_writing_the_same_again_changes_nothing():
    once = with_section("", "02-envelope", envelope())
    assert with_section(once, "02-envelope", envelope()) == once


def test_sections_stand_in_the_order_of_the_lessons_whatever_passed_first():
    text = with_section("", "04-reports", source(SIGN, pack="def pack(data):\n    return data"))
    text = with_section(text, "00-thief", source("def thief(files):\n    return files"))
    text = with_section(text, "02-envelope", source(SEAL, pack="pack = max"))
    assert list(sections(text)) == ["00-thief", "02-envelope", "04-reports"]


def test_a_later_version_replaces_the_older_one_and_only_that():
    text = with_section("", "02-envelope", envelope())
    text = with_section(text, "04-reports", source("def sign(key, data):\n    return data"))
    text = text.replace("# ---- 04", "MINE = 1  # between\n\n\n# ---- 04") + "\n# below\n"
    after = with_section(text, "02-envelope", envelope(SIZE="SIZE = 16"))
    assert after == text.replace("SIZE = 12", "SIZE = 16")


def test_what_stands_between_the_imports_and_in_the_docstring_stays():
    own = '"""Mine."""\n\nimport json  # for later\nfrom hashlib import sha256\n\nprint(json)\n'
    text = with_section(own, "02-envelope", envelope())
    assert text.startswith(own.removesuffix("\nprint(json)\n") + "from kmslab.course import lock\n")
    assert "print(json)\n\n\n# ---- 02-envelope" in text


def test_imports_of_one_module_are_joined_and_long_ones_wrapped():
    text = with_section("", "02-envelope", envelope())
    text = with_section(
        text, "03-context", source("def x():\n    return unlock", imports=(UNLOCK,))
    )
    assert "from kmslab.course import lock, unlock\n" in text
    many = tuple(Import("kmslab.errors", f"E{n}Exception", f"E{n}Exception") for n in range(9))
    text = with_section(text, "04-x", source("def y():\n    return 1", imports=many))
    assert "from kmslab.errors import (\n    E0Exception,\n    E1Exception,\n" in text
    assert ast.parse(text)


def test_imports_that_only_the_older_version_used_are_gone():
    older = source("def seal():\n    return lock(sha256)", imports=(SHA, LOCK))
    newer = source("def seal():\n    return unlock", imports=(UNLOCK,))
    text = with_section("", "02-envelope", older).replace("import lock", "import lock\nimport json")
    text = with_section(text, "02-envelope", newer)
    assert "import json\n\nfrom kmslab.course import unlock\n\n\n#" in text
    assert "sha256" not in text


def test_the_courses_own_version_is_imported_until_the_learners_passes():
    user = source("def rescue(key):\n    return seal(key)", own=("seal", "thief"))
    text = with_section("", "05-rescue", user)
    assert "from kmslab.course.program.courses import seal, thief\n" in text
    text = with_section(text, "02-envelope", source("def seal(key):\n    return key"))
    assert "from kmslab.course.program.courses import thief\n" in text
    assert "from kmslab.course.program.courses" not in with_section(
        text, "00-thief", source("def thief(files):\n    return files")
    )
    assert with_section(text, "05-rescue", user) == text


# ------------------------------------------------------------------------- the same name twice


def test_a_helper_that_differs_from_another_exercises_gets_a_longer_name():
    text = with_section("", "02-envelope", envelope())
    text = with_section(text, "04-reports", source(SIGN, pack="def pack(data):\n    return data"))
    names = run(text)
    assert names["sign"]("key", b"report") == b"report"
    assert names["seal"]("key", b"data") == b"data"
    assert "def pack_04_reports(data):" in text
    assert "return pack_04_reports(data)" in text


def test_a_helper_that_is_the_same_in_two_exercises_keeps_its_name_in_both():
    text = with_section("", "02-envelope", envelope())
    text = with_section(
        text, "04-reports", source("def sign():\n    return SIZE", SIZE="SIZE = 12")
    )
    assert text.count("SIZE = 12") == 2


def test_an_older_helper_makes_room_for_an_exercises_function():
    text = with_section("", "02-envelope", envelope())
    text = with_section(text, "03-pack", source("def pack(data):\n    return data * 2"))
    names = run(text)
    assert names["seal"]("key", b"data") == b"data"
    assert names["pack"](b"data") == b"datadata"


def test_an_import_makes_room_for_another_of_the_same_name():
    other = Import("Crypto.Hash", "SHA256", "sha256")
    text = with_section("", "02-envelope", source("def seal():\n    return sha256", imports=(SHA,)))
    new = source("def sign():\n    return sha256", imports=(other,))
    text = with_section(text, "04-sign", new)
    names = run(text)
    assert names["seal"]().__name__ == "openssl_sha256"
    assert names["sign"]().__name__ == "Crypto.Hash.SHA256"
    assert with_section(text, "04-sign", new) == text


def test_an_import_takes_the_place_of_the_older_versions():
    other = Import("Crypto.Hash", "SHA256", "sha256")
    text = with_section("", "02-envelope", source("def seal():\n    return sha256", imports=(SHA,)))
    new = source("def seal():\n    return sha256  # new", imports=(other,))
    text = with_section(text, "02-envelope", new)
    assert "from Crypto.Hash import SHA256 as sha256\n" in text
    assert "hashlib" not in text


def test_a_helper_makes_room_for_what_the_learner_wrote_by_hand():
    text = "SIZE = 99\n\n" + with_section("", "04-x", source("def x():\n    return 1"))
    text = with_section(text, "02-envelope", envelope())
    assert "SIZE = 99\n" in text
    assert "SIZE_02_envelope = 12" in text


@pytest.mark.parametrize(
    ("own", "new"),
    [
        ("def seal():\n    return 1\n", envelope()),
        ("from json import dumps as seal\n", envelope()),
        ("SIZE = 1\n", envelope(f="def f():\n    return SIZE + (lambda SIZE: SIZE)(1)")),
    ],
)
def test_a_name_that_cannot_make_room_is_reported(own, new):
    with pytest.raises(NotKept, match=r"means something else there, at its top level\. Give yours"):
        with_section(own, "02-envelope", new)


def test_two_exercises_may_have_a_function_of_one_name():
    text = with_section("", "01-seal", source("def seal(key):\n    return 1"))
    text = with_section(text, "02-envelope", source("def seal(key):\n    return 2"))
    assert run(text)["seal"]("key") == 2


# ----------------------------------------------------------------------------- a damaged file


BROKEN = "def mine(:\n    pass\n"


def test_a_file_with_a_syntax_error_keeps_all_that_is_in_it():
    text = with_section("", "04-reports", source("def sign(key):\n    return key")) + BROKEN
    after = with_section(text, "02-envelope", envelope())
    assert BROKEN in after
    assert sections(after)["04-reports"].text == sections(text)["04-reports"].text
    own = "from hashlib import sha256\nfrom kmslab.course import lock\n\n\nSIZE = 12"
    assert own in sections(after)["02-envelope"].body


def test_a_section_with_a_syntax_error_is_mended_when_its_exercise_passes_again():
    text = with_section("", "02-envelope", envelope())
    broken = text.replace("def seal(", "def seal((")
    assert run(with_section(broken, "02-envelope", envelope()))["seal"]("key", b"1") == b"1"


@for_every("mark", ["# ---- 02-envelope: seal, unseal ", "# ---- end of 02-envelope "])
def test_a_section_without_one_of_its_marks_is_left_alone(mark):
    text = with_section("", "02-envelope", envelope())
    line = next(line for line in text.splitlines() if line.startswith(mark))
    damaged = text.replace(f"{line}\n", "") + "\n# mine\n"
    assert damaged.strip() in with_section(damaged, "02-envelope", envelope())
    with pytest.raises(NotKept):  # the old `seal` might override the new one
        with_section(damaged, "02-envelope", source("def seal(key):\n    return key"))


# ---------------------------------------------------------------------------------- renaming


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("size = 1\nprint(size, a.size, f(size=size))", "new = 1\nprint(new, a.size, f(size=new))"),
        ("def size(n):\n    return size(n - 1)", "def new(n):\n    return new(n - 1)"),
        ("async def size(): pass", "async def new(): pass"),
        ("class size: pass\nx: size = 'size'  # size", "class new: pass\nx: new = 'size'  # size"),
        ("x = '한글', size", "x = '한글', new"),
        ("def f(size):\n    return size", "def f(size):\n    return size"),  # another `size`
        ("x = [size for y in z if size]", "x = [new for y in z if new]"),
        ("unrelated = 1", "unrelated = 1"),
    ],
)
def test_a_global_name_is_renamed_where_it_is_meant(text, expected):
    assert renamed(text, "size", "new") == expected


@pytest.mark.parametrize(
    "text",
    [
        "size = 1\ndef f(size):\n    return size",
        "size = 1\ndef f():\n    global size\n    size = 2",
        "size = new = 1",
    ],
)
def test_a_name_that_cannot_be_renamed_safely_stays(text):
    assert renamed(text, "size", "new") is None
