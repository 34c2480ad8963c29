"""Months made by hand, whose totals can be calculated by hand."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from kmslab.kms.billing import PRICES, Bill, Billed, bill
from kmslab.kms.contract.events import Event
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Alias, Key
from kmslab.kms.contract.specs import KEY_SPECS, KeyManager, KeyUsage, Origin
from kmslab.kms.contract.states import KeyState
from kmslab.kms.store import Store, open_store
from kmslab.kms.table import SERVICE_TABLE, TABLE

OWNER, OTHER = "111122223333", "444455556666"
JANUARY, FEBRUARY, MARCH = (datetime(2026, month, 1, tzinfo=UTC) for month in (1, 2, 3))
LATER = datetime(2027, 1, 1, tzinfo=UTC)
BILLED = {row.name: row.billed for row in TABLE.values()}
HOUR = timedelta(hours=1)


@pytest.fixture
def store() -> Iterator[Store]:
    store = open_store(None)
    yield store
    store.close()


def arn(name: str = "a", account: str = OWNER, region: str = "us-east-1") -> str:
    return f"arn:aws:kms:{region}:{account}:key/{name}"


def event(operation: str, at: datetime, *keys: str, **known: Any) -> Event:
    fields: dict[str, Any] = {
        "principal": "" if operation in SERVICE_TABLE else f"arn:aws:iam::{OWNER}:root",
        "account": OWNER,
        "region": "us-east-1",
        "request_id": f"{operation} {at}",
    }
    return Event(time=at, operation=operation, resources=keys, **fields | known)


def created(at: datetime, key: str, spec: str = "SYMMETRIC_DEFAULT") -> Event:
    return event("CreateKey", at, key, response={"keyMetadata": {"keySpec": spec}})


def put(store: Store, key: str, spec: str, manager: KeyManager = KeyManager.CUSTOMER) -> None:
    record = Key(
        arn=key,
        spec=spec,
        usage=KeyUsage.ENCRYPT_DECRYPT,
        origin=Origin.AWS_KMS,
        state=KeyState.ENABLED,
        created=JANUARY,
        description="",
        policy="",
        material="",
        manager=manager,
    )
    store.commit(put=[record])


def charge(store: Store, *events: Event, month: str = "2026-02", now: datetime = LATER) -> Bill:
    return bill(OWNER, month, now, events, store, BILLED)


def fees(bill: Bill) -> Decimal:
    return sum((line.amount for line in bill.lines if line.subject != "requests"), Decimal())


# --------------------------------------------------------------------------------------- the keys


def test_whole_month_costs_one_dollar(store):
    made = charge(store, created(JANUARY, arn()))
    assert made.total == 1
    assert [line.quantity for line in made.lines] == ["672 of 672 hours"]


def test_key_is_charged_by_the_hour_from_its_creation_on(store):
    half = FEBRUARY + timedelta(days=14)
    assert fees(charge(store, created(half, arn()))) == Decimal("0.5")
    assert fees(charge(store, created(half + HOUR / 2, arn()))) == Decimal("0.5")
    assert fees(charge(store, created(half + HOUR, arn()))) == Decimal(335) / 672


def test_running_month_is_charged_as_far_as_it_went(store):
    made = charge(store, created(JANUARY, arn()), now=FEBRUARY + 10 * HOUR)
    assert fees(made) == Decimal(10) / 672


def test_month_to_come_costs_nothing(store):
    assert charge(store, created(JANUARY, arn()), month="2030-01").lines == ()


def test_first_two_rotations_cost_a_dollar_each_and_later_ones_nothing(store):
    rotations = [event("RotateKey", JANUARY + day * 24 * HOUR, arn()) for day in range(1, 6)]
    made = charge(store, created(JANUARY, arn()), *rotations)
    assert made.total == 3
    assert [(line.what, line.amount) for line in made.lines] == [
        ("key", 1),
        ("first rotation", 1),
        ("second rotation", 1),
        ("later rotations", 0),
    ]
    assert made.lines[-1].quantity == "3"


def test_rotation_is_charged_from_its_day_on(store):
    rotated = event("RotateKey", FEBRUARY + timedelta(days=21), arn())
    assert fees(charge(store, created(JANUARY, arn()), rotated)) == Decimal("1.25")
    assert fees(charge(store, created(JANUARY, arn()), rotated, month="2026-03")) == 2


def test_waiting_for_deletion_is_free(store):
    pending = event("ScheduleKeyDeletion", FEBRUARY + timedelta(days=7), arn())
    rotated = event("RotateKey", JANUARY + HOUR, arn())
    life = [created(JANUARY, arn()), rotated, pending]
    assert fees(charge(store, *life)) == Decimal("0.5")
    assert charge(store, *life, month="2026-03").lines == ()


def test_cancelled_deletion_is_charged_as_if_there_had_been_none(store):
    pending = event("ScheduleKeyDeletion", FEBRUARY, arn())
    kept = event("CancelKeyDeletion", FEBRUARY + timedelta(days=20), arn())
    assert fees(charge(store, created(JANUARY, arn()), pending, kept)) == 1


def test_refused_deletion_changes_nothing(store):
    refused = event("ScheduleKeyDeletion", FEBRUARY, arn(), error_code="KMSInvalidStateException")
    assert fees(charge(store, created(JANUARY, arn()), refused)) == 1


def test_deleted_key_was_charged_until_its_deletion_was_scheduled(store):
    pending = event("ScheduleKeyDeletion", FEBRUARY + timedelta(days=7), arn())
    gone = event("DeleteKey", FEBRUARY + timedelta(days=14), arn())
    made = charge(store, created(FEBRUARY, arn()), pending, gone)
    assert fees(made) == Decimal("0.25")
    assert made.lines[0].subject == "key a, us-east-1"


def test_aws_managed_key_is_free_and_its_requests_are_not(store):
    put(store, arn(), "SYMMETRIC_DEFAULT", KeyManager.AWS)
    used = event("Decrypt", FEBRUARY, arn(), via="s3.us-east-1.amazonaws.com")
    made = charge(store, event("SeedKey", JANUARY, arn()), used)
    assert [(line.subject, line.quantity) for line in made.lines] == [("requests", "1, all free")]


def test_key_is_called_by_its_alias(store):
    put(store, arn(), "SYMMETRIC_DEFAULT")
    name = f"arn:aws:kms:us-east-1:{OWNER}:alias/orders"
    store.commit(put=[Alias(arn=name, target=arn(), created=JANUARY, updated=JANUARY)])
    made = charge(store, created(JANUARY, arn()))
    assert made.lines[0].subject == "key alias/orders, us-east-1"


def test_keys_of_all_regions_are_on_one_bill(store):
    keys = [created(JANUARY, arn(region=region)) for region in ("us-east-1", "eu-west-1")]
    assert charge(store, *keys).total == 2


# ----------------------------------------------------------------------------------- the requests


def many(count: int, operation: str, *keys: str, **known: Any) -> list[Event]:
    return [event(operation, FEBRUARY, *keys, **known)] * count


@pytest.mark.parametrize(
    ("count", "amount"), [(20_000, "0"), (20_001, "0.000003"), (30_000, "0.03")]
)
def test_twenty_thousand_requests_are_free(store, count, amount):
    assert charge(store, *many(count, "ListKeys")).lines[0].amount == Decimal(amount)


def test_free_requests_are_counted_over_operations_and_regions(store):
    put(store, arn(), "SYMMETRIC_DEFAULT")
    made = charge(
        store,
        *many(12_000, "Encrypt", arn()),
        *many(12_000, "ListKeys", region="eu-west-1"),
    )
    assert made.lines[0].quantity == "24,000, 20,000 free"
    assert made.lines[0].amount == Decimal("0.012")


@pytest.mark.parametrize(
    ("operation", "spec", "known", "price"),
    [
        ("Sign", "RSA_2048", {}, "0.03"),
        ("Sign", "RSA_4096", {}, "0.15"),
        ("GetPublicKey", "ECC_NIST_P256", {}, "0.15"),
        ("Sign", "ML_DSA_44", {}, "0.15"),
        ("GenerateDataKeyPair", "", {"request": {"keyPairSpec": "ECC_NIST_P256"}}, "0.10"),
        (
            "GenerateDataKeyPairWithoutPlaintext",
            "",
            {"request": {"keyPairSpec": "RSA_2048"}},
            "12.00",
        ),
    ],
)
def test_class_of_a_request_that_is_never_free(store, operation, spec, known, price):
    put(store, arn(), spec or "SYMMETRIC_DEFAULT")
    [line] = charge(store, *many(10_000, operation, arn(), **known)).lines
    assert (line.quantity, line.amount) == ("10,000", Decimal(price))


@pytest.mark.parametrize("spec", ["HMAC_256", "SYMMETRIC_DEFAULT"])
def test_class_of_a_request_that_can_be_free(store, spec):
    put(store, arn(), spec)
    [line] = charge(store, event("GenerateMac", FEBRUARY, arn())).lines
    assert (line.quantity, line.amount) == ("1, all free", 0)


def test_management_of_an_asymmetric_key_costs_no_more_than_of_another(store):
    put(store, arn(), "RSA_4096")
    [line] = charge(store, event("DescribeKey", FEBRUARY, arn())).lines
    assert line.what == "symmetric and HMAC keys, management"


def test_key_that_is_gone_still_tells_what_its_requests_cost(store):
    life = [created(FEBRUARY, arn(), "RSA_4096"), *many(10_000, "Sign", arn())]
    assert charge(store, *life).lines[-1].amount == Decimal("0.15")


def test_of_two_keys_the_dearer_counts(store):
    put(store, arn("a"), "SYMMETRIC_DEFAULT")
    put(store, arn("b"), "RSA_4096")
    made = charge(store, *many(10_000, "ReEncrypt", arn("a"), arn("b")))
    assert [line.amount for line in made.lines] == [Decimal("0.15")]


def test_dry_run_and_refused_requests_are_charged(store):
    put(store, arn(), "SYMMETRIC_DEFAULT")
    made = charge(
        store,
        event("Encrypt", FEBRUARY, arn(), error_code="DryRunOperationException"),
        event("GenerateDataKeyPair", FEBRUARY, request={"keyPairSpec": "TIN"}, error_code="…"),
    )
    assert made.lines[0].quantity == "2, all free"


def test_request_is_paid_by_the_caller_and_the_key_by_its_owner(store):
    put(store, arn(), "SYMMETRIC_DEFAULT")
    caller = {"account": OTHER, "principal": f"arn:aws:iam::{OTHER}:root"}
    copy = event("Decrypt", FEBRUARY, arn(), recipient=OWNER, **caller)
    owners = charge(store, created(JANUARY, arn()), copy)
    assert [line.subject for line in owners.lines] == ["key a, us-east-1"]
    callers = bill(
        OTHER, "2026-02", LATER, [event("Decrypt", FEBRUARY, arn(), **caller)], store, BILLED
    )
    assert [line.subject for line in callers.lines] == ["requests"]


def test_what_the_service_does_by_itself_is_no_request(store):
    gone = event("DeleteKey", FEBRUARY, arn())
    assert charge(store, gone).lines == ()


def test_month_begins_and_ends_in_utc(store):
    last = event("ListKeys", MARCH - timedelta(microseconds=1))
    assert charge(store, last).lines[0].quantity == "1, all free"
    assert charge(store, event("ListKeys", MARCH)).lines == ()


# ----------------------------------------------------------------------------------- what is shown


def test_bill_is_a_table_with_its_source(store):
    put(store, arn(), "ML_DSA_44")
    asked = FEBRUARY + 168 * HOUR
    requests = [*many(5_000, "Sign", arn()), *many(21_000, "ListKeys")]
    made = charge(store, created(JANUARY, arn()), *requests, now=asked)
    assert made.table().rows == [
        ["key a, us-east-1", "key", "168 of 672 hours", "1.00 a month", "0.2500"],
        [
            "requests",
            "symmetric and HMAC keys, management",
            "21,000, 20,000 free",
            "0.03 per 10,000",
            "0.0030",
        ],
        ["requests", "ML-DSA and ML-KEM keys", "5,000", "0.15 per 10,000 (?)", "0.0750"],
        ["total", "", "", "", "0.33"],
    ]
    assert made.notes == (
        "Account 111122223333, 2026-02 until 2026-02-08 00:00 UTC. "
        "Prices of us-east-1 in 2026: https://aws.amazon.com/kms/pricing/ "
        "(?) No price for these was found in AWS's list: the nearest kind's price is used."
    )
    assert repr(made) == f"{made.table()!r}\n{made.notes}"
    assert made._repr_markdown_().endswith(f"\n\n{made.notes}")


@pytest.mark.parametrize("month", ["2026", "2026-13", "2026-1", "January", "2026-01-01", "0001-01"])
def test_what_is_no_month(store, month):
    with pytest.raises(ValueError, match="is not a month: one looks like 2026-01"):
        charge(store, month=month)


# ----------------------------------------------------------------------------------- the price list


def test_every_kind_of_key_has_a_class():
    assert PRICES["class_of_key"].keys() == KEY_SPECS.keys()


def test_every_kind_of_data_key_pair_has_a_class():
    specs = MODEL.operations["GenerateDataKeyPair"].input.members["KeyPairSpec"].enum
    assert PRICES["class_of_pair"].keys() == set(specs) - {"SM2"}


def test_every_class_has_a_price():
    named = {*PRICES["class_of_key"].values(), *PRICES["class_of_pair"].values()}
    assert named == PRICES["requests"].keys()


def test_what_a_request_costs_depends_on_its_key_if_it_uses_one():
    by_key = {name for name, billed in BILLED.items() if billed is Billed.BY_KEY}
    uses = {row.name for row in TABLE.values() if any(role.usage for role in row.roles)}
    pairs = {"GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"}
    assert by_key == (uses | {"GetPublicKey"}) - pairs
    assert {name for name, billed in BILLED.items() if billed is Billed.BY_PAIR} == pairs
