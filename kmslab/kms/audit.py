"""The trail: what happened. A call stores what it knew, and reading shapes it as CloudTrail does.

Rule: no event holds a plaintext, a ciphertext, a key or a grant token. The contract redacts each
request and answer before it becomes an event.
Sources: AWS KMS developer guide, "Logging AWS KMS API calls with AWS CloudTrail"; CloudTrail user
guide, "CloudTrail record contents", for the sizes beyond which a field is cut.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from operator import attrgetter
from typing import Any
from uuid import NAMESPACE_OID, uuid5

from kmslab.display import Table
from kmslab.kms.arn import Arn, is_arn, known_arn, resource_of
from kmslab.kms.call import Call, FilledRole
from kmslab.kms.contract.callers import NetworkSource
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.events import Event
from kmslab.kms.contract.model import MODEL, Operation
from kmslab.kms.contract.records import Alias, Grant, Key, Material, Record
from kmslab.kms.contract.shapes import camel
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind

MESSAGE = 1_024  # characters
PARAMETERS = 100 * 1_024  # characters
OMITTED = {"omitted": True}
VERSION = "1.11"
# The trail uses the API's names of errors, except for this one.
CODES = {"AccessDeniedException": "AccessDenied"}
INTERNAL = "AWS Internal"  # the actor in events of the service's own acts
NAMES = {"SeedKey": "CreateKey"}  # own acts that the trail shows under an operation's name
# The records that an event names: by their ARNs, a grant by its key's.
NAMED: dict[type[Any], Callable[[Any], str]] = {
    Key: attrgetter("arn"),
    Grant: attrgetter("key"),
    Alias: attrgetter("arn"),
}
IDENTITIES = {"root": "Root", "user": "IAMUser", "assumed-role": "AssumedRole"}


def events(call: Call, answer: Mapping[str, Any] | None) -> list[Event]:
    """The event of a call that succeeded, with a copy for each other account whose key took part.

    `answer`: None unless the operation changes something.
    """
    own = event(call, answer)
    copies = _copies(own)
    return [own, *copies, *_elsewhere(call, own)] if copies or call.elsewhere else [own]


def event(
    call: Call, answer: Mapping[str, Any] | None = None, error: KMSError | None = None
) -> Event:
    operation = MODEL.operations.get(call.name)  # the service's own acts are not in the model
    caller, roles = call.caller, call.roles
    if error and error.code == "AccessDeniedException":
        roles = [role for role in roles if not call.is_cross_account(role)]
    records = [role.record for role in roles if role.record]
    resources = _resources(records if error else [*records, *call.change.staged], caller.region)
    used = {role.prefix: role.used for role in roles if role.algorithm and role.used}
    return Event(
        time=call.now,
        operation=call.name,
        principal=caller.principal,
        account=caller.account,
        region=caller.region,
        request_id=call.request_id,
        via=caller.via,
        source=caller.source or (),
        request=_request(call, operation, refused=error is not None),
        response=_response(operation, answer, resources) if answer is not None else None,
        resources=resources,
        used=() if error else tuple({each.key: None for each in used.values()}),
        extra=_extra(call, roles, used, error),
        error_code=error.code if error else "",
        error_message=error.message[:MESSAGE] if error else "",
    )


def _request(call: Call, operation: Operation | None, refused: bool) -> dict[str, Any] | None:
    """Only a refused request can be too large: of the others, each member has its limit."""
    redacted = operation.redact(call.request) if operation else None
    return OMITTED if refused and len(repr(redacted)) > PARAMETERS else redacted


def _copies(event: Event) -> list[Event]:
    """Copies for the trails of the other accounts whose keys took part; none of a refused call."""
    if event.error_code:
        return []
    owners = {known_arn(arn).account for arn in event.resources}
    owners.discard(event.account)
    return [event._replace(recipient=owner, used=()) for owner in sorted(owners)] if owners else []


def _elsewhere(call: Call, own: Event) -> Iterator[Event]:
    """What KMS did for the call in other Regions, each with a request id of its own."""
    for arn, other in call.elsewhere.items():
        operation, region = MODEL.operations[other.name], known_arn(arn).region
        yield own._replace(
            operation=other.name,
            region=region,
            request_id=str(uuid5(NAMESPACE_OID, own.request_id + region)),
            request=operation.redact(other.request),
            response=_response(operation, other.answer, (arn,)),
            resources=(arn,),
            extra={},
        )


def event_id(request_id: str, recipient: str = "") -> str:
    """A request has one event in each trail, so the event's id follows from the request's."""
    return str(uuid5(NAMESPACE_OID, request_id + recipient))


def cloudtrail(event: Event, *, reads: bool) -> dict[str, Any]:
    """An event in CloudTrail's form, without the members that the lab has no value for."""
    shown: dict[str, Any] = {
        "eventVersion": VERSION,
        "userIdentity": _identity(event),
        "eventTime": event.time.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "kms.amazonaws.com",
        "eventName": NAMES.get(event.operation, event.operation),
        "awsRegion": event.region,
        **_source(event),
        "requestParameters": event.request,
        "responseElements": event.response,
        "additionalEventData": (event.extra or None) if event.principal else None,
        "serviceEventDetails": None if event.principal else (event.extra or None),
        "errorCode": CODES.get(event.error_code, event.error_code) or None,
        "errorMessage": event.error_message or None,
        "requestID": event.request_id if event.principal else None,  # own acts have no request
        "eventID": event_id(event.request_id, event.recipient),
        "readOnly": reads,
        "resources": [
            {"accountId": known_arn(arn).account, "type": "AWS::KMS::Key", "ARN": arn}
            for arn in event.resources
        ],
        "eventType": "AwsApiCall" if event.principal else "AwsServiceEvent",
        "managementEvent": True,
        "recipientAccountId": event.recipient or event.account,
        "sharedEventID": _shared_id(event),
        "eventCategory": "Management",
        "tlsDetails": _tls(event),
    }
    always = {"requestParameters", "responseElements"}
    return {name: value for name, value in shown.items() if value is not None or name in always}


def _extra(
    call: Call, roles: Sequence[FilledRole], used: Mapping[str, Material], error: KMSError | None
) -> dict[str, Any]:
    """What the operation says, or the material of symmetric keys (that of others never changes);
    where used keys are, if in custom key stores; the recipient, except of a refused call."""
    found: dict[str, Any] = {**call.details} or {
        f"{prefix.lower()}KeyMaterialId" if prefix else "keyMaterialId": material.id
        for prefix, material in used.items()
        if KEY_SPECS[material.spec].kind is KeyKind.SYMMETRIC
    }
    for role in roles:
        key = role.record
        if role.algorithm and isinstance(key, Key) and key.store:
            named = {"CustomKeyStoreId": key.store.rpartition("/")[2], "XksKeyId": key.external_key}
            found |= {camel(role.prefix + name): value for name, value in named.items() if value}
    if call.recipient and not error:
        found["recipient"] = call.recipient.shown
    return found


def _identity(event: Event) -> dict[str, Any]:
    if not event.principal:
        return {"accountId": event.account, "invokedBy": INTERNAL}
    if not is_arn(event.principal):
        return {"type": "AWSService", "invokedBy": event.principal}
    arn = known_arn(event.principal)
    shown: dict[str, Any] = {
        "type": IDENTITIES.get(arn.kind, "Unknown"),
        "arn": event.principal,
        "accountId": event.account,
        "accessKeyId": NetworkSource(*event.source).access_key,
        "userName": arn.friendly_name if arn.kind == "user" else "",
        "sessionContext": _session(arn.identity) if arn.is_session else None,
        "invokedBy": _service(event.via),
    }
    if event.recipient:  # a key's owner learns which account has used it, but not which principal
        known = ("accountId", "invokedBy")
        shown = {"type": "AWSAccount", **{member: shown[member] for member in known}}
    return {member: value for member, value in shown.items() if value}


def _session(role: Arn) -> dict[str, Any]:
    issuer = {"type": "Role", "arn": str(role), "accountId": role.account, "userName": role.name}
    return {"sessionIssuer": issuer}


def _source(event: Event) -> dict[str, str | None]:
    """If an AWS service makes the call, its name. A call from within this process has no source."""
    source = NetworkSource(*event.source)
    service = _service(event.via) or ("" if is_arn(event.principal) else event.principal)
    if not event.principal:
        service = INTERNAL
    return {
        "sourceIPAddress": service or source.ip or None,
        "userAgent": service or source.user_agent or None,
    }


def _service(via: str) -> str:
    """Policies have `s3.us-east-1.amazonaws.com` where the trail has `s3.amazonaws.com`."""
    return f"{via.partition('.')[0]}.amazonaws.com" if via else ""


def _tls(event: Event) -> dict[str, str] | None:
    source = NetworkSource(*event.source)
    if not source.tls_version:
        return None
    return {
        "tlsVersion": source.tls_version,
        "cipherSuite": source.cipher,
        "clientProvidedHostHeader": source.host,
    }


def _shared_id(event: Event) -> str | None:
    """The id that connects the events of one call in two accounts' trails."""
    crossed = event.recipient or _copies(event)
    return event_id(event.request_id, "shared") if crossed else None


def _response(
    operation: Operation | None, answer: Mapping[str, Any], resources: Sequence[str]
) -> dict[str, Any] | None:
    """What a change answered; the key's ARN if it answered nothing (since December 2022)."""
    if operation is None:
        return None
    key = {"keyId": resources[0]} if resources else None
    return operation.redact_answer(answer) or key


def _resources(records: Sequence[Record], region: str) -> tuple[str, ...]:
    """Keys first, then aliases, in CloudTrail's order, each only once; those of one Region."""
    found: dict[str, None] = {}
    for kind, name in NAMED.items():
        for record in records:
            if type(record) is kind:
                arn = name(record)
                if known_arn(arn).region == region:
                    found[arn] = None
    return tuple(found)


HEADINGS, MATERIAL = ("time (UTC)", "who", "did", "key", "context", "outcome"), "key material"


class Trail(list[dict[str, Any]]):
    """Events in CloudTrail's form: a list that shows itself as a table."""

    def table(self, *only: str, material_ids: bool = False) -> Table:
        """All columns, or `only` those with these headings, such as `who` and `outcome`."""
        headings = only or (*HEADINGS, *([MATERIAL] if material_ids else []))
        places = [[*HEADINGS, MATERIAL].index(heading) for heading in headings]
        rows = map(_event_row, self)
        return Table(headings, [[row[place] for place in places] for row in rows])

    def about(self, text: str) -> "Trail":
        """The events that contain this text anywhere: a name, a key's id, a record's number."""
        return Trail(event for event in self if text in json.dumps(event, ensure_ascii=False))

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


def _event_row(event: Mapping[str, Any]) -> list[str]:
    keys = [resource_of(arn["ARN"]) for arn in event["resources"]]
    parameters = event["requestParameters"] or {}
    contexts = [
        value for name, value in parameters.items() if name.lower().endswith("encryptioncontext")
    ]
    return [
        event["eventTime"].replace("T", " ").rstrip("Z"),
        _who(event["userIdentity"]),
        event["eventName"],
        ", ".join(keys),
        " → ".join(", ".join(f"{name}={value}" for name, value in c.items()) for c in contexts),
        event.get("errorCode", "ok"),
        event.get("additionalEventData", {}).get("keyMaterialId", ""),
    ]


def _who(identity: Mapping[str, Any]) -> str:
    """A user's name, with the service that called on the user's behalf; or a service's name."""
    service = identity.get("invokedBy", "")
    if identity.get("type", "AWSService") == "AWSService":
        return str(service)
    name = identity.get("userName") or identity["type"]
    if name == "AWSAccount":
        name = f"account {identity['accountId']}"
    return f"{name} via {service.partition('.')[0]}" if service else name
