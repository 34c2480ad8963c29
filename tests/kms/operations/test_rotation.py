"""Rotation: new material for new blobs, once and on time; older blobs still open."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from kmslab import CMK, Clock, Lab
from kmslab.kms.backing.blob import fields
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind
from kmslab.kms.contract.states import KeyState
from kmslab.kms.operations.policies import default_policy
from tests.cases import for_every
from tests.kms.operations.keyring import LONG_RSA, NOW, USES, cmk, shared

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

POLICY = default_policy("111122223333")


@pytest.fixture
def orders(lab: Lab) -> CMK:
    return lab.create_cmk("orders")


def current(key: CMK) -> str:
    material: str = key.metadata["CurrentKeyMaterialId"]
    return material


def status(key: CMK) -> dict[str, Any]:
    return dict(key.lab.kms.get_key_rotation_status(KeyId=key.arn))


def listed(key: CMK, **more: Any) -> list[dict[str, Any]]:
    """All materials with the first one, unless `more` says otherwise."""
    request = {"IncludeKeyMaterial": "ALL_KEY_MATERIAL", **more}
    found: list[dict[str, Any]] = key.lab.kms.list_key_rotations(KeyId=key.arn, **request)[
        "Rotations"
    ]
    return found


def rotations(key: CMK) -> list[datetime]:
    return [each["RotationDate"] for each in listed(key)[1:]]


def rotate_events(lab: Lab) -> list[dict[str, Any]]:
    return [event for event in lab.trail if event["eventName"] == "RotateKey"]


def advance_to(lab: Lab, moment: datetime) -> None:
    lab.clock.advance(seconds=(moment - lab.clock.now()).total_seconds())


# ------------------------------------------------------------------------------------ the schedule


def test_new_key_is_not_rotated(lab: Lab, orders: CMK) -> None:
    assert status(orders) == {"KeyId": orders.id, "KeyRotationEnabled": False}
    lab.clock.advance(days=4000)
    assert rotations(orders) == []


def test_period_is_a_year_by_default(lab: Lab, orders: CMK) -> None:
    assert lab.kms.enable_key_rotation(KeyId=orders.arn) == {}
    assert status(orders) == {
        "KeyId": orders.id,
        "KeyRotationEnabled": True,
        "RotationPeriodInDays": 365,
        "NextRotationDate": NOW + 365 * DAY,
    }


@pytest.mark.parametrize("days", [90, 91, 2559, 2560])
def test_period_has_90_to_2560_days(lab: Lab, orders: CMK, days: int) -> None:
    orders.enable_rotation(days)
    assert status(orders)["NextRotationDate"] == NOW + days * DAY
    lab.clock.advance(days=days)
    assert rotations(orders) == [NOW + days * DAY]


@pytest.mark.parametrize(
    ("days", "bound"),
    [
        (0, "greater than or equal to 90"),
        (89, "greater than or equal to 90"),
        (2561, "less than or equal to 2560"),
    ],
)
def test_other_periods_are_refused(
    lab: Lab, orders: CMK, refused: Any, days: int, bound: str
) -> None:
    text = (
        f"1 validation error detected: Value '{days}' at 'rotationPeriodInDays' failed to satisfy "
        f"constraint: Member must have value {bound}"
    )
    with refused("ValidationException", text):
        orders.enable_rotation(days)
    assert not status(orders)["KeyRotationEnabled"]


def test_rotation_comes_on_time_and_once(lab: Lab, orders: CMK) -> None:
    first = current(orders)
    orders.enable_rotation(90)
    lab.clock.advance(days=90, microseconds=-1)
    assert current(orders) == first
    lab.clock.advance(microseconds=1)
    second = current(orders)
    assert second != first
    lab.clock.advance(days=89)
    assert current(orders) == second
    assert rotations(orders) == [NOW + 90 * DAY]
    assert len(rotate_events(lab)) == 1


def test_rotation_has_the_date_on_which_it_was_due(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    lab.clock.advance(days=100)
    assert rotations(orders) == [NOW + 90 * DAY]
    assert status(orders)["NextRotationDate"] == NOW + 180 * DAY


def test_enabling_again_changes_the_period_and_restarts_it(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(365)
    lab.clock.advance(days=360)
    orders.enable_rotation(100)
    assert status(orders)["NextRotationDate"] == NOW + 460 * DAY
    lab.clock.advance(days=99)
    assert rotations(orders) == []
    lab.clock.advance(days=1)
    assert rotations(orders) == [NOW + 460 * DAY]


def test_disabling_and_enabling_restarts_the_period(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(100)
    lab.clock.advance(days=99)
    orders.disable_rotation()
    assert status(orders) == {"KeyId": orders.id, "KeyRotationEnabled": False}
    lab.clock.advance(days=50)
    assert rotations(orders) == []
    orders.enable_rotation(100)
    lab.clock.advance(days=100)
    assert rotations(orders) == [NOW + 249 * DAY]


def test_disabling_or_enabling_twice_is_not_an_error(lab: Lab, orders: CMK) -> None:
    orders.disable_rotation()
    orders.enable_rotation()
    orders.enable_rotation()
    assert status(orders)["NextRotationDate"] == NOW + 365 * DAY


def test_ten_years_pass(lab: Lab, orders: CMK) -> None:
    """One call after ten years runs every rotation, dated at its due time, in the trail too."""
    blob = orders.encrypt(b"year 0", {"year": "0"})
    orders.enable_rotation()
    lab.clock.advance(days=3650)
    assert rotations(orders) == [NOW + 365 * year * DAY for year in range(1, 11)]
    materials = [each["KeyMaterialId"] for each in listed(orders)]
    assert len(set(materials)) == 11
    assert current(orders) == materials[-1]
    assert orders.decrypt(blob, {"year": "0"}) == b"year 0"

    events = rotate_events(lab)
    assert [event["eventTime"] for event in events] == [
        f"{NOW + 365 * year * DAY:%Y-%m-%dT%H:%M:%SZ}" for year in range(1, 11)
    ]
    for event, (before, after) in zip(events, pairwise(materials), strict=True):
        assert event["serviceEventDetails"] == {
            "keyId": orders.id,
            "rotationType": "AUTOMATIC",
            "keyOrigin": "AWS_KMS",
            "previousKeyMaterialId": before,
            "currentKeyMaterialId": after,
        }
        assert event["eventType"] == "AwsServiceEvent"
        assert event["userIdentity"] == {
            "accountId": "111122223333",
            "invokedBy": "AWS Internal",
        }
        assert event["requestParameters"] is None
        assert event["resources"] == [
            {"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": orders.arn}
        ]
    times = [event["eventTime"] for event in lab.trail]
    assert times == sorted(times)


def test_ten_years_in_use_pass(lab: Lab, orders: CMK) -> None:
    """A blob a month; each names the material of its time, and all open at the end."""
    orders.enable_rotation(90)
    blobs = []
    for month in range(120):
        blob = orders.encrypt(b"%d" % month)
        blobs.append(blob)
        assert named(blob) == current(orders)
        lab.clock.advance(days=30.4375)
    assert len(rotations(orders)) == 40
    for month, blob in enumerate(blobs):
        opened = lab.kms.decrypt(CiphertextBlob=blob)
        assert opened["Plaintext"] == b"%d" % month
        assert opened["KeyMaterialId"] == named(blob)
    assert len({named(blob) for blob in blobs}) == 41


def named(blob: bytes) -> str:
    return {name: value for name, _, value in fields(blob)}["material id"].hex()


def test_keys_keep_their_own_schedules(lab: Lab) -> None:
    keys = {days: lab.create_cmk() for days in (90, 100, 365)}
    for days, key in keys.items():
        key.enable_rotation(days)
    lab.clock.advance(days=370)
    for days, key in keys.items():
        assert rotations(key) == [NOW + n * days * DAY for n in range(1, 370 // days + 1)]


def test_any_call_rotates_a_due_key(lab: Lab) -> None:
    there = lab.account("444455556666").region("eu-west-1")
    key = there.create_cmk()
    key.enable_rotation(90)
    lab.clock.advance(days=91)
    lab.kms.list_keys()
    (event,) = rotate_events(there)  # type: ignore[arg-type]
    assert (event["awsRegion"], event["recipientAccountId"]) == ("eu-west-1", "444455556666")
    assert rotate_events(lab) == []
    assert there.decrypt(key.encrypt(b"x")) == b"x"


# ------------------------------------------------------------------------------ the state of a key


def test_disabled_key_is_not_rotated_and_is_at_once_when_enabled(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    orders.disable()
    lab.clock.advance(days=200)
    assert rotations(orders) == []
    assert status(orders)["KeyRotationEnabled"]
    orders.enable()
    assert rotations(orders) == [NOW + 200 * DAY], "once, though two periods are over"
    assert status(orders)["NextRotationDate"] == NOW + 290 * DAY


def test_disabled_key_that_is_enabled_in_time_keeps_its_schedule(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    orders.disable()
    lab.clock.advance(days=80)
    orders.enable()
    lab.clock.advance(days=30)
    assert rotations(orders) == [NOW + 90 * DAY]


def test_key_pending_deletion_shows_no_rotation_and_has_none(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    lab.clock.advance(days=80)
    orders.schedule_deletion(30)
    assert status(orders) == {"KeyId": orders.id, "KeyRotationEnabled": False}
    lab.clock.advance(days=29)
    assert rotations(orders) == []
    lab.clock.advance(days=2)
    assert rotate_events(lab) == []
    assert lab.trail[-1]["eventName"] == "DeleteKey"


def test_cancelled_deletion_brings_rotation_back(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    before = status(orders)
    orders.schedule_deletion(30)
    orders.cancel_deletion()
    assert status(orders) == before
    orders.enable()
    assert status(orders) == before
    lab.clock.advance(days=90)
    assert rotations(orders) == [NOW + 90 * DAY]


def test_rotation_missed_while_pending_deletion_comes_when_the_key_is_enabled(
    lab: Lab, orders: CMK
) -> None:
    orders.enable_rotation(90)
    lab.clock.advance(days=80)
    orders.schedule_deletion(30)
    lab.clock.advance(days=20)
    orders.cancel_deletion()
    lab.clock.advance(days=5)
    assert rotations(orders) == []
    orders.enable()
    assert rotations(orders) == [NOW + 105 * DAY]


OPERATIONS = [
    "enable_key_rotation",
    "disable_key_rotation",
    "get_key_rotation_status",
    "rotate_key_on_demand",
    "list_key_rotations",
]
OTHER_KINDS = [
    (spec, usage)
    for spec, usage in USES
    if KEY_SPECS[spec].kind is not KeyKind.SYMMETRIC and spec not in LONG_RSA
]


@for_every("operation", [each for each in OPERATIONS if each != "get_key_rotation_status"])
@for_every(("spec", "usage"), OTHER_KINDS)
def test_only_symmetric_keys_rotate(refused: Any, operation: str, spec: str, usage: Any) -> None:
    with refused("UnsupportedOperationException", ""):
        getattr(shared().kms, operation)(KeyId=cmk(spec, usage).arn)


@pytest.mark.parametrize(("spec", "usage"), OTHER_KINDS)
def test_key_that_cannot_rotate_has_its_rotation_switched_off(spec: str, usage: Any) -> None:
    """Terraform asks for the status of every key that it manages."""
    key = cmk(spec, usage)
    assert status(key) == {"KeyId": key.id, "KeyRotationEnabled": False}


@pytest.mark.parametrize("operation", OPERATIONS)
def test_key_is_named_by_id_or_arn_and_not_by_alias(
    lab: Lab, orders: CMK, refused: Any, operation: str
) -> None:
    with refused("InvalidArnException", "Key Aliases are not supported for this operation"):
        getattr(lab.kms, operation)(KeyId="alias/orders")
    getattr(lab.kms, operation)(KeyId=orders.id)
    getattr(lab.kms, operation)(KeyId=orders.arn)


# --------------------------------------------------------------------------------------- on demand


def test_rotation_on_demand_is_done_when_the_next_call_looks(lab: Lab, orders: CMK) -> None:
    first = current(orders)
    assert lab.kms.rotate_key_on_demand(KeyId=orders.id) == {"KeyId": orders.arn}
    assert status(orders) == {"KeyId": orders.id, "KeyRotationEnabled": False}
    second = current(orders)
    assert second != first
    (event,) = rotate_events(lab)
    assert event["serviceEventDetails"] == {
        "keyId": orders.id,
        "rotationType": "ON_DEMAND",
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": first,
        "currentKeyMaterialId": second,
    }


def test_key_is_rotated_on_demand_25_times_and_never_again(
    lab: Lab, orders: CMK, refused: Any
) -> None:
    blobs = [orders.encrypt(b"x")]
    for number in range(1, 26):
        orders.rotate()
        blobs.append(orders.encrypt(b"x"))
        assert len(rotations(orders)) == number
    text = (
        "The on-demand rotations limit has been reached for the given keyId. No more on-demand "
        f"rotations can be performed for this key: {orders.arn}"
    )
    with refused("LimitExceededException", text):
        orders.rotate()
    lab.clock.advance(days=4000)
    with refused("LimitExceededException", text):
        orders.rotate()
    assert len({named(blob) for blob in blobs}) == 26
    assert {lab.decrypt(blob) for blob in blobs} == {b"x"}


def test_automatic_rotations_do_not_count_as_on_demand(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    lab.clock.advance(days=90 * 30)
    assert len(rotations(orders)) == 30
    for _ in range(25):
        orders.rotate()
    with pytest.raises(KMSError) as caught:
        orders.rotate()
    assert caught.value.code == "LimitExceededException"
    lab.clock.advance(days=90)
    assert len(rotations(orders)) == 56, "the schedule goes on"


def test_rotation_on_demand_does_not_move_the_schedule(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    before = status(orders)
    lab.clock.advance(days=45)
    orders.rotate()
    assert status(orders) == before
    lab.clock.advance(days=45)
    assert rotations(orders) == [NOW + 45 * DAY, NOW + 90 * DAY]
    assert [each.get("RotationType") for each in listed(orders)] == [
        None,
        "ON_DEMAND",
        "AUTOMATIC",
    ]


@pytest.mark.parametrize("minutes", [20, 19, 1])
def test_rotation_on_demand_must_not_be_close_to_an_automatic_one(
    lab: Lab, orders: CMK, refused: Any, minutes: int
) -> None:
    orders.enable_rotation(90)
    due = NOW + 90 * DAY
    advance_to(lab, due - minutes * MINUTE)
    text = f"A rotation of {orders.arn} is in progress or due within minutes."
    with refused("ConflictException", text):
        orders.rotate()
    advance_to(lab, due)
    orders.rotate()
    assert rotations(orders) == [due, due]


def test_rotation_on_demand_half_an_hour_before_an_automatic_one_is_done(
    lab: Lab, orders: CMK
) -> None:
    orders.enable_rotation(90)
    due = NOW + 90 * DAY
    advance_to(lab, due - 21 * MINUTE)
    orders.rotate()
    advance_to(lab, due)
    assert rotations(orders) == [due - 21 * MINUTE, due]


def test_refused_rotation_costs_none_of_the_25(lab: Lab, orders: CMK) -> None:
    orders.disable()
    for _ in range(3):
        with pytest.raises(KMSError):
            orders.rotate()
    orders.enable()
    for _ in range(25):
        orders.rotate()


def test_rotation_asked_for_before_the_key_was_disabled_waits_until_it_is_enabled(
    tmp_path: Path,
) -> None:
    """Another process disables the key before the service comes to rotate it."""
    url, clock = f"sqlite:///{tmp_path / 'my.db'}", [NOW]
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(Lab(store=url, clock=Clock(lambda: clock[0]))) for _ in range(2)
        )
        for _ in range(20):
            key = one.create_cmk()
            there = two.cmk(key.arn)
            key.rotate()
            there.disable()  # before it polls for the rotation, at most half a second later
            if "OnDemandRotationStartDate" in status(there):
                break
        clock[0] += 10 * DAY
        assert rotations(there) == []
        there.enable()
        assert rotations(there) == [NOW + 10 * DAY]
        assert "OnDemandRotationStartDate" not in status(there)


# ------------------------------------------------------------------ what changes and what does not


def test_only_the_material_changes(lab: Lab) -> None:
    orders = lab.create_cmk("orders", description="all of them", tags={"team": "records"})
    lab.kms.put_key_policy(KeyId=orders.arn, Policy=POLICY)
    before, policy = orders.metadata, lab.kms.get_key_policy(KeyId=orders.arn)
    aliases = lab.kms.list_aliases(KeyId=orders.arn)
    orders.rotate()
    lab.clock.advance(days=1)
    after = orders.metadata
    assert after.pop("CurrentKeyMaterialId") != before.pop("CurrentKeyMaterialId")
    assert after == before
    assert lab.kms.get_key_policy(KeyId=orders.arn) == policy
    assert lab.kms.list_aliases(KeyId=orders.arn) == aliases
    assert orders.tags == {"team": "records"}
    assert orders.state is KeyState.ENABLED


def test_answers_name_the_material_that_was_used(lab: Lab, orders: CMK) -> None:
    kms, first = lab.kms, current(orders)
    old = orders.encrypt(b"x")
    orders.rotate()
    second = current(orders)
    assert "KeyMaterialId" not in kms.encrypt(KeyId=orders.arn, Plaintext=b"x")
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first
    assert kms.decrypt(CiphertextBlob=orders.encrypt(b"x"))["KeyMaterialId"] == second
    for answer in (
        kms.generate_data_key(KeyId=orders.arn, KeySpec="AES_256"),
        kms.generate_data_key_without_plaintext(KeyId=orders.arn, KeySpec="AES_256"),
        kms.generate_data_key_pair(KeyId=orders.arn, KeyPairSpec="ECC_NIST_P256"),
        kms.generate_data_key_pair_without_plaintext(KeyId=orders.arn, KeyPairSpec="ECC_NIST_P256"),
    ):
        assert answer["KeyMaterialId"] == second
    moved = kms.re_encrypt(CiphertextBlob=old, DestinationKeyId=orders.arn)
    assert (moved["SourceKeyMaterialId"], moved["DestinationKeyMaterialId"]) == (first, second)
    assert named(moved["CiphertextBlob"]) == second


def test_nothing_is_encrypted_again_and_the_caller_chooses_no_material(
    lab: Lab, orders: CMK, refused: Any
) -> None:
    """An old blob that is changed to name the new material is a forgery."""
    blob = bytes(orders.encrypt(b"x"))
    orders.rotate()
    assert lab.decrypt(blob) == b"x"
    with refused("InvalidCiphertextException", ""):
        lab.decrypt(blob[:7] + bytes.fromhex(current(orders)) + blob[39:])


def test_data_key_from_before_a_rotation_is_what_it_was(lab: Lab, orders: CMK) -> None:
    data_key = orders.generate_data_key()
    orders.rotate()
    assert orders.decrypt(data_key.encrypted) == data_key.plaintext


def test_rotation_of_another_key_changes_nothing(lab: Lab, orders: CMK) -> None:
    other, blob = lab.create_cmk(), orders.encrypt(b"x")
    material = current(orders)
    other.rotate()
    assert len(rotations(other)) == 1
    assert (current(orders), rotations(orders)) == (material, [])
    assert lab.decrypt(blob) == b"x"


def test_deleted_key_is_deleted_with_all_its_materials(lab: Lab, orders: CMK) -> None:
    blobs = [orders.encrypt(b"x")]
    orders.rotate()
    blobs.append(orders.encrypt(b"x"))
    orders.schedule_deletion(7)
    lab.clock.advance(days=8)
    for blob in blobs:
        with pytest.raises(KMSError) as caught:
            lab.decrypt(blob)
        assert caught.value.code == "AccessDeniedException"


def test_rotations_due_while_the_lab_was_closed_are_made_when_it_opens(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store=url, clock=Clock.frozen(NOW)) as lab:
        orders = lab.create_cmk("orders")
        orders.enable_rotation(90)
        blob = orders.encrypt(b"x")
    with Lab(store=url, clock=Clock.frozen(NOW + 200 * DAY)) as lab:
        orders = lab.cmk("alias/orders")
        assert rotations(orders) == [NOW + 90 * DAY, NOW + 180 * DAY]
        assert status(orders)["NextRotationDate"] == NOW + 270 * DAY
        assert lab.decrypt(blob) == b"x"
        assert named(orders.encrypt(b"x")) == current(orders)


# -------------------------------------------------------------------------------- ListKeyRotations


def test_rotations_are_listed_oldest_first_and_the_first_material_only_on_request(
    lab: Lab, orders: CMK
) -> None:
    first = current(orders)
    assert lab.kms.list_key_rotations(KeyId=orders.arn) == {"Rotations": [], "Truncated": False}
    orders.enable_rotation(90)
    lab.clock.advance(days=90)
    second = current(orders)
    lab.clock.advance(days=1)
    orders.rotate()
    third = current(orders)
    rotated = [
        {
            "KeyId": orders.id,
            "KeyMaterialId": second,
            "KeyMaterialState": "NON_CURRENT",
            "RotationDate": NOW + 90 * DAY,
            "RotationType": "AUTOMATIC",
        },
        {
            "KeyId": orders.id,
            "KeyMaterialId": third,
            "KeyMaterialState": "CURRENT",
            "RotationDate": NOW + 91 * DAY,
            "RotationType": "ON_DEMAND",
        },
    ]
    for mode in (None, "ROTATIONS_ONLY"):
        answer = lab.kms.list_key_rotations(KeyId=orders.arn, IncludeKeyMaterial=mode)
        assert answer == {"Rotations": rotated, "Truncated": False}
    came_with_the_key = {
        "KeyId": orders.id,
        "KeyMaterialId": first,
        "KeyMaterialState": "NON_CURRENT",
    }
    assert listed(orders) == [came_with_the_key, *rotated]


def test_material_that_came_with_the_key_is_current_until_the_first_rotation(orders: CMK) -> None:
    (only,) = listed(orders)
    assert only == {
        "KeyId": orders.id,
        "KeyMaterialId": current(orders),
        "KeyMaterialState": "CURRENT",
    }


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 1000])
@pytest.mark.parametrize("mode", ["ROTATIONS_ONLY", "ALL_KEY_MATERIAL"])
def test_pages_hold_every_rotation_once(lab: Lab, orders: CMK, limit: int, mode: str) -> None:
    for _ in range(7):
        orders.rotate()
        lab.clock.advance(days=1)
    pages, marker = [], None
    while True:
        answer = lab.kms.list_key_rotations(
            KeyId=orders.arn, IncludeKeyMaterial=mode, Limit=limit, Marker=marker
        )
        pages.append(answer["Rotations"])
        assert answer["Truncated"] == ("NextMarker" in answer)
        if not answer["Truncated"]:
            break
        marker = answer["NextMarker"]
    assert all(len(page) == limit for page in pages[:-1])
    assert [each for page in pages for each in page] == listed(orders, IncludeKeyMaterial=mode)
    assert len(pages) == -(-(7 + (mode == "ALL_KEY_MATERIAL")) // limit)


def test_page_has_100_rotations_by_default(lab: Lab, orders: CMK) -> None:
    orders.enable_rotation(90)
    lab.clock.advance(days=90 * 101)
    answer = lab.kms.list_key_rotations(KeyId=orders.arn)
    assert (len(answer["Rotations"]), answer["Truncated"]) == (100, True)
    rest = lab.kms.list_key_rotations(KeyId=orders.arn, Marker=answer["NextMarker"])
    assert (len(rest["Rotations"]), rest["Truncated"]) == (1, False)


def test_page_may_not_be_longer_than_1000(lab: Lab, orders: CMK, refused: Any) -> None:
    text = (
        "1 validation error detected: Value '1001' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 1000"
    )
    with refused("ValidationException", text):
        lab.kms.list_key_rotations(KeyId=orders.arn, Limit=1001)


def test_marker_of_another_key_or_of_nothing_is_refused(
    lab: Lab, orders: CMK, refused: Any
) -> None:
    other = lab.create_cmk()
    for key in (orders, other):
        key.rotate()
        lab.clock.advance(days=1)
        key.rotate()
    foreign = lab.kms.list_key_rotations(KeyId=other.arn, Limit=1)["NextMarker"]
    for marker in (foreign, "x", "bm9uZQ==", orders.id):
        with refused("InvalidMarkerException", f"Invalid marker {marker}"):
            lab.kms.list_key_rotations(KeyId=orders.arn, Marker=marker)


def test_list_is_shown_in_every_state(lab: Lab, orders: CMK) -> None:
    states: list[Callable[[], Any]] = [orders.disable, lambda: orders.schedule_deletion(7)]
    orders.rotate()
    for change in states:
        change()
        assert len(rotations(orders)) == 1


def test_rotation_date_is_in_utc(orders: CMK) -> None:
    orders.rotate()
    assert rotations(orders)[0].tzinfo is UTC
