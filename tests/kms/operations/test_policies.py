import json
from typing import Any

import pytest

from kmslab import Lab

ROOT = {"AWS": "arn:aws:iam::111122223333:root"}
STATEMENT = {"Effect": "Allow", "Principal": ROOT, "Action": "kms:*", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Id": "", "Statement": [STATEMENT]}, indent=1)


def test_new_key_has_awss_default_policy(lab: Lab, key: str) -> None:
    answer = lab.kms.get_key_policy(KeyId=key)
    assert answer["PolicyName"] == "default"
    assert json.loads(answer["Policy"]) == {
        "Version": "2012-10-17",
        "Id": "key-default-1",
        "Statement": [
            {
                "Sid": "Enable IAM User Permissions",
                "Effect": "Allow",
                "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
                "Action": "kms:*",
                "Resource": "*",
            }
        ],
    }


def test_default_policy_is_of_the_keys_own_account(lab: Lab) -> None:
    neighbour = lab.account("444455556666")
    policy = neighbour.kms.get_key_policy(KeyId=neighbour.create_cmk().arn)["Policy"]
    assert "arn:aws:iam::444455556666:root" in policy


def test_policy_comes_back_as_it_was_written(lab: Lab, key: str) -> None:
    assert lab.kms.put_key_policy(KeyId=key, Policy=POLICY) == {}
    assert lab.kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == POLICY
    created = lab.kms.create_key(Policy=POLICY)["KeyMetadata"]["KeyId"]
    assert lab.kms.get_key_policy(KeyId=created)["Policy"] == POLICY


def test_key_has_one_policy(lab: Lab, key: str, refused: Any) -> None:
    assert lab.kms.list_key_policies(KeyId=key) == {
        "PolicyNames": ["default"],
        "Truncated": False,
    }
    with pytest.raises(lab.kms.exceptions.NotFoundException):
        lab.kms.get_key_policy(KeyId=key, PolicyName="mine")
    with pytest.raises(lab.kms.exceptions.ValidationException):
        lab.kms.put_key_policy(KeyId=key, Policy=POLICY, PolicyName="mine")
    with refused(
        "ValidationException", "The AWS_RAM policy can only be managed by the RAM service"
    ):
        lab.kms.put_key_policy(KeyId=key, Policy=POLICY, PolicyName="AWS_RAM")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        '"text"',
        "{}",
        '{"Statement": []}',
        '{"Statement": {}}',
        '{"Statement": 5}',
        '{"Statement": "Allow"}',
        '{"Statement": [{"Effect": "Allow"}, 5]}',
        '{"Statement": ',
        "[" * 30_000,
    ],
    ids=lambda text: text[:20],
)
def test_text_that_is_not_a_policy_is_refused(lab: Lab, key: str, text: str) -> None:
    before = lab.kms.get_key_policy(KeyId=key)
    for call in (
        lambda: lab.kms.put_key_policy(KeyId=key, Policy=text),
        lambda: lab.kms.create_key(Policy=text),
    ):
        with pytest.raises(lab.kms.exceptions.MalformedPolicyDocumentException):
            call()
    assert lab.kms.get_key_policy(KeyId=key) == before


def test_policy_may_be_one_statement(lab: Lab, key: str) -> None:
    one = json.dumps({"Statement": STATEMENT})
    lab.kms.put_key_policy(KeyId=key, Policy=one)
    assert lab.kms.get_key_policy(KeyId=key)["Policy"] == one


def test_policy_has_at_most_32_kibibytes(lab: Lab, key: str) -> None:
    rest = len(POLICY.encode())
    fits = POLICY.replace('"Id": "', '"Id": "' + "é" * ((32_768 - rest) // 2))
    assert len(fits.encode()) <= 32_768
    lab.kms.put_key_policy(KeyId=key, Policy=fits)
    with pytest.raises(lab.kms.exceptions.LimitExceededException):
        lab.kms.put_key_policy(KeyId=key, Policy=fits + "  ")


def test_policy_outlives_disabling_and_pending_deletion(lab: Lab, key: str) -> None:
    lab.kms.put_key_policy(KeyId=key, Policy=POLICY)
    lab.kms.disable_key(KeyId=key)
    lab.kms.schedule_key_deletion(KeyId=key)
    assert lab.kms.get_key_policy(KeyId=key)["Policy"] == POLICY
