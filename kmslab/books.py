"""The books of an account: its trail and its bill, both read from the events of its calls."""

from collections.abc import Callable
from typing import Any

from kmslab import audit, billing
from kmslab.contract.records import Event
from kmslab.service import Service
from kmslab.store import Store
from kmslab.table import SERVICE_TABLE, TABLE


def trail(service: Service, account: str) -> list[dict[str, Any]]:
    """The account's events of all Regions in CloudTrail's form, oldest first."""
    found, _ = service.history(account)
    return [shown(event) for event in found]


def copy_trail(store: Store, write: Callable[[list[dict[str, Any]]], None]) -> None:
    """From now on hand on the events of all accounts, in that form, as they are stored."""
    store.listen(lambda events: write([shown(event) for event in events]))


def bill(service: Service, account: str, month: str | None = None) -> billing.Bill:
    """What the account pays for a month, in all Regions; unless named, this one so far."""
    events, now = service.history(account)
    billed = {row.name: row.billed for row in TABLE.values()}
    return billing.bill(account, month or f"{now:%Y-%m}", now, events, service.records, billed)


def shown(event: Event) -> dict[str, Any]:
    row = TABLE.get(event.operation) or SERVICE_TABLE[event.operation]
    return audit.cloudtrail(event, reads=row.reads)
