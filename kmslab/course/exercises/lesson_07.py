"""Three names: a key policy that tells apart who decides, who reads and who looks after the key."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from kmslab.course.clinic import staff
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.staff import Staff
from kmslab.course.exercises.answers import Answer, Wrong, ask, need_written
from kmslab.course.outcome import outcome
from kmslab.kms.access.documents import key_policy
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.kms.operations.policies import LOCKED_OUT
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

WORKS = "ok"
NO_LIST = (
    "`{}` should give back a list of statements, such as `let` makes: `[let(…), let(…), let(…)]`."
)
NO_OWNER = (
    'The KMS refuses this policy: "{}" Sora writes it, and it does not let her write the next one '
    "(`kms:PutKeyPolicy`). If it were taken, nobody could ever change it again."
)
TO_THE_ACCOUNT = (
    "{} reads the record. A statement that names the account (`lab`) lets no person in; it opens "
    "the key to IAM, and there everybody at the clinic may do everything."
)
EVERYBODY = "{} reads the record, of whom nobody has said a word: some statement names everybody."
NO_PROGRAM = "Jiho's program can't {}: {}. The clinic stands still."
PROGRAM_RULES = (
    "Jiho's program may {}. Who takes his laptop takes that too; a program needs to encrypt and to "
    "decrypt, and no more."
)
NO_CARE = "Mina should look after the key, and she can't {} it: {}."
READS = "Mina reads the record. To look after a key does not take `kms:Decrypt`."
LETS_HERSELF_IN = (
    "Mina can't read, and then she lets herself in: she may {}. Who may do that owns the key, "
    "whatever else the policy says."
)
FOURTH = "A fourth name stands in your policy: `{}`. Nobody else gets anything."
DESTROYS = (
    "{} may delete the key (`kms:ScheduleKeyDeletion`), and every record with it. To turn off is "
    "not to destroy."
)
SEALS = "Mina may {} (`kms:{}`). To look after a key does not take that."
SEALING = {
    "Encrypt": "encrypt",
    "ReEncryptTo": "encrypt",
    "GenerateDataKey": "make data keys",
    "GenerateDataKeyWithoutPlaintext": "make data keys",
    "GenerateDataKeyPair": "make data keys",
    "GenerateDataKeyPairWithoutPlaintext": "make data keys",
}
MOVES = (
    "Mina re-encrypts the record under a key of her own, and reads it there. `kms:ReEncryptFrom` "
    "is as good as `kms:Decrypt`."
)


def policy(clinic: Clinic, write: Answer) -> str:
    people = staff.staff(clinic.lab)
    need_written([write], *people)
    document = _document(write, people)
    key = _made(people, document)
    about = staff.about(STOLEN)
    blob = _reader(key, people.jiho, clinic.record(STOLEN), about)
    _strangers(clinic, key, blob, about)
    _names(document, people)
    _keeper(key, people, blob, about)
    _no_more(key, people, about)
    return (
        "Sora decides, Jiho's program reads, Mina looks after the key and can't let herself in. "
        "Three names, and no fourth: not even the account's root."
    )


def _document(write: Answer, people: Staff) -> str:
    statements = ask(write, *people)
    if isinstance(statements, Mapping) and "Statement" in statements:
        return _json(write, dict(statements))
    if not isinstance(statements, list | tuple) or not all(
        isinstance(each, Mapping) for each in statements
    ):
        raise Wrong(NO_LIST.format(write.__name__))
    return _json(write, {"Version": "2012-10-17", "Statement": list(statements)})


def _json(write: Answer, document: dict[str, Any]) -> str:
    try:
        return json.dumps(document)
    except TypeError as error:
        raise Wrong(f"{NO_LIST.format(write.__name__)} ({error})") from error


def _made(people: Staff, document: str) -> CMK:
    """A fresh key of Sora's, under this policy."""
    try:
        made = people.sora.kms.create_key(Policy=document)
    except EXCEPTIONS["MalformedPolicyDocumentException"] as refusal:
        told = NO_OWNER if str(refusal) == LOCKED_OUT else 'The KMS refuses this policy: "{}"'
        raise Wrong(told.format(refusal)) from refusal
    return CMK(people.sora, made["KeyMetadata"])


def _at(who: View, key: CMK) -> CMK:
    """The key as this person has it in hand, which takes no permission."""
    return CMK(who, {"Arn": key.arn, "KeySpec": key.spec, "KeyUsage": key.usage})


def _reader(key: CMK, jiho: View, record: bytes, about: dict[str, str]) -> bytes:
    """The record, as the program seals it, if the program can work and do nothing else."""
    his = _at(jiho, key)
    try:
        blob: bytes = his.encrypt(record, about)
    except KMSError as refusal:
        raise Wrong(NO_PROGRAM.format("encrypt", f"`{refusal.code}`")) from refusal
    if (answer := outcome(jiho.decrypt, blob, about)) != WORKS:
        raise Wrong(NO_PROGRAM.format("decrypt", f"`{answer}`"))
    return blob


def _strangers(clinic: Clinic, key: CMK, blob: bytes, about: dict[str, str]) -> None:
    passer_by = clinic.lab.account("999988887777").user("anybody", staff.EVERYTHING)
    if outcome(passer_by.decrypt, blob, about) == WORKS:
        raise Wrong(EVERYBODY.format("A stranger with an AWS account"))
    newcomer = clinic.lab.user("newcomer", staff.EVERYTHING)
    for who, reader in (("The account's root user", clinic.lab), ("A newcomer", newcomer)):
        if outcome(reader.decrypt, blob, about) == WORKS:
            raise Wrong(TO_THE_ACCOUNT.format(who))


def _names(document: str, people: Staff) -> None:
    """Whoever else is allowed anything, be it to look."""
    three = {who.caller.principal for who in people}
    for statement in key_policy(document).statements:
        if not statement.allows or not (named := statement.principals):
            continue
        if named.excludes:
            raise Wrong(FOURTH.format("NotPrincipal"))
        if others := sorted(named.wanted - three):
            raise Wrong(FOURTH.format(", ".join(others)))


def _keeper(key: CMK, people: Staff, blob: bytes, about: dict[str, str]) -> None:
    mina, jiho = people.mina, people.jiho
    hers, his = _at(mina, key), _at(jiho, key)
    if outcome(mina.decrypt, blob, about) == WORKS:
        raise Wrong(READS)
    for who, held, told in ((mina, hers, LETS_HERSELF_IN), (jiho, his, PROGRAM_RULES)):
        for words, attempt in _ways_in(who, held).items():
            if outcome(attempt) == WORKS:
                raise Wrong(told.format(words))
    own = mina.create_cmk().arn
    moved = outcome(
        lambda: mina.kms.re_encrypt(
            CiphertextBlob=blob, SourceEncryptionContext=about, DestinationKeyId=own
        )
    )
    if moved == WORKS:
        raise Wrong(MOVES)
    care = {"look at": lambda: hers.metadata, "disable": hers.disable, "enable": hers.enable}
    for words, act in care.items():
        if (answer := outcome(act)) != WORKS:
            raise Wrong(NO_CARE.format(words, f"`{answer}`"))


def _no_more(key: CMK, people: Staff, about: dict[str, str]) -> None:
    """What only its owner does with a key, and what only the program does: asked, not tried."""
    for name, who in (("Mina", people.mina), ("Jiho's program", people.jiho)):
        if _may(who, "ScheduleKeyDeletion", key, about):
            raise Wrong(DESTROYS.format(name))
    if _may(people.jiho, "DisableKey", key, about):
        raise Wrong(PROGRAM_RULES.format("turn the key off (`kms:DisableKey`)"))
    for operation, words in SEALING.items():
        if _may(people.mina, operation, key, about):
            raise Wrong(SEALS.format(words, operation))


def _may(who: View, operation: str, key: CMK, about: dict[str, str]) -> bool:
    return who.explain(f"kms:{operation}", key, about).verdict.allowed


def _ways_in(who: View, held: CMK) -> Mapping[str, Callable[[], Any]]:
    """Each puts itself on the list of readers, if it is let."""
    name = who.caller.principal
    wanted = {"Effect": "Allow", "Principal": {"AWS": name}, "Action": "kms:*", "Resource": "*"}
    mine = {"Version": "2012-10-17", "Statement": [wanted]}
    return {
        "write a new policy (`kms:PutKeyPolicy`)": lambda: held.put_policy(mine),
        "hand out grants (`kms:CreateGrant`)": lambda: held.grant(name, "Decrypt"),
    }
