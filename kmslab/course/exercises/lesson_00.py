"""Lesson 00's exercises: read what lies beside its key, find a key that is hidden, be refused."""

from collections.abc import Mapping
from secrets import token_bytes, token_hex
from typing import Any

from kmslab.course.clinic import stolen_laptop
from kmslab.course.clinic.clinic import STOLEN, Clinic
from kmslab.course.clinic.stolen_laptop import NoKey, NotOpened, lock
from kmslab.course.exercises import fresh
from kmslab.course.exercises.answers import Function, Wrong, require_bodies, result_of
from kmslab.course.exercises.recording import RecordedCalls, recorded
from kmslab.crypto import SecretBytes
from kmslab.crypto.backend import AES_256_KEY
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.lab.cmk import CMK

# ------------------------------------------------------------------------------------- 00-thief

NOT_UNLOCKED = "{}. `unlock` takes what is in the sealed file first, then what is in the key file."
NOT_BYTES = "`{}` gave back a `{}`. The record is what `unlock` gives back: bytes."
THE_OLD_RECORD = "It gives back the old record, whatever lies on the laptop. Use `files`."
NOT_THE_OTHER = (
    "This laptop's record is open. Another laptop has two files of the same names, in another "
    "order, and there `thief` did not give back the record."
)
A_FILE_AS_IT_IS = "What `{}` gave back is the file `{}`, as it lies there. Nothing has opened it."


def check_thief(clinic: Clinic, thief: Function) -> str:
    friday = clinic.stolen_on_friday()
    require_bodies([thief], friday.files)
    try:
        found = result_of(thief, friday.files)
    except Wrong as why:
        if isinstance(why.__cause__, NoKey | NotOpened):
            raise Wrong(NOT_UNLOCKED.format(why)) from why
        raise
    _need_content(thief, found, friday.files)
    if found != clinic.record(STOLEN):
        raise Wrong("What `thief` gave back is not the record that lies in the box.")
    record = fresh.record()
    other = stolen_laptop.with_key_file(record, STOLEN, clinic.lab)
    files = dict(reversed([*other.files.items()]))
    if (found := result_of(thief, files, may_fail=True)) != record:
        raise Wrong(THE_OLD_RECORD if found == clinic.record(STOLEN) else NOT_THE_OTHER)
    again = clinic.stolen_again()
    if result_of(thief, again.files, may_fail=True) == clinic.record(STOLEN):
        raise Wrong("It opens even a laptop without a key, so it did not use the one it found.")
    return (
        "The record is open, and no one was asked. Take the key away from the laptop, and the same "
        "program gets nowhere."
    )


def _need_content(function: Function, found: Any, files: Mapping[str, bytes]) -> None:
    """Refuse what is not bytes, and a file that was given back as it is."""
    if not isinstance(found, bytes):
        raise Wrong(NOT_BYTES.format(function.__name__, type(found).__name__))
    for name, content in files.items():
        if found == content:
            raise Wrong(A_FILE_AS_IT_IS.format(function.__name__, name))


# ------------------------------------------------------------------------------------ 00-search

OLD_NAMES = (
    "In this folder the files have other names: {}. `search` stopped with `KeyError`. Go through "
    "`files.values()`, whatever the names are."
)
STOPPED_AT_A_REFUSAL = (
    "In a folder with {}, `unlock` refused a pair of files with `{}`, and `search` stopped there. "
    "Most pairs do not fit: catch that error, and try the next pair."
)
FIRST_OF_32 = (
    "In this folder two files have 32 bytes, and a photo is larger than the box. One of the files "
    "opens another, and `search` did not come to that pair: neither the size nor the order tells "
    "which it is. If `unlock` refuses a pair, catch the error and try the next."
)
NOT_FOUND = "Box and key both lie in this folder ({}), and `search` gave back {}."
NO_KEY_HERE = (
    'In this folder there is no key, so the right answer is `b""`; `search` stopped with `{}`. '
    "Each file was tried in vain: what does `search` give back then?"
)
FOUND_WITHOUT_KEY = "In this folder there is no key, and `search` gave back {} all the same."


def check_search(clinic: Clinic, search: Function) -> str:
    record, other = fresh.record(), fresh.record()
    require_bodies([search], _folder(record, "R-017.sealed", "key.bin"))
    for content, names in (
        (record, ("R-017.sealed", "holiday.jpg")),
        (other, (f"{token_hex(3)}.mp3", f"{token_hex(3)}.txt")),
    ):
        _check_finds(search, content, _folder(content, *names))
        _check_finds(search, content, dict(reversed(_folder(content, *names).items())))
    for decoy in ("a-decoy.txt", "z-decoy.txt"):
        folder = _folder(record, f"{token_hex(3)}.doc", f"m-{token_hex(3)}.jpg")
        folder |= {decoy: SecretBytes(token_bytes(AES_256_KEY)), "photo.png": token_bytes(PHOTO)}
        for files in (sorted(folder.items()), sorted(folder.items(), reverse=True)):
            _check_finds(search, record, dict(files), FIRST_OF_32)
    _check_gives_up(search, record)
    return (
        "Under whatever name the key lies in the folder, the thief finds it, by trying. So the "
        "name is not a hiding place, and where the key is not, he gets nothing."
    )


PHOTO = 4000  # bytes: the box is not the largest file of each folder


def _folder(record: bytes, box: str, key: str) -> dict[str, bytes]:
    secret = token_bytes(AES_256_KEY)
    letter = b"Dear Sora, I am by the sea."
    return {"letter.txt": letter, box: lock(record, secret), key: SecretBytes(secret)}


def _check_finds(
    search: Function, record: bytes, files: Mapping[str, bytes], no_luck: str = ""
) -> None:
    names = ", ".join(f"`{name}`" for name in files)
    meanings: dict[type[Exception], str] = {KeyError: OLD_NAMES.format(names)}
    for refusal in (NoKey, NotOpened):
        meanings[refusal] = no_luck or STOPPED_AT_A_REFUSAL.format(names, refusal.__name__)
    found = result_of(search, files, meanings=meanings)
    if found == b"":
        raise Wrong(no_luck or NOT_FOUND.format(names, '`b""`'))
    _need_content(search, found, files)
    if found != record:
        raise Wrong(NOT_FOUND.format(names, "something else than the record"))


def _check_gives_up(search: Function, record: bytes) -> None:
    """A folder without the key: once with a file that looks like it, once with none."""
    box = lock(record, token_bytes(AES_256_KEY))
    for files in ({"R-017.sealed": box, "key.bin": token_bytes(AES_256_KEY)}, {"x.sealed": box}):
        try:
            found = search(files)
        except Exception as error:
            raise Wrong(NO_KEY_HERE.format(type(error).__name__)) from error
        if found != b"":
            shown = f"a `{type(found).__name__}`" if found is not None else "nothing (`None`)"
            raise Wrong(FOUND_WITHOUT_KEY.format(shown))


# ----------------------------------------------------------------------------------- 00-refused

NOT_REFUSED = (
    "`refused` gave back a `{}`, and no error came out. The second key is to be asked for what "
    "the first one has sealed."
)
NOTHING_BACK = (
    "`refused` gives nothing back. Did you forget `return`? And no error came out of it: the "
    "second key is to be asked for what the first one has sealed."
)
CAUGHT = (
    "The KMS refused, with `{}`, and `refused` caught that error. Let it come out: the "
    "program that called yours has to know."
)
ANOTHER_ERROR = (
    "The KMS refused, with `{}`, and `refused` raised an error of its own in its place, `{}`. Let "
    "the KMS's error come out."
)
ANOTHER_RECORD = "`refused` sealed other bytes than the record that it was given."
CALLED_MORE = (
    "`refused` also called {}. Two calls are enough: `key` seals the record, `other` is asked to "
    "open the blob."
)
OWN_ERROR = (
    "`{}` came out of `refused`, and the KMS has refused nothing: your program made that error "
    "itself."
)
ANOTHER_REFUSAL = (
    "The KMS refused {} with `{}`{}. That is another error than the one that is asked for: the "
    "second key must get a blob that the first has made."
)
EXCHANGED = (
    "The KMS refused, and the two keys have changed places: `key` has to seal the record, and "
    "`other` has to be asked to open it."
)
OTHER_KEYS = (
    "The KMS refused, and for other keys than these two: `key` has to seal the record, and `other` "
    "has to be asked to open it."
)


def check_refused(clinic: Clinic, refused: Function) -> str:
    keys = [clinic.lab.create_cmk() for _ in range(3)]
    require_bodies([refused], keys[0], keys[1], fresh.record())
    text = ""
    for key, other in ((keys[0], keys[1]), (keys[2], keys[0])):
        text = _error_text(clinic, refused, key, other, fresh.record())
    return (
        f'The KMS answered: "{text}" That is AWS\'s text, word for word, and it still says CMK: '
        "`other` is a key of the same account, and the blob is not one of its own."
    )


def _error_text(clinic: Clinic, refused: Function, key: CMK, other: CMK, record: bytes) -> str:
    error, found = None, None
    with recorded(clinic.lab) as calls:
        try:
            found = refused(key, other, record)
        except Exception as caught:
            error = caught
    refusal = calls.refused[-1].error if calls.refused else None
    if error is None:
        if refusal:
            raise Wrong(CAUGHT.format(refusal.code))
        raise Wrong(NOTHING_BACK if found is None else NOT_REFUSED.format(type(found).__name__))
    if not refusal or _code_of(error) != refusal.code:
        raise Wrong(_own_error(error, refusal))
    _check_calls(calls, key, other, record)
    return str(refusal)


def _check_calls(calls: RecordedCalls, key: CMK, other: CMK, record: bytes) -> None:
    last = calls.refused[-1]
    if not isinstance(last.error, EXCEPTIONS["IncorrectKeyException"]):
        said = f": {last.error}" if str(last.error) else ""
        raise Wrong(ANOTHER_REFUSAL.format(last.operation, type(last.error).__name__, said))
    sealed = calls.of("Encrypt")
    if not sealed.on(key) or other.arn not in last.keys:
        exchanged = sealed.on(other) and key.arn in last.keys
        raise Wrong(EXCHANGED if exchanged else OTHER_KEYS)
    if bytes(sealed.on(key)[-1].request["Plaintext"]) != record:
        raise Wrong(ANOTHER_RECORD)
    if more := [name for name in calls.operations if name not in ("Encrypt", "Decrypt")]:
        raise Wrong(CALLED_MORE.format(more[0]))


def _code_of(error: Exception) -> str:
    """The KMS's name for its error, as it comes out of a key's handle or of boto3."""
    return str(getattr(error, "response", {}).get("Error", {}).get("Code", ""))


def _own_error(error: Exception, refusal: KMSError | None) -> str:
    name = type(error).__name__
    if isinstance(error, AttributeError | NameError | TypeError):
        return f"`refused` stopped with `{name}`: {error}"
    return ANOTHER_ERROR.format(refusal.code, name) if refusal else OWN_ERROR.format(name)
