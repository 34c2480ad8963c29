"""What the service does by itself: deletions and rotations that are due, and keys of AWS services.

Each such act has a row in THE TABLE and runs as a call does, but without a caller to check.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from typing import Any

from kmslab.clock import Clock
from kmslab.kms import audit, lifecycle
from kmslab.kms import store as stores
from kmslab.kms.call import Call, FilledRole
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.events import new_request_id
from kmslab.kms.contract.managed_keys import MANAGED_KEYS
from kmslab.kms.contract.records import Alias, Key
from kmslab.kms.table import SERVICE_TABLE, Row

log = logging.getLogger("kmslab")


class OwnActs:
    """The acts of one service. `new_call` makes a `Call` of that service."""

    def __init__(self, store: "stores.Store", clock: Clock, new_call: Callable[..., Call]) -> None:
        self._store = store
        self._clock = clock
        self._new_call = new_call

    def prepare_for(self, row: Row, call: Call) -> None:
        """Run what is due, and make the AWS managed key that the call may name by its alias."""
        self.settle(call.now)
        if row.makes_managed_key:
            caller = call.caller
            name = call.get("KeyId", "").removeprefix(caller.here)
            managed = MANAGED_KEYS.get(name)
            if managed and self._store.get(Alias, caller.here + name) is None:
                request = managed.seed(caller.account, caller.region)
                self.seed_key(caller.account, caller.region, request)

    def settle(self, now: datetime) -> None:
        """Run what is due, each act on the record that was found due, as at the time it was due.

        If another process was first, the act is not repeated: this one looks again for what is due.
        An act that fails is tried again at the next call; this call and the other acts go on.
        """
        failed: set[str] = set()
        while self._store.next_due is not None and self._store.next_due <= now:
            due = [key for key in self._store.due(now) if key.arn not in failed]
            if not due:
                return  # others have done it; the next refresh shows what is due next
            for key in due:
                try:
                    self._run_due(key)
                except stores.Conflict:
                    break
                except stores.StoreError:
                    raise  # the call cannot be answered either
                except Exception:
                    log.exception("what was due on %s has failed", key.arn)
                    failed.add(key.arn)

    def seed_key(
        self, account: str, region: str, request: Mapping[str, Any], change: Change | None = None
    ) -> str:
        """Make a key that the service needs, if it does not exist, and return its ARN.

        `change`: where to stage the key. Without it, the key is stored when this returns.
        """
        if change is None:
            return apply(self._store, partial(self.seed_key, account, region, request))
        call = self._call("SeedKey", account, region, self._clock.now())
        call.request = dict(request)
        arn: str = self._stage(call, change)["KeyId"]
        return arn

    def _run_due(self, key: Key) -> None:
        due = lifecycle.next_due(key)
        if due is None:
            raise RuntimeError(f"{key.arn} was found due, but nothing is")
        moment, name = due
        call = self._call(name, key.account, key.region, moment)
        call.roles = [FilledRole(key.arn, key)]
        apply(self._store, partial(self._stage, call), attempts=1)

    def _call(self, name: str, account: str, region: str, now: datetime) -> Call:
        return self._new_call(name, Caller("", account, region), now, new_request_id())

    def _stage(self, call: Call, change: Change) -> dict[str, Any]:
        """Add to the change what the act stages. An act that changes no key leaves no event."""
        call.records = call.change = own = Change(change)
        own.found = call.found
        answer = SERVICE_TABLE[call.name].run(call, *call.found)
        if any(isinstance(record, Key) for record in (*own.staged, *own.removed)):
            own.events = audit.events(call, answer)
        change.add(own)
        return answer
