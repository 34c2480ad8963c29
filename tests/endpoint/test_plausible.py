"""Plausible requests: well-formed, about things that exist, and mostly wrong.

Random noise is refused by the first check. These get as far as a request can, in every combination.
"""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kmslab import Lab
from kmslab.kms.access import allow
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.shapes import Shape
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind
from kmslab.kms.table import TABLE
from kmslab.kms.wire import handle

pytestmark = pytest.mark.long

EXAMPLES = 1_000
SLOW = ("RSA_3072", "RSA_4096")  # to make; RSA_2048 stands for them
COMMON = {
    "AccessDeniedException",
    "NotAuthorizedException",  # of CreateAlias, UpdateAlias and DeleteAlias for alias/aws/
    "InvalidGrantTokenException",  # of DescribeKey, which takes grant tokens
    "SerializationException",
    "UnsupportedOperationException",
    "ValidationException",
}
ACCOUNT = "111122223333"
HERE = f"arn:aws:kms:us-east-1:{ACCOUNT}:"


@dataclass(frozen=True)
class World:
    """A lab with a key of every kind, and plausible requests to it, by operation."""

    lab: Lab
    requests: dict[str, st.SearchStrategy[Any]]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Lab() as lab:
        known = _known(lab)
        inputs = {name: MODEL.operations[name].input for name in TABLE}
        yield World(lab, {name: meant("", of, known) for name, of in inputs.items() if of})


def _known(lab: Lab) -> dict[str, list[Any]]:
    keys = [
        lab.create_cmk(f"{spec}-{usage}".lower(), spec=spec, usage=usage)
        for spec, row in KEY_SPECS.items()
        if spec not in SLOW
        for usage in row.algorithms
    ]
    symmetric = keys[0]
    gone = lab.create_cmk("going")
    gone.schedule_deletion(7)
    asleep = lab.create_cmk("asleep")
    asleep.disable()
    stranger = lab.account("444455556666").create_cmk("theirs")
    abroad = lab.region("eu-west-1").create_cmk("abroad")
    lab.bucket("scans").put("scan", b"scan")  # makes alias/aws/s3
    everything = [*keys, gone, asleep, stranger, abroad]
    names = [f"alias/{key.name}" for key in everything] + ["alias/aws/s3", "alias/nobody"]
    alice = lab.user("alice", allow("kms:*")).caller.principal
    granted = lab.kms.create_grant(
        KeyId=symmetric.id, GranteePrincipal=alice, Operations=["Encrypt"]
    )
    blob = bytes(symmetric.encrypt(b"x", context={"order": "17"}))
    plain = bytes(symmetric.encrypt(b"x"))
    public = [
        bytes(key.public_key()) for key in keys if KEY_SPECS[key.spec].kind is KeyKind.ASYMMETRIC
    ]
    found = [key.id for key in everything] + [key.arn for key in everything] + names
    found += [symmetric.arn] * len(found)  # most operations take no other kind
    policy = json.dumps(symmetric.policy)
    texts: dict[str, list[Any]] = {
        "KeyId": [*found, HERE + "alias/nobody", HERE + "key/nobody", "x" * 36],
        "CiphertextBlob": [blob, plain, plain, plain, blob[:-1], plain + b"\0", bytes(256)],
        "PublicKey": public,
        "Message": [b"x", b"x" * 32, b"x" * 48, b"x" * 64, b"x" * 4096],
        "Policy": [policy, "{}", "[]", policy.replace("root", "user/nobody"), policy[:-1]],
        "PolicyName": ["default"],
        "GrantId": [granted["GrantId"], "0" * 64],
        "GrantToken": [granted["GrantToken"]] * 9 + ["AQ" * 20],
        "AliasName": [*names, "alias/aws/x", "alias/", "alias/new"],
        "GranteePrincipal": [alice, f"arn:aws:iam::{ACCOUNT}:root", "arn:aws:iam::1:x", ACCOUNT],
        "SourceArn": ["arn:aws:s3:::scans", f"arn:aws:s3:us-east-1:{ACCOUNT}:x"],
        "Marker": ["AQ", ""],
        "TagKey": ["a", "aws:a", ""],
    }
    same = {
        "KeyId": ("TargetKeyId", "DestinationKeyId", "SourceKeyId"),
        "CiphertextBlob": ("Signature", "Mac", "SharedSecretCiphertextBlob"),
        "GrantToken": ("GrantTokens",),
        "GranteePrincipal": ("RetiringPrincipal", "GranteeServicePrincipal"),
        "TagKey": ("TagKeys",),
    }
    texts |= {other: texts[name] for name, others in same.items() for other in others}
    return {
        name: [_written(each) if isinstance(each, bytes) else each for each in listed]
        for name, listed in texts.items()
    }


CONTEXTS: list[dict[str, str]] = [{}, {"order": "17"}, {"order": "18", "": ""}, {"병원": "서울"}]
TIMES = [0, 1.5, 1795531072.461, 4e9, -1]
Values = dict[str, list[Any]]


def meant(member: str, shape: Shape, known: Values) -> st.SearchStrategy[Any]:
    """JSON values of a shape, mostly ones that a caller of this lab could know."""
    if shape.kind == "structure":
        each = {name: meant(name, inner, known) for name, inner in shape.members.items()}
        there = {name: each.pop(name) for name in shape.required}
        return st.fixed_dictionaries(there, optional=each)
    if shape.member:
        return st.lists(meant(member, shape.member, known), min_size=1, max_size=2)
    return st.sampled_from(known[member]) if member in known else _any(shape)


def _any(shape: Shape) -> st.SearchStrategy[Any]:
    if shape.enum:
        return st.sampled_from([each for each in shape.enum if each not in SLOW])
    low, high = shape.low or 0, shape.high or 1000
    return {
        "blob": st.binary(min_size=1, max_size=40).map(_written),
        "boolean": st.sampled_from([False, False, True]),
        "integer": st.sampled_from([7, 32, 90, low, high]) | st.integers(low, high),
        "map": st.sampled_from(CONTEXTS),
        "string": st.text(max_size=12),
        "timestamp": st.sampled_from(TIMES),
    }[shape.kind]


def _written(value: bytes) -> str:
    return base64.b64encode(value).decode()


@given(st.data())
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
def test_every_plausible_request_gets_a_documented_answer(
    world: World, data: st.DataObject
) -> None:
    name = data.draw(st.sampled_from(sorted(world.requests)))
    request = data.draw(world.requests[name])
    with world.lab.rehearsal():
        target = f"TrentService.{name}"
        body = json.dumps(request).encode()
        answer = handle(world.lab.service, world.lab.caller, target, body)
        assert answer.status in (200, 400), (name, request, answer)
        if answer.status == 400:
            code = json.loads(answer.body)["__type"]
            assert code in COMMON | set(MODEL.operations[name].errors), (name, request, answer)
        assert world.lab.trail
