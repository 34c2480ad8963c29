"""Wildcards and variables in a policy's values: `*`, `?`, `${aws:username}`, `${*}`.

A pattern is split into tokens once; `wildcards` matches them without backtracking, whatever a
policy's author or a caller writes. Only a pattern with a variable is put together at each call.
Source: IAM user guide, "IAM policy elements: Variables and tags"; "Resource", on wildcards.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from kmslab.kms.access import condition_keys, wildcards
from kmslab.kms.access.question import Question
from kmslab.kms.access.wildcards import Fixed, Piece, Wild, pieces
from kmslab.kms.arn import FIELDS

Test = Callable[[str, Question], bool]  # whether one value of the request fits


class AmbiguousError(Exception):
    """The request has several values for a variable: it neither allows nor escapes anything."""


@dataclass(frozen=True, slots=True)
class Variable:
    """Stands for a condition key's value. Without a value and a default it matches nothing."""

    key: str
    default: str | None

    def value(self, question: Question) -> str | None:
        found = condition_keys.find(self.key)(question)
        if found and condition_keys.is_of_a_family(self.key) and len(set(found)) > 1:
            raise AmbiguousError
        return found[0] if found and len(set(found)) == 1 else self.default


Token = Fixed | Variable
# No two attempts scan the same long run of characters, so splitting a pattern takes linear time.
_SPECIAL = re.compile(
    r"\$\{(?P<literal>[*?$])\}"
    r"|\$\{(?P<key>[^${},']+)(?:,\s*'(?P<default>[^']*)'\s*)?\}"
    r"|(?P<wild>[*?])"
)


def pattern(
    text: str,
    *,
    wild: bool = True,
    variables: bool = True,
    fold: bool = False,
    arn: bool = False,
) -> Test:
    """Makes the test that a value matches. `fold`: in any case. `arn`: field by field, as an ARN.

    `variables` is off for a document in the language of 2008, where `${…}` stands for itself.
    """
    tokens = _tokens(text, wild, variables)
    fixed = _fixed(tokens, None)
    if fixed is None:
        return lambda value, question: _matches_now(tokens, fold, arn, value, question)
    if fixed == [Wild.STAR]:
        return lambda value, question: True
    matches = _matcher(fixed, fold, arn)
    return lambda value, question: matches(value)


def any_of(tests: Sequence[Test]) -> Test:
    """Fits if one of the tests does."""
    if len(tests) == 1:
        return tests[0]
    return lambda value, question: any(test(value, question) for test in tests)


def _tokens(text: str, wild: bool, variables: bool) -> list[Token]:
    tokens: list[Token] = []
    end = 0
    for match in _SPECIAL.finditer(text):
        token = _token(match, wild, variables)
        if token is not None:
            tokens += [*filter(None, [text[end : match.start()]]), token]
            end = match.end()
    return [*tokens, *filter(None, [text[end:]])] or [""]


def _token(match: re.Match[str], wild: bool, variables: bool) -> Token | None:
    """None if the characters stand for themselves here."""
    if match["wild"]:
        return Wild(match["wild"]) if wild else None
    if not variables:
        return None
    return match["literal"] or Variable(match["key"].strip(), match["default"])


def _matches_now(
    tokens: Sequence[Token], fold: bool, arn: bool, value: str, question: Question
) -> bool:
    fixed = _fixed(tokens, question)
    return fixed is not None and _matcher(fixed, fold, arn)(value)


def _fixed(tokens: Sequence[Token], question: Question | None) -> list[Fixed] | None:
    """The tokens with each variable's value, taken literally; None if a variable has no value."""
    fixed: list[Fixed] = []
    for token in tokens:
        if isinstance(token, Variable):
            value = token.value(question) if question else None
            if value is None:
                return None
            fixed.append(value)
        else:
            fixed.append(token)
    return fixed


def _matcher(tokens: Sequence[Fixed], fold: bool, arn: bool) -> Callable[[str], bool]:
    if fold:
        folded = [token.lower() if isinstance(token, str) else token for token in tokens]
        matches = _matcher(folded, False, arn)
        return lambda value: matches(value.lower())
    if not any(isinstance(token, Wild) for token in tokens):
        return "".join(map(str, tokens)).__eq__
    if arn:
        return partial(_arn_matches, [pieces(field) for field in _fields(tokens)])
    return partial(wildcards.matches, pieces(tokens))


def _arn_matches(wanted: Sequence[Sequence[Piece]], value: str) -> bool:
    fields = value.split(":", FIELDS - 1)
    return len(fields) == len(wanted) and all(map(wildcards.matches, wanted, fields))


def _fields(tokens: Sequence[Fixed]) -> list[list[Fixed]]:
    """Splits at an ARN's first five colons: the sixth field may hold more of them."""
    fields: list[list[Fixed]] = [[]]
    for token in tokens:
        if isinstance(token, Wild):
            fields[-1].append(token)
            continue
        first, *more = token.split(":", FIELDS - len(fields))
        fields[-1].append(first)
        fields += [[each] for each in more]
    return fields
