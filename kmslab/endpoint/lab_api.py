"""What a lab answers besides AWS's operations: its trail, its keys, its bill, and who may act.

The `kmslab` command asks a store or an endpoint, and gets the same answers in JSON's types. Over
HTTP a request is signed like one to KMS, with `X-Amz-Target: Kmslab.Trail`. Rule: only the root
user of an account may ask, because the answers show everything in it. A request changes nothing and
leaves no event.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from decimal import Decimal
from functools import partial
from typing import Any

from kmslab.clock import Clock
from kmslab.endpoint.claims import Request
from kmslab.endpoint.sigv4 import Verifier
from kmslab.kms import reports, wire
from kmslab.kms.access import Explanation, principals
from kmslab.kms.arn import as_arn, is_arn, known_arn, resource_of, root_arn, session_arn, user_arn
from kmslab.kms.billing import Bill, Line
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import KMSError, fail
from kmslab.kms.contract.events import new_request_id
from kmslab.kms.contract.records import Principal
from kmslab.kms.service import Service
from kmslab.kms.wire import Answer

PREFIX = b"Kmslab."
Members = Mapping[str, Any]


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


def _is_position(value: Any) -> bool:
    return type(value) is int and 0 <= value < 2**63  # as SQL has it


def _is_context(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_is_text, value.values()))


MEMBERS: dict[str, Callable[[Any], bool]] = {
    "After": _is_position,
    "AfterKey": _is_text,
    "Limit": _is_position,
    "Last": _is_position,
    "Month": _is_text,
    "Principal": _is_text,
    "Action": _is_text,
    "KeyId": _is_text,
    "EncryptionContext": _is_context,
}
SUPPOSED = (
    "{} does not exist: the lab has no users or roles in this account, where any may be named. "
    "This is what would hold for one without an IAM policy."
)
ROOT_ONLY = "Only the root user of an account can ask a lab for its trail, bill and permissions."
OTHER_ACCOUNT = (
    "A lab explains the permissions of the asking account's own principals and keys only."
)
ARNS: dict[str, Callable[[str, str], str]] = {
    "": user_arn,
    "user": user_arn,
    "role": partial(session_arn, session="lab"),
}


class LabApi:
    """`ask(name, caller, request)`, where `name` is Trail, DescribeKeys, Bill or Explain."""

    def __init__(self, service: Service, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._known: dict[str, Callable[[Caller, Members], dict[str, Any]]] = {
            "Trail": self._trail,
            "DescribeKeys": self._keys,
            "Bill": self._bill,
            "Explain": self._explain,
        }

    def ask(self, name: str, caller: Caller, request: Members) -> dict[str, Any]:
        """Raises `KMSError`."""
        if name not in self._known:
            fail("UnknownOperationException")
        if not isinstance(request, dict) or not all(map(_fits, request.items())):
            fail("SerializationException")
        if not caller.is_root:
            fail("AccessDeniedException", ROOT_ONLY)
        try:
            return self._known[name](caller, request)
        except ValueError as error:
            fail("ValidationException", f"{error}.")

    def answer(self, verifier: Verifier, request: Request, target: bytes, now: float) -> Answer:
        """The answer to one HTTP request, whose signature is verified first."""
        request_id = new_request_id()
        try:
            signer = verifier.verify(request, b"kms", now)
            principal = signer.key.principal
            caller = Caller(principal, known_arn(principal).account, signer.region)
            name = target.removeprefix(PREFIX).decode("latin-1")
            found = self.ask(name, caller, wire.parse(request.body))
        except KMSError as error:
            return wire.refusal(error, request_id)
        return wire.answer(200, request_id, wire.dump(found))

    def _trail(self, caller: Caller, request: Members) -> dict[str, Any]:
        """A page of events: those stored after the position `After`, or the `Last` so many.

        The answer's `Last` is the position to continue from, and `More` whether to do so.
        """
        limit = min(int(request.get("Limit", reports.PAGE)), reports.PAGE)
        part = {name.lower(): int(request[name]) for name in ("After", "Last") if name in request}
        none = part.get("last") == 0  # only the position
        part |= {"last": 1} if none else {}
        events, _ = self._service.history(caller.account, **part, limit=max(limit, none))
        last = max((event.sequence for event in events), default=part.get("after", 0))
        return {
            "Events": [] if none else [reports.cloudtrail(event) for event in events],
            "Last": last,
            "More": not none and 0 < limit == len(events),
        }

    def _keys(self, caller: Caller, request: Members) -> dict[str, Any]:
        """A page of keys of the caller's Region, with AWS's metadata, after the ARN `AfterKey`."""
        found = reports.keys(self._service, caller, str(request.get("AfterKey", "")))
        more = len(found) == reports.PAGE
        return {"Keys": [dict(map(_in_json, key.items())) for key in found], "More": more}

    def _bill(self, caller: Caller, request: Members) -> dict[str, Any]:
        return bill_to_json(reports.bill(self._service, caller.account, request.get("Month")))

    def _explain(self, caller: Caller, request: Members) -> dict[str, Any]:
        who = _principal(str(request.get("Principal", "root")), caller.account)
        arn = as_arn(who)
        home = arn.account if arn and arn.is_principal else caller.account
        # The answer quotes policies of the principal and the key: other accounts may not see them.
        if {home, _account(str(request.get("KeyId", "")), caller.account)} != {caller.account}:
            fail("AccessDeniedException", OTHER_ACCOUNT)
        asked = replace(caller, principal=who, account=home, source=None)
        identity = principals.identity(self._service.records, asked) if arn else who
        if is_arn(who) and not principals.exist(self._service.records, identity, caller.partition):
            fail("NotFoundException", f"{identity} does not exist. Make the user or role first.")
        members = {
            name: request[name] for name in ("KeyId", "EncryptionContext") if name in request
        }
        now, action = self._clock.now(), str(request.get("Action"))
        found = explanation_to_json(
            reports.explain(action, asked, members, now, self._service.records)
        )
        made = arn is None or arn.is_root or self._service.records.get(Principal, identity)
        if not made:
            found["Note"] = SUPPOSED.format(resource_of(identity))
            found["Text"] = f"{found['Note']}\n\n{found['Text']}"
        return found


def explanation_to_json(found: Explanation) -> dict[str, Any]:
    return {
        "Allowed": found.verdict.allowed,
        "Reason": str(found.verdict.reason),
        "Sentence": found.sentence,
        "Advice": found.advice,
        "Addition": found.addition,
        "Text": repr(found),
    }


def bill_to_json(bill: Bill) -> dict[str, Any]:
    """Amounts are strings: a float would round them."""
    lines = [{**asdict(line), "amount": str(line.amount)} for line in bill.lines]
    return {
        "account": bill.account,
        "month": bill.month,
        "until": bill.until.isoformat(),
        "lines": lines,
        "total": str(bill.total),
        "notes": bill.notes,
    }


def _in_json(pair: tuple[str, Any]) -> tuple[str, Any]:
    member, value = pair
    return member, value.isoformat() if isinstance(value, datetime) else value


def _fits(pair: tuple[str, Any]) -> bool:
    member, value = pair
    return member not in MEMBERS or MEMBERS[member](value)


def bill_from_json(answer: Mapping[str, Any]) -> Bill:
    lines = [Line(**{**line, "amount": Decimal(line["amount"])}) for line in answer["lines"]]
    until = datetime.fromisoformat(answer["until"])
    return Bill(answer["account"], answer["month"], until, tuple(lines))


def _account(key: str, here: str) -> str:
    """The account of the key that an identifier names: the caller's, unless it is an ARN."""
    arn = as_arn(key)
    return arn.account if arn else here


def _principal(name: str, account: str) -> str:
    """The ARN of the caller meant by `alice`, `user/alice`, `role/auditor`, `root` or an ARN."""
    arn = as_arn(name)
    if arn and (arn.service, arn.kind) == ("iam", "role"):
        account, name = arn.account, arn.resource
    if is_arn(name) or name.endswith(".amazonaws.com"):
        return name
    if name == "root":
        return root_arn(account)
    kind, _, rest = name.partition("/") if "/" in name else ("", "", name)
    if kind not in ARNS:
        fail(
            "ValidationException",
            f"{name} is not a principal: give one such as alice, role/auditor or an ARN.",
        )
    return ARNS[kind](account, rest)
