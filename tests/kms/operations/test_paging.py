"""Lists are returned page by page; a marker continues only the list that it came from."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from kmslab import Lab
from tests.cases import for_every


@dataclass(frozen=True)
class Listing:
    call: Callable[..., dict[str, Any]]
    member: str
    all_at_once: list[Any]
    default: int
    most: int


@pytest.fixture(scope="module")
def full_lab(shared_lab: Lab) -> Lab:
    """130 keys, and 60 aliases, 40 of them of one key."""
    keys = [shared_lab.create_cmk().arn for _ in range(130)]
    for number in range(60):
        target = keys[0] if number < 40 else keys[1]
        shared_lab.kms.create_alias(AliasName=f"alias/{number:02}", TargetKeyId=target)
    return shared_lab


@pytest.fixture(params=["ListKeys", "ListAliases", "ListAliases of a key"])
def listing(full_lab: Lab, request: pytest.FixtureRequest) -> Listing:
    kms = full_lab.kms
    keys = kms.list_keys(Limit=1000)["Keys"]
    aliases = kms.list_aliases(Limit=100)["Aliases"]
    if request.param == "ListKeys":
        return Listing(kms.list_keys, "Keys", keys, 100, 1000)
    if request.param == "ListAliases":
        return Listing(kms.list_aliases, "Aliases", aliases, 50, 100)
    one = aliases[0]["TargetKeyId"]  # of alias/00; predefined aliases come later
    return Listing(
        lambda **members: kms.list_aliases(KeyId=one, **members),
        "Aliases",
        [alias for alias in aliases if alias.get("TargetKeyId") == one],
        50,
        100,
    )


def walk(listing: Listing, limit: int | None) -> list[list[Any]]:
    pages, marker = [], None
    while True:
        answer = listing.call(Limit=limit, Marker=marker)
        pages.append(answer[listing.member])
        assert ("NextMarker" in answer) is answer["Truncated"]
        if not answer["Truncated"]:
            return pages
        marker = answer["NextMarker"]


@for_every("limit", [1, 7, 20, 40, 60, 100])
def test_pages_join_to_the_whole_list(listing: Listing, limit: int) -> None:
    pages = walk(listing, limit)
    assert [entry for page in pages for entry in page] == listing.all_at_once
    assert {len(page) for page in pages[:-1]} <= {limit}
    assert 0 < len(pages[-1]) <= limit, "a last page that is full is the last page"


def test_page_has_the_documented_length_by_default(listing: Listing) -> None:
    first = walk(listing, None)[0]
    assert len(first) == min(listing.default, len(listing.all_at_once))


def test_limit_has_bounds(listing: Listing, refused: Any) -> None:
    for limit, bound in (
        (0, "greater than or equal to 1"),
        (listing.most + 1, f"less than or equal to {listing.most}"),
    ):
        text = (
            f"1 validation error detected: Value '{limit}' at 'limit' failed to satisfy "
            f"constraint: Member must have value {bound}"
        )
        with refused("ValidationException", text):
            listing.call(Limit=limit)
    listing.call(Limit=listing.most)


@for_every("marker", ["x", "nonsense", "!!!!", "####", "YQ==", "é", "=", " "])
def test_unreadable_marker_is_refused(listing: Listing, refused: Any, marker: str) -> None:
    with refused("InvalidMarkerException", f"Invalid marker {marker}"):  # guessed
        listing.call(Marker=marker)


def test_marker_that_was_changed_is_refused(listing: Listing, refused: Any) -> None:
    good = listing.call(Limit=1)["NextMarker"]
    for marker in (good + "!", "!" + good, good[:9] + "-" + good[10:], good[4:], good.swapcase()):
        with refused("InvalidMarkerException", f"Invalid marker {marker}"):
            listing.call(Marker=marker)


def test_marker_of_another_list_is_refused(full_lab: Lab) -> None:
    kms = full_lab.kms
    keys, aliases = kms.list_keys(Limit=1), kms.list_aliases(Limit=1)
    for call, marker in (
        (kms.list_keys, aliases["NextMarker"]),
        (kms.list_aliases, keys["NextMarker"]),
        (full_lab.region("eu-west-1").kms.list_keys, keys["NextMarker"]),
        (full_lab.account("444455556666").kms.list_keys, keys["NextMarker"]),
    ):
        with pytest.raises(kms.exceptions.InvalidMarkerException):
            call(Marker=marker)


def test_marker_works_after_its_record_was_deleted(lab: Lab) -> None:
    """A program that cleans up deletes each page before it asks for the next."""
    key = lab.create_cmk(tags={f"{number}": "" for number in range(5)})
    for number in range(5):
        lab.kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=key.arn)
    left: dict[str, Any] = {"Truncated": True, "NextMarker": None}
    while left["Truncated"]:
        left = lab.kms.list_resource_tags(KeyId=key.arn, Limit=2, Marker=left.get("NextMarker"))
        key.untag(*(tag["TagKey"] for tag in left["Tags"]))
    left = {"Truncated": True}
    while left["Truncated"]:
        left = lab.kms.list_aliases(KeyId=key.arn, Limit=2, Marker=left.get("NextMarker"))
        for alias in left["Aliases"]:
            lab.kms.delete_alias(AliasName=alias["AliasName"])
    assert key.tags == {}
    assert lab.kms.list_aliases(KeyId=key.arn)["Aliases"] == []


def test_marker_works_although_the_list_has_changed(lab: Lab) -> None:
    key = lab.create_cmk().arn
    for name in "bdfh":
        lab.kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    first = lab.kms.list_aliases(KeyId=key, Limit=2)
    lab.kms.delete_alias(AliasName="alias/d")
    for name in "ag":
        lab.kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    rest = lab.kms.list_aliases(KeyId=key, Marker=first["NextMarker"])["Aliases"]
    assert [alias["AliasName"] for alias in rest] == ["alias/f", "alias/g", "alias/h"]


def test_empty_list_is_not_truncated(lab: Lab) -> None:
    assert lab.kms.list_keys() == {"Keys": [], "Truncated": False}
    key = lab.create_cmk()
    assert lab.kms.list_aliases(KeyId=key.id) == {"Aliases": [], "Truncated": False}
