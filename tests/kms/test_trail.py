"""The trail has CloudTrail's members and names, the calls of all callers, and no secret.

Source: AWS KMS developer guide, "Logging AWS KMS API calls with AWS CloudTrail".
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from kmslab import Lab
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.states import KeyState
from kmslab.kms.table import ENCRYPT, TABLE
from tests.cases import for_every
from tests.kms.contract.oracle import SHAPES

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
# All other operations are readOnly, including the cryptographic ones.
CHANGES = (
    "Create", "Update", "Put", "Enable", "Disable", "Schedule", "Cancel", "Delete", "Tag", "Untag",
    "Import", "Retire", "Revoke", "Rotate", "Replicate", "Connect", "Disconnect",
)  # fmt: skip
# The operations that GetKeyLastUsage reports. GenerateRandom uses no key.
CRYPTOGRAPHIC = SHAPES["KeyLastUsageTrackingOperation"]["enum"]


def last(lab: Lab) -> dict[str, Any]:
    return lab.trail[-1]


def resources(*arns: str) -> list[dict[str, str]]:
    return [{"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": arn} for arn in arns]


@for_every("operation", TABLE)
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

    events = [event for event in lab.trail[count:] if event["awsRegion"] == "us-east-1"]
    (event,) = [event for event in events if event["eventType"] == "AwsApiCall"]

    own_acts = {"RotateKey", "SynchronizeMultiRegionKey"}
    assert {event["eventName"] for event in events} <= {operation} | own_acts
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


def test_root_and_users_are_distinguished(lab: Lab) -> None:
    lab.kms.list_keys()
    assert last(lab)["userIdentity"] == {
        "type": "Root",
        "arn": "arn:aws:iam::111122223333:root",
        "accountId": "111122223333",
    }
    lab.user("alice", allow("kms:ListKeys")).kms.list_keys()
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
    event = last(lab)
    assert event["resources"] == resources(old.arn, new.arn)
    assert event["additionalEventData"] == {
        "sourceKeyMaterialId": old.metadata["CurrentKeyMaterialId"],
        "destinationKeyMaterialId": new.metadata["CurrentKeyMaterialId"],
    }
    lab.kms.re_encrypt(CiphertextBlob=new.encrypt(b"x"), DestinationKeyId=new.arn)
    assert last(lab)["resources"] == resources(new.arn)


@pytest.mark.parametrize("operation", CRYPTOGRAPHIC)
def test_only_events_of_symmetric_keys_name_the_material(
    lab: Lab, new_scene: Any, example: Any, operation: str
) -> None:
    scene = new_scene(lab, operation)
    getattr(lab.kms, MODEL.operations[operation].snake_name)(**example(scene, operation))
    data = last(lab).get("additionalEventData", {})
    symmetric = "CurrentKeyMaterialId" in scene.cmk.metadata
    assert bool(data) is symmetric
    assert symmetric is (TABLE[operation].roles[0].usage is ENCRYPT)


def test_asymmetric_call_tells_how_it_was_made_and_nothing_of_what_about(lab: Lab) -> None:
    signer = lab.create_cmk(spec="RSA_2048", usage="SIGN_VERIFY")
    algorithm = "RSASSA_PSS_SHA_384"
    signature = signer.sign(b"report", algorithm)
    shown = {"keyId": signer.arn, "messageType": "RAW", "signingAlgorithm": algorithm}
    assert last(lab)["requestParameters"] == shown
    signer.verify(b"report", signature, algorithm)
    assert last(lab)["requestParameters"] == shown
    mac = lab.create_cmk(spec="HMAC_384", usage="GENERATE_VERIFY_MAC")
    mac.verify_mac(b"report", mac.mac(b"report"))
    shown = {"keyId": mac.arn, "macAlgorithm": "HMAC_SHA_384"}
    assert [event["requestParameters"] for event in lab.trail[-2:]] == [shown, shown]
    curve = lab.create_cmk(spec="ECC_NIST_P256", usage="KEY_AGREEMENT")
    curve.derive_shared_secret(curve.public_key())
    agreed = last(lab)["requestParameters"]
    assert agreed == {"keyId": curve.arn, "keyAgreementAlgorithm": "ECDH"}
    lattice = lab.create_cmk(spec="ML_KEM_768", usage="ENCAPSULATE_DECAPSULATE")
    lattice.decapsulate(lattice.encapsulate().ciphertext)
    shown = {"keyId": lattice.arn, "encapsulationAlgorithm": "ML_KEM"}
    assert [event["requestParameters"] for event in lab.trail[-2:]] == [shown, shown]


def test_tags_are_logged_in_clear(lab: Lab, key: str) -> None:
    lab.kms.tag_resource(KeyId=key, Tags=[{"TagKey": "project", "TagValue": "orders"}])
    event = last(lab)
    assert event["requestParameters"]["tags"] == [{"tagKey": "project", "tagValue": "orders"}]
    assert event["responseElements"] == {"keyId": key}


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


@for_every(
    "operation",
    [
        "DisableKey",
        "EnableKey",
        "PutKeyPolicy",
        "EnableKeyRotation",
        "DisableKeyRotation",
        "TagResource",
        "UntagResource",
    ],
)
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


# -------------------------------------------------------------------------------- service events


def test_rotation_tells_what_it_asked_and_the_service_what_it_did(lab: Lab) -> None:
    cmk = lab.create_cmk()
    before = cmk.metadata["CurrentKeyMaterialId"]
    lab.kms.rotate_key_on_demand(KeyId=cmk.id)
    after = cmk.metadata["CurrentKeyMaterialId"]
    asked, done = [event for event in lab.trail if "Rotate" in event["eventName"]]
    assert (asked["eventName"], asked["readOnly"]) == ("RotateKeyOnDemand", False)
    assert asked["responseElements"] == {"keyId": cmk.arn}
    assert (done["eventName"], done["eventType"]) == ("RotateKey", "AwsServiceEvent")
    assert done["serviceEventDetails"] == rotation("ON_DEMAND", cmk.id, before, after)
    assert done["resources"] == resources(cmk.arn)
    assert "additionalEventData" not in done


def test_automatic_rotation_is_logged_with_the_time_at_which_it_was_due(lab: Lab) -> None:
    cmk = lab.create_cmk()
    before = cmk.metadata["CurrentKeyMaterialId"]
    cmk.enable_rotation(90)
    lab.clock.advance(days=100)
    (event,) = [event for event in lab.trail if event["eventName"] == "RotateKey"]
    after = cmk.metadata["CurrentKeyMaterialId"]
    assert before != after
    assert event["eventTime"] == "2026-04-05T09:00:00Z"
    assert event["serviceEventDetails"] == rotation("AUTOMATIC", cmk.id, before, after)
    assert event["userIdentity"] == {"accountId": "111122223333", "invokedBy": "AWS Internal"}
    assert event["requestParameters"] is None
    assert event["responseElements"] is None


def rotation(kind: str, key: str, before: str, after: str) -> dict[str, str]:
    return {
        "rotationType": kind,
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": before,
        "currentKeyMaterialId": after,
        "keyId": key,
    }


def test_service_event_has_no_request_id(lab: Lab) -> None:
    lab.create_cmk().schedule_deletion(7)
    lab.create_cmk().rotate()
    lab.clock.advance(days=7)
    events = [event for event in lab.trail if event["eventType"] == "AwsServiceEvent"]
    assert [event["eventName"] for event in events] == ["RotateKey", "DeleteKey"]
    own = ALWAYS - {"requestID"} | {"sourceIPAddress", "userAgent"}  # which is the service itself
    assert all(event.keys() - {"serviceEventDetails"} == own for event in events)
    assert {event["sourceIPAddress"] for event in events} == {"AWS Internal"}


# --------------------------------------------------------------------------------------- last use


@pytest.mark.parametrize("operation", CRYPTOGRAPHIC)
def test_last_use_is_the_last_cryptographic_call_that_succeeded(
    lab: Lab, new_scene: Any, example: Any, operation: str
) -> None:
    """`TrackingStartDate`: AWS tracks uses since 2026-04-23, after this lab's keys were made."""
    scene = new_scene(lab, operation)
    request = example(scene, operation)
    method = getattr(lab.kms, MODEL.operations[operation].snake_name)
    lab.clock.advance(days=200)
    method(**request)
    event, then = last(lab), lab.clock.now()
    lab.clock.advance(hours=1)
    with pytest.raises(KMSError):
        method(**request, DryRun=True)
    scene.cmk.disable()
    with pytest.raises(KMSError):
        method(**request)

    assert lab.kms.get_key_last_usage(KeyId=scene.cmk.id) == {
        "KeyId": scene.cmk.id,
        "KeyLastUsage": {
            "Operation": operation,
            "Timestamp": then,
            "CloudTrailEventId": event["eventID"],
            "KmsRequestId": event["requestID"],
        },
        "TrackingStartDate": datetime(2026, 4, 23, tzinfo=UTC),
        "KeyCreationDate": scene.cmk.metadata["CreationDate"],
    }


@for_every("operation", [name for name in TABLE if name not in CRYPTOGRAPHIC])
def test_call_without_cryptography_is_no_use(
    lab: Lab, new_scene: Any, example: Any, operation: str
) -> None:
    scene = new_scene(lab, operation)
    request = example(scene, operation)
    if operation == "CancelKeyDeletion":
        scene.bring_into(KeyState.PENDING_DELETION)
    before = lab.kms.get_key_last_usage(KeyId=scene.key)
    getattr(lab.kms, MODEL.operations[operation].snake_name)(**request)
    assert lab.kms.get_key_last_usage(KeyId=scene.key) == before


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


def test_refusal_gives_away_no_key_that_only_a_blob_has_named(lab: Lab) -> None:
    cmk, stranger = lab.create_cmk(), lab.account("444455556666")
    blob = cmk.encrypt(b"x")
    nobody = lab.user("nobody")
    for view in (stranger, nobody):
        with pytest.raises(lab.kms.exceptions.AccessDeniedException, match="this ciphertext"):
            view.decrypt(blob)
    event = stranger.trail[-1]
    assert (event["resources"], event.get("additionalEventData")) == ([], None)
    assert last(lab)["resources"] == resources(cmk.arn)  # the owner sees which key the user wanted


def test_owner_of_a_key_sees_which_account_used_it_but_not_which_principal(lab: Lab) -> None:
    cmk = lab.create_cmk("orders")
    bob = lab.account("444455556666").user("bob", allow("kms:Encrypt"))
    cmk.grant(bob.caller.principal, "Encrypt")
    bob.kms.encrypt(KeyId=cmk.arn, Plaintext=b"x")
    own, copy = lab.account("444455556666").trail[-1], last(lab)
    assert own["userIdentity"]["userName"] == "bob"
    assert copy["userIdentity"] == {"type": "AWSAccount", "accountId": "444455556666"}
    assert (own["recipientAccountId"], copy["recipientAccountId"]) == (
        "444455556666",
        "111122223333",
    )
    assert own["sharedEventID"] == copy["sharedEventID"]
    assert own["resources"] == copy["resources"] == resources(cmk.arn)
    assert "account 444455556666" in repr(lab.trail)
    assert "bob" not in repr(lab.trail[-1:])


def test_trail_tells_of_all_regions_and_no_other_account(lab: Lab) -> None:
    lab.region("eu-west-1").user("alice", allow("kms:CreateKey")).create_cmk()
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
    alice = lab.user("alice", allow("kms:*"))
    alice.cmk("alias/orders").encrypt(b"x", {"order": "17", "a|b": "<c>"})
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


def test_table_shows_the_columns_that_are_asked_for(lab: Lab) -> None:
    lab.create_cmk()
    table = lab.trail.table("outcome", "did")
    assert table.headings == ["outcome", "did"]
    assert table.rows[-1] == ["ok", "CreateKey"]
    with pytest.raises(ValueError, match="whom"):
        lab.trail.table("whom")


def test_time_that_was_advanced_is_the_trails_time(lab: Lab) -> None:
    lab.clock.advance(days=1)
    lab.kms.list_keys()
    then = last(lab)["eventTime"]
    assert then == (lab.clock.now() - timedelta()).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert then.startswith("2026-01-06")


def test_table_of_the_trail_shows_both_contexts_of_re_encrypt(lab: Lab, key: str) -> None:
    blob = lab.cmk(key).encrypt(b"x", context={"ward": "3"})
    lab.kms.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"ward": "3"},
        DestinationKeyId=key,
        DestinationEncryptionContext={"ward": "4"},
    )
    assert "ward=3 → ward=4" in repr(lab.trail)
