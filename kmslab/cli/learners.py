"""A class at one endpoint: each learner has an AWS account of their own, and an access key to it.

Rule: the account and the access key's id follow from the learner's number, and a secret that the
store holds is used again. So a sheet that was printed once is right as long as the store is kept.
"""

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from kmslab.kms.arn import root_arn
from kmslab.kms.backing.access_keys import AccessKeyPair, AccessKeys

MOST = 500  # learners; an endpoint holds 1,000 connections
FIRST_ACCOUNT = 10**11  # learner 7 has account 100000000007
LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"  # none that looks like another on paper
GROUPS, GROUP = 5, 4  # 20 letters of 31: 99 bits
ENCODINGS = ("utf-8-sig", "cp949")  # a list of names as Windows's editor saves it in Korea


@dataclass(frozen=True, slots=True)
class Learner:
    """`name` is empty if the class was given as a number."""

    number: int
    name: str
    account: str
    access_key: AccessKeyPair


def names_in(asked: str) -> list[str]:
    """The names that `--learners` asks for: as many empty ones as it says, or a file's lines.

    An empty line keeps its number free. Raises ValueError, whose text says what is wrong.
    """
    names = [""] * int(asked) if _is_number(asked) else _lines(Path(asked))
    if not 1 <= len(names) <= MOST:
        raise ValueError(f"a class has 1 to {MOST} learners, not {len(names)}")
    return names


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


def _lines(path: Path) -> list[str]:
    try:
        text = _decoded(path.read_bytes())
    except OSError as error:
        raise ValueError(
            f"{path} is neither a number nor a file of names: {error.strerror}"
        ) from None
    if text is None:
        raise ValueError(f"{path} is not a text: save it as UTF-8, with one name on each line")
    names = ["".join(filter(str.isprintable, line)).strip() for line in text.splitlines()]
    while names and not names[-1]:
        names.pop()
    if not any(names):
        raise ValueError(f"{path} has no name in it: write one on each line")
    return names


def _decoded(content: bytes) -> str | None:
    for encoding in ENCODINGS:
        try:
            text = content.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text else text
    return None


def account_of(number: int) -> str:
    return str(FIRST_ACCOUNT + number)


def enrol(names: Sequence[str], keys: AccessKeys) -> list[Learner]:
    """Each learner with the access key that the store holds, or with a new one."""
    return list(_enrolled(names, keys))


def _enrolled(names: Sequence[str], keys: AccessKeys) -> Iterator[Learner]:
    has_names = any(names)
    for number, name in enumerate(names, start=1):
        if name or not has_names:
            account = account_of(number)
            yield Learner(number, name, account, _access_key(number, root_arn(account), keys))


def _access_key(number: int, principal: str, keys: AccessKeys) -> AccessKeyPair:
    key_id = f"AKIALEARNER{number:05}"  # 16 characters: no client that counts them refuses it
    found = keys.find(key_id)
    if found and found.principal == principal and keys.opens(found):
        return AccessKeyPair(key_id, keys.secret(found))
    return keys.put(principal, key_id, _new_secret())


def _new_secret() -> str:
    """Shorter than AWS's 40 characters, because it is typed from paper."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(GROUP)) for _ in range(GROUPS))
