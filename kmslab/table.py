"""THE TABLE: every operation, and the role that each key or alias plays in it.

The unit is a role, because one call can name several keys, each with rules of its own. A role says
how the request names the record, in which states the key may be, what it is used for and with
which members. Together the roles are AWS's key-state table; nobody else branches on a name.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kmslab.contract.specs import SYMMETRIC_DEFAULT, KeyUsage
from kmslab.contract.states import ANY, DELETABLE, LIVE, PENDING, SWITCHABLE, USABLE, KeyState
from kmslab.names import Finder, alias_in, blob_in, key_in
from kmslab.operations import aliases, datakeys, encryption, keys, policies


@dataclass(frozen=True, slots=True)
class Naming:
    """How a request names a record. ReEncrypt has two of each member, told apart by a prefix."""

    find: Finder
    prefix: str = ""


KEY = Naming(key_in("KeyId", aliases=True))
KEY_NO_ALIAS = Naming(key_in("KeyId", aliases=False))
BLOB = Naming(blob_in("CiphertextBlob", "KeyId"))
SOURCE = Naming(blob_in("CiphertextBlob", "SourceKeyId"), "Source")
DESTINATION = Naming(key_in("DestinationKeyId", aliases=True), "Destination")
TARGET = Naming(key_in("TargetKeyId", aliases=False))
ALIAS_OLD = Naming(alias_in("AliasName", target=True))


@dataclass(frozen=True, slots=True)
class Usage:
    """What a key is used for, and the members that say how."""

    usage: KeyUsage
    algorithm: str
    default: str = ""  # the algorithm of a request that names none
    context: str = ""


ENCRYPT = Usage(
    KeyUsage.ENCRYPT_DECRYPT, "EncryptionAlgorithm", SYMMETRIC_DEFAULT, "EncryptionContext"
)


@dataclass(frozen=True, slots=True)
class Role:
    naming: Naming
    states: frozenset[KeyState]
    usage: Usage | None = None


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    run: Callable[..., dict[str, Any]]  # (call, *the roles' records) → AWS's answer
    roles: tuple[Role, ...]
    reads: bool  # CloudTrail's readOnly


def use(usage: Usage, named_by: Naming = KEY) -> Role:
    """A key at work: the state, usage and algorithm must fit."""
    return Role(named_by, USABLE, usage)


def manage(states: frozenset[KeyState], named_by: Naming = KEY_NO_ALIAS) -> Role:
    """A key that is looked at or changed."""
    return Role(named_by, states)


ALIAS = Role(
    Naming(alias_in("AliasName", target=False)), ANY
)  # the alias itself, which has no state


def row(name: str, run: Callable[..., dict[str, Any]], *roles: Role) -> Row:
    """An operation that only uses or shows a key."""
    return Row(name, run, roles, reads=True)


def change(name: str, run: Callable[..., dict[str, Any]], *roles: Role) -> Row:
    """An operation that changes what the service remembers."""
    return Row(name, run, roles, reads=False)


ROWS = (
    change("CreateKey", keys.create),
    row("DescribeKey", keys.describe, manage(ANY, KEY)),
    row("ListKeys", keys.list_),
    change("UpdateKeyDescription", keys.update_description, manage(LIVE)),
    change("EnableKey", keys.enable, manage(SWITCHABLE)),
    change("DisableKey", keys.disable, manage(SWITCHABLE)),
    change("ScheduleKeyDeletion", keys.schedule_deletion, manage(DELETABLE)),
    change("CancelKeyDeletion", keys.cancel_deletion, manage(PENDING)),
    # Encryption
    row("Encrypt", encryption.encrypt, use(ENCRYPT)),
    row("Decrypt", encryption.decrypt, use(ENCRYPT, BLOB)),
    row("ReEncrypt", encryption.re_encrypt, use(ENCRYPT, SOURCE), use(ENCRYPT, DESTINATION)),
    # Data keys
    row("GenerateDataKey", datakeys.generate, use(ENCRYPT)),
    row("GenerateDataKeyWithoutPlaintext", datakeys.generate_without_plaintext, use(ENCRYPT)),
    row("GenerateRandom", datakeys.generate_random),
    # Aliases
    change("CreateAlias", aliases.create, manage(LIVE, TARGET)),
    change("UpdateAlias", aliases.update, ALIAS, manage(ANY, ALIAS_OLD), manage(LIVE, TARGET)),
    change("DeleteAlias", aliases.delete, ALIAS, manage(ANY, ALIAS_OLD)),
    row("ListAliases", aliases.list_, manage(ANY)),
    # Key policies
    row("GetKeyPolicy", policies.get, manage(ANY)),
    change("PutKeyPolicy", policies.put, manage(ANY)),
    row("ListKeyPolicies", policies.list_, manage(ANY)),
)
TABLE: dict[str, Row] = {row.name: row for row in ROWS}

# Not built yet, and dangerous to ignore: a Recipient wants an answer that nobody else can read.
UNBUILT_MEMBERS = frozenset({"Recipient", "CustomKeyStoreId", "XksKeyId"})

# What the service does by itself when it is due. No caller can name these.
SERVICE_TABLE: dict[str, Row] = {"DeleteKey": change("DeleteKey", keys.delete)}
