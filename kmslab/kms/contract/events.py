"""What a call leaves behind besides records: its event, and the last use of the keys it used."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, NamedTuple

TRACKING_BEGAN = datetime(2026, 4, 23, tzinfo=UTC)  # AWS records last uses since; developer guide


@dataclass(frozen=True, slots=True)
class LastUse:
    """A key's last cryptographic use. It is kept with the events, not with the key."""

    operation: str
    time: datetime
    request_id: str


class Event(NamedTuple):
    """What one call stores about itself. The trail shows it in CloudTrail's form when it is read.

    `request` and `response` are already redacted by the contract. A tuple, because every call makes
    one, and a frozen dataclass takes four times as long to make.
    """

    time: datetime
    operation: str
    principal: str  # ARN, or "" when the service itself acted
    account: str  # the caller's
    region: str
    request_id: str
    recipient: str = ""  # the trail's account, if not the caller's: the key's owner
    via: str = ""  # the service that called on the principal's behalf
    source: tuple[str, ...] = ()  # the caller's `NetworkSource`
    request: Mapping[str, Any] | None = None
    response: Mapping[str, Any] | None = None
    resources: tuple[str, ...] = ()
    used: tuple[str, ...] = ()  # keys that this call used for cryptography
    extra: Mapping[str, Any] = MappingProxyType({})
    error_code: str = ""
    error_message: str = ""
    sequence: int = 0  # its place in the store, in the order of writing; 0 until stored


def new_request_id() -> str:
    """A UUID like those of `uuid.uuid4`, which takes three times as long to make one."""
    digits = os.urandom(16).hex()
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"


class Elsewhere(NamedTuple):
    """The event that a call leaves in another Region, about a key there.

    `name`: of the operation that KMS carries out there, with its request and answer.
    """

    name: str
    request: Mapping[str, Any]
    answer: Mapping[str, Any]


DAMAGED = "DamagedEvent"


def damaged(event: Event) -> Event:
    """An event to show in the place of one that cannot be read."""
    return Event(
        time=event.time,
        operation=DAMAGED,
        principal="",
        account=event.recipient or event.account,
        region=event.region,
        request_id=f"the event in place {event.sequence}",
        error_code=DAMAGED,
        error_message="This event is damaged in the store and cannot be read.",
        sequence=event.sequence,
    )
