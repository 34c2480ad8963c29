"""What the trail tells: CloudTrail's members and names, everybody's calls, and no secret.

Source: AWS KMS developer guide, "Logging AWS KMS API calls with AWS CloudTrail".
"""

import re
from datetime import timedelta
from typing import Any

import pytest

from kmslab import Lab
from kmslab.contract.errors import KMSError
from kmslab.contract.model import MODEL
from kmslab.contract.states import KeyState
from kmslab.table import TABLE

HERE = "arn:aws:kms:us-east-1:111122223333:"
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ALWAYS = {
    "eventVersion",
    "userIdentity",
    "eventTime",
    "eventSource",
    "eventName",
    "awsRegion",
    "requestParameters",
    "responseElements",
    "requestID",
    "eventID",
    "readOnly",
    "resources",
    "eventType",
    "managementEvent",
    "recipientAccountId",
    "eventCategory",
}
# All other operations are readOnly, the cryptographic ones among them.
CHANGES = (
    "Create", "Update", "Put", "Enable", "Disable", "Schedule", "Cancel", "Delete", "Tag", "Untag",
    "Import", "Retire", "Revoke", "Rotate", "Replicate", "Connect", "Disconnect",
)  # fmt: skip


def last(lab: Lab) -> dict[str, Any]:
    return lab.trail[-1]


def resources(*arns: str) -> list[dict[str, str]]:
    return [{"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": arn} for arn in arns]


@pytest.mark.parametrize("operation", TABLE)
def test_every_call_leaves_one_event(
    lab: Lab, new_scene: Any, example: Any, operation: str
) -> None:
    scene = new_scene(lab, operation)
    if operation == "CancelKeyDeletion":
        scene.bring_into(KeyState.PENDING_DELETION)
    request = example(scene, operation)
    count = len(lab.trail)
    lab.clock.advance(minutes=1)
    getattr(lab.kms, MODEL.operations[operation].snake_name)(**request)

    (event,) = lab.trail[count:]

    assert event.keys() - {"additionalEventData"} == ALWAYS
    assert event["eventName"] == operation
    assert event["eventTime"] == lab.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ")
    assert event["eventType"] == "AwsApiCall"
    assert event["eventSource"] == "kms.amazonaws.com"
    assert event["awsRegion"] == "us-east-1"
    assert event["recipientAccountId"] == "111122223333"
    assert event["readOnly"] is not operation.startswith(CHANGES)
    assert UUID.fullmatch(event["requestID"])
    assert UUID.fullmatch(event["eventID"])
    assert event["eventID"] != event["requestID"]
    if event["readOnly"]:
        assert event["responseElements"] is None


def test_root_and_users_are_told_apart(lab: Lab) -> None:
    lab.kms.list_keys()
    assert last(lab)["userIdentity"] == {
        "type": "Root",
        "arn": "arn:aws:iam::111122223333:root",
        "accountId": "111122223333",
    }
    lab.user("alice").kms.list_keys()
    assert last(lab)["userIdentity"] == {
        "type": "IAMUser",
        "arn": "arn:aws:iam::111122223333:user/alice",
        "accountId": "111122223333",
        "userName": "alice",
    }


def test_decrypt_names_key_context_algorithm_and_material(lab: Lab, key: str) -> None:
    blob = lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext={"order": "17"})
    answer = lab.kms.decrypt(
        CiphertextBlob=blob["CiphertextBlob"], EncryptionContext={"order": "17"}
    )
    event = last(lab)
    assert event["requestParameters"] == {
        "encryptionContext": {"order": "17"},
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }
    assert event["responseElements"] is None
    assert event["additionalEventData"] == {"keyMaterialId": answer["KeyMaterialId"]}
    assert event["resources"] == resources(key)


def test_key_is_logged_as_it_was_named(lab: Lab) -> None:
    cmk = lab.create_cmk("orders")
    for name in ("alias/orders", cmk.id, cmk.arn):
        lab.kms.generate_data_key(KeyId=name, KeySpec="AES_256")
        event = last(lab)
        assert event["requestParameters"] == {"keyId": name, "keySpec": "AES_256"}
        assert event["resources"] == resources(cmk.arn)


def test_re_encrypt_names_source_then_destination(lab: Lab) -> None:
    old, new = lab.create_cmk(), lab.create_cmk()
    lab.kms.re_encrypt(CiphertextBlob=old.encrypt(b"x"), DestinationKeyId=new.arn)
    assert last(lab)["resources"] == resources(old.arn, new.arn)


def test_generate_random_names_no_resource(lab: Lab) -> None:
    lab.kms.generate_random(NumberOfBytes=32)
    event = last(lab)
    assert event["resources"] == []
    assert event["requestParameters"] == {"numberOfBytes": 32}
    assert "additionalEventData" not in event


def test_alias_calls_name_the_key_and_then_the_alias(lab: Lab) -> None:
    old, new = lab.create_cmk().arn, lab.create_cmk().arn
    alias = f"{HERE}alias/orders"
    lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=old)
    assert last(lab)["resources"] == resources(old, alias)
    lab.kms.update_alias(AliasName="alias/orders", TargetKeyId=new)
    assert last(lab)["resources"] == resources(old, new, alias)
    lab.kms.delete_alias(AliasName="alias/orders")
    assert last(lab)["resources"] == resources(new, alias)
    assert last(lab)["requestParameters"] == {"aliasName": "alias/orders"}


def test_create_key_tells_its_answer(lab: Lab) -> None:
    metadata = lab.kms.create_key(Description="orders")["KeyMetadata"]
    event = last(lab)
    shown = event["responseElements"]["keyMetadata"]
    assert shown["AWSAccountId"] == "111122223333"
    assert shown["keyId"] == metadata["KeyId"]
    assert shown["creationDate"] == "Jan 5, 2026, 9:00:00 AM"
    assert event["requestParameters"]["description"] == "orders"
    assert event["resources"] == resources(metadata["Arn"])


@pytest.mark.parametrize("operation", ["DisableKey", "EnableKey", "PutKeyPolicy"])
def test_change_without_an_answer_tells_its_key(
    lab: Lab, new_scene: Any, example: Any, operation: str
) -> None:
    """As CloudTrail does since December 2022."""
    scene = new_scene(lab, operation)
    method = getattr(lab.kms, MODEL.operations[operation].snake_name)
    assert method(**example(scene, operation)) == {}
    assert last(lab)["responseElements"] == {"keyId": scene.key}


def test_deletion_dates_are_written_as_cloudtrail_writes_them(lab: Lab, key: str) -> None:
    lab.kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert last(lab)["responseElements"] == {
        "keyId": key,
        "deletionDate": "Jan 12, 2026, 9:00:00 AM",
        "keyState": "PendingDeletion",
        "pendingWindowInDays": 7,
    }


# --------------------------------------------------------------------------------------- failures


def test_refused_call_is_in_the_trail_with_its_reason(lab: Lab, key: str) -> None:
    lab.kms.disable_key(KeyId=key)
    with pytest.raises(KMSError) as caught:
        lab.kms.encrypt(KeyId=key, Plaintext=b"x")
    event = last(lab)
    assert (event["eventName"], event["errorCode"]) == ("Encrypt", "DisabledException")
    assert event["errorMessage"] == f"{key} is disabled."
    assert event["responseElements"] is None
    assert event["resources"] == resources(key)
    assert event["requestID"] == caught.value.response["ResponseMetadata"]["RequestId"]


def test_error_without_text_has_none_in_the_trail(lab: Lab, key: str) -> None:
    with pytest.raises(KMSError):
        lab.kms.decrypt(CiphertextBlob=b"nonsense")
    event = last(lab)
    assert event["errorCode"] == "InvalidCiphertextException"
    assert "errorMessage" not in event


def test_access_denied_has_its_own_name(lab: Lab) -> None:
    with Lab() as elsewhere:
        blob = elsewhere.create_cmk().encrypt(b"x")
    with pytest.raises(KMSError):
        lab.decrypt(blob)
    assert last(lab)["errorCode"] == "AccessDenied"


def test_request_that_is_not_valid_is_in_the_trail(lab: Lab, key: str) -> None:
    with pytest.raises(KMSError):
        lab.kms.encrypt(KeyId=key, Plaintext=b"")
    assert (last(lab)["eventName"], last(lab)["errorCode"]) == ("Encrypt", "ValidationException")


# ------------------------------------------------------------------------------------------ order


def test_trail_is_in_order_of_time(lab: Lab) -> None:
    doomed = lab.create_cmk()
    doomed.schedule_deletion(7)
    lab.clock.advance(days=10)
    lab.kms.list_keys()
    names = [event["eventName"] for event in lab.trail]
    assert names == ["CreateKey", "ScheduleKeyDeletion", "DeleteKey", "ListKeys"]
    times = [event["eventTime"] for event in lab.trail]
    assert times == sorted(times)


def test_calls_of_one_moment_are_in_order_of_calling(lab: Lab) -> None:
    cmk = lab.create_cmk()
    for _ in range(5):
        cmk.disable()
        cmk.enable()
    cmk.encrypt(b"x")
    names = [event["eventName"] for event in lab.trail[1:]]
    assert names == [*["DisableKey", "EnableKey"] * 5, "Encrypt"]


def test_reading_the_trail_settles_first(lab: Lab) -> None:
    lab.create_cmk().schedule_deletion(7)
    lab.clock.advance(days=7)
    assert last(lab)["eventName"] == "DeleteKey"


def test_trail_tells_of_all_regions_and_no_other_account(lab: Lab) -> None:
    lab.region("eu-west-1").user("alice").create_cmk()
    lab.account("444455556666").create_cmk()
    assert [event["awsRegion"] for event in lab.trail] == ["eu-west-1"]
    (event,) = lab.account("444455556666").trail
    assert event["recipientAccountId"] == "444455556666"


def test_reading_leaves_no_trace(lab: Lab, key: str) -> None:
    assert len(lab.trail) == len(lab.trail) == 1


def test_no_two_events_share_an_id(lab: Lab, key: str) -> None:
    for _ in range(20):
        lab.kms.describe_key(KeyId=key)
    assert len({event["eventID"] for event in lab.trail}) == 21


# ------------------------------------------------------------------------------------- as a table


def test_trail_shows_itself_as_a_table(lab: Lab) -> None:
    cmk = lab.create_cmk("orders")
    lab.user("alice").cmk("alias/orders").encrypt(b"x", {"order": "17", "a|b": "<c>"})
    lines = repr(lab.trail).splitlines()
    assert lines[0].split() == ["time", "(UTC)", "who", "did", "key", "context", "outcome"]
    assert "alice" in lines[-1]
    assert "order=17, a|b=<c>" in lines[-1]
    assert lines[-1].endswith("ok")
    markdown = lab.trail._repr_markdown_()
    assert "order=17, a\\|b=&lt;c>" in markdown
    assert len({line.replace("\\|", "").count("|") for line in markdown.splitlines()}) == 1
    assert cmk.id in repr(lab.trail)


def test_material_ids_are_in_the_table_only_on_request(lab: Lab) -> None:
    cmk = lab.create_cmk()
    cmk.encrypt(b"x")
    material = cmk.metadata["CurrentKeyMaterialId"]
    assert material not in repr(lab.trail)
    assert material in repr(lab.trail.table(material_ids=True))


def test_time_that_was_advanced_is_the_trails_time(lab: Lab) -> None:
    lab.clock.advance(days=1)
    lab.kms.list_keys()
    then = last(lab)["eventTime"]
    assert then == (lab.clock.now() - timedelta()).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert then.startswith("2026-01-06")
