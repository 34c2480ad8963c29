"""Every exercise, answered rightly and in each wrong way that has a name, in its own lesson.

The quick tests give some answers to each exercise, all in one kernel; the long tests give all.
"""

from collections import Counter

import pytest

from kmslab.course.exercises import EXERCISES
from tests.cases import for_every
from tests.course.solutions import ANOTHER_WAY, ANSWERS, DATA, replies, some

EXERCISE = for_every("exercise", EXERCISES)
WRONG = 4  # at least, of an exercise


def to_all(exercise):
    return replies(*ANSWERS[exercise], whole=True)


ONE_BY_ONE = [pytest.param(exercise, marks=pytest.mark.long) for exercise in EXERCISES]


@pytest.fixture(scope="module", params=["some", *ONE_BY_ONE])
def replied(request):
    """What the checks say, by the answer: to some answers of all exercises, or to all of one."""
    if request.param == "some":
        return replies(*(answer for exercise in EXERCISES for answer in some(exercise)))
    return to_all(request.param)


def test_every_exercise_has_answers_and_no_other_has():
    assert {path.stem for path in DATA.glob("*.toml")} == set(EXERCISES)


def test_answer_gets_the_reply_that_it_deserves(replied):
    assert {a: text for a, text in replied.items() if not text.startswith(a.says)} == {}


def test_after_a_pass_there_is_another_way_and_before_there_is_not(replied):
    assert [a for a, text in replied.items() if ("Another way." in text) != a.right] == []


@EXERCISE
def test_another_way_is_none_that_a_right_answer_has_taken(exercise):
    code = {answer.name: answer.code.split() for answer in ANSWERS[exercise]}
    assert code.pop(ANOTHER_WAY) not in code.values()


@EXERCISE
def test_every_exercise_has_several_wrong_answers(exercise):
    assert sum(not answer.right for answer in ANSWERS[exercise]) >= WRONG


@pytest.mark.parametrize("exercise", ONE_BY_ONE)
def test_every_wrong_answer_has_a_message_of_its_own(exercise):
    """Or that of another one which does the same to the clinic, and which its file names."""
    said = {answer.name: text for answer, text in to_all(exercise).items() if not answer.right}
    alike = {answer.name: answer.like for answer in ANSWERS[exercise] if answer.like}
    assert {name: said[name] for name in alike} == {name: said[alike[name]] for name in alike}
    own = Counter(text for name, text in said.items() if name not in alike)
    assert [text for text, times in own.items() if times > 1] == []


@pytest.mark.long
@EXERCISE
def test_not_written_half_written_and_forgotten_return_are_told_apart(exercise):
    said = {answer.name: text for answer, text in to_all(exercise).items()}
    functions = said["unwritten"].count(" and ") + 1
    assert any("Not written yet" in text for text in said.values())
    assert any("Half written" in text for text in said.values()) == (functions > 1)
    assert any("Did you forget return?" in text for text in said.values())
