"""AWS's key-state table (tests/data/key_states.csv), cell by cell, by calling.

Every operation in THE TABLE is called with a key in every state; a new row needs no new test.
"""

import csv
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kmslab import CMK, Lab
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Key
from kmslab.kms.contract.specs import KeyUsage
from kmslab.kms.contract.states import KeyState
from kmslab.kms.table import EVERY_KIND, TABLE
from tests.cases import for_every

CSV = Path(__file__).parents[1] / "data" / "key_states.csv"

# A cell's first word → the exception and the words after the key's ARN; None where AWS's text is
# unknown. Source: AWS KMS developer guide, "Key states of AWS KMS keys", and reports of answers.
# e2 documents DisabledException as well; what was seen is KMSInvalidStateException.
REFUSALS: dict[str, tuple[str, str | None]] = {
    "e1": ("DisabledException", "is disabled."),
    "e2": ("KMSInvalidStateException", "is pending deletion."),
    "e3": ("KMSInvalidStateException", "is pending deletion."),
    "e4": (
        "KMSInvalidStateException",
        "is not pending deletion (or pending replica deletion).",
    ),
    "e5": ("KMSInvalidStateException", "is pending import."),
    "e6": (
        "UnsupportedOperationException",
        "origin is EXTERNAL which is not valid for this operation.",
    ),
    "e7": ("UnsupportedOperationException", None),
    "e8": ("KMSInvalidStateException", None),
    "e9": ("UnsupportedOperationException", None),
    "e11": ("KMSInvalidStateException", "is unavailable."),
    "e14": ("KMSInvalidStateException", "is creating."),
    "e15": ("KMSInvalidStateException", "is updating."),
}
# Guessed: the long form of e2 and e3 was published for both states, the short one was seen for a
# single-Region key, so the long one is kept for the state that only a multi-Region key has.
LONG_FORM = "is pending deletion (or pending replica deletion)."

# The key's state after a call whose purpose is to change it: always, or from one state.
STATE_AFTER = {
    "EnableKey": KeyState.ENABLED,
    "DisableKey": KeyState.DISABLED,
    "ScheduleKeyDeletion": KeyState.PENDING_DELETION,
    "UpdatePrimaryRegion": KeyState.UPDATING,
    "CancelKeyDeletion": KeyState.DISABLED,
    ("ImportKeyMaterial", KeyState.PENDING_IMPORT): KeyState.ENABLED,
    ("DeleteImportedKeyMaterial", KeyState.ENABLED): KeyState.PENDING_IMPORT,
    ("DeleteImportedKeyMaterial", KeyState.DISABLED): KeyState.PENDING_IMPORT,
}


def read_rows() -> dict[str, dict[str, str]]:
    lines = CSV.read_text("utf-8").splitlines()
    rows = csv.DictReader(line for line in lines if not line.startswith("#"))
    return {row["operation"]: row for row in rows}


ROWS = read_rows()


def cells() -> Iterator[tuple[str, str, KeyState]]:
    for operation in TABLE:
        row = ROWS[operation]
        for role in row["roles"].split() or [""]:
            for state in KeyState:
                if row[state] != "n/a":
                    yield operation, role, state


def expected(operation: str, role: str, state: KeyState) -> tuple[str, str | None] | None:
    """The exception and the words after the key's ARN; None for success."""
    cell = ROWS[operation][state].split()[0]
    if cell == "e10":  # UpdateAlias: a key pending deletion may lose an alias, but not get one
        cell = "e3" if role == "new" else "ok"
    if cell == "ok":
        return None
    code, words = REFUSALS[cell]
    if cell in ("e2", "e3") and state is KeyState.PENDING_REPLICA_DELETION:
        words = LONG_FORM
    return code, words


@for_every(("operation", "role", "state"), cells())
def test_cell_of_the_key_state_table(
    shared_lab: Lab,
    new_scene: Callable[..., Any],
    example: Callable[..., dict[str, Any]],
    operation: str,
    role: str,
    state: KeyState,
) -> None:
    scene = new_scene(shared_lab, operation, state)
    call = example(scene, operation, role)
    scene.bring_into(state)
    before = scene.record()
    method = getattr(shared_lab.kms, MODEL.operations[operation].snake_name)

    answer = expected(operation, role, state)

    if answer is None:
        method(**call)
        # The state of a key in a disconnected key store changes, but the change does not show.
        stays = "e12" in ROWS[operation][state]
        after = STATE_AFTER.get((operation, state)) or STATE_AFTER.get(operation, state)
        assert scene.cmk.state is (state if stays else after)
        return
    code, words = answer
    with pytest.raises(KMSError) as caught:
        method(**call)
    assert caught.value.code == code
    if words is not None:
        assert caught.value.message == f"{scene.key} {words}"
    assert scene.record() == before


# ------------------------------------------------------------------- kind comes before the state

ROTATION = [operation for operation, row in ROWS.items() if "e7" in row[KeyState.ENABLED]]
# Keys that cannot be rotated, and those that have no public key; GetPublicKey's error is a guess.
UNFIT: dict[str, dict[str, str]] = {
    operation: {
        "RSA_2048": "ENCRYPT_DECRYPT",
        "ECC_NIST_P256": "SIGN_VERIFY",
        "ML_KEM_768": "ENCAPSULATE_DECAPSULATE",
        "HMAC_256": "GENERATE_VERIFY_MAC",
    }
    for operation in ROTATION
} | {"GetPublicKey": {"SYMMETRIC_DEFAULT": "ENCRYPT_DECRYPT", "HMAC_256": "GENERATE_VERIFY_MAC"}}


REFUSED_FIRST = [state for state in KeyState if "e7" not in ROWS["RotateKeyOnDemand"][state]]
# Only a key in a key store can be Unavailable, and all keys there are symmetric.
POSSIBLE = [state for state in KeyState if state is not KeyState.UNAVAILABLE]


@pytest.fixture(scope="module")
def unfit(shared_lab: Lab) -> dict[str, Key]:
    """One key of each spec, whose state a test may set."""
    uses = {spec: usage for specs in UNFIT.values() for spec, usage in specs.items()}
    arns = {spec: shared_lab.create_cmk(spec=spec, usage=use).arn for spec, use in uses.items()}
    return {spec: shared_lab._store.get(Key, arn) for spec, arn in arns.items()}


def test_every_row_that_is_not_for_every_kind_is_tried() -> None:
    limited = {name for name, row in TABLE.items() for r in row.roles if r.kinds != EVERY_KIND}
    assert limited == UNFIT.keys()


@for_every("state", POSSIBLE)
@for_every(("operation", "spec"), [(name, spec) for name, specs in UNFIT.items() for spec in specs])
def test_key_of_the_wrong_kind_is_unsupported_unless_its_state_comes_first(
    shared_lab: Lab, refused: Any, unfit: dict[str, Key], operation: str, spec: str, state: KeyState
) -> None:
    """RotateKeyOnDemand's state comes first: its cells for other states have no footnote e7."""
    store, arn = shared_lab._store, unfit[spec].arn
    store.commit(put=[replace(store.get(Key, arn), state=state)])
    code, text = "UnsupportedOperationException", ""
    if operation == "RotateKeyOnDemand" and state in REFUSED_FIRST:
        code, words = expected(operation, "", state)
        text = f"{arn} {words}"
    with refused(code, text):
        getattr(shared_lab.kms, MODEL.operations[operation].snake_name)(KeyId=arn)


# ------------------------------------------------------------------ usage comes after the state

USES = {
    "SYMMETRIC_DEFAULT": KeyUsage.ENCRYPT_DECRYPT,
    "ECC_NIST_P256": KeyUsage.SIGN_VERIFY,
    "ECC_NIST_P384": KeyUsage.KEY_AGREEMENT,
    "HMAC_256": KeyUsage.GENERATE_VERIFY_MAC,
    "ML_KEM_768": KeyUsage.ENCAPSULATE_DECAPSULATE,
}
KEY_MEMBERS = {"KeyId", "SourceKeyId", "DestinationKeyId"}


@pytest.fixture(scope="module")
def keys(shared_lab: Lab) -> dict[str, CMK]:
    return {spec: shared_lab.create_cmk(spec=spec, usage=use) for spec, use in USES.items()}


def misuses() -> Iterator[tuple[str, str, str]]:
    for operation, row in TABLE.items():
        members = MODEL.operations[operation].input.members.keys()
        usages = {role.usage.usage for role in row.roles if role.usage}
        for member in sorted(members & KEY_MEMBERS) if usages else ():
            # A blob names its key itself, unless the key is asymmetric.
            by_blob = "CiphertextBlob" in members and member != "DestinationKeyId"
            for spec, usage in USES.items():
                if usage not in usages and not (by_blob and spec == "HMAC_256"):
                    yield operation, member, spec


@for_every(("operation", "member", "spec"), misuses())
def test_key_for_another_use_is_refused_once_its_state_allows_any(
    shared_lab: Lab,
    new_scene: Callable[..., Any],
    example: Callable[..., dict[str, Any]],
    refused: Any,
    keys: dict[str, CMK],
    operation: str,
    member: str,
    spec: str,
) -> None:
    request = example(new_scene(shared_lab, operation), operation) | {member: keys[spec].arn}
    method = getattr(shared_lab.kms, MODEL.operations[operation].snake_name)
    keys[spec].disable()
    with refused("DisabledException", f"{keys[spec].arn} is disabled."):
        method(**request)
    keys[spec].enable()
    words = f"key usage is {USES[spec]} which is not valid for {operation}."
    with refused("InvalidKeyUsageException", f"{keys[spec].arn} {words}"):
        method(**request)


# ------------------------------------------------------------------------------- the table itself


def test_the_key_state_table_has_every_operation() -> None:
    assert ROWS.keys() == MODEL.operations.keys()


@for_every("operation", ROWS)
def test_row_of_the_key_state_table_is_well_formed(operation: str) -> None:
    row = ROWS[operation]
    known = {"ok", "n/a", *REFUSALS, "e10", "e12", "e13"}
    assert {word for state in KeyState for word in row[state].split()} <= known
    assert row["inferred"] in {"", "row", *KeyState}
