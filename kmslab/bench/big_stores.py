"""A store of any size in minutes: every key opens, as if each had been made by a call.

The first records are made by calls. Copies of them, with names and key material of their own, are
then written together: as the store's rows, and sealed by the same boundary. Key ids come in no
order, as in life, so the database's pages are as full as they would be there.
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import islice
from random import Random
from typing import Any

from kmslab.bench.progress import Progress, silent
from kmslab.kms.arn import role_arn
from kmslab.kms.contract.events import Event, new_request_id
from kmslab.kms.contract.records import Alias, Grant, Key, Record
from kmslab.kms.contract.required_pairs import required_pair
from kmslab.kms.store import is_there
from kmslab.kms.store.bulk import Bulk, bulk
from kmslab.lab.lab import Lab
from kmslab.lab.view import View

SHARED = "alias/shared"  # the key with all the grants
DRIVE = "drive"  # the role that has half of them, one for each of its drives
OTHER = "444455556666"  # another account, which has few of the events
RARE = 100_000  # one event in so many is in the other account's trail
HOT, OFTEN = 1_000, 0.99  # most calls use few of the keys
GROUP = 10_000  # rows that are written by one statement
LARGE = 500_000  # rows of one transaction


@dataclass(frozen=True, slots=True)
class Size:
    keys: int
    aliases: int
    grants: int
    events: int


def alias_name(number: int) -> str:
    return f"alias/app-{number}"


def drive_context(number: int) -> dict[str, str]:
    """The encryption context that one of the grants of the role `DRIVE` requires."""
    return {"drive": f"drive-{number}"}


def reader(number: int) -> str:
    """The name of a role that has one grant."""
    return f"reader-{number}"


def build(url: str, size: Size, progress: Progress = silent) -> None:
    """Make a store at `url`, where none is yet. In a file, its root key is made beside it."""
    if is_there(url):
        raise ValueError(f"there is a store at {url} already")
    with Lab(store=url) as lab:
        _by_calls(lab)
        writing = _Writing(lab, progress)
        arns = writing.keys(size.keys)
        writing.aliases(size.aliases, arns)
        writing.grants(size.grants)
        writing.events(size.events, arns)


def _by_calls(lab: Lab) -> None:
    """The first of each kind, from which the others are copied."""
    shared = lab.create_cmk("shared")
    lab.create_cmk("app-0", description="Orders of one shop, made by its deployment")
    lab.user("nobody")
    for name in (DRIVE, reader(0)):
        lab.role(name)
        create_grant(lab, shared.arn, name)
    lab.account(OTHER).create_cmk("elsewhere")
    lab.kms.generate_data_key(
        KeyId=shared.arn, KeySpec="AES_256", EncryptionContext=drive_context(0)
    )


def create_grant(view: View, key: str, role: str) -> None:
    """As the operation `CreateGrant` is called for the grants that are copied."""
    equal = {"EncryptionContextEquals": drive_context(0)}
    view.kms.create_grant(
        KeyId=key,
        GranteePrincipal=role_arn(view.caller.account, role),
        Operations=["Decrypt", "GenerateDataKey"],
        Constraints=equal if role == DRIVE else None,
    )


class _Writing:
    """Writes copies of a lab's first records."""

    def __init__(self, lab: Lab, progress: Progress) -> None:
        self._lab = lab
        self._progress = progress
        self._records = lab.service.records
        self._random = Random(0)  # of names, which are not secret

    def keys(self, number: int) -> list[str]:
        """Returns the ARNs of all keys, with the first, `app-0`."""
        first = self._first(Key, self._named("alias/app-0"))
        arns = [first.arn]
        hsm, now = self._lab.service.backings[first.origin], first.created

        def made() -> Iterator[Record]:
            for _ in range(number - 2):  # two are there
                chosen = uuid.UUID(int=self._random.getrandbits(128), version=4)
                key = replace(first, arn=f"{self._lab.caller.here}key/{chosen}")
                material, *_ = hsm.create(self._records, key, now)
                arns.append(key.arn)
                yield replace(material, version=first.version)
                yield replace(key, material=material.id)

        self._in_groups("keys", made(), 2 * (number - 2), Bulk.put)
        return arns

    def aliases(self, number: int, arns: list[str]) -> None:
        first = self._first(Alias, self._lab.caller.here + "alias/app-0")
        here = self._lab.caller.here
        made = (
            replace(first, arn=here + alias_name(each), target=arns[each % len(arns)])
            for each in self._random.sample(range(1, number), number - 1)
        )
        self._in_groups("aliases", made, number - 1, Bulk.put)

    def grants(self, number: int) -> None:
        """Half of them for one role, each with another encryption context; half for one role each.

        The roles of the others are known by their names alone, as those of other accounts are.
        """
        firsts = self._records.find(Grant, key=self._named(SHARED))
        one, each = sorted(firsts, key=lambda grant: not grant.constraints)

        def made() -> Iterator[Record]:
            for n in range(1, number // 2):
                name = f"{self._random.getrandbits(256):064x}"
                other = f"{self._random.getrandbits(256):064x}"
                constraints = {"EncryptionContextEquals": drive_context(n)}
                pair = required_pair(constraints)
                yield replace(one, handle=f"{one.key}/{name}", constraints=constraints, pair=pair)
                grantee = each.grantee.replace(reader(0), reader(n))
                yield replace(each, handle=f"{each.key}/{other}", grantee=grantee)

        self._in_groups("grants", made(), number - 2, Bulk.put)

    def events(self, number: int, arns: list[str]) -> None:
        """Calls of `GenerateDataKey` in the past hours, most by a thousand of the keys.

        After the first ones, the same calls are repeated: the database copies them quicker.
        """
        first = self._lab._store.events()[-1]
        hot, began = arns[:HOT], first.time - timedelta(milliseconds=number)

        def made() -> Iterator[Event]:
            for n in range(number):
                key = self._random.choice(hot if self._random.random() < OFTEN else arns)
                event = first._replace(
                    time=began + timedelta(milliseconds=n),
                    request_id=new_request_id(),
                    request={**(first.request or {}), "keyId": key},
                    resources=(key,),
                    used=(key,),
                )
                yield event if n % RARE else event._replace(recipient=OTHER, used=())

        once = min(number, LARGE)
        self._in_groups("events", islice(made(), once), once, Bulk.log)
        for done in range(once, number, once):
            again = min(once, number - done)
            with bulk(self._lab._store) as writing:
                writing.log_again(first.sequence, again, timedelta(milliseconds=done))
            self._progress("events", done + again, number)

    def _named(self, alias: str) -> str:
        target: str = self._first(Alias, self._lab.caller.here + alias).target
        return target

    def _first(self, kind: type[Any], name: str) -> Any:
        return self._records.get(kind, name)

    def _in_groups(
        self, what: str, rows: Iterator[Any], number: int, write: Callable[[Bulk, list[Any]], None]
    ) -> None:
        done = 0
        while done < number:
            with bulk(self._lab._store) as writing:
                for group in groups(islice(rows, LARGE)):
                    write(writing, group)
                    done += len(group)
                    self._progress(what, done, number)


def groups(items: Iterator[Any]) -> Iterator[list[Any]]:
    while group := [*islice(items, GROUP)]:
        yield group
