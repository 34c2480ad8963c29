"""Tags: at most 50 on a key, which change nothing else about it."""

import threading
from typing import Any

import pytest

from kmslab import CMK, Lab
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import KMSError


@pytest.fixture
def orders(lab: Lab) -> CMK:
    return lab.create_cmk("orders")


def written(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"TagKey": name, "TagValue": value} for name, value in tags.items()]


def numbered(count: int, first: int = 0) -> dict[str, str]:
    return {f"key {n:03}": f"value {n}" for n in range(first, first + count)}


def listed(lab: Lab, key: CMK, **more: Any) -> dict[str, Any]:
    return lab.kms.list_resource_tags(KeyId=key.arn, **more)


def names(answer: dict[str, Any]) -> list[str]:
    return [tag["TagKey"] for tag in answer["Tags"]]


# --------------------------------------------------------------------- TagResource, UntagResource


def test_new_key_has_no_tags(lab: Lab, orders: CMK) -> None:
    assert listed(lab, orders) == {"Tags": [], "Truncated": False}


def test_tags_are_listed_by_key_whatever_their_order_was(lab: Lab, orders: CMK) -> None:
    tags = {"b": "2", "a": "1", "B": "3", "ä": "4", "_": ""}
    assert lab.kms.tag_resource(KeyId=orders.arn, Tags=written(tags)) == {}
    assert listed(lab, orders) == {
        "Tags": written({"B": "3", "_": "", "a": "1", "b": "2", "ä": "4"}),
        "Truncated": False,
    }


def test_tag_with_the_key_of_an_old_one_replaces_it(lab: Lab, orders: CMK) -> None:
    orders.tag({"team": "records", "year": "2026"})
    orders.tag({"team": "billing"})
    assert orders.tags == {"team": "billing", "year": "2026"}


def test_tag_keys_are_case_sensitive(orders: CMK) -> None:
    orders.tag({"team": "1", "Team": "2"})
    assert orders.tags == {"team": "1", "Team": "2"}


def test_tags_are_removed_by_their_keys(lab: Lab, orders: CMK) -> None:
    orders.tag({"a": "1", "b": "2", "c": "3"})
    assert lab.kms.untag_resource(KeyId=orders.arn, TagKeys=["a", "c"]) == {}
    assert orders.tags == {"b": "2"}


def test_removing_a_missing_tag_is_not_an_error(orders: CMK) -> None:
    orders.tag({"a": "1"})
    orders.untag("b", "b", "A")
    assert orders.tags == {"a": "1"}


def test_tagging_with_no_tags_changes_nothing(lab: Lab, orders: CMK) -> None:
    lab.kms.tag_resource(KeyId=orders.arn, Tags=[])
    lab.kms.untag_resource(KeyId=orders.arn, TagKeys=[])
    assert orders.tags == {}


@pytest.mark.parametrize(
    "tags", [{"k" * 128: "v" * 256}, {"환자": "김영희"}, {" ": " "}, {"a=b": "{};\"'\\\n"}], ids=str
)
def test_any_text_may_be_in_a_tag(orders: CMK, tags: dict[str, str]) -> None:
    orders.tag(tags)
    assert orders.tags == tags
    orders.untag(*tags)
    assert orders.tags == {}


@pytest.mark.parametrize(
    ("tags", "place", "bound"),
    [
        ({"": "v"}, "tags.1.member.tagKey", "greater than or equal to 1"),
        ({"k" * 129: "v"}, "tags.1.member.tagKey", "less than or equal to 128"),
        ({"k": "v" * 257}, "tags.1.member.tagValue", "less than or equal to 256"),
    ],
)
def test_longer_and_empty_words_are_refused(
    lab: Lab, orders: CMK, refused: Any, tags: dict[str, str], place: str, bound: str
) -> None:
    (value,) = tags if place.endswith("Key") else tags.values()
    text = (
        f"1 validation error detected: Value '{value}' at '{place}' failed to satisfy "
        f"constraint: Member must have length {bound}"
    )
    with refused("ValidationException", text):
        orders.tag(tags)
    with refused("ValidationException", text):
        lab.kms.create_key(Tags=written(tags))


def test_same_key_twice_in_one_request_is_refused(lab: Lab, orders: CMK, refused: Any) -> None:
    twice = [*written({"a": "1"}), *written({"a": "2"})]
    with refused("TagException", "Duplicate tag keys"):
        lab.kms.tag_resource(KeyId=orders.arn, Tags=twice)
    with refused("TagException", "Duplicate tag keys"):
        lab.kms.create_key(Tags=twice)
    assert orders.tags == {}


@pytest.mark.parametrize("name", ["aws:", "aws:createdBy", "AWS:x", "Aws:x", "aWS:x"])
def test_keys_that_begin_with_aws_are_reserved(
    lab: Lab, orders: CMK, refused: Any, name: str
) -> None:
    text = "Tags beginning with aws: are reserved"
    with refused("TagException", text):
        orders.tag({"a": "1", name: "x"})
    with refused("TagException", text):
        lab.kms.create_key(Tags=written({name: "x"}))
    assert orders.tags == {}
    orders.tag({"aws": "1", "laws:x": "2"})


def test_key_holds_50_tags(lab: Lab, orders: CMK, refused: Any) -> None:
    orders.tag(numbered(30))
    orders.tag(numbered(20, first=30))
    with refused("TagException", "Too many tags"):
        orders.tag({"one": "more"})
    orders.tag({"key 007": "another value"})
    orders.untag("key 000")
    with refused("TagException", "Too many tags"):
        orders.tag({"one": "more", "two": "more"})
    orders.tag({"one": "more"})
    assert len(orders.tags) == 50


def test_refused_request_writes_none_of_its_tags(orders: CMK) -> None:
    with pytest.raises(KMSError):
        orders.tag(numbered(51))
    assert orders.tags == {}


# --------------------------------------------------------------------------------- with CreateKey


def test_key_is_created_with_its_tags(lab: Lab) -> None:
    created = lab.kms.create_key(Tags=written({"b": "2", "a": "1"}))["KeyMetadata"]
    assert "Tags" not in created
    assert listed(lab, lab.cmk(created["Arn"]))["Tags"] == written({"a": "1", "b": "2"})


def test_key_of_any_kind_has_tags(lab: Lab) -> None:
    for spec, usage in (("ECC_NIST_P256", "SIGN_VERIFY"), ("HMAC_256", "GENERATE_VERIFY_MAC")):
        assert lab.create_cmk(spec=spec, usage=usage, tags={"a": "1"}).tags == {"a": "1"}


def test_key_with_51_tags_is_not_created(lab: Lab, refused: Any) -> None:
    lab.kms.create_key(Tags=written(numbered(50)))
    with refused("TagException", "Too many tags"):
        lab.kms.create_key(Tags=written(numbered(51)))
    assert len(lab.kms.list_keys()["Keys"]) == 1


# ------------------------------------------------------------------------------- ListResourceTags


def test_page_has_50_tags_which_are_all(lab: Lab, orders: CMK) -> None:
    orders.tag(numbered(50))
    answer = listed(lab, orders)
    assert names(answer) == sorted(numbered(50))
    assert answer.keys() == {"Tags", "Truncated"}
    assert not answer["Truncated"]


@pytest.mark.parametrize("limit", [1, 7, 25, 49, 50])
def test_pages_hold_every_tag_once(lab: Lab, orders: CMK, limit: int) -> None:
    orders.tag(numbered(50))
    found: list[str] = []
    answer = listed(lab, orders, Limit=limit)
    while True:
        found += names(answer)
        assert answer["Truncated"] == ("NextMarker" in answer)
        if not answer["Truncated"]:
            break
        assert len(names(answer)) == limit
        answer = listed(lab, orders, Limit=limit, Marker=answer["NextMarker"])
    assert found == sorted(numbered(50))


@pytest.mark.parametrize("limit", [51, 100, 1000])
def test_page_may_not_be_longer(lab: Lab, orders: CMK, refused: Any, limit: int) -> None:
    text = (
        f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: "
        "Member must have value less than or equal to 50"
    )
    with refused("ValidationException", text):
        listed(lab, orders, Limit=limit)


def test_marker_of_another_list_is_refused(lab: Lab, orders: CMK, refused: Any) -> None:
    orders.tag(numbered(3))
    marker = listed(lab, orders, Limit=1)["NextMarker"]
    other = lab.create_cmk()
    for key, wrong in ((orders, "x"), (orders, "bm9uZQ=="), (other, marker)):
        with refused("InvalidMarkerException", f"Invalid marker {wrong}"):
            listed(lab, key, Marker=wrong)


# -------------------------------------------------------------------------------------- their key


def test_tags_change_nothing_else(lab: Lab, orders: CMK) -> None:
    blob, metadata = orders.encrypt(b"x"), orders.metadata
    orders.tag({"a": "1"})
    assert orders.metadata == metadata
    assert lab.decrypt(blob) == b"x"


def test_tags_are_of_one_key_in_one_region(lab: Lab, orders: CMK) -> None:
    other, there = lab.create_cmk(), lab.region("eu-west-1").create_cmk()
    orders.tag({"a": "1"})
    assert other.tags == there.tags == {}
    there.tag({"b": "2"})
    assert (orders.tags, there.tags) == ({"a": "1"}, {"b": "2"})


def test_key_is_named_by_id_or_arn_and_not_by_alias(lab: Lab, orders: CMK, refused: Any) -> None:
    kms = lab.kms
    text = "Key Aliases are not supported for this operation"
    for name in (orders.id, orders.arn):
        kms.tag_resource(KeyId=name, Tags=written({name[-3:]: "x"}))
        kms.list_resource_tags(KeyId=name)
        kms.untag_resource(KeyId=name, TagKeys=[name[-3:]])
    with refused("InvalidArnException", text):
        kms.tag_resource(KeyId="alias/orders", Tags=[])
    with refused("InvalidArnException", text):
        kms.untag_resource(KeyId="alias/orders", TagKeys=[])
    with refused("InvalidArnException", text):
        kms.list_resource_tags(KeyId="alias/orders")


def test_disabled_key_can_be_tagged_and_one_pending_deletion_only_read(
    orders: CMK, refused: Any
) -> None:
    orders.disable()
    orders.tag({"a": "1", "b": "2"})
    orders.untag("b")
    orders.schedule_deletion(7)
    assert orders.tags == {"a": "1"}
    for change in (lambda: orders.tag({"c": "3"}), lambda: orders.untag("a")):
        with refused("KMSInvalidStateException", f"{orders.arn} is pending deletion."):
            change()
    orders.cancel_deletion()
    assert orders.tags == {"a": "1"}


def test_tags_outlive_the_process(tmp_path: Any) -> None:
    url = f"sqlite:///{tmp_path / 'my.db'}"
    tags = {"환자": "김영희", "b": "", "a": "1"}
    with Lab(store=url) as lab:
        lab.create_cmk("orders", tags=tags)
    with Lab(store=url) as lab:
        assert lab.cmk("alias/orders").tags == tags


def test_threads_that_tag_one_key_lose_no_tag(lab: Lab, orders: CMK) -> None:
    threads = [
        threading.Thread(target=lambda n=n: [orders.tag({f"{n} {step}": "x"}) for step in range(8)])
        for n in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(orders.tags) == 48


def test_key_made_with_tags_needs_permission_to_tag(lab: Lab) -> None:
    """An empty list, which some programs send, gives the key no tag."""
    maker = lab.user("maker", allow("kms:CreateKey"))
    assert maker.kms.create_key(Tags=[])
    with pytest.raises(lab.kms.exceptions.AccessDeniedException, match="kms:TagResource"):
        maker.kms.create_key(Tags=written({"owner": "me"}))
    assert lab.user("maker", allow("kms:CreateKey", "kms:TagResource")).create_cmk(tags={"a": "b"})
