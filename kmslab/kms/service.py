"""The one road that every call takes.

Check the request → throttle → settle what is due → find the keys → admit the caller and the keys →
run → commit or drop → answer: exactly one place for each. An operation only stages records;
`changes` stores them with the call's event in one commit. Of two callers that change the same key
one wins, and the other starts over from finding the keys. No lock and no transaction is held while
an operation runs.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, NoReturn, TypeVar
from uuid import uuid4

from kmslab.clock import Clock
from kmslab.kms import audit, changes, lifecycle
from kmslab.kms.access import grant_tokens
from kmslab.kms.admission import admit
from kmslab.kms.backing import Backing
from kmslab.kms.call import Call, FilledRole
from kmslab.kms.changes import ATTEMPTS, Change
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError, fail
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Caller, Event, Key, Reader
from kmslab.kms.contract.specs import Origin
from kmslab.kms.store import Conflict, Store
from kmslab.kms.table import SERVICE_TABLE, TABLE, UNBUILT_MEMBERS, Role, Row
from kmslab.kms.throttle import Throttle

WOULD_SUCCEED = "The request would have succeeded, but the DryRun option is set."
log = logging.getLogger("kmslab")
T = TypeVar("T")


class Service:
    """A KMS: its records in `store`, its key material in `backings`, its time from `clock`."""

    def __init__(
        self,
        store: Store,
        backings: Mapping[Origin, Backing],
        clock: Clock,
        new_id: Callable[[], str],
        throttle: Throttle | None = None,
    ) -> None:
        self.records: Reader = store
        self._store = store
        self._clock = clock
        self._throttle = throttle
        self._new_call = partial(Call, records=store, backings=backings, new_id=new_id)

    def call(
        self, name: str, caller: Caller, request: Mapping[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        """Run one operation on AWS's members as Python values; raises `KMSError`."""
        row = TABLE.get(name) or _refuse_unbuilt(name)
        self._store.refresh()
        call = self._new_call(name, caller, self._clock.now(), request_id or _id())
        try:
            call.request = MODEL.operations[name].check(request)
            if self._throttle:
                self._throttle.admit(row, call.request, caller, monotonic())
            for member in UNBUILT_MEMBERS & call.request.keys():
                fail("UnsupportedOperationException", f"{name} with {member} is not built yet")
            if not all(map(grant_tokens.read, call.get("GrantTokens", ()))):
                fail("InvalidGrantTokenException", "Invalid grant token.")
            self._settle(call.now)
            return self._run(row, call)
        except KMSError as error:
            self._log_failure(call, error)
            raise
        except Exception as cause:
            internal = EXCEPTIONS["KMSInternalException"](f"{name} failed inside the service.")
            self._log_failure(call, internal)
            raise internal from cause

    def apply(self, stage: Callable[[Change], T], attempts: int = ATTEMPTS) -> T:
        """Store in one commit what `stage` stages, as `changes.apply` does."""
        return changes.apply(self._store, stage, attempts)

    def seed_key(
        self, account: str, region: str, request: Mapping[str, Any], change: Change | None = None
    ) -> str:
        """The ARN of a key that the service makes by itself, if it is not there.

        `change`: where to stage the key, so that others are stored with it in one commit.
        """
        if change is None:
            return self.apply(partial(self.seed_key, account, region, request))
        call = self._own_call("SeedKey", account, region, self._clock.now())
        call.request = dict(request)
        arn: str = self._act(call, change)["KeyId"]
        return arn

    def history(self, account: str, after: int = 0) -> tuple[list[Event], datetime]:
        """What has happened in an account until now, with what was due; and when that is.

        `after`: an event's `sequence`, for those that were written later.
        """
        self._store.refresh()
        now = self._clock.now()
        self._settle(now)
        return self._store.events(account=account, after=after), now

    def _run(self, row: Row, call: Call) -> dict[str, Any]:
        try:
            return self.apply(partial(self._attempt, row, call))
        except Conflict:
            fail("DependencyTimeoutException", "Too many others are changing the key. Try again.")

    def _attempt(self, row: Row, call: Call, change: Change) -> dict[str, Any]:
        call.change = change
        cast = [(role, filled) for role in row.roles if (filled := self._fill(role, call))]
        call.roles = [filled for _, filled in cast]
        admit(call, cast)
        dry = call.get("DryRun", False)
        if not dry or "IGNORE_CIPHERTEXT" not in call.get("DryRunModifiers", ()):
            answer = row.run(call, *call.found)
        if dry:
            fail("DryRunOperationException", WOULD_SUCCEED)
        _conclude(row, call, answer)
        return answer

    def _fill(self, role: Role, call: Call) -> FilledRole | None:
        it = role.naming.find(self._store, call.caller, call.request)
        if it is None:
            return None
        usage, prefix = role.usage, role.naming.prefix
        if usage is None:
            return FilledRole(it.arn, it.record, it.used, prefix=prefix)
        algorithm = call.request.setdefault(prefix + usage.algorithm, usage.default)
        context = call.get(prefix + usage.context, {})
        return FilledRole(it.arn, it.record, it.used, algorithm, context, prefix, it.unnamed)

    def _settle(self, now: datetime) -> None:
        """Run what is due, each on the very record that was found due, at the time it was due.

        Whoever loses the race for a record never repeats the act, but asks again what is due. A
        failure is left to the next call, and fails neither this one nor what else is due.
        """
        failed: set[str] = set()
        while self._store.next_due is not None and self._store.next_due <= now:
            due = [key for key in self._store.due(now) if key.arn not in failed]
            if not due:
                return  # others have done it; the next refresh will tell what is due next
            for key in due:
                try:
                    self._run_due(key)
                except Conflict:
                    break
                except Exception:
                    log.exception("what was due on %s has failed", key.arn)
                    failed.add(key.arn)

    def _run_due(self, key: Key) -> None:
        due = lifecycle.next_due(key)
        if due is None:
            raise RuntimeError(f"{key.arn} was found due, but nothing is")
        moment, name = due
        call = self._own_call(name, key.account, key.region, moment)
        call.roles = [FilledRole(key.arn, key)]
        self.apply(partial(self._act, call), attempts=1)

    def _own_call(self, name: str, account: str, region: str, now: datetime) -> Call:
        return self._new_call(name, Caller("", account, region), now, _id())

    def _act(self, call: Call, change: Change) -> dict[str, Any]:
        """Stage what no caller can ask for. An act that changes no key leaves no event."""
        row = SERVICE_TABLE[call.name]
        call.records = call.change = Change(change)
        answer = row.run(call, *call.found)
        if any(isinstance(each, Key) for each in (*call.change.staged, *call.change.removed)):
            _conclude(row, call, answer)
        change.add(call.change)
        return answer

    def _log_failure(self, call: Call, error: KMSError) -> None:
        error.request_id = call.request_id
        self._store.log(audit.event(call, error=error))


def _conclude(row: Row, call: Call, answer: dict[str, Any]) -> None:
    """Add the event, with a copy for each other account whose key took part."""
    change = call.change
    if change:
        lifecycle.check_moves(call.name, call.found, change.staged, change.removed)
        change.found = call.found
    event = audit.event(call, answer=None if row.reads else answer)
    change.events = [event, *audit.copies(event)]


def _id() -> str:
    return str(uuid4())


def _refuse_unbuilt(name: str) -> NoReturn:
    if name in MODEL.operations:
        fail("UnsupportedOperationException", f"{name} is not built yet in this lab")
    fail("UnknownOperationException", f"There is no operation {name} in AWS KMS")
