"""Wildcards and variables in a policy's values: `*`, `?`, `${aws:username}`, `${*}`.

A pattern is cut into tokens once. A star takes the leftmost match of what follows it and never
comes back for another, so matching takes time proportional to the two lengths' product at most,
whatever a policy's author or a caller writes.
Source: IAM user guide, "IAM policy elements: Variables and tags"; "Resource", on wildcards.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from kmslab.kms.access import condition_keys
from kmslab.kms.access.question import Question
from kmslab.kms.arn import FIELDS

Test = Callable[[str, Question], bool]  # of one value, in the light of the whole question


class Wild(Enum):
    STAR = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """Stands for a condition key's value. Without a value, and a default, it matches nothing."""

    key: str
    default: str | None

    def value(self, question: Question) -> str | None:
        found = condition_keys.find(self.key)(question)
        return found[0] if found and len(found) == 1 else self.default


Fixed = str | Wild
Token = Fixed | Variable
# No alternative can begin where another has run for long: reading a policy takes linear time.
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
    """What a value must be like. `fold`: in any case. `arn`: field by field, as ARNs are compared.

    `variables` is off for a document of 2008, in which a `${…}` stands for itself.
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
    """One of several; of none, nothing."""
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
    """None: what looked special stands for itself here."""
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
    """The tokens with values for variables, in which a star is just a star. None: a value lacks."""
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
    expression = re.compile(_expression(tokens, arn), re.DOTALL)
    return lambda value: expression.fullmatch(value) is not None


def _expression(tokens: Sequence[Fixed], arn: bool) -> str:
    if not arn:
        return _field(tokens, ".")
    *first, last = _fields(tokens)
    anything = "." if len(first) == FIELDS - 1 else "[^:]"
    return ":".join([*(_field(field, "[^:]") for field in first), _field(last, anything)])


def _fields(tokens: Sequence[Fixed]) -> list[list[Fixed]]:
    """Cut at an ARN's first five colons: the sixth field may hold more of them."""
    fields: list[list[Fixed]] = [[]]
    for token in tokens:
        if isinstance(token, Wild):
            fields[-1].append(token)
            continue
        first, *more = token.split(":", FIELDS - len(fields))
        fields[-1].append(first)
        fields += [[each] for each in more]
    return fields


def _field(tokens: Sequence[Fixed], one: str) -> str:
    pieces = [""]
    for token in tokens:
        if token is Wild.STAR:
            pieces.append("")
        else:
            pieces[-1] += one if isinstance(token, Wild) else re.escape(token)
    head, *rest = pieces
    if not rest:
        return head
    middle = "".join(f"(?>{one}*?{piece})" for piece in rest[:-1] if piece)
    return f"{head}{middle}{one}*{rest[-1]}"
