"""What happened: the trail. A call stores what it knew; reading gives it CloudTrail's form.

No event holds a plaintext, a ciphertext, a key or a grant token: the contract redacts requests and
answers before they become events.
Source: AWS KMS developer guide, "Logging AWS KMS API calls with AWS CloudTrail".
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from kmslab.contract.errors import KMSError
from kmslab.contract.model import MODEL, Operation
from kmslab.contract.records import Alias, Caller, Event, Key, Material, Record
from kmslab.contract.specs import KEY_SPECS, Kind

VERSION = "1.11"
# The trail's names for errors are the API's, but for this one.
CODES = {"AccessDeniedException": "AccessDenied"}


def event(
    name: str,
    caller: Caller,
    now: datetime,
    request_id: str,
    *,
    request: Mapping[str, Any],
    answer: Mapping[str, Any] | None,
    records: Sequence[Record],
    used: Mapping[str, Material],
    details: Mapping[str, Any],
    error: KMSError | None,
) -> Event:
    """What a call leaves behind; `answer` is None unless the operation changes something.

    `used`: the material that has done cryptography, by the prefix of its role's members.
    """
    operation = MODEL.operations.get(name)  # the service's own acts are not in the model
    resources = _resources(records)
    return Event(
        time=now,
        operation=name,
        principal=caller.principal,
        account=caller.account,
        region=caller.region,
        request_id=request_id,
        request=operation.redact(request) if operation else None,
        response=_response(operation, answer, resources),
        resources=resources,
        used=() if error else tuple(dict.fromkeys(each.key for each in used.values())),
        extra=details or _material_ids(used),
        error_code=error.code if error else "",
        error_message=error.message if error else "",
    )


def event_id(request_id: str) -> str:
    """One event a request, so its id need not be stored beside the request's."""
    return str(uuid5(NAMESPACE_OID, request_id))


def cloudtrail(event: Event, *, reads: bool) -> dict[str, Any]:
    """An event in CloudTrail's form; members that the lab does not know are left out."""
    shown: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": _identity(event),
        "eventTime": event.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "kms.amazonaws.com",
        "eventName": event.operation,
        "awsRegion": event.region,
        "requestParameters": event.request,
        "responseElements": event.response,
        "additionalEventData": (event.extra or None) if event.principal else None,
        "serviceEventDetails": None if event.principal else (event.extra or None),
        "errorCode": CODES.get(event.error_code, event.error_code) or None,
        "errorMessage": event.error_message or None,
        "requestID": event.request_id if event.principal else None,  # nobody requested it
        "eventID": event_id(event.request_id),
        "readOnly": reads,
        "resources": [
            {"accountId": arn.split(":")[4], "type": "AWS::KMS::Key", "ARN": arn}
            for arn in event.resources
        ],
        "eventType": "AwsApiCall" if event.principal else "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": event.account,
        "eventCategory": "Management",
    }
    always = {"requestParameters", "responseElements"}
    return {name: value for name, value in shown.items() if value is not None or name in always}


def _material_ids(used: Mapping[str, Material]) -> dict[str, str]:
    """Of symmetric keys alone: other keys have one piece of material for life."""
    return {
        f"{prefix.lower()}KeyMaterialId" if prefix else "keyMaterialId": material.id
        for prefix, material in used.items()
        if KEY_SPECS[material.spec].kind is Kind.SYMMETRIC
    }


def _identity(event: Event) -> dict[str, Any]:
    if not event.principal:
        return {"accountId": event.account, "invokedBy": "AWS Internal"}
    kind, _, user = event.principal.rpartition(":")[2].partition("/")
    identity = {
        "type": "Root" if kind == "root" else "IAMUser",
        "arn": event.principal,
        "accountId": event.account,
    }
    return identity | ({"userName": user} if user else {})


def _response(
    operation: Operation | None, answer: Mapping[str, Any] | None, resources: Sequence[str]
) -> dict[str, Any] | None:
    """What a change answered; where that is nothing, its key (so since December 2022)."""
    if operation is None or answer is None:
        return None
    key = {"keyId": resources[0]} if resources else None
    return operation.redact_answer(answer) or key


def _resources(records: Sequence[Record]) -> tuple[str, ...]:
    """Keys first, then aliases, as CloudTrail lists them; each once."""
    keys = [record.arn for record in records if isinstance(record, Key)]
    aliases = [record.arn for record in records if isinstance(record, Alias)]
    return tuple(dict.fromkeys(keys + aliases))
