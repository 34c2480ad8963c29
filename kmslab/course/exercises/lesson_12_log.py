"""Exercise 12-log: open a box with what a log says, and write a log that says less."""

import json
from collections.abc import Mapping
from secrets import token_bytes
from typing import Any

from kmslab.course.clinic.clinic import Clinic
from kmslab.course.clinic.flawed_portal import log_line
from kmslab.course.clinic.stolen_laptop import NoKey, NotOpened, lock
from kmslab.course.exercises import every_key, fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.left_behind import LeftBehind, watched
from kmslab.course.exercises.lesson_12_attacks import ASKED
from kmslab.course.exercises.recording import SECRET, RecordedCalls, recorded
from kmslab.course.exercises.searching import found_in
from kmslab.crypto.backend import AES_256_KEY
from kmslab.lab.cmk import CMK
from kmslab.lab.lab import Lab

SHORT = 12  # bytes: a password, say
PIECE = 6  # bytes: too many to stand there by chance
EC_PRIVATE_KEY = bytes.fromhex("0201010420")  # version 1, then 32 bytes
NOT_THE_FOLDER = "`{}` did not give back what is in the folder. It gave back {}."
ANOTHER_KEYS_LINE = (
    "`{}` stopped with `{}`: it tried one of the plaintexts in the log, and that was not the key "
    "of this box. Other keys stand there, too, and plaintexts that are no key."
)
NOT_A_DICT = "`{}` should give back a dict, what may stand in the log. It gave back `{}`."
SECRET_IN_THE_LOG = "The answer of {} was to be logged, and `{}` leaves `{}` in it{}."
SECRET_SHOWS = (
    "Two answers of {} went to `{}` that differ in `{}` alone, and what it gave back differs, too: "
    "something of the secret is in the log. A hash of it is enough for a thief who can guess."
)
ANSWER_CHANGED = (
    "`{}` took `{}` out of the answer itself, and the program that called the KMS needs it in the "
    "next line. Make another dict."
)
LEFT = (
    "`{0}` {1} `{2}` of the answer of {3}, {4}. What a program prints lands in a log, too, and "
    "whoever reads that reads the secret."
)
KEY_NOT_NAMED = (
    "The answer of {} named the KMS key, and `{}` leaves that out. A log from which nobody can see "
    "which key was used is no use after a breach."
)
OTHER_NAME = "`{}` wrote another `KeyId` than the answer of {} had."


def check_log(clinic: Clinic, open_from_log: Function, loggable: Function) -> str:
    lab = clinic.lab
    every_key.enable(lab)
    answers = _answers(lab)
    box = lock(b"R-000", token_bytes(AES_256_KEY))
    require_bodies([open_from_log, loggable], _log(answers), box)
    for place in (1, 3, 0):
        _check_opens_from_log(lab, open_from_log, place)
    for operation, answer in answers:
        _check_loggable(loggable, operation, answer)
    return (
        "The thief's half opened three boxes with what a log said. Yours logs who used which key, "
        f"and none of the secrets that {len(dict(answers))} operations answer with."
    )


def _answers(lab: Lab) -> list[tuple[str, dict[str, Any]]]:
    key = fresh.key(lab)
    name, kms = key.arn, lab.kms
    secret = kms.generate_random(NumberOfBytes=AES_256_KEY)
    blob = key.encrypt(fresh.record())
    pair = kms.generate_data_key_pair(KeyPairSpec="ECC_NIST_P256", KeyId=name)
    agreeing = lab.create_cmk(spec="ECC_NIST_P256", usage="KEY_AGREEMENT")
    shared = agreeing.lab.kms.derive_shared_secret(
        KeyId=agreeing.arn, KeyAgreementAlgorithm="ECDH", PublicKey=pair["PublicKey"]
    )
    made = [
        ("GenerateDataKey", kms.generate_data_key(KeySpec="AES_256", KeyId=name)),
        ("Decrypt", kms.decrypt(CiphertextBlob=blob, KeyId=name)),
        ("Decrypt", kms.decrypt(CiphertextBlob=key.encrypt(token_bytes(SHORT)), KeyId=name)),
        ("Encrypt", kms.encrypt(Plaintext=b"R-017", KeyId=name)),
        ("GenerateDataKeyPair", pair),
        ("GenerateRandom", secret),
        ("DeriveSharedSecret", shared),
    ]
    return [(operation, _as_boto3(answer)) for operation, answer in made]


def _as_boto3(answer: Mapping[str, Any]) -> dict[str, Any]:
    """With plain bytes, which show themselves in text."""
    return {
        name: bytes(value) if isinstance(value, bytes) else value for name, value in answer.items()
    }


def _log(answers: list[tuple[str, dict[str, Any]]]) -> str:
    return "".join(log_line(*answer) for answer in answers)


def _check_opens_from_log(lab: Lab, function: Function, place: int) -> None:
    """`place`: which of the log's data keys is the box's own."""
    name, data = function.__name__, fresh.record()
    keys: list[CMK] = [fresh.key(lab) for _ in range(2)]
    made = [_as_boto3(lab.kms.generate_data_key(KeyId=key.arn, KeySpec="AES_256")) for key in keys]
    blobs = [each["CiphertextBlob"] for each in made]
    blobs.insert(1, keys[0].encrypt(fresh.record()))
    opened = [_as_boto3(lab.kms.decrypt(CiphertextBlob=blob)) for blob in blobs]
    sealed = _as_boto3(lab.kms.encrypt(KeyId=keys[0].arn, Plaintext=b"R-017"))
    fourth = _as_boto3(lab.kms.generate_data_key(KeyId=keys[1].arn, KeySpec="AES_256"))
    answers = [
        ("GenerateDataKey", made[0]),
        ("Decrypt", opened[1]),
        ("Encrypt", sealed),
        ("GenerateDataKey", made[1]),
        ("GenerateDataKey", fourth),
        ("Decrypt", opened[2]),
    ]
    secrets = [made[0], made[1], made[1], fourth]
    box = lock(data, secrets[place]["Plaintext"])
    every_key.disable(lab)
    meanings: dict[type[Exception], str] = {
        error: ANOTHER_KEYS_LINE.format(name, error.__name__) for error in (NotOpened, NoKey)
    }
    with recorded(lab) as calls:
        try:
            found = result_of(function, _log(answers), box, meanings=meanings)
        except Wrong:
            _refuse_calls(name, calls)
            raise
    _refuse_calls(name, calls)
    every_key.enable(lab)
    if found != data:
        size = f"{len(found):,} bytes" if isinstance(found, bytes) else f"`{found!r}`"
        raise Wrong(NOT_THE_FOLDER.format(name, size))


def _refuse_calls(name: str, calls: RecordedCalls) -> None:
    if calls:
        raise Wrong(ASKED.format(name, calls.operations[0]))


def _check_loggable(function: Function, operation: str, answer: dict[str, Any]) -> None:
    name, given = function.__name__, dict(answer)
    with watched() as left:
        found = result_of(function, given)
    if gone := [member for member in answer if given.get(member) != answer[member]]:
        raise Wrong(ANSWER_CHANGED.format(name, gone[0]))
    if not isinstance(found, Mapping):
        raise Wrong(NOT_A_DICT.format(name, type(found).__name__))
    for member in SECRET:
        if member in answer and (how := _found(found, _private_part(answer[member]))):
            how = "" if how == "as it is" else f", {how}"
            raise Wrong(SECRET_IN_THE_LOG.format(operation, name, member, how))
    _check_left(name, operation, answer, left)
    for member in SECRET:
        if member in answer and _shows(function, answer, member):
            raise Wrong(SECRET_SHOWS.format(operation, name, member))
    if "KeyId" in answer and answer["KeyId"].rpartition("/")[2] not in _shown(found):
        other = "KeyId" in found
        text = (
            OTHER_NAME.format(name, operation) if other else KEY_NOT_NAMED.format(operation, name)
        )
        raise Wrong(text)


def _check_left(name: str, operation: str, answer: dict[str, Any], left: LeftBehind) -> None:
    for where, content, _ in left.places:
        for member in SECRET:
            if member not in answer:
                continue
            text = content if isinstance(content, str) else content.decode("latin-1")
            secret = _private_part(answer[member])
            how = "as it is" if repr(secret)[2:-1] in text else _found(content, secret)
            if how:
                raise Wrong(LEFT.format(name, where, member, operation, how))


def _shows(function: Function, answer: dict[str, Any], member: str) -> bool:
    """Whether the log changes when the secret alone does. A time in it changes anyway."""
    other = answer | {member: token_bytes(len(answer[member]))}
    try:
        once, again, changed = (_lines(function(dict(each))) for each in (answer, answer, other))
    except Exception:  # it reads more in the secret than random bytes have
        return False
    lasting = [line for line in once if once[line] == again.get(line)]
    return once.keys() != changed.keys() or any(once[each] != changed[each] for each in lasting)


def _lines(written: Mapping[Any, Any]) -> dict[str, str]:
    return {_shown(member): _shown(value) for member, value in written.items()}


def _private_part(secret: bytes) -> bytes:
    """Of a private key in DER (RFC 5915) the number alone: the public key stands there, too."""
    before, mark, number = secret.partition(EC_PRIVATE_KEY)
    return number[:32] if mark else before


def _found(written: Any, secret: bytes) -> str:
    shown = _shown(written)
    pieces = (secret[at : at + PIECE].hex() for at in range(len(secret) - PIECE + 1))
    in_part = any(piece in shown.lower() for piece in pieces)
    whole = found_in(written, secret) or found_in(shown, secret)
    return whole or ("in hexadecimal, a part of it" if in_part else "")


def _shown(written: Any) -> str:
    """As a log would show it, with anything in it that is no JSON."""
    try:
        return json.dumps(written, default=repr)
    except TypeError:  # a member's name is no text
        return repr(written)
