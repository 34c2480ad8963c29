"""The states of a KMS key: where an operation works, how it fails elsewhere, and every move.

A *rule* is the set of states in which an operation works. In any other state the error depends on
the state alone (`REFUSALS`), so an operation's column in AWS's key-state table is one set. `MOVES`
lists each change of state that an operation may make.

Source: AWS KMS developer guide, "Key states of AWS KMS keys".
"""

from enum import StrEnum
from itertools import product


class KeyState(StrEnum):
    CREATING = "Creating"
    ENABLED = "Enabled"
    DISABLED = "Disabled"
    PENDING_IMPORT = "PendingImport"
    PENDING_DELETION = "PendingDeletion"
    PENDING_REPLICA_DELETION = "PendingReplicaDeletion"
    UNAVAILABLE = "Unavailable"
    UPDATING = "Updating"


# The exception and the words that follow the key's ARN.
REFUSALS: dict[KeyState, tuple[str, str]] = {
    KeyState.DISABLED: ("DisabledException", "is disabled."),
    KeyState.PENDING_DELETION: ("KMSInvalidStateException", "is pending deletion."),
    KeyState.PENDING_REPLICA_DELETION: (
        "KMSInvalidStateException",
        "is pending deletion (or pending replica deletion).",
    ),
    KeyState.PENDING_IMPORT: ("KMSInvalidStateException", "is pending import."),
    KeyState.UNAVAILABLE: ("KMSInvalidStateException", "is unavailable."),
    KeyState.CREATING: ("KMSInvalidStateException", "is creating."),
    KeyState.UPDATING: ("KMSInvalidStateException", "is updating."),
}
NOT_PENDING = ("KMSInvalidStateException", "is not pending deletion (or pending replica deletion).")

ANY = frozenset(KeyState)
PENDING = frozenset({KeyState.PENDING_DELETION, KeyState.PENDING_REPLICA_DELETION})
LIVE = ANY - PENDING
DELETABLE = LIVE - {KeyState.UPDATING}
REPLICABLE = frozenset({KeyState.ENABLED})
SWITCHED = frozenset({KeyState.ENABLED, KeyState.DISABLED})
SWITCHABLE = SWITCHED | {KeyState.UNAVAILABLE}
USABLE = frozenset({KeyState.ENABLED, KeyState.UPDATING})
GRANTABLE = USABLE | {KeyState.UNAVAILABLE}
AT_REST = ANY - {KeyState.CREATING, KeyState.UPDATING}
IMPORTABLE = AT_REST - PENDING
RECEIVING = IMPORTABLE | {KeyState.UPDATING}


def refusal(state: KeyState, rule: frozenset[StrEnum]) -> tuple[str, str] | None:
    """The exception and words for a state that the rule excludes; None if the rule allows it."""
    if state in rule:
        return None
    return NOT_PENDING if rule is PENDING else REFUSALS[state]


Move = tuple[KeyState | None, KeyState | None]

# Operation or service event → the changes of state it may make; None is "no such key".
MOVES: dict[str, set[Move]] = {
    "CreateKey": {(None, KeyState.ENABLED), (None, KeyState.PENDING_IMPORT)},
    "ReplicateKey": {(None, KeyState.CREATING)},
    "UpdatePrimaryRegion": {(KeyState.ENABLED, KeyState.UPDATING)},
    "SynchronizeMultiRegionKey": {
        *product({KeyState.CREATING}, {KeyState.ENABLED, KeyState.PENDING_IMPORT}),
        (KeyState.UPDATING, KeyState.ENABLED),
    },
    "SeedKey": {(None, state) for state in SWITCHED | {KeyState.PENDING_IMPORT}},
    "EnableKey": {(KeyState.DISABLED, KeyState.ENABLED)},
    "DisableKey": {(KeyState.ENABLED, KeyState.DISABLED)},
    # A key shows Unavailable while its key store is disconnected. It is never stored, so no move
    # starts from it.
    "ScheduleKeyDeletion": {*product(DELETABLE - {KeyState.UNAVAILABLE}, PENDING)},
    "CancelKeyDeletion": {*product(PENDING, (KeyState.DISABLED, KeyState.PENDING_IMPORT))},
    "DeleteKey": {
        (KeyState.PENDING_DELETION, None),
        # the primary of the last replica
        (KeyState.PENDING_REPLICA_DELETION, KeyState.PENDING_DELETION),
    },
    "ImportKeyMaterial": {(KeyState.PENDING_IMPORT, KeyState.ENABLED)},
    "DeleteImportedKeyMaterial": {*product(SWITCHED, {KeyState.PENDING_IMPORT})},
    "DeleteExpiredKeyMaterial": {*product(USABLE | SWITCHED, {KeyState.PENDING_IMPORT})},
}
