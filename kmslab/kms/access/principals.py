"""Who a policy or a grant may name: principals that are there.

An account whose users and roles nobody has declared is taken at its word: whoever is named well
there is taken to be there. AWS knows every account's users; a lab that serves a program's tests
knows none, and the program means some.
"""

from kmslab.kms.arn import arn_prefix, as_arn
from kmslab.kms.contract.records import Principal, Reader


def exist(records: Reader, text: str) -> bool:
    """Whether a grant or a key policy may name this principal by its ARN."""
    arn = as_arn(text)
    if arn is None or not arn.is_principal:
        return False
    if arn.service == "sts" or arn.is_root or records.get(Principal, text):
        return True
    return not records.page(Principal, arn_prefix("iam", "", arn.account), limit=1)
