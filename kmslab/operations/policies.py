"""Key policies: stored and returned as they were written. They do not judge callers yet."""

import json
from dataclasses import replace
from typing import Any

from kmslab.call import Call
from kmslab.contract.errors import fail
from kmslab.contract.records import Key

LONGEST = 32_768  # bytes, "Resource quotas"; the model allows 131,072 characters


def get(call: Call, key: Key) -> dict[str, Any]:
    name = call.get("PolicyName", "default")
    if name != "default":
        fail("NotFoundException", f"No such policy exists: {name}")
    return {"Policy": key.policy, "PolicyName": name}


def put(call: Call, key: Key) -> dict[str, Any]:
    name = call.get("PolicyName", "default")
    if name == "AWS_RAM":
        fail("ValidationException", "The AWS_RAM policy can only be managed by the RAM service")
    if name != "default":
        fail("ValidationException", f"Invalid policy name {name}: it must be default")
    call.put(replace(key, policy=well_formed(call["Policy"])))
    return {}


def list_(call: Call, key: Key) -> dict[str, Any]:
    """A key has one policy of its owner's, always called default."""
    return {"PolicyNames": ["default"], "Truncated": False}


def default_policy(account: str) -> str:
    """What AWS gives a key that is created without a policy: the account decides, through IAM."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        },
        indent=2,
    )


def well_formed(text: str) -> str:
    """The text as it came, if it is a policy document: JSON with a statement or a list of them."""
    if len(text.encode()) > LONGEST:
        fail("LimitExceededException", f"A key policy holds at most {LONGEST} bytes")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        fail("MalformedPolicyDocumentException", "The policy is not valid JSON.")
    found = document.get("Statement") if isinstance(document, dict) else None
    statements = found if isinstance(found, list) else [found]
    if not found or not all(isinstance(each, dict) for each in statements):
        fail("MalformedPolicyDocumentException", "The policy contains no statement.")
    return text
