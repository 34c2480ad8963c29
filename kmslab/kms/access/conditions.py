"""Conditions: THE TABLE of operators, and how a condition is evaluated for a request.

A condition names an operator, a key and values. It holds if one of the values fits what the request
has for the key; with a negated operator it holds if none fits. Nothing fits a key that the request
lacks, so a plain operator fails and a negated one holds. If names in an encryption context or of
tags differ only in case, the condition of an Allow must hold for each of their values, and that of
a Deny for one of them: writing a name twice gains nothing.
Source: IAM user guide, "IAM JSON policy elements: Condition operators"; "Set operators for
multivalued context keys".
"""

import binascii
import re
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from ipaddress import ip_address, ip_network
from operator import eq, ge, gt, le, lt
from typing import Any

from kmslab.kms.access import condition_keys
from kmslab.kms.access.condition_keys import Find, Values
from kmslab.kms.access.patterns import AmbiguousError, Test, any_of, pattern
from kmslab.kms.access.question import Question

# ----------------------------------------------------------------------- reading a value


def number(text: str) -> Decimal:
    if not re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d{1,3})?", text, re.ASCII):
        raise ValueError(f"{text!r} is not a number")
    return Decimal(text)


def moment(text: str) -> Decimal:
    """Seconds since 1970, from such a number or from a date in ISO 8601, by default in UTC."""
    if re.fullmatch(r"-?\d+", text, re.ASCII):
        return Decimal(text)
    read = datetime.fromisoformat(text)
    return Decimal((read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp())


def truth(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(f"{text!r} is neither true nor false")
    return text.lower() == "true"


def binary(text: str) -> bytes:
    try:
        return b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(f"{text!r} is not base64") from None


def _compare(read: Callable[[str], Any], compare: Callable[[Any, Any], bool]) -> "Compile":
    """Reads both sides in the same way. A request's value that cannot be read does not fit."""

    def compile_(wanted: str, variables: bool) -> Test:
        bound = read(wanted)

        def test(value: str, question: Question) -> bool:
            try:
                return compare(read(value), bound)
            except ValueError:
                return False

        return test

    return compile_


def _within(wanted: str, variables: bool) -> Test:
    network = ip_network(wanted, strict=False)

    def test(value: str, question: Question) -> bool:
        try:
            return ip_address(value) in network
        except ValueError:
            return False

    return test


def _like(**how: bool) -> "Compile":
    return lambda wanted, variables: pattern(wanted, variables=variables, **how)


# ----------------------------------------------------------------------------- the table

# Makes a test of the request's value from a policy's value, or raises ValueError if the operator
# cannot read it. The second argument says whether the document's language has variables.
Compile = Callable[[str, bool], Test]


@dataclass(frozen=True, slots=True)
class Operator:
    compile: Compile
    negated: bool = False
    of_absence: bool = False  # it tests whether the request lacks the key


def _both(name: str, opposite: str, compile_: Compile) -> dict[str, Operator]:
    return {name: Operator(compile_), opposite: Operator(compile_, negated=True)}


def _ordered(kind: str, read: Callable[[str], Any]) -> dict[str, Operator]:
    return {
        **_both(f"{kind}Equals", f"{kind}NotEquals", _compare(read, eq)),
        f"{kind}LessThan": Operator(_compare(read, lt)),
        f"{kind}LessThanEquals": Operator(_compare(read, le)),
        f"{kind}GreaterThan": Operator(_compare(read, gt)),
        f"{kind}GreaterThanEquals": Operator(_compare(read, ge)),
    }


OPERATORS: dict[str, Operator] = {
    **_both("StringEquals", "StringNotEquals", _like(wild=False)),
    **_both("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", _like(wild=False, fold=True)),
    **_both("StringLike", "StringNotLike", _like()),
    **_ordered("Numeric", number),
    **_ordered("Date", moment),
    "Bool": Operator(_compare(truth, eq)),
    "BinaryEquals": Operator(_compare(binary, eq)),
    **_both("IpAddress", "NotIpAddress", _within),
    **_both("ArnEquals", "ArnNotEquals", _like(arn=True)),
    **_both("ArnLike", "ArnNotLike", _like(arn=True)),
    "Null": Operator(_compare(truth, eq), of_absence=True),
}
IF_EXISTS = "IfExists"

# How the request's values for one key are combined, and the result if there are none. Without a
# set operator, one of them must fit; with a negated operator, all of them must differ.
SETS: Mapping[str, tuple[Callable[[list[bool]], bool], bool]] = {
    "ForAllValues": (all, True),
    "ForAnyValue": (any, False),
}


# ------------------------------------------------------------------------- one condition


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one key, as written and ready to be evaluated."""

    operator: str  # as the policy writes it: "ForAnyValue:StringLikeIfExists"
    key: str
    wanted: tuple[str, ...]
    find: Find  # the request's values for the key; for `Null`, whether there are none
    fits: Test
    negated: bool
    combine: Callable[[list[bool]], bool]  # the results for several values
    if_missing: bool
    alternatives: bool = False  # several values are of names that differ only in case

    def holds(self, question: Question, allows: bool = True) -> bool:
        """`allows`: whether it is a condition of an Allow."""
        found = self.find(question)
        if found is None:
            return self.if_missing
        try:
            accepted = [self.accepts(value, question) for value in found]
        except AmbiguousError:
            return not allows
        if self.alternatives:
            return all(accepted) if allows else any(accepted)
        return self.combine(accepted)

    def accepts(self, value: str, question: Question) -> bool:
        """Whether one of the request's values is accepted by itself."""
        return self.fits(value, question) is not self.negated


def condition(written: str, key: str, wanted: tuple[str, ...], variables: bool) -> Condition:
    """Raises ValueError for an unknown operator, or for a value that the operator cannot read."""
    set_operator, name = _split(written)
    bare = name.removesuffix(IF_EXISTS)
    operator = OPERATORS.get(bare)
    if operator is None or (operator.of_absence and bare != name):
        raise ValueError(f"there is no condition operator {written}")
    plain = (all, True) if operator.negated else (any, False)
    combine, if_missing = SETS[set_operator] if set_operator else plain
    find = condition_keys.find(key)
    return Condition(
        operator=written,
        key=key,
        wanted=wanted,
        find=partial(_absence, find) if operator.of_absence else find,
        fits=any_of([operator.compile(value, variables) for value in wanted]),
        negated=operator.negated,
        combine=combine,
        if_missing=if_missing or bare != name,
        alternatives=condition_keys.is_of_a_family(key) and not operator.of_absence,
    )


def _split(written: str) -> tuple[str, str]:
    set_operator, colon, name = written.partition(":")
    if not colon:
        return "", written
    if set_operator not in SETS:
        raise ValueError(f"there is no condition operator {written}")
    return set_operator, name


def _absence(find: Find, question: Question) -> Values:
    return ("true" if find(question) is None else "false",)
