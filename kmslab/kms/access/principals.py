"""Principals: which ones a policy or a grant may name, and whom it means.

AWS knows the users and roles of every account; a lab knows only those that were made in it. In an
account without any, every well-formed name counts as an existing principal, because a program under
test may name users and roles that its author has not declared in the lab.
"""

from base64 import b32encode
from hashlib import sha256

from kmslab.kms.arn import arn_prefix, as_arn, is_service_name, known_arn
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.records import Principal, Reader


def exist(records: Reader, text: str, partition: str) -> bool:
    """Whether a grant or a key policy may name the principal with this ARN, or this service."""
    arn = as_arn(text)
    if arn is None or not arn.is_principal or arn.partition != partition:
        return is_service_name(text)
    if arn.service == "sts" or arn.is_root:
        return True
    if known := records.get(Principal, str(arn.record_name)):
        return known.full_arn(partition) == text
    return not records.page(Principal, arn_prefix("iam", "", arn.account), limit=1)


def of(records: Reader, caller: Caller) -> Principal | None:
    """The record of a user, or of a session's role."""
    if caller.is_service or caller.is_root:
        return None
    return records.get(Principal, str(known_arn(caller.identity).record_name))


def identity(records: Reader, caller: Caller) -> str:
    """`Caller.identity` with the path of a session's role, which only the role's record has."""
    known = of(records, caller) if caller.identity != caller.principal else None
    return known.full_arn(caller.partition) if known else caller.identity


def names(records: Reader, caller: Caller) -> set[str]:
    """All names that mean this caller itself and not only its account."""
    if caller.is_service:
        return set(caller.services)
    return {caller.principal, identity(records, caller)}


def user_id(principal: str) -> str:
    """IAM's unique id of a principal; here it is derived from the ARN."""
    arn = known_arn(principal)
    if arn.is_root:
        return arn.account
    if arn.is_session:
        return f"AROA{_letters(f'{arn.account}/{arn.identity.name}')}:{arn.friendly_name}"
    return f"AIDA{_letters(principal)}"


def _letters(text: str) -> str:
    return b32encode(sha256(text.encode()).digest())[:17].decode()
