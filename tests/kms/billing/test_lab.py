"""A lab's bill has what was done in the lab, in AWS's categories."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kmslab import Clock, Lab
from kmslab.kms.contract.errors import EXCEPTIONS

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def lab():
    with Lab(clock=Clock.frozen(NEW_YEAR)) as lab:
        yield lab


def amounts(bill) -> dict[tuple[str, str], Decimal]:
    return {(line.subject, line.what): line.amount for line in bill.lines}


def test_a_year_of_a_rotating_key(lab):
    """Rotated on 1 April, 30 June, 28 September and 27 December."""
    lab.create_cmk("orders").enable_rotation(90)
    lab.clock.advance(days=365)
    totals = [lab.bill(f"2026-{month:02}").total for month in range(1, 13)]
    assert totals == [1, 1, 1, 2, 2, Decimal("2.03"), 3, 3, 3, 3, 3, 3]


def test_what_has_just_been_done_is_on_the_bill(lab):
    lab.create_cmk("orders").encrypt(b"1")
    [fee, requests] = lab.bill().lines
    assert (fee.quantity, requests.quantity) == ("1 of 744 hours", "4, all free")


def test_bill_is_of_the_running_month_unless_one_is_named(lab):
    lab.create_cmk("orders")
    lab.clock.advance(days=15.5)
    assert lab.bill().total == Decimal("0.50")
    assert lab.bill().month == "2026-01"
    assert lab.bill("2025-12").lines == ()


def test_deletion_that_falls_due_meanwhile_is_on_the_bill(lab):
    key = lab.create_cmk()
    lab.clock.advance(days=7)
    key.schedule_deletion(days=7)
    lab.clock.advance(days=30)
    [fee, _] = lab.bill("2026-01").lines
    assert (fee.subject, fee.quantity) == (f"key {key.id}, us-east-1", "168 of 744 hours")


def test_deletion_taken_back_was_never_free(lab):
    key = lab.create_cmk()
    key.schedule_deletion(days=30)
    lab.clock.advance(days=20)
    assert lab.bill().total == Decimal("0.00")
    key.cancel_deletion()
    lab.clock.advance(days=11)
    assert lab.bill("2026-01").total == 1


def test_disabled_key_costs_the_same(lab):
    lab.create_cmk().disable()
    lab.clock.advance(days=31)
    assert lab.bill("2026-01").total == 1


def test_requests_by_class(lab):
    orders = lab.create_cmk("orders")
    sign = lab.create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    orders.encrypt(b"1")
    sign.sign(b"1")
    lab.kms.generate_data_key_pair(KeyId=orders.id, KeyPairSpec="ECC_NIST_P256")
    with pytest.raises(EXCEPTIONS["NotFoundException"]):
        lab.cmk("alias/nowhere")
    requests = {line.what: line.quantity for line in lab.bill().lines if line.subject == "requests"}
    assert requests["other asymmetric keys"] == "1"
    assert requests["ECC data key pairs"] == "1"
    # Two CreateKey, CreateAlias, Encrypt, and two DescribeKey for names that did not exist.
    assert requests["symmetric and HMAC keys, management"] == "6, all free"


def test_each_account_pays_its_own(lab):
    other = lab.account("444455556666")
    key = lab.create_cmk("orders")
    policy = (
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": '
        '["111122223333", "444455556666"]}, "Action": "kms:*", "Resource": "*"}]}'
    )
    lab.kms.put_key_policy(KeyId=key.id, Policy=policy)
    other.kms.encrypt(KeyId=key.arn, Plaintext=b"1")
    assert [line.subject for line in other.bill().lines] == ["requests"]
    assert other.bill().lines[0].quantity == "1, all free"
    assert ("key alias/orders, us-east-1", "key") in amounts(lab.bill())
    assert lab.bill().lines[-1].quantity == "4, all free"  # a bill has its own account's keys


def test_bill_of_a_lab_in_a_file_is_still_there(tmp_path):
    url = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(url, clock=Clock.frozen(NEW_YEAR)) as lab:
        lab.create_cmk("orders")
        lab.clock.advance(days=31)
    with Lab(url, clock=Clock.frozen(NEW_YEAR)) as lab:
        assert lab.bill("2026-01").total == 1
