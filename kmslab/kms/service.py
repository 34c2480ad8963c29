"""The one road that every call takes.

Check the request → throttle → verify the recipient → settle what is due → find the keys → admit the
caller and the keys → run → seal for the recipient → commit or drop → answer: each step is at
exactly one place. An operation only stages records; `changes` stores them with the call's event in
one commit. If two calls change the same key, the first to commit wins and the other starts over. No
lock and no transaction is held while an operation runs.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Any, NoReturn

from kmslab.clock import Clock
from kmslab.kms import audit
from kmslab.kms import store as stores
from kmslab.kms.access import grant_tokens
from kmslab.kms.admission import admit
from kmslab.kms.backing import Backing, KeyStoreBacking
from kmslab.kms.backing.recipients import Recipients
from kmslab.kms.call import Call, FilledRole
from kmslab.kms.changes import Change, apply
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError, fail
from kmslab.kms.contract.events import Event, new_request_id
from kmslab.kms.contract.key_stores import StoreType
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Reader
from kmslab.kms.contract.specs import Origin
from kmslab.kms.own_acts import OwnActs
from kmslab.kms.table import TABLE, Role, Row
from kmslab.kms.throttle import Throttle

WOULD_SUCCEED = "The request would have succeeded, but the DryRun option is set."


class Service:
    """A KMS: its records in `store`, its key material in `backings`, its time from `clock`."""

    def __init__(
        self,
        store: "stores.Store",
        backings: Mapping[Origin, Backing],
        key_stores: Mapping[StoreType, KeyStoreBacking],
        clock: Clock,
        new_id: Callable[[], str],
        recipients: Recipients,
        throttle: Throttle | None = None,
    ) -> None:
        self.records: Reader = store
        self.backings = backings
        self.recipients = recipients
        self._store = store
        self._clock = clock
        self._throttle = throttle
        self._new_call = partial(
            Call, records=store, backings=backings, key_stores=key_stores, new_id=new_id
        )
        self.own_acts = OwnActs(store, clock, self._new_call)

    def call(
        self, name: str, caller: Caller, request: Mapping[str, Any], request_id: str | None = None
    ) -> dict[str, Any]:
        """Run the operation `name`. `request` and the answer have AWS's members, as Python values.

        Raises `KMSError`, which is logged as an event, or `StoreError`.
        """
        row = TABLE.get(name) or _refuse(name)
        # To read the clock's offset refreshes the store: what others have changed holds from here.
        call = self._new_call(name, caller, self._clock.now(), request_id or new_request_id())
        try:
            call.request = checked = MODEL.operations[name].check(request)
            if self._throttle:
                self._throttle.admit(row, checked, caller, monotonic())
            if "GrantTokens" in checked and not all(map(grant_tokens.read, call["GrantTokens"])):
                fail("InvalidGrantTokenException", "Invalid grant token.")
            if "Recipient" in checked:
                call.recipient = self.recipients.verified(call["Recipient"], call.now)
            self.own_acts.prepare_for(row, call)
            return self._run(row, call)
        except KMSError as error:
            self._log_failure(call, error)
            raise
        except stores.StoreError:
            raise  # there is nowhere to log it
        except Exception as cause:
            internal = EXCEPTIONS["KMSInternalException"](f"{name} failed inside the service.")
            self._log_failure(call, internal)
            raise internal from cause

    def is_ready(self) -> bool:
        """Whether the store can be read, as every call needs it."""
        try:
            self._store.refresh()
        except stores.StoreError:
            return False
        return True

    def history(self, account: str, **part: Any) -> tuple[list[Event], datetime]:
        """Run what is due, then return the account's events and the present time.

        `part`: `after`, `limit` and `last`, as for the store's `events`.
        """
        self._store.refresh()
        now = self._clock.now()
        self.own_acts.settle(now)
        return self._store.events(account=account, **part), now

    def _run(self, row: Row, call: Call) -> dict[str, Any]:
        try:
            return apply(self._store, partial(self._attempt, row, call))
        except stores.Conflict:
            fail("DependencyTimeoutException", "Other calls keep changing the key. Try again.")

    def _attempt(self, row: Row, call: Call, change: Change) -> dict[str, Any]:
        call.change = change
        roles = [(role, filled) for role in row.roles if (filled := self._fill(role, call))]
        call.roles = [filled for _, filled in roles]
        admit(call, roles)
        change.found = call.found
        dry = call.request.get("DryRun", False)
        if not dry or "IGNORE_CIPHERTEXT" not in call.get("DryRunModifiers", ()):
            answer = row.run(call, *change.found)
            if call.recipient:
                answer = call.recipient.seal(answer, row.secret)
        if dry:
            fail("DryRunOperationException", WOULD_SUCCEED)
        change.events = audit.events(call, None if row.reads else answer)
        return answer

    def _fill(self, role: Role, call: Call) -> FilledRole | None:
        naming, usage, request = role.naming, role.usage, call.request
        found = naming.find(self._store, naming.seen_from(call.caller, request), request)
        if found is None:
            return None
        arn, record, used, named_by_blob, problem = found
        prefix = naming.prefix
        if usage is None:
            return FilledRole(arn, record, used, prefix=prefix, problem=problem)
        algorithm = request.setdefault(prefix + usage.algorithm, usage.default)
        context = request.get(prefix + usage.context, {})
        return FilledRole(arn, record, used, algorithm, context, prefix, named_by_blob, problem)

    def _log_failure(self, call: Call, error: KMSError) -> None:
        error.request_id = call.request_id
        self._store.log(audit.event(call, error=error))


def _refuse(name: str) -> NoReturn:
    fail("UnknownOperationException", f"There is no operation {name} in AWS KMS")
