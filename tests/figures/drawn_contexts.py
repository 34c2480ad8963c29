"""Contexts that open a blob and some that do not."""

from functools import cache

from kmslab import figures
from kmslab.kms.access import allow
from tests.figures.drawn_keys import new_key


@cache
def fewest_contexts() -> figures.Picture:
    key = new_key()
    return figures.contexts(key, key.encrypt(b"1"), {})


@cache
def usual_contexts() -> figures.Picture:
    key = new_key()
    right = {"record": "R-017", "clinic": "Seoul"}
    blob = key.encrypt(b"\0" * 84, context=right)
    return figures.contexts(key, blob, right, right | {"record": "R-018"}, {})


@cache
def most_contexts() -> figures.Picture:
    """Long texts, many pairs, and the longest error's name."""
    key = new_key()
    long = {f"{'W' * 60}{number}": "M" * 60 for number in range(9)}
    blob = key.encrypt(b"\0" * 4096, context=long)
    tried = [long, long | {"a": "b"}, {"ab": "c\n`"}, {"a": "bc"}, {}]
    return figures.contexts(key, blob, *tried)


@cache
def context_of_somebody_without_rights() -> figures.Picture:
    key = new_key()
    mina = key.lab.user("mina", allow("kms:DescribeKey"))
    return figures.contexts(mina.cmk(key.arn), key.encrypt(b"1"), {})


DRAWINGS = [fewest_contexts, usual_contexts, most_contexts, context_of_somebody_without_rights]
