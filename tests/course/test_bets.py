import ast
import tomllib
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell

from kmslab import course
from kmslab.course import A, B, C, predict, reveal, undecided
from kmslab.course.betting import BareLetters, accept_bare_letters
from kmslab.course.messages import Message
from tests.cases import for_every

DATA = sorted((Path(course.__file__).parent / "bets").glob("*.toml"))
BETS = {
    name: texts for path in DATA for name, texts in tomllib.loads(path.read_text("utf-8")).items()
}
RIGHT, WRONG, OTHER = B, A, C  # of this bet:
BET = "01-key"


@pytest.fixture
def said(capsys):
    def read() -> str:
        return capsys.readouterr().out.strip()

    predict(BET, undecided)
    read()
    return read


@for_every("name", BETS)
def test_every_bet_has_a_right_choice_and_replies_to_all_three(name):
    texts = BETS[name]
    assert texts.keys() == {"right", "A", "B", "C"}
    assert texts["right"] in (A, B, C)
    assert all(len(texts[choice].split()) > 8 for choice in (A, B, C))


@for_every("path", DATA, ids=lambda path: path.stem)
def test_bets_are_in_the_file_of_their_lesson(path):
    assert all(name.startswith(f"{path.stem}-") for name in tomllib.loads(path.read_text("utf-8")))


def test_the_right_choice_is_not_always_the_same_letter():
    for path in DATA:
        right = [bet["right"] for bet in tomllib.loads(path.read_text("utf-8")).values()]
        assert len(set(right)) > 1


def test_reveal_answers_a_right_bet(said):
    predict(BET, RIGHT)
    assert "Your bet is **B**" in said()
    reveal(BET)
    assert said() == f"You bet **B**, and you were right. {BETS[BET][RIGHT]}"


def test_reveal_answers_a_wrong_bet_and_gives_the_right_answer_too(said):
    predict(BET, WRONG)
    said()
    reveal(BET)
    answer = said()
    assert answer.startswith(f"You bet **A**. {BETS[BET][WRONG]}")
    assert f"**B** {BETS[BET][RIGHT]}" in answer
    assert BETS[BET][OTHER] not in answer


def test_without_a_bet_reveal_gives_the_right_answer_first_and_replies_to_each_wrong_one(said):
    reveal(BET)
    answer = said()
    assert answer.startswith(f"**B** {BETS[BET][RIGHT]}")
    assert f"- **A** {BETS[BET][WRONG]}" in answer
    assert f"- **C** {BETS[BET][OTHER]}" in answer


@pytest.mark.parametrize("invalid", ["D", "", "AB", 1, None, ["A"]])
def test_an_invalid_bet_clears_the_one_before(said, invalid):
    predict(BET, A)
    said()
    predict(BET, invalid)
    assert "no bet is kept" in said()
    reveal(BET)
    assert not said().startswith("You bet")


def test_undecided_takes_a_bet_back(said):
    predict(BET, A)
    predict(BET, undecided)
    said()
    reveal(BET)
    assert not said().startswith("You bet")


@pytest.mark.parametrize(("typed", "shown"), [("D", "D"), ("", "Nothing")])
def test_what_is_no_choice_is_said_and_keeps_no_bet(said, typed, shown):
    predict(BET, WRONG)
    said()
    predict(BET, typed)
    assert f"{shown} is not one of the choices, so no bet is kept" in said().replace("`", "")


def test_bets_do_not_disturb_each_other(said):
    predict(BET, A)
    predict("01-friday", B)
    said()
    reveal(BET)
    assert said().startswith("You bet **A**")


@pytest.mark.parametrize("slip", ["a", " A ", "A"])
def test_a_small_letter_is_a_bet_too(said, slip):
    predict(BET, slip)
    assert "Your bet is **A**" in said()


@pytest.mark.parametrize("name", ["01-keys", "99-key", "", "nonsense"])
def test_an_unknown_bet_is_explained_and_never_raises(said, name):
    predict(name, A)
    assert "There is no bet called" in said()
    reveal(name)
    assert "There is no bet called" in said()


def test_message_has_the_same_words_in_markdown_and_in_plain_text():
    words = Message("`[ OK ]` You bet **B**.")
    assert words._repr_mimebundle_() == {
        "text/markdown": "`[ OK ]` You bet **B**.",
        "text/plain": "[ OK ] You bet B.",
    }


# ------------------------------------------------------------------------- bare letters


def bare(source: str) -> str:
    return ast.unparse(ast.fix_missing_locations(BareLetters().visit(ast.parse(source))))


def test_a_bare_letter_is_a_bet_whatever_the_variable_of_that_name_holds():
    assert bare("predict('01-key', a)") == "predict('01-key', 'a')"
    assert bare("x = [predict('01-key', undecided)]") == "x = [predict('01-key', 'undecided')]"


def test_two_letters_or_more_are_one_text_that_is_no_choice():
    assert bare("predict('01-key', b or c)") == "predict('01-key', 'b or c')"
    assert bare("predict('01-key', B, C)") == "predict('01-key', 'B, C')"
    assert bare("predict('01-key', not A)") == "predict('01-key', 'not A')"


def test_other_code_is_not_changed():
    for source in (
        "predict('01-key', 'A')",
        "predict('01-key')",
        "print('01-key', a)",
        "lab.predict('x', a)",
        "f(A, B)",
    ):
        assert bare(source) == source.replace('"', "'")


def test_a_notebook_takes_a_small_letter_and_a_variable_named_like_a_choice(capsys):
    shell = InteractiveShell.instance()
    try:
        accept_bare_letters()
        accept_bare_letters()
        assert [type(each) for each in shell.ast_transformers].count(BareLetters) == 1
        shell.run_cell("from kmslab.course import predict\nA = 5\npredict('01-key', A)")
        assert "Your bet is" in capsys.readouterr().out
        shell.run_cell("predict('01-key', d)")
        assert "no bet is kept" in capsys.readouterr().out
    finally:
        InteractiveShell.clear_instance()
