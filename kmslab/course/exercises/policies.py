"""Exercise 07-policy: a key policy with which Sora decides, Jiho's program reads, Mina administers.

Each right is asked for with every permission that AWS has for a key, as it is now and in the worst
case (`permissions.py`): a condition is not a denial.
"""

import json
from collections.abc import Iterable, Mapping, Set
from datetime import timedelta
from typing import Any

from kmslab.course.clinic import staff
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.staff import ADMINISTRATOR, Staff, context_of
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.permissions import (
    NOT_YET,
    OPERATIONS,
    key_in_the_worst_case,
    may,
    named_in_conditions,
)
from kmslab.course.outcome import outcome
from kmslab.kms.access import key_policy
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.kms.operations.policies import LOCKED_OUT
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

WORKS = "ok"
NOT_A_LIST = (
    "`{}` should give back a list of statements, such as `let` makes: `[let(…), let(…), let(…)]`."
)
LOCKS_OUT_ITS_AUTHOR = (
    'The KMS refuses this policy: "{}" Sora writes it, and it does not let her write the next one '
    "(`kms:PutKeyPolicy`)."
)
OTHER_PEOPLE = (
    "`{}` was given three other people, and its policy names `{}`. Use the arguments `sora`, "
    "`jiho` and `mina`, and not the lesson's own."
)
PROGRAM_REFUSED = "Jiho's program can't {} {}: {}. The clinic stands still."
PROGRAM_MAY_TOO_MUCH = (
    "Jiho's program may call `kms:{}`. A thief who takes his laptop gets that too; it needs "
    "Encrypt and Decrypt, and no more."
)
PROGRAM_CONDITION = (
    "Jiho's program may call `kms:{}` as soon as a condition of your policy holds. A condition "
    "says when; the program needs Encrypt and Decrypt, and no more."
)
ACCOUNT_MAY = (
    "{} may call `kms:{}`. A statement that names the account leaves the question to IAM, and "
    "there everybody at the clinic may do everything, Mina too."
)
STRANGER = "{} may call `kms:{}`. Your policy lets in people whom you were not given."
OTHERS_CONDITION = (
    "{} may call `kms:{}` as soon as a condition of your policy holds. You were given three people."
)
FOURTH_NAME = "A fourth name stands in your policy: `{}`. Nobody else gets anything."
MINA_READS = "Mina may call `kms:{}`, and with that she reads the record."
MINA_LETS_HERSELF_IN = (
    "Mina can't read, and then she lets herself in: she may call `kms:{}`. With that right she "
    "owns the key, whatever else the policy says."
)
MINA_MOVES_THE_ALIAS = (
    "Mina may call `kms:{}`. So she can take the key's alias and give it to a key of her own, and "
    "a program that names the key by its alias encrypts the next record for her."
)
MINA_DELETES = (
    "Mina may call `kms:{}`, and destroy every record with it. To turn off is not to destroy."
)
MINA_MAY_TOO_MUCH = "Mina may call `kms:{}`. To look after a key does not take that."
MINA_CONDITION = (
    "Mina may call `kms:{}` as soon as a condition of your policy holds: she waits, or says what "
    "it wants to hear."
)
NEXT_YEAR = (
    "{} may call whatever operation AWS adds next: your statement allows everything (`kms:*` or "
    "`NotAction`) and then denies what is known today. In 2026 AWS added GetKeyLastUsage, for one."
)
MINA_REFUSED = "Mina should look after the key, and she can't {} it{}: {}."
SORA_MAY_LESS = (
    "Sora may do everything, and with your policy she can't call `kms:{}`: {} of {} permissions "
    "are missing. She could write them in, since she writes the policy; better say it at once."
)
SORA_REFUSED = "Sora decides, and a year later she may not call `kms:PutKeyPolicy` any more."
LOOKS = {name for name in OPERATIONS if name.startswith(("Describe", "Get", "List"))}
# What Mina may be allowed: none of it reads a record, lets her read one, or destroys the key.
CARE = LOOKS | {
    *("EnableKey", "DisableKey", "EnableKeyRotation", "DisableKeyRotation", "RotateKeyOnDemand"),
    *("TagResource", "UntagResource", "UpdateKeyDescription", "CancelKeyDeletion"),
    *("CreateAlias", "RevokeGrant", "RetireGrant"),
}
OF_THE_ROOT_USER = CARE | {"PutKeyPolicy", "DeleteAlias", "UpdateAlias"}
USES = LOOKS | {"Encrypt", "Decrypt"}
MINAS_MESSAGES = {
    "Decrypt": MINA_READS,
    "ReEncryptFrom": MINA_READS,
    "PutKeyPolicy": MINA_LETS_HERSELF_IN,
    "CreateGrant": MINA_LETS_HERSELF_IN,
    "ReplicateKey": MINA_LETS_HERSELF_IN,
    "ScheduleKeyDeletion": MINA_DELETES,
    "DeleteImportedKeyMaterial": MINA_DELETES,
    "DeleteAlias": MINA_MOVES_THE_ALIAS,
    "UpdateAlias": MINA_MOVES_THE_ALIAS,
}
YEAR = timedelta(days=366)
# What a check names first if a person may do too much.
HARMFUL = ("Decrypt", "PutKeyPolicy", "CreateGrant", "ReEncryptFrom", "ScheduleKeyDeletion")
ONE, OTHER = "R-117", "R-217"


def check_policy(clinic: Clinic, policy: Function) -> str:
    lab = clinic.lab
    people = Staff(*(fresh.person(lab, ADMINISTRATOR) for _ in staff.NAMES))
    require_bodies([policy], *people)
    document = _document(policy, people)
    key = _create_key(policy, people, document, staff.staff(lab))
    worst = key_in_the_worst_case(lab, document)
    _check_program(key, people.jiho)
    _check_others(lab, key, worst, document, people)
    check_names(document, people, lab)
    _check_mina(key, worst, people.mina)
    _check_jiho(key, worst, people.jiho)
    _check_duties(key, people.mina)
    _check_sora(key, people.sora)
    lab.clock.advance(days=YEAR.days)
    if not may(people.sora, "PutKeyPolicy", key):
        raise Wrong(SORA_REFUSED)
    _check_duties(key, people.mina, " a year later")
    _check_program(key, people.jiho, " a year later")
    return (
        "Sora decides, Jiho's program reads, Mina looks after the key and can't let herself in. "
        f"{len(OPERATIONS)} permissions were tried for each, and for people whom your policy does "
        "not know."
    )


def _document(policy: Function, people: Staff) -> str:
    statements = result_of(policy, *people)
    if isinstance(statements, Mapping) and "Statement" in statements:
        return _json(policy, dict(statements))
    if not isinstance(statements, list | tuple) or not all(
        isinstance(each, Mapping) for each in statements
    ):
        raise Wrong(NOT_A_LIST.format(policy.__name__))
    return _json(policy, {"Version": "2012-10-17", "Statement": list(statements)})


def _json(policy: Function, document: dict[str, Any]) -> str:
    try:
        return json.dumps(document)
    except TypeError as error:
        raise Wrong(f"{NOT_A_LIST.format(policy.__name__)} ({error})") from error


def _create_key(policy: Function, people: Staff, document: str, others: Staff) -> CMK:
    """A new key that Sora creates with this policy."""
    for other in others:
        if f'"{other.caller.principal}"' in document:
            raise Wrong(OTHER_PEOPLE.format(policy.__name__, _short(other)))
    try:
        created = people.sora.kms.create_key(Policy=document)
    except EXCEPTIONS["MalformedPolicyDocumentException"] as refusal:
        locked_out = str(refusal) == LOCKED_OUT
        text = LOCKS_OUT_ITS_AUTHOR if locked_out else 'The KMS refuses this policy: "{}"'
        raise Wrong(text.format(refusal)) from refusal
    return CMK(people.sora, created["KeyMetadata"])


def _short(person: View) -> str:
    return person.caller.principal.rpartition(":")[2]


def _check_program(key: CMK, jiho: View, when: str = "") -> None:
    """Jiho's program encrypts and decrypts each record, and not one alone."""
    jihos_key = fresh.held_by(jiho, key)
    for number in (STOLEN, ONE, OTHER):
        record, context = fresh.record(), context_of(number)
        try:
            words = "encrypt"
            blob = jihos_key.encrypt(record, context)
            words = "decrypt"
            jihos_key.decrypt(blob, context)
        except KMSError as refusal:
            answer = f"`{refusal.code}`"
            raise Wrong(PROGRAM_REFUSED.format(words, number + when, answer)) from refusal


def _check_others(lab: Lab, key: CMK, worst: CMK, document: str, given: Staff) -> None:
    """Neither strangers nor the account's other people may do anything; its root user may care."""
    stranger = lab.account("999988887777")
    newcomer = fresh.person(lab, ADMINISTRATOR)
    strangers = {
        "A stranger with an AWS account": stranger.user("anybody", ADMINISTRATOR),
        "The root user of another account": stranger,
    }
    people = {
        "The account's root user": lab,
        "A newcomer": newcomer,
        "A role of the account": lab.role("night-shift", ADMINISTRATOR),
    }
    people |= named_in_conditions(document, lab, ADMINISTRATOR)
    for group, words in ((strangers, STRANGER), (people, ACCOUNT_MAY)):
        for name, person in group.items():
            allowed = OF_THE_ROOT_USER if person is lab else set()
            if found := _excess(person, key, allowed):
                raise Wrong(words.format(name, found))
            if found := _excess(person, worst, allowed):
                raise Wrong(OTHERS_CONDITION.format(name, found))
    known = {person.caller.principal for person in (*given, lab)}
    if not (rest := _without_statements_for(known, document)):
        return
    anybody = key_in_the_worst_case(lab, rest, callers=set())
    if found := _excess(newcomer, anybody, OF_THE_ROOT_USER):
        raise Wrong(OTHERS_CONDITION.format("Somebody of the account", found))


def _without_statements_for(known: Set[str], document: str) -> str:
    """The policy without statements whose condition lets in known callers alone, or ""."""
    found = json.loads(document)["Statement"]
    statements = found if isinstance(found, list) else [found]
    rest = [each for each in statements if not _is_for(known, each)]
    return json.dumps({"Version": "2012-10-17", "Statement": rest}) if rest else ""


def _is_for(known: Set[str], statement: Mapping[str, Any]) -> bool:
    for operator in ("ArnEquals", "StringEquals"):
        for name, values in statement.get("Condition", {}).get(operator, {}).items():
            named = {values} if isinstance(values, str) else {*values}
            if name.lower() == "aws:principalarn" and named <= known:
                return True
    return False


def _excess(person: View, key: CMK, allowed: set[str]) -> str:
    """An operation that this person may call and should not; the most harmful comes first."""
    contexts = (context_of(fresh.record().decode()[:5]), context_of(STOLEN), None)
    for operation in (*HARMFUL, *OPERATIONS, NOT_YET):
        if operation in allowed:
            continue
        if any(may(person, operation, key, context) for context in contexts):
            return operation
    return ""


def check_names(document: str, people: Iterable[View], lab: Lab) -> None:
    """No statement allows anything to somebody by name whom the function was not given."""
    known = {person.caller.principal for person in people}
    known |= {lab.caller.principal, lab.caller.account}
    if not (rest := _without_statements_for(known, document)):
        return
    for statement in key_policy(rest).statements:
        if not statement.allows or not (named := statement.principals):
            continue
        if named.excludes:
            raise Wrong(FOURTH_NAME.format("NotPrincipal"))
        if others := sorted(named.wanted - known):
            raise Wrong(FOURTH_NAME.format(", ".join(others)))


def _check_sora(key: CMK, sora: View) -> None:
    """She may call every operation, if only with a context that the policy asks for."""
    missing = [
        operation
        for operation in OPERATIONS
        if not any(may(sora, operation, key, context) for context in (None, context_of(STOLEN)))
    ]
    if missing:
        raise Wrong(SORA_MAY_LESS.format(missing[0], len(missing), len(OPERATIONS)))


def _check_mina(key: CMK, worst: CMK, mina: View) -> None:
    if found := _excess(mina, key, CARE):
        message = MINAS_MESSAGES.get(found, MINA_MAY_TOO_MUCH)
        raise Wrong(NEXT_YEAR.format("Mina") if found == NOT_YET else message.format(found))
    if found := _excess(mina, worst, CARE):
        raise Wrong(MINA_CONDITION.format(found))


def _check_jiho(key: CMK, worst: CMK, jiho: View) -> None:
    if found := _excess(jiho, key, USES):
        next_year = found == NOT_YET
        text = NEXT_YEAR.format("Jiho's program") if next_year else PROGRAM_MAY_TOO_MUCH
        raise Wrong(text.format(found))
    if found := _excess(jiho, worst, USES):
        raise Wrong(PROGRAM_CONDITION.format(found))


def _check_duties(key: CMK, mina: View, when: str = "") -> None:
    """Mina looks at the key, turns it off, and on again."""
    hers = fresh.held_by(mina, key)
    duties = {"look at": lambda: hers.metadata, "disable": hers.disable, "enable": hers.enable}
    for words, duty in duties.items():
        if (answer := outcome(duty)) != WORKS:
            raise Wrong(MINA_REFUSED.format(words, when, f"`{answer}`"))
