"""Who may do what with a key: one person with a right, and eight with long names and without."""

from functools import cache

from kmslab import allow, figures
from kmslab.course import let
from tests.figures.drawn_keys import new_key


@cache
def root_alone() -> figures.Picture:
    key = new_key()
    return figures.permissions(key, {"root": key.lab})


@cache
def every_reason() -> figures.Picture:
    """The key policy alone, the key policy with IAM, a grant, and no right at all."""
    key = new_key()
    lab = key.lab
    named, left_to_iam = lab.user("named"), lab.user("left-to-iam", allow("kms:*"))
    lent, other = lab.user("lent"), lab.account("444455556666").user("other")
    statements = [let(lab, "kms:*"), let(named, "kms:*")]
    key.put_policy({"Version": "2012-10-17", "Statement": statements})
    key.grant(lent.caller.principal, "Decrypt", context={"record": "R-017"})
    people = {"named": named, "left to IAM": left_to_iam, "lent": lent, "W" * 60: other}
    people |= {f"nobody {number}": lab.user(f"nobody-{number}") for number in range(4)}
    return figures.permissions(key, people, {"record": "R-017"})


DRAWINGS = [root_alone, every_reason]
