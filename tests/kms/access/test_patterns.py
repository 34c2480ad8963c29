"""Wildcards and policy variables, as values of conditions and as resources."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kmslab.kms.access.patterns import pattern
from kmslab.kms.access.wildcards import Piece
from tests.cases import for_every
from tests.kms.access.world import ALICE, ARN, HERE, SESSION, allowed, ask, holds, policy, statement

QUESTION = ask(ALICE)


def fits(written: str, value: str, **how: bool) -> bool:
    return pattern(written, **how)(value, QUESTION)


def by_the_book(written: str, value: str) -> bool:
    """Tries everything that a star can match."""
    if not written:
        return not value
    if written[0] == "*":
        return any(by_the_book(written[1:], value[i:]) for i in range(len(value) + 1))
    return bool(value) and written[0] in ("?", value[0]) and by_the_book(written[1:], value[1:])


@given(st.text("ab*?:.\n", max_size=9), st.text("ab:.*\n", max_size=9))
def test_wildcards_match_what_trying_everything_matches(written: str, value: str) -> None:
    assert fits(written, value) is by_the_book(written, value)


@given(st.text("a*?:", max_size=12), st.text("a:", max_size=12))
def test_arns_are_matched_field_by_field(written: str, value: str) -> None:
    wanted, found = written.split(":", 5), value.split(":", 5)
    expected = len(wanted) == len(found) and all(map(by_the_book, wanted, found))
    assert fits(written, value, arn=True) is (expected or written == "*")


@pytest.mark.parametrize("tail", ["", "${aws:username}"])
def test_no_pattern_is_searched_twice_from_one_place(tail: str, monkeypatch: Any) -> None:
    """Backtracking would take a number of steps that no test could wait for."""
    searched: list[int] = []
    find = Piece.find

    def counted(piece: Piece, value: str, start: int, end: int) -> int:
        found = find(piece, value, start, end)
        searched.append((end if found < 0 else found) - start)
        return found

    monkeypatch.setattr(Piece, "find", counted)
    for written in ("*a" * 7_500, "*" * 15_000, "*?a" * 5_000, "?" * 9_000 + "*"):
        searched.clear()
        pattern(written + tail + "b")("a" * 30_000, QUESTION)
        assert sum(searched) <= 3 * 30_000, written[:8]


@for_every("text", ["\x00", "\n", "\u2028", "\ud800", "𝒳", "e\u0301", "a\x00b"])
def test_question_mark_matches_one_character(text: str) -> None:
    assert fits("?" * len(text), text)
    assert fits(text, text)
    assert not fits("?" * (len(text) + 1), text)


def test_letters_that_only_look_alike_differ() -> None:
    assert not fits("caf\u00e9", "cafe\u0301")
    assert not fits("ﬁ", "fi", fold=True)


# ------------------------------------------------------------------------------ variables


@for_every(
    ("wanted", "value", "matches"),
    [
        ("${aws:username}", "alice", True),
        ("${AWS:UserName}", "alice", True),
        ("home/${aws:username}/x", "home/alice/x", True),
        ("${aws:username}", "${aws:username}", False),
        ("${aws:FederatedProvider}", "", False),  # no request has one: it matches nothing
        ("${aws:FederatedProvider, 'nobody'}", "nobody", True),
        ("${aws:FederatedProvider,''}", "", True),
        ("${aws:username, 'nobody'}", "alice", True),
        ("${*}", "*", True),
        ("${*}", "anything", False),
        ("${?}${$}", "?$", True),
        ("${", "${", True),
        ("${}", "${}", True),
        ("${aws:username", "${aws:username", True),
        ("$${aws:username}", "$alice", True),
        ("{aws:username}", "{aws:username}", True),
    ],
)
@for_every("operator", ["StringEquals", "StringLike", "StringEqualsIgnoreCase"])
def test_variable_stands_for_a_value_of_the_request(
    operator: str, wanted: str, value: str, matches: bool
) -> None:
    request = {"EncryptionContext": {"it": value}}
    assert holds(operator, "kms:EncryptionContext:it", wanted, request=request) is matches


def test_star_in_a_variables_value_is_not_a_wildcard() -> None:
    request = {"EncryptionContext": {"it": "a*", "of": "ab"}}
    wanted = "${kms:EncryptionContext:it}"
    assert not holds("StringLike", "kms:EncryptionContext:of", wanted, request=request)
    assert holds("StringLike", "kms:EncryptionContext:it", wanted, request=request)


def test_variable_with_several_values_has_none() -> None:
    """IAM user guide: multivalued keys can't be variables."""
    request = {"Operations": ["Decrypt", "Encrypt"], "Name": "x"}
    about: dict[str, Any] = {"operation": "CreateGrant", "request": request}
    assert not holds("StringLike", "kms:GrantOperations", "${kms:GrantOperations}", **about)


def test_document_of_2008_has_no_variables() -> None:
    condition = {"StringEquals": {"kms:EncryptionContext:it": "${aws:username}"}}
    for version, value in (("2008-10-17", "${aws:username}"), ("2012-10-17", "alice")):
        written = policy(statement(Principal="*", Condition=condition), version=version)
        assert allowed(ALICE, key_policy=written, request={"EncryptionContext": {"it": value}})


@pytest.mark.parametrize("operator", ["ArnLike", "ArnEquals"])
def test_variable_in_an_arn_may_hold_colons(operator: str) -> None:
    wanted = "${aws:PrincipalArn}"
    assert holds(operator, "aws:PrincipalArn", wanted)
    assert holds(operator, "aws:PrincipalArn", "arn:aws:iam::*:user/${aws:username}")


def test_resource_may_hold_variables() -> None:
    here = f"arn:aws:kms:${{aws:RequestedRegion}}:{HERE}:key/*"
    assert allowed(ALICE, iam=policy(statement(Resource=here)))
    named_after_users = f"arn:aws:kms:us-east-1:{HERE}:key/${{aws:username}}"
    mine = ARN.replace(ARN.rpartition("/")[2], "alice")
    about: dict[str, Any] = {
        "iam": policy(statement(Resource=named_after_users)),
        "on": {"arn": mine},
    }
    assert allowed(ALICE, **about)
    assert not allowed(SESSION, **about)
