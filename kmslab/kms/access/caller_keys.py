"""What a policy can ask about the caller and its way to KMS: a part of `condition_keys`' table.

Sources: AWS KMS developer guide, "AWS KMS condition keys"; IAM user guide, "AWS global condition
context keys".
"""

from collections.abc import Callable
from typing import Any

from kmslab.kms.access import principals
from kmslab.kms.access.question import Question
from kmslab.kms.arn import as_arn, known_arn

Raw = Callable[[Question], Any]  # text, truth, number, time, several of them, or None


def _unless_service(value: Callable[[Question], str | None]) -> Raw:
    return lambda q: None if q.caller.is_service else value(q)


def _principal_type(question: Question) -> str | None:
    kinds = {"root": "Account", "user": "User", "assumed-role": "AssumedRole"}
    return kinds.get(known_arn(question.caller.principal).kind)


def _username(question: Question) -> str | None:
    principal = known_arn(question.caller.principal)
    return principal.friendly_name if principal.kind == "user" else None


def _called_via(question: Question) -> str | None:
    """`s3.amazonaws.com`, if `s3.us-east-1.amazonaws.com` calls for the principal."""
    service = question.caller.via.partition(".")[0]
    return f"{service}.amazonaws.com" if service else None


def by_service(question: Question) -> bool:
    return bool(question.caller.via) or question.caller.is_service


def _source_ip(question: Question) -> str | None:
    """Absent if a service calls for the principal: the address would be the service's."""
    source = question.caller.source
    return source.ip if source and not by_service(question) else None


def _secure_transport(question: Question) -> bool:
    """True for a service's call and for one from this process: neither crosses the network."""
    source = question.caller.source
    return bool(source.tls_version) if source and not by_service(question) else True


def _source_account(question: Question) -> str | None:
    """Some ARNs, such as a bucket's, name no account; then it is the caller's."""
    source = as_arn(question.caller.source_arn)
    return (source.account or question.caller.account) if source else None


OF_CALLER: dict[str, Raw] = {
    "kms:CallerAccount": lambda q: q.caller.account,
    "kms:ViaService": lambda q: q.caller.via,
    "aws:PrincipalArn": _unless_service(lambda q: q.identity),
    "aws:PrincipalAccount": _unless_service(lambda q: q.caller.account),
    "aws:PrincipalType": _unless_service(_principal_type),
    "aws:PrincipalIsAWSService": lambda q: q.caller.is_service,
    "aws:PrincipalServiceName": lambda q: q.caller.principal if q.caller.is_service else None,
    "aws:userid": _unless_service(lambda q: principals.user_id(q.caller.principal)),
    "aws:username": _unless_service(_username),
    "aws:CalledVia": _called_via,
    "aws:CalledViaFirst": _called_via,
    "aws:CalledViaLast": _called_via,
    "aws:ViaAWSService": lambda q: bool(q.caller.via),
    "aws:SourceArn": lambda q: q.caller.source_arn,
    "aws:SourceAccount": _source_account,
    "aws:SourceIp": _source_ip,
    "aws:SecureTransport": _secure_transport,
    "aws:UserAgent": lambda q: q.caller.source and q.caller.source.user_agent,
}
