"""THE TABLE: every operation, and the role that each key or alias plays in it.

The unit is a role, because one call can name several keys, each with its own rules. A role says how
the request names the record, in which states the key may be, what it is used for and with which
members. Together, the roles are AWS's key-state table. No other module branches on an operation's
name.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from kmslab.kms import named_stores, names, twins
from kmslab.kms.billing import Billed
from kmslab.kms.contract import key_stores as connection
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.specs import SYMMETRIC_DEFAULT, KeyKind, KeyUsage, Origin, Reach
from kmslab.kms.contract.states import (
    ANY,
    AT_REST,
    DELETABLE,
    GRANTABLE,
    IMPORTABLE,
    LIVE,
    PENDING,
    RECEIVING,
    REPLICABLE,
    SWITCHABLE,
    USABLE,
    KeyState,
)
from kmslab.kms.operations import (
    agreement,
    aliases,
    datakeys,
    encryption,
    grants,
    importing,
    key_stores,
    keys,
    policies,
    regions,
    rotation,
    signing,
    tags,
)


@dataclass(frozen=True, slots=True)
class Naming:
    """How a request names a record. ReEncrypt has two of each member, with different prefixes."""

    find: names.Finder
    prefix: str = ""
    region: str = ""  # the member that names the record's Region; "": it is the caller's

    def seen_from(self, caller: Caller, request: Mapping[str, Any]) -> Caller:
        """The caller, in the Region where the record is."""
        return replace(caller, region=request[self.region]) if self.region else caller


KEY = Naming(names.key_in("KeyId"))
KEY_NO_ALIAS = Naming(names.key_in("KeyId", names.NO_ALIASES))
BLOB = Naming(names.blob_in("CiphertextBlob"))
SOURCE = Naming(names.blob_in("CiphertextBlob", "Source"), prefix="Source")
DESTINATION = Naming(names.key_in("DestinationKeyId"), "Destination")
TARGET = Naming(names.key_in("TargetKeyId", names.ALIAS_OF_ALIAS))
ALIAS_OLD = Naming(names.alias_in("AliasName", target=True))
REPLICA = Naming(twins.related_in("KeyId"), region="PrimaryRegion")
GRANT = Naming(names.grant_in("GrantToken", "KeyId", "GrantId"))


@dataclass(frozen=True, slots=True)
class Usage:
    """What a key is used for, and the names of the members that say how."""

    usage: KeyUsage
    algorithm: str
    default: str = ""  # the algorithm if the request names none
    context: str = ""


ENCRYPT = Usage(
    KeyUsage.ENCRYPT_DECRYPT, "EncryptionAlgorithm", SYMMETRIC_DEFAULT, "EncryptionContext"
)
SIGN = Usage(KeyUsage.SIGN_VERIFY, "SigningAlgorithm")
MAC = Usage(KeyUsage.GENERATE_VERIFY_MAC, "MacAlgorithm")
AGREE = Usage(KeyUsage.KEY_AGREEMENT, "KeyAgreementAlgorithm")
ENCAPSULATE = Usage(KeyUsage.ENCAPSULATE_DECAPSULATE, "EncapsulationAlgorithm")

EVERY_KIND = frozenset(KeyKind)
SYMMETRIC = frozenset({KeyKind.SYMMETRIC})
ASYMMETRIC = frozenset({KeyKind.ASYMMETRIC})
EVERY_ORIGIN = frozenset(Origin)
CLOUDHSM = frozenset({Origin.AWS_CLOUDHSM})
IN_KMS = EVERY_ORIGIN - CLOUDHSM - {Origin.EXTERNAL_KEY_STORE}
EXTERNAL = frozenset({Origin.EXTERNAL})
EVERY_REACH = frozenset(Reach)
PRIMARY = frozenset({Reach.PRIMARY})
NO_REPLICA = EVERY_REACH - {Reach.REPLICA}


@dataclass(frozen=True, slots=True)
class Role:
    states: frozenset[KeyState] | frozenset[connection.ConnectionState]  # in which it works
    naming: Naming = KEY_NO_ALIAS
    kinds: frozenset[KeyKind] = EVERY_KIND
    reach: frozenset[Reach] = EVERY_REACH
    origins: frozenset[Origin] = EVERY_ORIGIN
    usage: Usage | None = None
    # The IAM action without its prefix; "" is the operation's own name. None: a caller needs no
    # permission for this resource of the caller's own account.
    permission: str | None = ""
    cross_account: bool = False  # whether a caller of another account can be allowed
    state_first: bool = False  # whether a wrong state is named before a wrong kind or origin
    names_origin: bool = False  # whether a wrong kind is answered by the origin, if it is EXTERNAL


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    run: Callable[..., dict[str, Any]]  # (call, *the roles' records) → AWS's answer
    roles: tuple[Role, ...]
    reads: bool  # CloudTrail's readOnly
    billed: Billed = Billed.ALIKE  # what determines its price
    slow: bool = False  # it makes a key pair or waits for the store: a server runs it in a thread
    # What an answer to a Recipient lacks: the first of these members is sealed for the recipient.
    secret: tuple[str, ...] = ()
    makes_managed_key: bool = False  # if it names a predefined alias that has no key yet


def use(usage: Usage, named_by: Naming = KEY, permission: str = "") -> Role:
    """The operation uses the key: state, usage and algorithm must fit."""
    return Role(USABLE, named_by, usage=usage, permission=permission, cross_account=True)


# The operation shows or changes the key, only for callers of its own account, or for others too.
manage, show = Role, partial(Role, cross_account=True)
PUBLIC = show(USABLE, KEY, ASYMMETRIC)
SWAPPED = (manage(USABLE, reach=PRIMARY), manage(USABLE, REPLICA))
ROTATIONS = manage(ANY, kinds=SYMMETRIC, origins=IN_KMS, names_origin=True)
SCHEDULED = replace(ROTATIONS, states=USABLE, reach=NO_REPLICA, origins=IN_KMS - EXTERNAL)
# The state comes first, but a key that can be Unavailable can never be rotated.
ROTATED = replace(SCHEDULED, states=GRANTABLE, origins=IN_KMS, state_first=True)
IMPORTED = partial(manage, origins=EXTERNAL)

# Resources without a state: an alias, an alias to be created, and the account as a whole.
ALIAS = Role(ANY, Naming(names.alias_in("AliasName")))
ALIAS_TO_DELETE = Role(ANY, Naming(names.alias_in("AliasName", to_delete=True)))
NEW_ALIAS = Role(ANY, Naming(names.new_alias_in("AliasName")))
ACCOUNT = Role(ANY, Naming(names.whole_account))
TAGGING = Role(ANY, Naming(names.whole_account_if("Tags")), permission="TagResource")
NEW_REPLICA = (
    Role(ANY, Naming(names.whole_account, region="ReplicaRegion"), permission="CreateKey"),
    replace(TAGGING, naming=replace(TAGGING.naming, region="ReplicaRegion")),
)
# A custom key store: its state is that of its connection.
STORE = Naming(named_stores.key_store_in("CustomKeyStoreId"))
store = partial(Role, naming=STORE)
CLUSTER = store(connection.CONNECTED, origins=CLOUDHSM)


def row(
    name: str,
    run: Callable[..., dict[str, Any]],
    *roles: Role,
    billed: Billed | None = None,
    **more: Any,
) -> Row:
    """An operation that only uses or shows a key."""
    by_use = Billed.BY_KEY if any(role.usage for role in roles) else Billed.ALIKE
    return Row(name, run, roles, reads=True, billed=billed or by_use, **more)


def pair(name: str, run: Callable[..., dict[str, Any]], secret: tuple[str, ...] = ()) -> Row:
    """An operation that makes a data key pair, which takes a while; not in a custom key store."""
    role = replace(use(ENCRYPT), origins=IN_KMS, state_first=True)
    return row(name, run, role, billed=Billed.BY_PAIR, slow=True, secret=secret)


def change(name: str, run: Callable[..., dict[str, Any]], *roles: Role) -> Row:
    """An operation that changes records."""
    return Row(name, run, roles, reads=False, slow=True)


ROWS = (
    change("CreateKey", keys.create, ACCOUNT, TAGGING, store(connection.CONNECTED)),
    row("DescribeKey", keys.describe, show(ANY, KEY), makes_managed_key=True),
    row("ListKeys", keys.list_, ACCOUNT),
    row("GetKeyLastUsage", keys.last_usage, manage(ANY), slow=True),
    change("UpdateKeyDescription", keys.update_description, manage(LIVE)),
    change("EnableKey", keys.enable, manage(SWITCHABLE)),
    change("DisableKey", keys.disable, manage(SWITCHABLE)),
    change("ScheduleKeyDeletion", keys.schedule_deletion, manage(DELETABLE)),
    change("CancelKeyDeletion", keys.cancel_deletion, manage(PENDING)),
    # Encryption
    row("Encrypt", encryption.encrypt, use(ENCRYPT)),
    row("Decrypt", encryption.decrypt, use(ENCRYPT, BLOB), secret=("Plaintext", "KeyMaterialId")),
    row(
        "ReEncrypt",
        encryption.re_encrypt,
        use(ENCRYPT, SOURCE, "ReEncryptFrom"),
        use(ENCRYPT, DESTINATION, "ReEncryptTo"),
    ),
    # Data keys
    row("GenerateDataKey", datakeys.generate, use(ENCRYPT), secret=("Plaintext", "KeyMaterialId")),
    row("GenerateDataKeyWithoutPlaintext", datakeys.generate_without_plaintext, use(ENCRYPT)),
    pair("GenerateDataKeyPair", datakeys.generate_pair, secret=("PrivateKeyPlaintext",)),
    pair("GenerateDataKeyPairWithoutPlaintext", datakeys.generate_pair_without_plaintext),
    row("GenerateRandom", datakeys.generate_random, ACCOUNT, CLUSTER, secret=("Plaintext",)),
    # Signatures and MACs
    row("Sign", signing.sign, use(SIGN)),
    row("Verify", signing.verify, use(SIGN)),
    row("GenerateMac", signing.generate_mac, use(MAC)),
    row("VerifyMac", signing.verify_mac, use(MAC)),
    # Shared secrets
    row("GetPublicKey", agreement.get_public_key, PUBLIC, billed=Billed.BY_KEY),
    row("DeriveSharedSecret", agreement.derive_shared_secret, use(AGREE), secret=("SharedSecret",)),
    row("Encapsulate", agreement.encapsulate, use(ENCAPSULATE)),
    row("Decapsulate", agreement.decapsulate, use(ENCAPSULATE)),
    # Rotation
    change("EnableKeyRotation", rotation.enable, SCHEDULED),
    change("DisableKeyRotation", rotation.disable, SCHEDULED),
    row("GetKeyRotationStatus", rotation.status, show(ANY, origins=IN_KMS)),
    change("RotateKeyOnDemand", rotation.rotate_on_demand, ROTATED),
    row("ListKeyRotations", rotation.list_, ROTATIONS),
    # Imported key material
    row("GetParametersForImport", importing.parameters, IMPORTED(IMPORTABLE), slow=True),
    change("ImportKeyMaterial", importing.import_material, IMPORTED(RECEIVING)),
    change("DeleteImportedKeyMaterial", importing.delete_material, IMPORTED(AT_REST)),
    # Multi-Region keys
    change("ReplicateKey", regions.replicate, manage(REPLICABLE, reach=PRIMARY), *NEW_REPLICA),
    change("UpdatePrimaryRegion", regions.update_primary, *SWAPPED),
    # Tags
    change("TagResource", tags.tag, manage(LIVE)),
    change("UntagResource", tags.untag, manage(LIVE)),
    row("ListResourceTags", tags.list_, manage(ANY)),
    # Aliases
    change("CreateAlias", aliases.create, NEW_ALIAS, manage(LIVE, TARGET)),
    change("UpdateAlias", aliases.update, ALIAS, manage(ANY, ALIAS_OLD), manage(LIVE, TARGET)),
    change("DeleteAlias", aliases.delete, ALIAS_TO_DELETE, manage(ANY, ALIAS_OLD)),
    row("ListAliases", aliases.list_, ACCOUNT, manage(ANY, permission=None)),
    # Key policies
    row("GetKeyPolicy", policies.get, manage(ANY)),
    change("PutKeyPolicy", policies.put, manage(ANY)),
    row("ListKeyPolicies", policies.list_, manage(ANY)),
    # Grants
    change("CreateGrant", grants.create, show(GRANTABLE)),
    row("ListGrants", grants.list_, show(ANY)),
    row("ListRetirableGrants", grants.list_retirable, ACCOUNT),
    change("RetireGrant", grants.retire, show(ANY, GRANT)),
    change("RevokeGrant", grants.revoke, show(ANY)),
    # Custom key stores
    change("CreateCustomKeyStore", key_stores.create, ACCOUNT),
    change("ConnectCustomKeyStore", key_stores.connect, store(connection.CONNECTABLE)),
    row("DescribeCustomKeyStores", key_stores.describe, ACCOUNT),
    change("UpdateCustomKeyStore", key_stores.update, store(connection.SETTLED)),
    change("DisconnectCustomKeyStore", key_stores.disconnect, store(connection.DISCONNECTABLE)),
    change("DeleteCustomKeyStore", key_stores.delete, store(connection.DISCONNECTED)),
)
TABLE: dict[str, Row] = {row.name: row for row in ROWS}

# What the service does by itself (`own_acts`). No caller can name these.
SERVICE_ROWS = (
    change("RotateKey", rotation.rotate),
    change("DeleteKey", keys.delete),
    change("SynchronizeMultiRegionKey", regions.synchronize),
    change("DeleteExpiredKeyMaterial", importing.delete_expired),
    change("SeedKey", regions.seed),
)
SERVICE_TABLE: dict[str, Row] = {row.name: row for row in SERVICE_ROWS}
