from itertools import count

import pytest

from tests.cases import SHOWN, for_every


@for_every("number", [1, 2, 3])
def all_pass(number: int) -> None:
    assert number


@for_every(("number", "word"), [(1, "one"), (2, "two"), (3, "three")])
def two_fail(seen: list[int], number: int, word: str) -> None:
    seen.append(number)
    if number == 2:
        pytest.fail("two is too many")
    assert len(word) < 5, "a long word"


def test_every_case_is_tried_and_those_that_fail_are_named() -> None:
    all_pass()
    seen: list[int] = []
    with pytest.raises(AssertionError) as caught:
        two_fail(seen=seen)
    assert seen == [1, 2, 3]
    first, second, third = str(caught.value).splitlines()
    assert first == "2 of 3 cases fail:"
    assert second == "  2-two: Failed: two is too many"
    assert third.startswith("  3-three: AssertionError: a long word")
    assert isinstance(caught.value.__cause__, pytest.fail.Exception)


def test_a_long_list_of_failing_cases_is_cut() -> None:
    @for_every("number", range(SHOWN + 5))
    def fail(number: int) -> None:
        assert number < 0

    with pytest.raises(AssertionError) as caught:
        fail()
    assert len(str(caught.value).splitlines()) == SHOWN + 2
    assert str(caught.value).endswith("… and 5 more")


def test_claims_can_be_stacked() -> None:
    tried = count()

    @for_every("one", "ab")
    @for_every("other", "cde")
    def pair(one: str, other: str) -> None:
        next(tried)
        assert one + other != "bd"

    with pytest.raises(AssertionError, match=r"(?s)1 of 2 cases fail:.*b: .*1 of 3 cases fail"):
        pair()
    assert next(tried) == 6


def test_a_claim_about_no_case_is_a_mistake() -> None:
    with pytest.raises(AssertionError, match="no case for number"):
        for_every("number", [])


@pytest.fixture
def word() -> str:
    return "a fixture"


@for_every("number", [1, 2])
def test_fixtures_are_pytests_own(word: str, number: int) -> None:
    assert (word, number in {1, 2}) == ("a fixture", True)


@for_every("number", [1, 20, 3], long=lambda number: number > 10)
def test_long_cases_run_in_a_test_of_their_own(request: pytest.FixtureRequest, number: int) -> None:
    assert (number == 20) is bool(request.node.get_closest_marker("long"))
