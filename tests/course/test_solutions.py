"""Every exercise, answered rightly and in each wrong way that has a name, in its own lesson."""

from collections import Counter

import pytest

from kmslab.course.exercises import EXERCISES
from tests.cases import for_every
from tests.course.solutions import ANOTHER_WAY, ANSWERS, DATA, replies

EXERCISE = pytest.mark.parametrize("exercise", EXERCISES)
WRONG = 4  # at least, of an exercise


def test_every_exercise_has_answers_and_no_other_has():
    assert {path.stem for path in DATA.glob("*.toml")} == set(EXERCISES)


@for_every("answer", ANSWERS, ids=lambda answer: f"{answer.exercise}-{answer.name}")
def test_answer_gets_the_reply_that_it_deserves(answer):
    assert replies(answer.exercise)[answer.name].startswith(answer.says)


@EXERCISE
def test_after_a_pass_there_is_another_way_and_before_there_is_not(exercise):
    for answer in (each for each in ANSWERS if each.exercise == exercise):
        assert ("Another way." in replies(exercise)[answer.name]) == answer.right


@EXERCISE
def test_every_wrong_answer_has_a_message_of_its_own(exercise):
    wrong = [each for each in ANSWERS if each.exercise == exercise and not each.right]
    said = Counter(replies(exercise)[answer.name] for answer in wrong)
    assert len(wrong) >= WRONG
    assert [text for text, times in said.items() if times > 1] == []


@EXERCISE
def test_not_written_half_written_and_forgotten_return_are_told_apart(exercise):
    said = [replies(exercise)[each.name] for each in ANSWERS if each.exercise == exercise]
    functions = replies(exercise)["unwritten"].count(" and ") + 1
    assert any("Not written yet" in text for text in said)
    assert any("Half written" in text for text in said) == (functions > 1)
    assert any("Did you forget return?" in text for text in said)


@EXERCISE
def test_another_way_is_none_that_a_right_answer_has_taken(exercise):
    code = {each.name: each.code.split() for each in ANSWERS if each.exercise == exercise}
    assert code.pop(ANOTHER_WAY) not in code.values()
