"""An account's reports: its trail, its bill, and whether a caller may do something, and why.

All three only read. The trail and the bill are made from the events of the account's calls. A
permission is decided by the same roles of THE TABLE as in a call.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import chain
from typing import Any, NoReturn

from kmslab.kms import access, audit, billing
from kmslab.kms import store as stores
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.events import Event, damaged
from kmslab.kms.contract.records import Key, Reader
from kmslab.kms.lifecycle import shown_state
from kmslab.kms.names import key_in, whole_account
from kmslab.kms.operations.metadata import metadata
from kmslab.kms.service import Service
from kmslab.kms.table import SERVICE_TABLE, TABLE, Role

# THE TABLE's roles by the permission that they ask for.
ROLES: Mapping[str, Role] = {
    f"kms:{role.permission or row.name}": role
    for row in TABLE.values()
    for role in row.roles
    if role.permission is not None
}
KEY = "KeyId"
PAGE = 100  # events or keys that are read together: some milliseconds, for which others wait


def trail(service: Service, account: str) -> audit.Trail:
    """The account's events of all Regions in CloudTrail's form, oldest first."""
    found, _ = service.history(account)
    return audit.Trail(cloudtrail(event) for event in found)


def pages(service: Service, account: str, **part: int) -> Iterator[list[Event]]:
    """The account's events in the order of writing. Within a page, they are in order of time."""
    page, _ = service.history(account, **part, limit=PAGE)
    yield page
    while len(page) == PAGE:
        after = max(event.sequence for event in page)
        page, _ = service.history(account, after=after, limit=PAGE)
        yield page


def copy_trail(store: "stores.Store", write: Callable[[list[dict[str, Any]]], None]) -> None:
    """From now on, pass the events of all accounts to `write` in that form when they are stored."""
    store.listen(lambda events: write([cloudtrail(event) for event in events]))


def cloudtrail(event: Event) -> dict[str, Any]:
    """One event in CloudTrail's form. A damaged event does not take the others with it."""
    row = TABLE.get(event.operation) or SERVICE_TABLE.get(event.operation)
    reads = row.reads if row else False
    try:
        return audit.cloudtrail(event, reads=reads)
    except stores.UNREADABLE:
        return audit.cloudtrail(damaged(event), reads=reads)


def keys(service: Service, caller: Caller, after: str = "") -> list[dict[str, Any]]:
    """The metadata of the account's keys in the caller's Region: a page of those after this ARN."""
    _, now = service.history(caller.account, limit=0)  # first, what is due
    records = service.records
    found = records.page(Key, f"{caller.here}key/", after, PAGE)
    return [metadata(records, key, shown_state(records, key, now)) for key in found]


def bill(service: Service, account: str, month: str | None = None) -> billing.Bill:
    """What the account pays for a month in all Regions: `2026-01`, or the current one so far."""
    _, now = service.history(account, limit=0)
    events = chain.from_iterable(pages(service, account))
    billed = {row.name: row.billed for row in TABLE.values()}
    return billing.bill(account, month or f"{now:%Y-%m}", now, events, service.records, billed)


def explain(
    action: str, caller: Caller, request: Mapping[str, Any], now: datetime, records: Reader
) -> access.Explanation:
    """Whether `caller` may do `action`, such as `kms:Decrypt`, and every rule that decides it.

    `request`: AWS's members; `KeyId` names the key by id, ARN or alias, even where Decrypt would
    find it in the blob. Without `KeyId` the question is about the account. Nothing is done or
    logged. Raises ValueError for an unknown action, NotFoundException for an unknown key.
    """
    role = ROLES.get(action) or _refuse(action)
    defaults = {role.usage.algorithm: role.usage.default} if role.usage else {}
    find = key_in(KEY) if KEY in request else whole_account
    found = find(records, caller, request) or whole_account(records, caller, request)
    question = access.Question(
        caller=caller,
        operation=action.removeprefix("kms:"),
        resource=found.arn,
        record=found.record,
        request=defaults | dict(request),
        now=now,
        records=records,
        cross_account=role.cross_account,
    )
    return access.explain(question)


def _refuse(action: str) -> NoReturn:
    raise ValueError(f"{action!r} is not a permission of AWS KMS: one looks like kms:Decrypt")
