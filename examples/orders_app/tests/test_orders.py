"""The application's own functions, in the test's process: every boto3 client asks the lab."""

import json
from pathlib import Path

import orders
import pytest
from botocore.exceptions import ClientError

from kmslab.testing import patched_boto3

CARD = b'{"card": "4242"}'


@pytest.fixture
def shop(kms_lab):
    """An application that calls as the account's root user, who may do everything."""
    with patched_boto3(kms_lab):
        yield orders.from_environment()


def test_an_order_comes_back(shop):
    shop.put("17", CARD)
    shop.put("9", b"")
    assert (shop.get("17"), shop.get("9")) == (CARD, b"")
    assert shop.numbers() == ["9", "17"]


def test_the_file_shows_nothing_of_the_order(shop):
    shop.put("17", CARD)
    first = file(shop, "17").read_bytes()
    shop.put("17", CARD)
    again = file(shop, "17").read_bytes()
    assert b"4242" not in first
    assert json.loads(first)["data_key"] != json.loads(again)["data_key"]


def test_orders_that_change_places_do_not_open(shop):
    shop.put("17", CARD)
    shop.put("18", b"{}")
    file(shop, "19").write_bytes(file(shop, "17").read_bytes())
    with pytest.raises(ClientError, match="InvalidCiphertextException"):
        shop.get("19")

    # Both data keys are whole, and the KMS opens them: here the application has to notice.
    one, other = (json.loads(file(shop, number).read_bytes()) for number in ("17", "18"))
    file(shop, "17").write_text(json.dumps(one | {"sealed": other["sealed"]}))
    with pytest.raises(orders.OrdersError, match="changed since it was sealed"):
        shop.get("17")


def test_another_key_is_not_taken(shop, kms_lab):
    """A thief may have a KMS key of his own, and put an order that it sealed in the folder."""
    thiefs = kms_lab.create_cmk("thief")
    orders.Orders(shop.kms, thiefs.arn, shop.folder).put("17", b'{"card": "0000"}')
    with pytest.raises(ClientError, match="IncorrectKeyException"):
        shop.get("17")


def test_with_the_key_off_no_order_opens(shop, kms_lab, capfdbinary):
    shop.put("17", CARD)
    kms_lab.cmk("alias/orders").disable()
    assert orders.main(["get", "17"]) == 1
    shown, said = capfdbinary.readouterr()
    assert shown == b""
    assert said.startswith(b"An error occurred (DisabledException)")
    assert said.count(b"\n") == 1


def test_orders_open_after_the_key_has_rotated(shop, kms_lab):
    shop.put("17", CARD)
    kms_lab.clock.advance(days=400)
    shop.put("18", CARD)
    assert shop.get("17") == shop.get("18") == CARD
    assert len(kms_lab.kms.list_key_rotations(KeyId=kms_lab.cmk("alias/orders").arn)["Rotations"])


def test_the_shop_cannot_read_what_it_has_stored_and_the_trail_says_who_has(kms_lab):
    with patched_boto3(kms_lab.user("shop")):
        shop = orders.from_environment()
        shop.put("17", CARD)
        with pytest.raises(ClientError, match="AccessDeniedException"):
            shop.get("17")
    with patched_boto3(kms_lab.user("office")):
        assert orders.from_environment().get("17") == CARD
    read = kms_lab.trail[-1]
    assert (read["eventName"], read["userIdentity"]["userName"]) == ("Decrypt", "office")
    assert read["requestParameters"]["encryptionContext"] == {"order": "17"}


@pytest.mark.parametrize("number", ["../17", "", "17\n", "1" * 10])
def test_a_number_never_becomes_another_path(number, tmp_path):
    with pytest.raises(orders.OrdersError, match="is not an order's number"):
        orders.Orders(None, "", tmp_path).put(number, CARD)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"iv": 1, "sealed": "", "data_key": ""}'])
def test_a_damaged_file_is_named_before_the_kms_is_asked(content, tmp_path):
    (tmp_path / "17.order").write_text(content)
    with pytest.raises(orders.OrdersError, match="The file of order 17 is damaged"):
        orders.Orders(None, "", tmp_path).get("17")


def file(shop: orders.Orders, number: str) -> Path:
    return shop.folder / f"{number}.order"
