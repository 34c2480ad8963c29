"""What a seed declares, in either form of file: principals, access keys and keys.

Each declaration has its place in the file. Secrets are `SecretBytes` from the moment they are read.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kmslab.crypto import SecretBytes
from kmslab.lab.seeding.nodes import Place


@dataclass(frozen=True, slots=True)
class SeedPrincipal:
    at: Place
    arn: str  # of a user or a role
    policy: str


@dataclass(frozen=True, slots=True)
class SeedAccessKey:
    at: Place
    principal: str
    id: str
    secret: SecretBytes
    token: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class SeedKey:
    """`request`: the members of CreateKey, and the additional ones of `operations.keys.seed`.

    Without a KeyId it is the key that its first alias names, or a new key if there is none.
    """

    at: Place
    account: str
    region: str
    request: Mapping[str, Any] = field(repr=False)  # it may hold key material


@dataclass(frozen=True, slots=True)
class Seed:
    """`account` and `region` apply to every declaration that names no other."""

    file: str
    account: str
    region: str
    principals: tuple[SeedPrincipal, ...] = ()
    access_keys: tuple[SeedAccessKey, ...] = ()
    keys: tuple[SeedKey, ...] = ()
