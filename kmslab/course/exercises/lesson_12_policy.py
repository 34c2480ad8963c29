"""Exercise 12-policy: get around a Deny, and write the policy that leaves nothing to get around."""

import json
from collections.abc import Mapping
from typing import Any

from kmslab import allow
from kmslab.course.clinic.clinic import Clinic
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.permissions import (
    NOT_YET,
    OPERATIONS,
    key_in_the_worst_case,
    may,
)
from kmslab.course.exercises.policies import check_names
from kmslab.course.exercises.recording import recorded
from kmslab.course.outcome import outcome
from kmslab.course.policy_statements import let
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.model import MODEL
from kmslab.kms.operations.policies import LOCKED_OUT
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

EVERYTHING_IN_IAM = allow("kms:*")
ACTIONS = sorted({*MODEL.operations, "ReEncryptFrom", "ReEncryptTo"} - {"ReEncrypt"})
CONTEXTS: tuple[dict[str, str] | None, ...] = (
    None,
    {"file": "R-017.csv"},
    {"record": "R-017"},
    {"file": "R-812.csv", "version": "3"},
)
MAY_LOOK = "DescribeKey"
READS = {"Decrypt", "ReEncryptFrom"}
WAYS_IN = {"PutKeyPolicy", "CreateGrant"}
OTHERS_MAY = {MAY_LOOK, "PutKeyPolicy"}  # the latter is a safeguard if the account has it
NEEDED = {"web": "GenerateDataKey", "reader": "Decrypt"}

DENIED = (
    "`{}` called Decrypt, and that is what the policy denies. Which other operations take a "
    "ciphertext, or change who may do what?"
)
REFUSED = "`{}` was refused: {}"
NOT_THE_RECORD = "`{}` did not give back the record. It gave back {}."
AS_ANOTHER = (
    "`{}` made a call as {}. The thief is signed in as the web server alone: work with `web`."
)
NOT_A_LIST = "`{}` should give back a list of statements: `[let(…), let(…), let(…)]`."
REFUSED_POLICY = 'The KMS refuses this policy: "{}"'
LOCKS_SORA_OUT = (
    "The KMS refuses this policy: with it Sora could not write the next one "
    "(`kms:PutKeyPolicy`), and nobody could."
)
SORA_REFUSED = "Sora decides, and your policy does not let her do {}."
NEEDS = "The {} can't do its work: {} is refused, with the context {}."
STILL_READS = (
    "The {0} may do {1}{2}, so a thief who sits there reads. To leave out `kms:Decrypt` alone is "
    "what the seller did."
)
STILL_LETS_HIMSELF_IN = (
    "The {0} may do {1}{2}, and gives itself with that whatever your policy leaves out."
)
TOO_MUCH = "The {0} may also do {1}{2}, which its work does not take."
WITH_A_CONDITION = (
    "The {0} may do `kms:{1}` as soon as a condition of your policy holds. A thief who sits there "
    "waits, or says what the condition wants to hear."
)
NEXT_YEAR = (
    "The {} may do whatever AWS adds next: your statement allows everything and denies what is "
    "known today."
)
A_YEAR_LATER = "{} That is a year later: a date stands in your policy."
OTHERS = "{} may do {} with this key. Three are named in the task, and nobody else."


def check_policy(clinic: Clinic, read_without_decrypt: Function, portal_policy: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    sora, web, reader = (fresh.person(lab, EVERYTHING_IN_IAM) for _ in range(3))
    key, context = _sellers_key(sora, web), {"record": fresh.record().decode()[:5]}
    blob = key.encrypt(b"R-000", context)
    functions = [read_without_decrypt, portal_policy]
    require_bodies(functions, web, fresh.held_by(web, key), blob, context)
    _check_gets_around(lab, read_without_decrypt, sora, web)
    document = _document(portal_policy, sora, web, reader)
    key = _created(sora, document)
    _check_needs(key, sora, web, reader)
    bare = _created(sora, _policy([let(sora, "kms:*")]))
    _check_others(lab, key, bare)
    worst = key_in_the_worst_case(sora, document)
    for name, person in (("web server", web), ("doctors' program", reader)):
        _check_excess(name, person, key, bare)
        _check_conditions(name, person, worst)
    for who, other in _others(lab).items():
        if found := _first(other, worst, OTHERS_MAY):
            raise Wrong(OTHERS.format(who, f"`kms:{found}`"))
    check_names(document, (sora, web, reader), lab)
    lab.clock.advance(days=366)
    try:
        _check_needs(key, sora, web, reader)
    except Wrong as wrong:
        raise Wrong(A_YEAR_LATER.format(wrong)) from wrong
    return (
        "Without Decrypt the record was read. Under your policy there is no such way: of "
        f"{len(ACTIONS)} actions each program has the one that its work takes."
    )


def _policy(statements: list[Mapping[str, Any]]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def _created(sora: View, document: str) -> CMK:
    try:
        return CMK(sora, sora.kms.create_key(Policy=document)["KeyMetadata"])
    except EXCEPTIONS["MalformedPolicyDocumentException"] as refusal:
        locked_out = str(refusal) == LOCKED_OUT
        text = LOCKS_SORA_OUT if locked_out else REFUSED_POLICY.format(refusal)
        raise Wrong(text) from refusal


def _sellers_key(sora: View, web: View) -> CMK:
    """The policy that the portal came with: the web server may do everything but decrypt."""
    denied = let(web, "kms:Decrypt") | {"Effect": "Deny"}
    return _created(sora, _policy([let(sora, "kms:*"), let(web, "kms:*"), denied]))


def _check_gets_around(lab: Lab, function: Function, sora: View, web: View) -> None:
    """With two keys and records that the learner has not met."""
    name = function.__name__
    for _ in range(2):
        key, record = _sellers_key(sora, web), fresh.record()
        context = {"record": record.decode()[:5]}
        blob = key.encrypt(record, context)
        with recorded(lab) as calls:
            try:
                found = function(web, fresh.held_by(web, key), blob, dict(context))
            except EXCEPTIONS["AccessDeniedException"] as refusal:
                text = DENIED if "kms:Decrypt " in str(refusal) else REFUSED
                raise Wrong(text.format(name, refusal)) from refusal
            except Exception:
                found = result_of(function, web, fresh.held_by(web, key), blob, dict(context))
        if found is None:
            raise Wrong(f"`{name}` gives nothing back. Did you forget `return`?")
        for who, caller in (("Sora", sora.caller), ("the account's root user", lab.caller)):
            if theirs := [call for call in calls if call.caller == caller]:
                raise Wrong(AS_ANOTHER.format(name, f"{who} ({theirs[0].operation})"))
        if found != record:
            size = f"{len(found):,} bytes" if isinstance(found, bytes) else f"`{found!r}`"
            raise Wrong(NOT_THE_RECORD.format(name, size))


def _document(function: Function, *people: View) -> str:
    found = result_of(function, *people)
    if isinstance(found, Mapping) and "Statement" in found:
        found = found["Statement"]
    if not isinstance(found, list | tuple) or not all(isinstance(s, Mapping) for s in found):
        raise Wrong(NOT_A_LIST.format(function.__name__))
    try:
        return _policy([*found])
    except TypeError as error:
        raise Wrong(f"{NOT_A_LIST.format(function.__name__)} ({error})") from error


def _check_needs(key: CMK, sora: View, web: View, reader: View) -> None:
    """Each can do what the portal is for, whichever file it is about."""
    for action in ("PutKeyPolicy", "DisableKey", "EnableKey", "CreateGrant"):
        if not _may(sora, action, key, None):
            raise Wrong(SORA_REFUSED.format(f"`kms:{action}`"))
    webs, readers = fresh.held_by(web, key), fresh.held_by(reader, key)
    contexts = [each for each in CONTEXTS if each and "file" in each]
    contexts.append({"file": fresh.record().decode()[:5], "version": "12"})
    for context in contexts:
        if (answer := outcome(webs.generate_data_key, context)) != "ok":
            raise Wrong(NEEDS.format("web server", f"GenerateDataKey (`{answer}`)", f"`{context}`"))
        encrypted = webs.generate_data_key(context).encrypted
        if (answer := outcome(readers.decrypt, encrypted, context)) != "ok":
            text = f"Decrypt (`{answer}`)"
            raise Wrong(NEEDS.format("doctors' program", text, f"`{context}`"))


def _check_excess(name: str, person: View, key: CMK, bare: CMK) -> None:
    """Every action in AWS's list, with several contexts, against a key that does not name them."""
    needed = NEEDED["web" if name == "web server" else "reader"]
    for action in sorted(ACTIONS, key=lambda each: (each not in READS, each not in WAYS_IN)):
        for context in CONTEXTS:
            allowed = _may(person, action, key, context) and not _may(person, action, bare, context)
            if not allowed or action in (needed, MAY_LOOK):
                continue
            text = STILL_READS if action in READS else TOO_MUCH
            text = STILL_LETS_HIMSELF_IN if action in WAYS_IN else text
            when = (
                f" with the context `{context}`"
                if context and not _may(person, action, key, None)
                else ""
            )
            raise Wrong(text.format(name, f"`kms:{action}`", when))


def _check_others(lab: Lab, key: CMK, bare: CMK) -> None:
    """IAM lets nobody use the key. That the account may write the policy is a safeguard."""
    for who, person in _others(lab).items():
        for action in ("Decrypt", "ReEncryptFrom", "Encrypt", "GenerateDataKey", "CreateGrant"):
            for context in CONTEXTS:
                if _may(person, action, key, context) and not _may(person, action, bare, context):
                    raise Wrong(OTHERS.format(who, f"`kms:{action}`"))


def _others(lab: Lab) -> dict[str, View]:
    return {
        "A stranger": lab.account("999988887777").user("anybody", EVERYTHING_IN_IAM),
        "A newcomer with `kms:*` in IAM": fresh.person(lab, EVERYTHING_IN_IAM),
    }


def _check_conditions(name: str, person: View, worst: CMK) -> None:
    """`worst`: the key on which each condition that a thief can fulfil is fulfilled."""
    needed = NEEDED["web" if name == "web server" else "reader"]
    if found := _first(person, worst, {needed, MAY_LOOK}):
        text = NEXT_YEAR if found == NOT_YET else WITH_A_CONDITION
        raise Wrong(text.format(name, found))


def _first(person: View, key: CMK, allowed: set[str]) -> str:
    """What this person may do and should not, or "". What reads comes first."""
    order = sorted(OPERATIONS, key=lambda each: (each not in READS, each not in WAYS_IN))
    others = (each for each in (*order, NOT_YET) if each not in allowed)
    return next((each for each in others if may(person, each, key)), "")


def _may(person: View, action: str, key: CMK, context: dict[str, str] | None) -> bool:
    requests: list[dict[str, Any]] = [{}]
    if action == "CreateGrant":
        grantee = person.caller.principal
        requests.append({"GranteePrincipal": grantee, "Operations": ["Decrypt"]})
    if action == "PutKeyPolicy":
        requests.append({"BypassPolicyLockoutSafetyCheck": True})
    return any(
        person.explain(f"kms:{action}", key, context, **members).verdict.allowed
        for members in requests
    )
