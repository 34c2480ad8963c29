"""Which principals a policy or a grant may name: those that exist.

AWS knows the users and roles of every account. A lab knows those that it was told to make. In an
account where it made none, every well-formed name counts as an existing principal: a program under
test means users and roles that its author has not declared in the lab.
"""

from kmslab.kms.arn import arn_prefix, as_arn
from kmslab.kms.contract.records import Principal, Reader


def exist(records: Reader, text: str) -> bool:
    """Whether a grant or a key policy may name the principal with this ARN."""
    arn = as_arn(text)
    if arn is None or not arn.is_principal:
        return False
    if arn.service == "sts" or arn.is_root or records.get(Principal, text):
        return True
    return not records.page(Principal, arn_prefix("iam", "", arn.account), limit=1)
