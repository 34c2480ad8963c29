"""What a call costs in a store with many keys, grants and events, beside one with a thousand keys.

Most programs use few of their keys, so a call is measured with one of a thousand keys, in both
stores; "any key" is the worst case, in which a large store's records are never in memory.
"""

import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from kmslab.bench.big_stores import (
    DRIVE,
    OTHER,
    SHARED,
    Size,
    alias_name,
    build,
    drive_context,
    reader,
)
from kmslab.bench.programs import Benchmark, Effort, Plan, Program
from kmslab.kms import reports
from kmslab.kms.arn import role_arn, session_arn
from kmslab.kms.contract.callers import Caller
from kmslab.lab.lab import Lab

THOUSAND = 1_000  # keys of the small store, and of those that are used in the large one
GRANTS = 49_000  # on one key: some less than the quota, so that CreateGrant is not refused
EVENTS = 10  # a key
PAGE = 50
FEW = 2  # events of the account that has few, in both stores


class Filled:
    """A lab with a store that `big_stores` has made, and the calls that are compared."""

    def __init__(self, lab: Lab, size: Size) -> None:
        self.lab, self.size = lab, size
        self.kms = lab.kms
        self._random = Random(0)
        self._here = lab.caller.here
        self._shared = lab.cmk(SHARED).arn
        self._sealed: dict[int, bytes] = {}

    def _number(self, of: int) -> int:
        return self._random.randrange(of)

    def alias(self, of: int = THOUSAND) -> str:
        return alias_name(self._number(min(of, self.size.aliases)))

    def _marker(self, name: str) -> str:
        """As the service would give it, for a page in the middle."""
        return urlsafe_b64encode(name.encode()).decode()

    def _caller(self, role: str) -> Caller:
        here = self.lab.caller
        return Caller(session_arn(here.account, role, "bench"), here.account, here.region)

    def _blob(self, number: int) -> bytes:
        if number not in self._sealed:
            self._sealed[number] = self.kms.encrypt(
                KeyId=self._shared, Plaintext=b"17", EncryptionContext=drive_context(number)
            )["CiphertextBlob"]
        return self._sealed[number]

    def _decrypt(self, role: str, number: int) -> None:
        asked = {"CiphertextBlob": self._blob(number), "EncryptionContext": drive_context(number)}
        self.lab.service.call("Decrypt", self._caller(role), asked)

    def warm(self) -> None:
        """Call the keys that are used, so that no measured call is the first one with its key."""
        for number in range(min(THOUSAND, self.size.aliases)):
            self.kms.encrypt(KeyId=alias_name(number), Plaintext=b"17")

    def encrypt(self, of: int = THOUSAND) -> None:
        self.kms.encrypt(KeyId=self.alias(of), Plaintext=b"17")

    def describe_key(self, of: int = THOUSAND) -> None:
        self.kms.describe_key(KeyId=self.alias(of))

    def get_key_policy(self) -> None:
        self.kms.get_key_policy(KeyId=self._shared)

    def list_keys(self) -> None:
        digit = f"{self._number(8):x}"
        self.kms.list_keys(Limit=PAGE, Marker=self._marker(f"{self._here}key/{digit}"))

    def list_aliases(self) -> None:
        after = self._marker(f"{self._here}alias/app-{1 + self._number(2)}")
        self.kms.list_aliases(Limit=PAGE, Marker=after)

    def list_grants(self) -> None:
        after = self._marker(f"{self._shared}/{self._number(8):x}")
        self.kms.list_grants(KeyId=self._shared, Limit=PAGE, Marker=after)

    def decrypt_by_a_grant(self) -> None:
        """The grantee has this grant only."""
        self._decrypt(reader(self._number(min(THOUSAND, self.size.grants) // 2)), 0)

    def decrypt_by_one_of_many(self) -> None:
        """The grantee has half of all grants, each for another encryption context."""
        number = self._number(min(THOUSAND, self.size.grants) // 2)
        self._decrypt(DRIVE, number)

    def create_grant(self) -> None:
        role = role_arn(self.lab.caller.account, DRIVE)
        name = f"{self._random.getrandbits(64):x}"
        context = {"EncryptionContextEquals": {"drive": name}}
        made = self.kms.create_grant(
            KeyId=self._shared,
            GranteePrincipal=role,
            Operations=["Decrypt"],
            Constraints=context,
            Name=name,
        )
        self.kms.revoke_grant(KeyId=self._shared, GrantId=made["GrantId"])

    def create_alias(self) -> None:
        name = f"alias/new-{self._random.getrandbits(64):x}"
        self.kms.create_alias(AliasName=name, TargetKeyId=self._shared)
        self.kms.delete_alias(AliasName=name)

    def create_key(self) -> None:
        self.kms.create_key()

    def _trail(self, account: str, last: int) -> None:
        page = next(reports.pages(self.lab.service, account, last=last))
        assert len(page) == last, "the account has so many events"

    def page_of_the_trail(self) -> None:
        self._trail(self.lab.caller.account, PAGE)

    def page_of_a_rare_trail(self) -> None:
        """The account's events are few, and far from each other."""
        self._trail(OTHER, FEW)

    def last_use(self) -> None:
        self.kms.get_key_last_usage(KeyId=self._shared)


CALLS: Mapping[str, Callable[[Filled], Any]] = {
    "Encrypt": Filled.encrypt,
    "DescribeKey": Filled.describe_key,
    "GetKeyPolicy": Filled.get_key_policy,
    "GetKeyLastUsage": Filled.last_use,
    "ListKeys": Filled.list_keys,
    "ListAliases": Filled.list_aliases,
    "ListGrants": Filled.list_grants,
    "Decrypt by a grant": Filled.decrypt_by_a_grant,
    "Decrypt by one of many grants": Filled.decrypt_by_one_of_many,
    "CreateGrant, RevokeGrant": Filled.create_grant,
    "CreateAlias, DeleteAlias": Filled.create_alias,
    "CreateKey": Filled.create_key,
    "a page of the trail": Filled.page_of_the_trail,
    "a page of a rare trail": Filled.page_of_a_rare_trail,
}
ANY: Mapping[str, Callable[[Filled], Any]] = {
    "Encrypt, any key": lambda filled: filled.encrypt(filled.size.aliases),
    "DescribeKey, any key": lambda filled: filled.describe_key(filled.size.aliases),
}
SMALL = Size(THOUSAND, THOUSAND, THOUSAND, EVENTS * THOUSAND)


def prepare(effort: Effort, stack: ExitStack) -> Plan:
    number = effort.size
    large = Size(number, number, min(GRANTS, number), EVENTS * number)
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
    stores = [opened(stack, folder / f"{size.keys}.db", size) for size in (SMALL, large)]
    return Plan([*_programs(*stores)])


def opened(stack: ExitStack, path: Path, size: Size) -> Filled:
    build(f"sqlite:///{path}", size)
    return Filled(stack.enter_context(Lab(store=f"sqlite:///{path}")), size)


def _programs(small: Filled, large: Filled) -> Iterator[Program]:
    small.warm()
    large.warm()
    for what, call in {**CALLS, **ANY}.items():
        few, many = (f"{each.size.keys:,} keys" for each in (small, large))
        yield (usual := Program(few, what, "call", partial(call, small)))
        yield Program(many, what, "call", partial(call, large), usual)


BENCHMARK = Benchmark(
    "scale",
    prepare,
    full=Effort(rounds=40, batch_seconds=0.02, size=100_000),
    quick=Effort(rounds=5, batch_seconds=0.002, size=2_000, quick=True),
)
