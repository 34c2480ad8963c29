"""Exercise 07-policy: a key policy: Sora decides, Jiho's program reads, Mina administers."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from kmslab.course.clinic import staff
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.staff import Staff
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.outcome import outcome
from kmslab.kms.access import key_policy
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.kms.operations.policies import LOCKED_OUT
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

WORKS = "ok"
NOT_A_LIST = (
    "`{}` should give back a list of statements, such as `let` makes: `[let(…), let(…), let(…)]`."
)
LOCKS_OUT_ITS_AUTHOR = (
    'The KMS refuses this policy: "{}" Sora writes it, and it does not let her write the next one '
    "(`kms:PutKeyPolicy`). If it were taken, nobody could ever change it again."
)
ALLOWS_THE_ACCOUNT = (
    "{} reads the record. A statement that names the account (`lab`) lets no person in; it opens "
    "the key to IAM, and there everybody at the clinic may do everything."
)
ALLOWS_EVERYBODY = (
    "{} reads the record, though you named only three people: some statement names everybody."
)
PROGRAM_REFUSED = "Jiho's program can't {}: {}. The clinic stands still."
PROGRAM_MAY_TOO_MUCH = (
    "Jiho's program may {}. Who takes his laptop takes that too; a program needs to encrypt and to "
    "decrypt, and no more."
)
MINA_REFUSED = "Mina should look after the key, and she can't {} it: {}."
MINA_READS = "Mina reads the record. To look after a key does not take `kms:Decrypt`."
MINA_CAN_LET_HERSELF_IN = (
    "Mina can't read, and then she lets herself in: she may {}. Who may do that owns the key, "
    "whatever else the policy says."
)
FOURTH_NAME = "A fourth name stands in your policy: `{}`. Nobody else gets anything."
MAY_DELETE_THE_KEY = (
    "{} may delete the key (`kms:ScheduleKeyDeletion`), and every record with it. To turn off is "
    "not to destroy."
)
MINA_SEALS = "Mina may {} (`kms:{}`). To look after a key does not take that."
SEALING_OPERATIONS = {
    "Encrypt": "encrypt",
    "ReEncryptTo": "encrypt",
    "GenerateDataKey": "make data keys",
    "GenerateDataKeyWithoutPlaintext": "make data keys",
    "GenerateDataKeyPair": "make data keys",
    "GenerateDataKeyPairWithoutPlaintext": "make data keys",
}
MINA_RE_ENCRYPTS = (
    "Mina re-encrypts the record under a key of her own, and reads it there. `kms:ReEncryptFrom` "
    "is as good as `kms:Decrypt`."
)


def check_policy(clinic: Clinic, policy: Function) -> str:
    people = staff.staff(clinic.lab)
    require_bodies([policy], *people)
    document = _document(policy, people)
    key = _create_key(people, document)
    context = staff.context_of(STOLEN)
    blob = _check_program(key, people.jiho, clinic.record(STOLEN), context)
    _check_others(clinic, blob, context)
    _check_names(document, people)
    _check_administrator(key, people, blob, context)
    _check_excess(key, people, context)
    return (
        "Sora decides, Jiho's program reads, Mina looks after the key and can't let herself in. "
        "Three names, and no fourth: not even the account's root."
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


def _create_key(people: Staff, document: str) -> CMK:
    """A new key that Sora creates with this policy."""
    try:
        created = people.sora.kms.create_key(Policy=document)
    except EXCEPTIONS["MalformedPolicyDocumentException"] as refusal:
        locked_out = str(refusal) == LOCKED_OUT
        text = LOCKS_OUT_ITS_AUTHOR if locked_out else 'The KMS refuses this policy: "{}"'
        raise Wrong(text.format(refusal)) from refusal
    return CMK(people.sora, created["KeyMetadata"])


def _key_of(person: View, key: CMK) -> CMK:
    """The key as this person's handle on it, which takes no permission."""
    return CMK(person, {"Arn": key.arn, "KeySpec": key.spec, "KeyUsage": key.usage})


def _check_program(key: CMK, jiho: View, record: bytes, context: dict[str, str]) -> bytes:
    """Jiho's program can encrypt and decrypt. Returns the blob that it made of the record."""
    try:
        blob: bytes = _key_of(jiho, key).encrypt(record, context)
    except KMSError as refusal:
        raise Wrong(PROGRAM_REFUSED.format("encrypt", f"`{refusal.code}`")) from refusal
    if (answer := outcome(jiho.decrypt, blob, context)) != WORKS:
        raise Wrong(PROGRAM_REFUSED.format("decrypt", f"`{answer}`"))
    return blob


def _check_others(clinic: Clinic, blob: bytes, context: dict[str, str]) -> None:
    """Neither a stranger, nor the root user, nor a new user of the account can decrypt."""
    stranger = clinic.lab.account("999988887777").user("anybody", staff.ADMINISTRATOR)
    if outcome(stranger.decrypt, blob, context) == WORKS:
        raise Wrong(ALLOWS_EVERYBODY.format("A stranger with an AWS account"))
    newcomer = clinic.lab.user("newcomer", staff.ADMINISTRATOR)
    for name, person in (("The account's root user", clinic.lab), ("A newcomer", newcomer)):
        if outcome(person.decrypt, blob, context) == WORKS:
            raise Wrong(ALLOWS_THE_ACCOUNT.format(name))


def _check_names(document: str, people: Staff) -> None:
    """No statement allows anything to anybody else, not even to look at the key."""
    three = {person.caller.principal for person in people}
    for statement in key_policy(document).statements:
        if not statement.allows or not (named := statement.principals):
            continue
        if named.excludes:
            raise Wrong(FOURTH_NAME.format("NotPrincipal"))
        if others := sorted(named.wanted - three):
            raise Wrong(FOURTH_NAME.format(", ".join(others)))


def _check_administrator(key: CMK, people: Staff, blob: bytes, context: dict[str, str]) -> None:
    """Mina can look after the key, and cannot decrypt or give herself the right to."""
    mina, jiho = people.mina, people.jiho
    minas_key, jihos_key = _key_of(mina, key), _key_of(jiho, key)
    if outcome(mina.decrypt, blob, context) == WORKS:
        raise Wrong(MINA_READS)
    for person, persons_key, text in (
        (mina, minas_key, MINA_CAN_LET_HERSELF_IN),
        (jiho, jihos_key, PROGRAM_MAY_TOO_MUCH),
    ):
        for words, attempt in _attempts_to_gain_access(person, persons_key).items():
            if outcome(attempt) == WORKS:
                raise Wrong(text.format(words))
    minas_own_key = mina.create_cmk().arn
    re_encrypted = outcome(
        lambda: mina.kms.re_encrypt(
            CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=minas_own_key
        )
    )
    if re_encrypted == WORKS:
        raise Wrong(MINA_RE_ENCRYPTS)
    duties = {
        "look at": lambda: minas_key.metadata,
        "disable": minas_key.disable,
        "enable": minas_key.enable,
    }
    for words, duty in duties.items():
        if (answer := outcome(duty)) != WORKS:
            raise Wrong(MINA_REFUSED.format(words, f"`{answer}`"))


def _check_excess(key: CMK, people: Staff, context: dict[str, str]) -> None:
    """Mina and Jiho's program have no right that they do not need. Explained, not tried."""
    for name, person in (("Mina", people.mina), ("Jiho's program", people.jiho)):
        if _may(person, "ScheduleKeyDeletion", key, context):
            raise Wrong(MAY_DELETE_THE_KEY.format(name))
    if _may(people.jiho, "DisableKey", key, context):
        raise Wrong(PROGRAM_MAY_TOO_MUCH.format("turn the key off (`kms:DisableKey`)"))
    for operation, words in SEALING_OPERATIONS.items():
        if _may(people.mina, operation, key, context):
            raise Wrong(MINA_SEALS.format(words, operation))


def _may(person: View, operation: str, key: CMK, context: dict[str, str]) -> bool:
    return person.explain(f"kms:{operation}", key, context).verdict.allowed


def _attempts_to_gain_access(person: View, key: CMK) -> Mapping[str, Callable[[], Any]]:
    """Calls by which a person, with his handle on the key, would give himself access to it."""
    name = person.caller.principal
    statement = {"Effect": "Allow", "Principal": {"AWS": name}, "Action": "kms:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement]}
    return {
        "write a new policy (`kms:PutKeyPolicy`)": lambda: key.put_policy(policy),
        "hand out grants (`kms:CreateGrant`)": lambda: key.grant(name, "Decrypt"),
    }
