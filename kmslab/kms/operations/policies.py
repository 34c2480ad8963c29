"""Key policies: who may use and manage a key. Stored as written, and evaluated in `access`."""

import json
from dataclasses import replace
from functools import lru_cache, partial
from typing import Any

from kmslab.kms import access
from kmslab.kms.access import check_key_policy
from kmslab.kms.arn import AWS, root_arn
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import EXCEPTIONS, fail
from kmslab.kms.contract.records import Key

LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."


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
    changed = replace(
        key, policy=check_key_policy(call["Policy"], call.records, call.caller.partition)
    )
    check_control(call, changed)
    call.put(changed)
    return {}


def list_(call: Call, key: Key) -> dict[str, Any]:
    """A key has one key policy, which is always named default."""
    return {"PolicyNames": ["default"], "Truncated": False}


@lru_cache(1_024)
def default_policy(account: str, partition: str = AWS) -> str:
    """The policy of a key created without one: it leaves all decisions to the account's IAM."""
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Id": "key-default-1",
            "Statement": [
                {
                    "Sid": "Enable IAM User Permissions",
                    "Effect": "Allow",
                    "Principal": {"AWS": root_arn(account, partition)},
                    "Action": "kms:*",
                    "Resource": "*",
                }
            ],
        },
        indent=2,
    )


def check_control(call: Call, key: Key) -> None:
    """The lockout safety check: a policy's author must be able to replace the policy later."""
    if "Policy" not in call.request or call.get("BypassPolicyLockoutSafetyCheck"):
        return
    question = access.Question(
        caller=replace(call.caller, region=key.region),
        operation="PutKeyPolicy",
        resource=key.arn,
        record=key,
        request=call.request,
        now=call.now,
        records=call.records,
    )
    if not access.decide(question).allowed:
        error = EXCEPTIONS["MalformedPolicyDocumentException"](LOCKED_OUT)
        error.explanation = partial(access.explain, question, proposed=True)
        raise error
