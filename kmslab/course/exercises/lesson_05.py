"""Lesson 05's exercises on names and states: a key's whole name, and a key that is brought back.

The third one, folders that are rescued, is in `rescuing.py`.
"""

from itertools import product
from secrets import token_hex
from typing import Any
from uuid import uuid4

from kmslab.course.clinic.archive import BUSAN, let_use
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import (
    Function,
    Wrong,
    error_of,
    require_bodies,
    result_of,
)
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.kms.access import allow
from kmslab.kms.arn import Arn, is_arn
from kmslab.kms.contract.states import KeyState
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

# -------------------------------------------------------------------------------- 05-whole-name

NAME_NOT_TEXT = "`whole_name` gave back a value of type `{}`, and a name is text.{}"
INSIDE = " The ARN is somewhere in there."
ASKED = "Asked by account {} in {} for `{}`: {}"
ALIAS_AGAIN = (
    "`whole_name` gave back `{}`. That is the alias, and it may lead to another key tomorrow."
)
NO_ARN = (
    "`whole_name` gave back `{}`, which names no account and no Region: elsewhere it means another "
    "key, or none."
)
NOT_A_KEYS_ARN = "`whole_name` gave back `{}`, and a key's ARN ends with `:key/` and the KeyId."
OTHER_KEY = (
    "Asked by account {} in {} for `{}`, `whole_name` answered with key `{}…` of account {} in {}. "
    "That name leads to key `{}…` of account {} in {}."
)
STALE = (
    "The alias was moved to another key, and `whole_name` still answers with the old one. It has "
    "to ask anew each time."
)
MADE_UP = "No key has the name `{}`, and `whole_name` gave back {} instead of an error."

NOT_ASKED = (
    "Asked for `{}`, the KMS refuses: {}. `whole_name` gave back {} instead of an error, which "
    "nobody has confirmed."
)


def check_whole_name(clinic: Clinic, whole_name: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    busan, ireland = lab.account(BUSAN), lab.region("eu-west-1")
    alias = f"drawer-{token_hex(3)}"
    key, theirs, far = (view.create_cmk(alias) for view in (lab, busan, ireland))
    let_use(key, BUSAN)
    name, alias_arn = f"alias/{alias}", key.arn.replace(f"key/{key.id}", f"alias/{alias}")
    require_bodies([whole_name], lab, name)
    asked: list[tuple[View, str, CMK]] = [
        (lab, name, key),
        (lab, key.id, key),
        (lab, alias_arn, key),
        (lab, key.arn, key),
    ]
    asked += [(busan, name, theirs), (busan, alias_arn, key), (ireland, name, far)]
    for view, given, right in asked:
        _check_whole(view, given, right, _answer(whole_name, view, given))
    later = fresh.key(lab)
    lab.kms.update_alias(AliasName=name, TargetKeyId=later.arn)
    if (found := result_of(whole_name, lab, name)) == key.arn:
        raise Wrong(STALE)
    _check_whole(lab, name, later, found)
    let_use(later, BUSAN)
    if (found := result_of(whole_name, busan, alias_arn)) == key.arn:
        raise Wrong(STALE)
    _check_whole(busan, alias_arn, later, found)
    here = lab.caller.here
    for unknown in (f"alias/nobody-{token_hex(3)}", f"{here}key/{uuid4()}", f"{uuid4()}"):
        if error_of(whole_name, lab, unknown) is None:
            raise Wrong(MADE_UP.format(unknown, _shown(whole_name(lab, unknown))))
    _check_refused(whole_name, lab, theirs.arn, "account 444455556666 has let nobody else use it")
    _check_refused(whole_name, fresh.person(lab), name, "this caller has no right at all")
    return (
        "Seven names, asked by two accounts and in two Regions, and each time the whole name of "
        "the right key. After the alias had moved, its new key's; and for an alias and an ARN that "
        "no key has, an error."
    )


def _check_refused(whole_name: Function, view: View, name: str, reason: str) -> None:
    if error_of(whole_name, view, name) is None:
        raise Wrong(NOT_ASKED.format(name, reason, _shown(whole_name(view, name))))


def _answer(whole_name: Function, view: View, given: str) -> Any:
    """As `result_of`; what `whole_name` raises is shown with the name that it was asked for."""
    try:
        return result_of(whole_name, view, given)
    except Wrong as why:
        if why.__cause__ is None:
            raise
        here = view.caller
        raise Wrong(ASKED.format(here.account, here.region, given, why)) from None


def _check_whole(view: View, given: str, right: CMK, found: Any) -> None:
    if found == right.arn:
        return
    if not isinstance(found, str):
        inside = INSIDE if right.arn in repr(found) else ""
        raise Wrong(NAME_NOT_TEXT.format(type(found).__name__, inside))
    if "alias/" in found:
        raise Wrong(ALIAS_AGAIN.format(found))
    if not is_arn(found):
        raise Wrong(NO_ARN.format(found))
    if found.count(":") != right.arn.count(":") or ":key/" not in found:
        raise Wrong(NOT_A_KEYS_ARN.format(found))
    here = view.caller
    names = [part for arn in (found, right.arn) for part in _named(Arn.parse(arn))]
    raise Wrong(OTHER_KEY.format(here.account, here.region, given, *names))


def _named(arn: Arn) -> tuple[str, str, str]:
    return arn.name[:8], arn.account, arn.region


def _shown(found: Any) -> str:
    if found is None:
        return "nothing (`None`)"
    return f"`{found}`" if isinstance(found, str) else f"`{found!r}`"


# ------------------------------------------------------------------------------ 05-back-to-work

NOT_BACK = "The key was {}, and after `back_to_work` it is {}. It should be Enabled."
ONLY_CANCELLED = (
    "The key was PendingDeletion, and after `back_to_work` it is Disabled: a cancelled deletion "
    "leaves it there. One call is missing."
)
ANOTHER_BACK = (
    "`back_to_work` was given one key, and another one changed too: it was {}, and is now {}. "
    "Somebody had decided that."
)
ANOTHER_CALLED = (
    "`back_to_work` called {} for another key. The one that it was given was {}, and is {}."
)
STATE_NOT_TOLD = (
    "The key was {}, and `back_to_work` gave back {}. It should give back the state in which it "
    "found the key."
)
STOPPED = (
    "The key was Enabled, and `back_to_work` called {}. Until it was Enabled again, each program "
    "that needs the key was refused. Here there was nothing to do."
)
REMEMBERED = (
    "`back_to_work` was called twice for one key, which was {} the first time and {} the second. "
    "The second time it gave back {}: it has to ask anew each time."
)
GONE_UNNOTICED = (
    "The key had been deleted, and `back_to_work` gave back {} instead of an error. Nobody can "
    "bring that one back, and Sora has to learn of it."
)
REFUSAL_UNNOTICED = (
    "`back_to_work` was run by somebody who may not enable keys. The KMS refused, with `{}`; "
    "`back_to_work` gave back {}, and the key is {}. Let the error come out."
)
OTHERS_RIGHTS = (
    "`back_to_work` was run by somebody who may not enable keys, and the key is Enabled all the "
    "same. It acted for somebody else: use the `key` that it was given, and that key's `lab`."
)
GAVE_MORE = (
    "`back_to_work` called {} too. The key was to work again; what it may be used for, and by "
    "whom, nobody asked to change."
)
MORE = (
    "PutKeyPolicy", "CreateGrant", "CreateAlias", "UpdateAlias", "CreateKey",
    "DisableKeyRotation", "EnableKeyRotation", "RotateKeyOnDemand",
)  # fmt: skip
FEW_RIGHTS: tuple[list[str], ...] = (
    ["kms:DescribeKey"],
    [],
    ["kms:DescribeKey", "kms:CancelKeyDeletion"],
)
PENDING, DISABLED, ENABLED = KeyState.PENDING_DELETION, KeyState.DISABLED, KeyState.ENABLED


def check_back_to_work(clinic: Clinic, back_to_work: Function) -> str:
    lab = clinic.lab
    require_bodies([back_to_work], _key_in(lab, PENDING))
    bystanders = {state: _key_in(lab, state) for state in (DISABLED, PENDING)}
    for state in (PENDING, DISABLED, ENABLED, PENDING):
        key = _key_in(lab, state)
        with recorded(lab) as calls:
            told = result_of(back_to_work, key)
        _check_back(key, state, told, calls)
        for before, other in bystanders.items():
            if other.state is not before:
                raise Wrong(ANOTHER_BACK.format(before, other.state))
        _check_again(state, key, result_of(back_to_work, key))
    gone = _key_in(lab, PENDING)
    for state, may in product((DISABLED, PENDING), FEW_RIGHTS):
        _check_without_rights(lab, back_to_work, _key_in(lab, state), may)
    lab.clock.advance(days=31)
    if error_of(back_to_work, gone) is None:
        raise Wrong(GONE_UNNOTICED.format(_shown(back_to_work(gone))))
    return (
        "From PendingDeletion, Disabled and Enabled, each key works again, and other keys were "
        "left alone. One that was deleted raised an error."
    )


def _key_in(lab: Lab, state: KeyState) -> CMK:
    key = fresh.key(lab)
    {PENDING: key.schedule_deletion, DISABLED: key.disable}.get(state, key.enable)()
    return key


def _check_back(key: CMK, before: KeyState, told: Any, calls: RecordedCalls) -> None:
    if (now := key.state) is not ENABLED:
        changes = calls.of("EnableKey", "CancelKeyDeletion")
        if changes and not changes.on(key):
            raise Wrong(ANOTHER_CALLED.format(changes[0].operation, before, now))
        only = before is PENDING and now is DISABLED
        raise Wrong(ONLY_CANCELLED if only else NOT_BACK.format(before, now))
    if before is ENABLED and (stops := calls.of("DisableKey", "ScheduleKeyDeletion").on(key)):
        raise Wrong(STOPPED.format(stops[0].operation))
    if more := calls.of(*MORE):
        raise Wrong(GAVE_MORE.format(more[0].operation))
    if told != before:
        raise Wrong(STATE_NOT_TOLD.format(before, _shown(told)))


def _check_again(first: KeyState, key: CMK, told: Any) -> None:
    """The key was Enabled after the first time, so that is what the second time finds."""
    if told != ENABLED:
        raise Wrong(REMEMBERED.format(first, ENABLED, _shown(told)))


def _check_without_rights(lab: Lab, back_to_work: Function, key: CMK, may: list[str]) -> None:
    reader = fresh.held_by(fresh.person(lab, allow(*may) if may else None), key)
    with recorded(lab) as calls:
        try:
            told = back_to_work(reader)
        except Exception:
            return
    if key.state is ENABLED:
        raise Wrong(OTHERS_RIGHTS)
    refusal = calls.refused[0].error if calls.refused else None
    code = refusal.code if refusal else "no call"
    raise Wrong(REFUSAL_UNNOTICED.format(code, _shown(told), key.state))
