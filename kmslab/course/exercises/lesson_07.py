"""07-lend: a grant for one person and one record, and its end.

Lesson 07's other exercises are in `reading_at_night.py` and `policies.py`.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.staff import ADMINISTRATOR, context_of
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, error_of, require_bodies, result_of
from kmslab.course.exercises.other_answers import refusing
from kmslab.course.exercises.permissions import OPERATIONS, may
from kmslab.course.exercises.restarting import restarted
from kmslab.course.outcome import outcome
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

WORKS = "ok"
ONE, OTHER, THIRD = "R-117", "R-217", "R-317"
READERS = {"Decrypt", "DescribeKey", "RetireGrant"}  # operations

NO_GRANT = "`{}` returned `{!r}`, and ListGrants shows no grant for the surgeon."
OTHER_GRANTEE = "`{}` was given one surgeon, and its grant names {}."
BORROWER_REFUSED = (
    "`{}` lent {} to a surgeon, and Decrypt refuses her: `{}`. Her own IAM policy allows it."
)
OPENS_MORE = (
    "`{}` lent {}, and the surgeon opens {} with it. The grant does not say which record it is for."
)
NO_CONTEXT_NEEDED = (
    "`{}` lent {}, and the surgeon opens a blob without any context. The grant does not say which "
    "record it is for."
)
BORROWER_MAY_MORE = (
    "The surgeon was lent one record to read, and may call {} now. A grant of more than `Decrypt` "
    "allows more than reading."
)
NO_TEXT = (
    "`{}` was refused with `{}`, because something else stands where a text belongs. A person's "
    "ARN is the text `person.caller.principal`."
)
NO_GRANT_ID = (
    "`{}` got what `lend` had returned, `{!r}`, and was refused with `{}`: RevokeGrant takes the "
    "grant's id, a text."
)
COLLEAGUE_READS = (
    "A colleague in the surgeon's account opens {}. The grant names the account and not the person."
)
POLICY_CHANGED = (
    "`{}` changed the key policy. That is not a grant: the next auditor has to read a longer "
    "policy, and two such changes at once overwrite one another."
)
KEY_CHANGED = (
    "`{}` called {} on the key. All loans and all of the clinic's programs depend on that key; to "
    "lend or to take back a record takes a grant, and nothing else about the key."
)
STILL_READS = "`{}` took {} back, and the surgeon still opens it."
TOOK_TOO_MUCH = (
    "`{}` took {} back from a surgeon. Now {} is refused, too, which was lent to {} separately: "
    "`{}`."
)
STARTED_AGAIN = (
    ". (The program was started again after the loan, so its variables had their first values. "
    "What `{}` needs has to be in what it is given.)"
)
REFUSAL_UNNOTICED = (
    "`{}` was run by somebody who may not give or take back grants, and raised no error. {} Let "
    "the KMS's error come out."
)
NOT_LENT = "So somebody believes now that the surgeon can read, and she can't."
NOT_TAKEN = "So somebody believes now that {} was taken back, and the surgeon still opens it."
OTHERS_RIGHTS = (
    "`{}` was run by somebody who may not give or take back grants, and it was done all the same. "
    "It acted for somebody else: use the `key` that it was given."
)
ANSWERED_WITH = (
    "The KMS answered `{}` with `{}`, and it raised no error. {} Let the error come out."
)
KEY_TURNED_ON = (
    "Sora had turned the key off, and `{}` turned it on: with it all that the key opens, for "
    "everybody. If the KMS refuses, let its error come out."
)
LEFT_OVER = (
    "`{}` has taken every loan back, and ListGrants still shows a grant for {}, of {}. Whatever "
    "lending gave, taking back has to end."
)
OLD_GRANT_GONE = (
    "`{}` took a record back, and a grant is gone that was there before anything was lent. It "
    "belonged to the backup."
)


def check_lend(clinic: Clinic, lend: Function, take_back: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    key, backup = fresh.key(lab), fresh.person(lab)
    surgeons = [_surgeon(lab, number) for number in ("666677778888", "777788889999")]
    require_bodies([lend, take_back], key, surgeons[0], ONE)
    key = fresh.key(lab)  # which no call has met
    blobs = {number: key.encrypt(fresh.record(), context_of(number)) for number in (ONE, OTHER)}
    blobs |= {THIRD: key.encrypt(fresh.record(), context_of(THIRD))}
    kept, policy = key.grant(backup.caller.principal, "Decrypt"), key.policy
    first, second = surgeons
    loans = [(first, ONE), (second, OTHER), (first, THIRD), (second, ONE)]
    error, start = EXCEPTIONS["SerializationException"], len(lab.trail)
    meanings: dict[type[Exception], str] = {error: NO_TEXT.format(lend.__name__, error.__name__)}
    lent = {}
    for who, number in loans:
        before = _grants(key)
        lent[who, number] = result_of(lend, key, who, number, meanings=meanings)
        if key.policy != policy:
            raise Wrong(POLICY_CHANGED.format(lend.__name__))
        _check_grants(lend, who, lent[who, number], _new(before, _grants(key)))
    _check_key_is_left_alone(key, lend, lab.trail[start:])
    for who, number in loans:
        theirs = {each for borrower, each in loans if borrower is who}
        _check_borrower(lend, key, who, number, theirs, blobs)
    _, after = restarted([lend, take_back])
    _check_taken_back(after, key, loans, lent, blobs)
    _check_key_is_left_alone(key, take_back, lab.trail[start:])
    if kept not in [grant["GrantId"] for grant in _grants(key)]:
        raise Wrong(OLD_GRANT_GONE.format(take_back.__name__))
    _check_without_rights(lab, lend, after, key, loans[2], lent[loans[2]], blobs)
    _check_refusals(lab, lend, after, key, loans[2], lent)
    _check_leaves_nothing(after, key, kept, [lent[each] for each in loans[2:]])
    return (
        "Each surgeon opens what was lent to her and nothing else, and can't pass it on. What was "
        "taken back is refused at the next call; the other loans go on."
    )


def _grants(key: CMK) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = key.lab.kms.list_grants(KeyId=key.arn, Limit=100)["Grants"]
    return found


def _check_grants(lend: Function, who: View, lent: Any, new: list[dict[str, Any]]) -> None:
    """ListGrants shows a grant for this person, and no operation in it but those of a reader."""
    if not new:
        raise Wrong(NO_GRANT.format(lend.__name__, lent))
    account = {who.caller.principal, who.caller.account_principal}
    for grant in new:
        name = grant["GranteePrincipal"]
        if name not in account:
            *_, number, user = name.split(":")
            raise Wrong(OTHER_GRANTEE.format(lend.__name__, f"`{user}` of account {number}"))
        for operation in grant["Operations"]:
            if operation not in READERS:
                raise Wrong(BORROWER_MAY_MORE.format(f"`{operation}`"))


def _new(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[dict[str, Any]]:
    known = {grant["GrantId"] for grant in before}
    return [grant for grant in after if grant["GrantId"] not in known]


def _surgeon(lab: Lab, account: str) -> View:
    """Each has a name of her own, which nobody can guess from the account's number."""
    name = f"surgeon-{account[:3]}"
    return lab.account(account).user(name, ADMINISTRATOR)


def _check_borrower(
    lend: Function, key: CMK, who: View, number: str, theirs: set[str], blobs: Mapping[str, bytes]
) -> None:
    name = lend.__name__
    if (answer := outcome(who.decrypt, blobs[number], context_of(number))) != WORKS:
        raise Wrong(BORROWER_REFUSED.format(name, number, answer))
    for other in blobs.keys() - theirs:
        if outcome(who.decrypt, blobs[other], context_of(other)) == WORKS:
            raise Wrong(OPENS_MORE.format(name, number, other))
    if outcome(who.decrypt, key.encrypt(fresh.record())) == WORKS:
        raise Wrong(NO_CONTEXT_NEEDED.format(name, number))
    for operation in OPERATIONS:
        if operation not in READERS and may(who, operation, key, context_of(number)):
            raise Wrong(BORROWER_MAY_MORE.format(f"`{operation}`"))
    colleague = who.user("colleague", ADMINISTRATOR)
    if outcome(colleague.decrypt, blobs[number], context_of(number)) == WORKS:
        raise Wrong(COLLEAGUE_READS.format(number))


def _check_without_rights(
    lab: Lab,
    lend: Function,
    take_back: Function,
    key: CMK,
    loan: tuple[View, str],
    lent: Any,
    blobs: Mapping[str, bytes],
) -> None:
    """Somebody who may do neither gets the KMS's error from both."""
    theirs = fresh.held_by(fresh.person(lab, allow("kms:DescribeKey", "kms:ListGrants")), key)
    before, borrower = _grants(key), _surgeon(lab, "888899990000")
    if error_of(lend, theirs, borrower, ONE) is None:
        if _new(before, _grants(key)):
            raise Wrong(OTHERS_RIGHTS.format(lend.__name__))
        raise Wrong(REFUSAL_UNNOTICED.format(lend.__name__, NOT_LENT))
    who, number = loan
    if error_of(take_back, theirs, lent) is None:
        if outcome(who.decrypt, blobs[number], context_of(number)) != WORKS:
            raise Wrong(OTHERS_RIGHTS.format(take_back.__name__))
        raise Wrong(REFUSAL_UNNOTICED.format(take_back.__name__, NOT_TAKEN.format(number)))


def _check_refusals(
    lab: Lab,
    lend: Function,
    take_back: Function,
    key: CMK,
    loan: tuple[View, str],
    lent: Mapping[tuple[View, str], Any],
) -> None:
    """Not each refusal is AccessDenied; and a key that is off stays off."""
    (who, number), off = loan, fresh.key(lab)
    off.disable()
    error_of(lend, off, who, number)
    if off.state == "Enabled":
        raise Wrong(KEY_TURNED_ON.format(lend.__name__))
    for code in ("LimitExceededException", "KMSInternalException"):
        with refusing(lab, code):
            given = error_of(lend, key, who, number)
            taken = error_of(take_back, key, lent[loan])
        if given is None:
            raise Wrong(ANSWERED_WITH.format(lend.__name__, code, NOT_LENT))
        if taken is None:
            raise Wrong(ANSWERED_WITH.format(take_back.__name__, code, NOT_TAKEN.format(number)))


def _check_leaves_nothing(take_back: Function, key: CMK, kept: str, lent: list[Any]) -> None:
    for each in lent:
        _take(take_back, key, each)
    for grant in _grants(key):
        if grant["GrantId"] != kept:
            name = grant["GranteePrincipal"].rpartition(":")[2]
            operations = ", ".join(grant["Operations"])
            raise Wrong(LEFT_OVER.format(take_back.__name__, f"`{name}`", operations))


def _check_taken_back(
    take_back: Function,
    key: CMK,
    loans: list[tuple[View, str]],
    lent: Mapping[tuple[View, str], Any],
    blobs: Mapping[str, bytes],
) -> None:
    """What was taken back is refused; the loans after it are not."""
    for place, (who, number) in enumerate(loans[:2], 1):
        _take(take_back, key, lent[who, number])
        if outcome(who.decrypt, blobs[number], context_of(number)) == WORKS:
            raise Wrong(STILL_READS.format(take_back.__name__, number))
        for other, still in loans[place:]:
            answer = outcome(other.decrypt, blobs[still], context_of(still))
            if answer != WORKS:
                whom = "her" if other is who else "another surgeon"
                raise Wrong(TOOK_TOO_MUCH.format(take_back.__name__, number, still, whom, answer))


def _take(take_back: Function, key: CMK, lent: Any) -> None:
    if error := error_of(take_back, key, lent):
        name, kind = take_back.__name__, type(error).__name__
        if isinstance(error, EXCEPTIONS["SerializationException"]):
            raise Wrong(NO_GRANT_ID.format(name, lent, kind)) from error
        again = "" if isinstance(error, KMSError) else STARTED_AGAIN.format(name)
        raise Wrong(f"`{name}` stopped with `{kind}`: {error}{again}") from error


def _check_key_is_left_alone(
    key: CMK, function: Function, events: Iterable[Mapping[str, Any]]
) -> None:
    """The trail shows no call that changed the key, not even for a moment."""
    harmless = {"CreateGrant", "RevokeGrant", "RetireGrant"}
    for event in events:
        concerns = any(each["ARN"] == key.arn for each in event["resources"])
        if concerns and not event["readOnly"] and event["eventName"] not in harmless:
            raise Wrong(KEY_CHANGED.format(function.__name__, event["eventName"]))
