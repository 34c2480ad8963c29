import pytest

from kmslab.course import hint
from kmslab.course.exercises import EXERCISES
from kmslab.course.exercises.hinting import HINTS, second_way
from kmslab.course.messages import Message
from kmslab.course.texts import lesson_texts

EXERCISE = pytest.mark.parametrize("exercise", EXERCISES)


@pytest.fixture
def said(capsys):
    def ask(*arguments) -> str:
        hint(*arguments)
        return capsys.readouterr().out.strip()

    return ask


@EXERCISE
def test_every_exercise_has_hints_in_stages_and_another_way(exercise):
    assert len(lesson_texts(HINTS, exercise)["hints"]) >= 3
    assert second_way(exercise).startswith("**Another way.**")


@EXERCISE
def test_no_hint_is_a_whole_answer(exercise):
    for each in lesson_texts(HINTS, exercise)["hints"]:
        assert "```" not in each
        assert "\n" not in each.strip()


@EXERCISE
def test_hints_come_one_by_one(said, exercise):
    hints = lesson_texts(HINTS, exercise)["hints"]
    for number in range(1, len(hints) + 1):
        answer = said(exercise, number)
        assert answer.startswith(f"Hint {number} of {len(hints)}. ")
        assert answer == f"Hint {number} of {len(hints)}. {hints[number - 1].strip()}"


def test_zero_shows_nothing(said):
    assert said("01-seal", 0) == ""


def test_a_hint_without_a_number_is_the_first(said):
    assert said("01-seal") == said("01-seal", 1) == said("01-seal", " 1 ")


@pytest.mark.parametrize("number", [-1, 4, "", "two", None, 1.5, [1]])
def test_an_unknown_number_is_answered_with_the_known_ones(said, number):
    assert said("01-seal", number) == "There are 3 hints: put a number from 1 to 3."


@pytest.mark.parametrize("exercise", ["01-sael", "99-seal", "", "nonsense"])
def test_an_unknown_exercise_is_explained_and_never_raises(said, exercise):
    assert "There are no hints for" in said(exercise, 1)


def test_plain_message_has_the_code_without_its_fence():
    words = Message("**Another way.** So:\n\n```python\ndef f():\n    return 1\n```")
    assert words.plain == "Another way. So:\n\ndef f():\n    return 1"
