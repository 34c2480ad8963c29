"""What a lab tells that AWS KMS does not: its trail, its bill, and who may. Asked for by programs.

The `kmslab` command asks so, of a store that it opens and of an endpoint, and gets the same answers
in JSON's types. Rule: only the root user of an account may, for it is told everything; nothing is
done and no event is left.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from kmslab import books, inquiry
from kmslab.access import Explanation, principals
from kmslab.billing import Bill, Line
from kmslab.clock import Clock
from kmslab.contract.errors import fail
from kmslab.contract.records import Caller
from kmslab.service import Service

Request = Mapping[str, Any]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_place(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63  # as SQL has it


def _is_context(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


MEMBERS: dict[str, Callable[[Any], bool]] = {
    "After": _is_place,
    "Month": _is_text,
    "Principal": _is_text,
    "Action": _is_text,
    "KeyId": _is_text,
    "EncryptionContext": _is_context,
}
NOT_YOURS = (
    "A lab tells who may of the principals and keys of the account that asks, and no other's."
)
USER = "arn:aws:iam::{0}:user/{1}"
KINDS = {"": USER, "user": USER, "role": "arn:aws:sts::{0}:assumed-role/{1}/lab"}


class Inspection:
    """`ask(name, caller, request)`, where `name` is Trail, Bill or Explain."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._known: dict[str, Callable[[Caller, Request], dict[str, Any]]] = {
            "Trail": self._trail,
            "Bill": self._bill,
            "Explain": self._explain,
        }

    def ask(self, name: str, caller: Caller, request: Request) -> dict[str, Any]:
        """Raises `KMSError`."""
        if name not in self._known:
            fail("UnknownOperationException")
        if not isinstance(request, dict) or not all(map(_fits, request.items())):
            fail("SerializationException")
        if caller.principal.rpartition(":")[2] != "root":
            text = "A lab tells its trail, its bill and who may to the root user of the account."
            fail("AccessDeniedException", text)
        try:
            return self._known[name](caller, request)
        except ValueError as error:
            fail("ValidationException", f"{error}.")

    def _trail(self, caller: Caller, request: Request) -> dict[str, Any]:
        """What was written after `After`, a place in the store; `Last` is the next such place."""
        after = int(request.get("After", 0))
        events, _ = self._service.history(caller.account, after)
        last = max([after, *(event.sequence for event in events)])
        return {"Events": [books.shown(event) for event in events], "Last": last}

    def _bill(self, caller: Caller, request: Request) -> dict[str, Any]:
        return to_json(books.bill(self._service, caller.account, request.get("Month")))

    def _explain(self, caller: Caller, request: Request) -> dict[str, Any]:
        who = _principal(str(request.get("Principal", "root")), caller.account)
        home = who.split(":")[4] if principals.is_arn(who) else caller.account
        # The answer quotes the principal's policy and the key's: each is its own account's affair.
        if {home, _account(str(request.get("KeyId", "")), caller.account)} != {caller.account}:
            fail("AccessDeniedException", NOT_YOURS)
        asked = replace(caller, principal=who, account=home, source=None)
        if who.startswith("arn:") and not principals.exist(self._service.records, asked.identity):
            fail(
                "NotFoundException",
                f"There is no {asked.identity}. Users and roles are made first.",
            )
        members = {
            name: request[name] for name in ("KeyId", "EncryptionContext") if name in request
        }
        now, action = self._clock.now(), str(request.get("Action"))
        return explained(inquiry.inquire(action, asked, members, now, self._service.records))


def explained(found: Explanation) -> dict[str, Any]:
    return {
        "Allowed": found.verdict.allowed,
        "Because": str(found.verdict.because),
        "Sentence": found.sentence,
        "Advice": found.advice,
        "Addition": found.addition,
        "Text": repr(found),
    }


def to_json(bill: Bill) -> dict[str, Any]:
    """Amounts as texts: a float would not keep them."""
    lines = [{**asdict(line), "amount": str(line.amount)} for line in bill.lines]
    return {
        "account": bill.account,
        "month": bill.month,
        "until": bill.until.isoformat(),
        "lines": lines,
        "total": str(bill.total),
        "notes": bill.notes,
    }


def _fits(pair: tuple[str, Any]) -> bool:
    member, value = pair
    return member not in MEMBERS or MEMBERS[member](value)


def bill_of(told: Mapping[str, Any]) -> Bill:
    """The bill that `to_json` has told of."""
    lines = [Line(**{**line, "amount": Decimal(line["amount"])}) for line in told["lines"]]
    until = datetime.fromisoformat(told["until"])
    return Bill(told["account"], told["month"], until, tuple(lines))


def _account(key: str, here: str) -> str:
    """Whose key an identifier names: an ARN says it, an id or an alias is of the caller's own."""
    return key.split(":")[4] if key.count(":") > 4 else here


def _principal(name: str, account: str) -> str:
    """From `alice`, `user/alice`, `role/auditor`, `root` or an ARN to the ARN that calls."""
    if name.startswith("arn:aws:iam::") and ":role/" in name:
        account, name = name.split(":")[4], name.split(":", 5)[5]
    if name.startswith("arn:") or name.endswith(".amazonaws.com"):
        return name
    if name == "root":
        return f"arn:aws:iam::{account}:root"
    kind, _, rest = name.rpartition("/")
    if kind not in KINDS:
        fail(
            "ValidationException",
            f"{name} is nobody: one looks like alice, role/auditor or an ARN.",
        )
    return KINDS[kind].format(account, rest)
