"""Of too many connections some end, and to find out which takes little however many come."""

import pytest

from kmslab.endpoint import crowd
from kmslab.endpoint.crowd import Crowd


class Connection:
    """It began at this time, and the server waits for it, or answers it."""

    looks = 0  # at any of them

    def __init__(self, began: int, is_answered: bool = False) -> None:
        self.transport = self
        self.is_open = True
        self._began = began
        self._is_answered = is_answered

    @property
    def waits(self) -> tuple[bool, float] | None:
        Connection.looks += 1
        return None if self._is_answered else (False, self._began)

    def abort(self) -> None:
        self.is_open = False


@pytest.fixture(autouse=True)
def bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crowd, "FROM_ONE", 100)
    monkeypatch.setattr(crowd, "CONNECTIONS", 150)
    monkeypatch.setattr(Connection, "looks", 0)


def entered(crowd: Crowd, number: int, address: str, is_answered: bool = False) -> list[Connection]:
    made = [Connection(began, is_answered) for began in range(number)]
    for each in made:
        crowd.enter(each, address)
    return made


def still_open(connections: list[Connection]) -> list[int]:
    return [number for number, each in enumerate(connections) if each.is_open]


def test_several_that_have_waited_longest_end_at_once() -> None:
    assert still_open(entered(Crowd(), 100, "a")) == [*range(100)]
    assert still_open(entered(Crowd(), 101, "a")) == [*range(5, 101)]
    assert still_open(entered(Crowd(), 105, "a")) == [*range(5, 105)]
    assert still_open(entered(Crowd(), 106, "a")) == [*range(10, 106)]


def test_not_all_are_looked_at_whenever_one_comes() -> None:
    made = entered(Crowd(), 2_000, "a")
    assert still_open(made)[-1] == 1_999
    assert Connection.looks <= 2_000 / 5 * 100


def test_others_end_only_when_there_are_too_many_of_all() -> None:
    rooms = Crowd()
    first, many = entered(rooms, 40, "a"), entered(rooms, 1_000, "b")
    assert still_open(first) == [*range(40)]
    assert len(still_open(many)) <= 100
    entered(rooms, 20, "c")
    assert len(still_open(first)) < 40


def test_new_one_ends_if_all_others_are_being_answered() -> None:
    rooms = Crowd()
    answered = entered(rooms, 100, "a", is_answered=True)
    assert still_open(entered(rooms, 3, "a")) == []
    assert still_open(answered) == [*range(100)]


def test_whoever_has_left_is_not_counted() -> None:
    rooms = Crowd()
    for _ in range(3):
        for each in (made := entered(rooms, 100, "a")):
            rooms.leave(each)
            rooms.leave(each)
        assert still_open(made) == [*range(100)]
    assert (rooms._all, rooms._same) == ({}, {})
