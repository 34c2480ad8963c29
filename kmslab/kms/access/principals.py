"""Who a policy or a grant may name: principals that are there.

An account whose users and roles nobody has declared is taken at its word: whoever is named well
there is taken to be there. AWS knows every account's users; a lab that serves a program's tests
knows none, and the program means some.
"""

import re

from kmslab.kms.contract.records import Principal, Reader

NAME = r"[\w+=,.@/-]+"
IAM = re.compile(rf"arn:aws:iam::(\d{{12}}):(root|(?:user|role)/{NAME})", re.ASCII)
SESSION = re.compile(
    rf"arn:aws:sts::\d{{12}}:(assumed-role/{NAME}/|federated-user/){NAME}", re.ASCII
)


def is_arn(text: str) -> bool:
    """Whether this is the ARN of a root user, a user, a role or a session."""
    return bool(IAM.fullmatch(text) or SESSION.fullmatch(text))


def exist(records: Reader, arn: str) -> bool:
    """Whether a grant or a key policy may name this ARN."""
    if SESSION.fullmatch(arn):
        return True
    match = IAM.fullmatch(arn)
    if match is None:
        return False
    account, name = match.groups()
    if name == "root" or records.get(Principal, arn):
        return True
    return not records.page(Principal, f"arn:aws:iam::{account}:", limit=1)
