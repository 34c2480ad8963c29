"""Tags: pairs that a customer attaches to a key. They change nothing about the key itself."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Key
from kmslab.kms.operations.pages import page_of

MAX_TAGS_PER_KEY = 50  # "Resource quotas", AWS KMS developer guide


def tag(call: Call, key: Key) -> dict[str, Any]:
    """A tag replaces an old one with the same tag key."""
    call.put(replace(key, tags=merged_tags(key.tags, call["Tags"])))
    return {}


def untag(call: Call, key: Key) -> dict[str, Any]:
    """Removing a tag that the key does not have is not an error."""
    gone = set(call["TagKeys"])
    call.put(replace(key, tags={name: v for name, v in key.tags.items() if name not in gone}))
    return {}


def list_(call: Call, key: Key) -> dict[str, Any]:
    prefix = f"tag of {key.arn} "
    names = {prefix + name: name for name in key.tags}
    shown, paging = page_of(call, names, prefix, default=50, maximum=50)
    return {"Tags": [{"TagKey": name, "TagValue": key.tags[name]} for name in shown], **paging}


def merged_tags(old: Mapping[str, str], new: list[dict[str, str]]) -> dict[str, str]:
    """The old tags with those of a request; raises TagException."""
    names = [each["TagKey"] for each in new]
    if len(set(names)) < len(names):
        fail("TagException", "Duplicate tag keys")
    if any(name.lower().startswith("aws:") for name in names):
        fail("TagException", "Tags beginning with aws: are reserved")
    tags = {**old, **{each["TagKey"]: each["TagValue"] for each in new}}
    if len(tags) > MAX_TAGS_PER_KEY:
        fail("TagException", "Too many tags")
    return tags
