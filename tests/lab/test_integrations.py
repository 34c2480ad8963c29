"""A bucket and a table with the three kinds of key: who may use which, and how."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from kmslab import Clock, Lab
from kmslab.kms.access import allow
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.lab.integrations import AWS_MANAGED, AWS_OWNED
from kmslab.lab.integrations.keys import SERVICES

NEW_YEAR = datetime(2026, 1, 1, tzinfo=UTC)
DENIED = EXCEPTIONS["AccessDeniedException"]
OTHER = "444455556666"
KINDS = pytest.mark.parametrize("kind", ["customer", AWS_MANAGED, AWS_OWNED])


@pytest.fixture
def lab():
    with Lab(clock=Clock.frozen(NEW_YEAR)) as lab:
        yield lab


def key_of(lab: Lab, kind: str):
    return lab.create_cmk("orders") if kind == "customer" else kind


def events_of(lab, *names: str) -> list[dict]:
    return [event for event in lab.trail if event["eventName"] in names]


# --------------------------------------------------------------------------------------- a bucket


@KINDS
def test_object_comes_back(lab, kind):
    bucket = lab.bucket("scans", key_of(lab, kind))
    bucket.put("R-017", b"a scan")
    assert bucket.get("R-017") == b"a scan"
    assert b"a scan" not in bytes(bucket.stored("R-017").content)
    assert bucket.objects == ["R-017"]


def test_each_object_has_its_own_data_key_and_its_name_as_context(lab):
    bucket = lab.bucket("scans")
    bucket.put("one", b"1")
    bucket.put("two", b"2")
    first, second = events_of(lab, "GenerateDataKey")
    assert first["requestParameters"]["encryptionContext"] == {
        "aws:s3:arn": "arn:aws:s3:::scans/one"
    }
    assert second["requestParameters"]["encryptionContext"] == {
        "aws:s3:arn": "arn:aws:s3:::scans/two"
    }
    assert bucket.stored("one").data_key != bucket.stored("two").data_key


def test_bucket_calls_on_behalf_of_its_user_and_says_so(lab):
    lab.bucket("scans").put("R-017", b"1")
    lab.user("nurse").bucket("scans").get("R-017")
    [event] = events_of(lab, "Decrypt")
    assert event["userIdentity"]["userName"] == "nurse"
    assert event["userIdentity"]["invokedBy"] == event["sourceIPAddress"] == "s3.amazonaws.com"


def test_new_key_of_a_bucket_applies_to_new_objects(lab):
    bucket = lab.bucket("scans")
    bucket.put("old", b"1")
    orders = lab.create_cmk("orders")
    assert lab.bucket("scans", orders).key == orders.arn
    bucket.put("new", b"2")
    orders.disable()
    assert bucket.get("old") == b"1"
    with pytest.raises(EXCEPTIONS["DisabledException"]):
        bucket.get("new")


def test_user_needs_permission_on_a_customers_key(lab):
    lab.bucket("scans", lab.create_cmk("orders")).put("R-017", b"1")
    with pytest.raises(DENIED):
        lab.user("nurse").bucket("scans").get("R-017")
    assert lab.user("nurse", allow("kms:Decrypt")).bucket("scans").get("R-017") == b"1"


def test_bucket_stays_in_its_region_for_every_caller(lab):
    lab.region("eu-west-1").bucket("scans").put("R-017", b"1")
    assert lab.bucket("scans").get("R-017") == b"1"
    assert {event["awsRegion"] for event in events_of(lab, "GenerateDataKey", "Decrypt")} == {
        "eu-west-1"
    }


def test_missing_object_is_a_key_error(lab):
    with pytest.raises(KeyError):
        lab.bucket("scans").get("R-017")
    assert events_of(lab, "Decrypt") == []


# ---------------------------------------------------------------- the key that AWS manages for one


def test_aws_managed_key_appears_on_first_use_and_once(lab):
    bucket = lab.bucket("scans")
    assert lab.kms.list_keys()["Keys"] == []
    bucket.put("one", b"1")
    bucket.put("two", b"2")
    lab.bucket("reports").put("three", b"3")
    [alias] = [a for a in lab.kms.list_aliases()["Aliases"] if "TargetKeyId" in a]
    [key] = lab.kms.list_keys()["Keys"]
    assert (alias["AliasName"], alias["TargetKeyId"]) == ("alias/aws/s3", key["KeyId"])
    metadata = lab.cmk("alias/aws/s3").metadata
    assert metadata["KeyManager"] == "AWS"
    assert metadata["Description"].startswith("Default key that protects my S3 objects")


def test_it_can_be_named_by_its_alias_before_it_exists(lab):
    bucket = lab.bucket("scans", "alias/aws/s3")
    bucket.put("R-017", b"1")
    assert bucket.get("R-017") == b"1"


def test_each_account_and_region_has_its_own(lab):
    places = [lab, lab.region("eu-west-1"), lab.account(OTHER)]
    for number, place in enumerate(places):
        place.bucket(f"bucket-{number}").put("one", b"1")
    assert len({place.cmk("alias/aws/s3").arn for place in places}) == 3


def test_everybody_in_the_account_uses_it_through_the_bucket_and_nobody_directly(lab):
    nurse = lab.user("nurse")
    nurse.bucket("scans").put("R-017", b"1")
    assert nurse.bucket("scans").get("R-017") == b"1"
    for who in (lab, nurse, lab.user("boss", allow("kms:*"))):
        with pytest.raises(DENIED):
            who.kms.encrypt(KeyId="alias/aws/s3", Plaintext=b"1")
        with pytest.raises(DENIED):
            who.decrypt(
                lab.bucket("scans").stored("R-017").data_key,
                {"aws:s3:arn": "arn:aws:s3:::scans/R-017"},
            )


def test_its_metadata_can_be_read(lab):
    lab.bucket("scans").put("R-017", b"1")
    reader = lab.user("auditor", allow("kms:DescribeKey", "kms:GetKeyPolicy")).kms
    arn = lab.cmk("alias/aws/s3").arn
    assert reader.describe_key(KeyId=arn)["KeyMetadata"]["KeyManager"] == "AWS"
    assert (
        '"kms:ViaService": "s3.us-east-1.amazonaws.com"'
        in reader.get_key_policy(KeyId=arn)["Policy"]
    )


MANAGE: dict[str, Callable] = {
    "DisableKey": lambda kms, key: kms.disable_key(KeyId=key),
    "EnableKeyRotation": lambda kms, key: kms.enable_key_rotation(KeyId=key),
    "DisableKeyRotation": lambda kms, key: kms.disable_key_rotation(KeyId=key),
    "RotateKeyOnDemand": lambda kms, key: kms.rotate_key_on_demand(KeyId=key),
    "ScheduleKeyDeletion": lambda kms, key: kms.schedule_key_deletion(KeyId=key),
    "PutKeyPolicy": lambda kms, key: kms.put_key_policy(KeyId=key, Policy="{}"),
    "TagResource": lambda kms, key: kms.tag_resource(
        KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]
    ),
    "UpdateKeyDescription": lambda kms, key: kms.update_key_description(KeyId=key, Description=""),
    "CreateAlias": lambda kms, key: kms.create_alias(AliasName="alias/mine", TargetKeyId=key),
}


@pytest.mark.parametrize("operation", MANAGE)
def test_it_cannot_be_managed_even_by_the_root_user(lab, operation):
    lab.bucket("scans").put("R-017", b"1")
    arn = lab.cmk("alias/aws/s3").arn
    with pytest.raises(DENIED, match=f"no resource-based policy allows the kms:{operation} action"):
        MANAGE[operation](lab.kms, arn)


def test_it_is_rotated_every_year(lab):
    lab.bucket("scans").put("R-017", b"1")
    arn = lab.cmk("alias/aws/s3").arn
    assert lab.kms.get_key_rotation_status(KeyId=arn)["KeyRotationEnabled"] is True
    lab.clock.advance(days=366)
    assert lab.bucket("scans").get("R-017") == b"1"
    assert len(events_of(lab, "RotateKey")) == 1


def test_it_serves_no_other_account(lab):
    lab.bucket("scans").put("R-017", b"1")
    stranger = lab.account(OTHER).bucket("scans")
    with pytest.raises(DENIED):
        stranger.get("R-017")
    with pytest.raises(DENIED):
        stranger.put("R-018", b"2")


# --------------------------------------------------------------------------- the key that AWS owns


def test_aws_owned_key_is_in_no_customers_account(lab):
    bucket = lab.bucket("scans", AWS_OWNED)
    bucket.put("R-017", b"1")
    bucket.get("R-017")
    assert lab.kms.list_keys()["Keys"] == []
    assert [a for a in lab.kms.list_aliases()["Aliases"] if "TargetKeyId" in a] == []
    assert [line.quantity for line in lab.bill().lines] == ["2, all free"]  # the two lists above
    assert events_of(lab, "GenerateDataKey", "Decrypt", "SeedKey") == []


def test_only_the_service_can_decrypt_with_it(lab):
    bucket = lab.bucket("scans", AWS_OWNED)
    bucket.put("R-017", b"1")
    sealed = bucket.stored("R-017")
    with pytest.raises(DENIED):
        lab.decrypt(sealed.data_key, sealed.context)
    assert lab.user("nurse").bucket("scans").get("R-017") == b"1"
    assert lab.account(OTHER).bucket("scans").get("R-017") == b"1"


def test_service_sees_it_in_its_own_account(lab):
    lab.bucket("scans", AWS_OWNED).put("R-017", b"1")
    events, _ = lab.service.history(SERVICES)
    assert "GenerateDataKey" in [event.operation for event in events]


def test_no_customer_can_have_the_services_account():
    """Users of other emulators are used to twelve zeros."""
    with pytest.raises(ValueError, match="12 digits"):
        Lab(account=SERVICES)
    with Lab(account="000000000000") as lab:
        lab.bucket("scans", AWS_OWNED).put("R-017", b"1")
        assert lab.kms.list_keys()["Keys"] == []
        assert events_of(lab, "GenerateDataKey", "SeedKey") == []


# ---------------------------------------------------------------------------------------- a table


@KINDS
def test_item_comes_back_and_is_backed_up(lab, kind):
    table = lab.table("records", key_of(lab, kind))
    table.put("R-017", b"a record")
    assert table.get("R-017") == b"a record"
    assert table.back_up() == {"R-017": b"a record"}
    assert table.items == ["R-017"]


def test_table_creates_a_grant_for_itself(lab):
    orders = lab.create_cmk("orders")
    table = lab.table("records", orders)
    [grant] = lab.kms.list_grants(KeyId=orders.arn)["Grants"]
    assert grant["GranteeServicePrincipal"] == "dynamodb.amazonaws.com"
    assert grant["RetiringServicePrincipal"] == "dynamodb.amazonaws.com"
    assert grant["Constraints"] == {
        "EncryptionContextSubset": {
            "aws:dynamodb:tableName": "records",
            "aws:dynamodb:subscriberId": "111122223333",
        },
        "SourceArn": table.arn,
    }
    [event] = events_of(lab, "CreateGrant")
    assert event["userIdentity"]["type"] == "Root"
    assert event["userIdentity"]["invokedBy"] == "dynamodb.amazonaws.com"


def test_trail_names_the_service_for_its_own_work(lab):
    lab.table("records", lab.create_cmk("orders")).back_up()
    assert [event["userIdentity"] for event in events_of(lab, "GenerateDataKey", "Decrypt")] == [
        {"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"},
        {"type": "AWSService", "invokedBy": "dynamodb.amazonaws.com"},
    ]


def test_revoked_grant_stops_the_service_and_not_its_users(lab):
    orders = lab.create_cmk("orders")
    table = lab.table("records", orders)
    table.put("R-017", b"1")
    [grant] = lab.kms.list_grants(KeyId=orders.arn)["Grants"]
    lab.kms.revoke_grant(KeyId=orders.arn, GrantId=grant["GrantId"])
    with pytest.raises(DENIED):
        table.back_up()
    assert table.get("R-017") == b"1"


def test_each_table_has_a_grant_of_its_own(lab):
    orders = lab.create_cmk("orders")
    lab.table("records", orders)
    lab.table("letters", orders)
    first, second = lab.kms.list_grants(KeyId=orders.arn)["Grants"]
    assert first["Constraints"] != second["Constraints"]


def test_deleting_a_table_retires_its_grant(lab):
    orders = lab.create_cmk("orders")
    lab.table("records", orders).delete()
    assert lab.kms.list_grants(KeyId=orders.arn)["Grants"] == []
    [event] = events_of(lab, "RetireGrant")
    assert event["userIdentity"]["type"] == "AWSService"
    assert lab.table("records", AWS_OWNED).items == []


def test_maker_of_a_table_must_be_allowed_to_grant(lab):
    orders = lab.create_cmk("orders")
    helper = lab.user("helper", allow("kms:DescribeKey"))
    with pytest.raises(DENIED, match="kms:CreateGrant"):
        helper.table("records", orders)
    table = lab.user("maker", allow("kms:DescribeKey", "kms:CreateGrant")).table("records", orders)
    with pytest.raises(DENIED, match="kms:Decrypt"):
        table.put("R-017", b"1")


def test_same_name_in_another_region_or_account_is_another_table(lab):
    lab.table("records", AWS_OWNED).put("R-017", b"1")
    assert lab.region("eu-west-1").table("records", AWS_OWNED).items == []
    assert lab.account(OTHER).table("records", AWS_OWNED).items == []


# ------------------------------------------------------------------------------------ who and what


@pytest.mark.parametrize(
    ("kind", "views", "manages", "audits", "pays_fee", "pays_requests"),
    [
        ("customer", True, True, True, True, True),
        (AWS_MANAGED, True, False, True, False, True),
        (AWS_OWNED, False, False, False, False, False),
    ],
)
def test_who_may_what_with_the_three_kinds_of_key(
    lab, kind, views, manages, audits, pays_fee, pays_requests
):
    bucket = lab.bucket("scans", key_of(lab, kind))
    bucket.put("R-017", b"1")
    bill = lab.bill()
    assert any(line.subject.startswith("key ") for line in bill.lines) is pays_fee
    assert any(line.subject == "requests" for line in bill.lines) is pays_requests
    assert bool(events_of(lab, "GenerateDataKey")) is audits
    keys = [entry["KeyId"] for entry in lab.kms.list_keys()["Keys"]]
    assert bool(keys) is views
    managed = []
    for key in keys:
        try:
            lab.kms.disable_key(KeyId=key)
        except DENIED:
            continue
        managed.append(key)
    assert bool(managed) is manages


@pytest.mark.parametrize("name", ["", "ab", "Scans", "s/cans", "scans\n"])
def test_a_wrong_name_for_a_bucket_is_refused(lab, name):
    with pytest.raises(ValueError, match="is not a name for a bucket"):
        lab.bucket(name)


def test_a_wrong_name_for_a_table_is_refused(lab):
    with pytest.raises(ValueError, match="is not a name for a table"):
        lab.table("a/b", AWS_OWNED)


def test_rehearsal_undoes_buckets_and_tables_too(lab):
    lab.bucket("scans").put("R-017", b"1")
    with lab.rehearsal():
        lab.bucket("scans").put("R-018", b"2")
        lab.table("records").put("R-018", b"2")
    assert lab.bucket("scans").objects == ["R-017"]
    assert lab.bucket("scans").get("R-017") == b"1"
    assert lab.table("records").items == []
    assert lab.table("records").back_up() == {}
