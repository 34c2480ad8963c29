"""Aliases: their rules, and what changes when an alias moves to another key."""

from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from kmslab import Lab
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.managed_keys import MANAGED_KEYS
from kmslab.kms.contract.specs import KeyUsage
from kmslab.lab.view import View
from tests.cases import for_every
from tests.kms.operations.keyring import cmk, shared

HERE = "arn:aws:kms:us-east-1:111122223333:"
NO_PREFIX = (
    'Alias must start with the prefix "alias/". Please see '
    "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
)


@pytest.fixture
def keys(lab: Lab) -> list[str]:
    return [lab.create_cmk().arn for _ in range(2)]


def test_alias_is_listed_with_its_target_and_times(lab: Lab, key: str) -> None:
    created = lab.clock.now()
    assert lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=key) == {}
    moved = lab.clock.advance(hours=1)
    lab.kms.update_alias(AliasName="alias/orders", TargetKeyId=key)
    assert lab.kms.list_aliases(KeyId=key) == {
        "Aliases": [
            {
                "AliasName": "alias/orders",
                "AliasArn": f"{HERE}alias/orders",
                "TargetKeyId": key.rpartition("/")[2],
                "CreationDate": created,
                "LastUpdatedDate": moved,
            }
        ],
        "Truncated": False,
    }


def test_alias_that_moves_leaves_old_blobs_with_the_old_key(lab: Lab, keys: list[str]) -> None:
    old, new = keys
    lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=old)
    blob = lab.kms.encrypt(KeyId="alias/orders", Plaintext=b"x")["CiphertextBlob"]
    assert lab.kms.update_alias(AliasName="alias/orders", TargetKeyId=new) == {}
    assert lab.kms.encrypt(KeyId="alias/orders", Plaintext=b"x")["KeyId"] == new
    assert lab.kms.decrypt(CiphertextBlob=blob)["KeyId"] == old


def test_deleted_alias_is_gone_and_the_key_is_not(lab: Lab, key: str, refused: Any) -> None:
    lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=key)
    assert lab.kms.delete_alias(AliasName="alias/orders") == {}
    missing = f"Alias {HERE}alias/orders is not found."
    with refused("NotFoundException", missing):
        lab.kms.encrypt(KeyId="alias/orders", Plaintext=b"x")
    with refused("NotFoundException", missing):
        lab.kms.delete_alias(AliasName="alias/orders")
    with refused("NotFoundException", missing):
        lab.kms.update_alias(AliasName="alias/orders", TargetKeyId=key)
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=key)


def test_name_is_taken_once_an_account_and_region(lab: Lab, keys: list[str], refused: Any) -> None:
    lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=keys[0])
    for target in keys:
        text = f"An alias with the name {HERE}alias/orders already exists"
        with refused("AlreadyExistsException", text):
            lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=target)
    for elsewhere in (lab.region("eu-west-1"), lab.account("444455556666")):
        elsewhere.create_cmk("orders")


@pytest.mark.parametrize(
    "name", ["orders", "Alias/orders", "aliases/orders", f"{HERE}alias/orders"]
)
def test_name_needs_its_prefix(lab: Lab, key: str, refused: Any, name: str) -> None:
    with refused("ValidationException", NO_PREFIX):
        lab.kms.create_alias(AliasName=name, TargetKeyId=key)
    with refused("ValidationException", NO_PREFIX):
        lab.kms.update_alias(AliasName=name, TargetKeyId=key)
    with refused("ValidationException", "Invalid identifier"):
        lab.kms.delete_alias(AliasName=name)


@pytest.mark.parametrize("name", ["alias/", "alias/a:b", "alias/arn:aws:kms"])
def test_name_that_only_the_model_allows_is_refused(
    lab: Lab, key: str, refused: Any, name: str
) -> None:
    with refused("ValidationException", f"{name} contains invalid characters for an alias"):
        lab.kms.create_alias(AliasName=name, TargetKeyId=key)


@pytest.mark.parametrize("operation", ["create_alias", "update_alias", "delete_alias"])
@pytest.mark.parametrize("name", ["alias/a;b", "alias/with space", "alias/é", "alias/x\n", "a.b"])
def test_character_that_the_model_forbids_is_refused(
    lab: Lab, key: str, refused: Any, operation: str, name: str
) -> None:
    text = (
        f"1 validation error detected: Value '{name}' at 'aliasName' failed to satisfy "
        "constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$"
    )
    target = {} if operation == "delete_alias" else {"TargetKeyId": key}
    with refused("ValidationException", text):
        getattr(lab.kms, operation)(AliasName=name, **target)


def test_name_has_at_most_256_characters(lab: Lab, key: str) -> None:
    with pytest.raises(lab.kms.exceptions.ValidationException, match="1 validation error detected"):
        lab.kms.create_alias(AliasName="alias/" + "x" * 251, TargetKeyId=key)


@pytest.mark.parametrize(
    "name", ["alias/A-z_0/9", "alias/" + "x" * 250, "alias/alias/x", "alias//"]
)
def test_name_may_hold_letters_digits_slash_dash_and_underscore(
    lab: Lab, key: str, name: str
) -> None:
    lab.kms.create_alias(AliasName=name, TargetKeyId=key)
    assert lab.kms.encrypt(KeyId=name, Plaintext=b"x")["KeyId"] == key


def test_names_of_aws_are_reserved(lab: Lab, key: str, refused: Any) -> None:
    lab.bucket("scans").put("R-017", b"1")  # makes alias/aws/s3
    for name in ("alias/aws/s3", "alias/aws/ebs", "alias/aws/mine"):
        with refused("NotAuthorizedException", ""):
            lab.kms.create_alias(AliasName=name, TargetKeyId=key)
        with refused("NotAuthorizedException", ""):
            lab.kms.update_alias(AliasName=name, TargetKeyId=key)
        with refused("NotAuthorizedException", ""):
            lab.kms.delete_alias(AliasName=name)
    lab.kms.create_alias(AliasName="alias/awsome", TargetKeyId=key)


def test_key_has_at_most_50_aliases(lab: Lab, keys: list[str]) -> None:
    full, other = keys
    for number in range(50):
        lab.kms.create_alias(AliasName=f"alias/{number}", TargetKeyId=full)
    lab.kms.create_alias(AliasName="alias/other", TargetKeyId=other)
    for call in (lab.kms.create_alias, lab.kms.update_alias):
        name = "alias/one-more" if call == lab.kms.create_alias else "alias/other"
        with pytest.raises(lab.kms.exceptions.LimitExceededException):
            call(AliasName=name, TargetKeyId=full)
    lab.kms.update_alias(AliasName="alias/7", TargetKeyId=full)
    lab.kms.delete_alias(AliasName="alias/7")
    lab.kms.create_alias(AliasName="alias/one-more", TargetKeyId=full)


def test_alias_may_leave_a_key_pending_deletion(lab: Lab, keys: list[str], refused: Any) -> None:
    going, staying = keys
    lab.kms.create_alias(AliasName="alias/orders", TargetKeyId=going)
    lab.kms.schedule_key_deletion(KeyId=going)
    lab.kms.update_alias(AliasName="alias/orders", TargetKeyId=staying)
    with refused("KMSInvalidStateException", f"{going} is pending deletion."):
        lab.kms.update_alias(AliasName="alias/orders", TargetKeyId=going)
    lab.clock.advance(days=31)
    assert lab.kms.encrypt(KeyId="alias/orders", Plaintext=b"x")["KeyId"] == staying


KINDS = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"),
]


@for_every(("old", "new"), list(permutations(KINDS, 2)))
def test_alias_does_not_move_to_a_key_of_another_kind_or_use(
    refused: Any, old: tuple[str, str], new: tuple[str, str]
) -> None:
    """Otherwise encryption would fail, or signatures could no longer be verified."""
    here, there = (cmk(spec, KeyUsage(usage)) for spec, usage in (old, new))
    kms, name = shared().kms, f"alias/{here.id}"
    kms.create_alias(AliasName=name, TargetKeyId=here.arn)
    text = f"Alias {name} can only move to a key of its key's type"
    with refused("ValidationException", text):
        kms.update_alias(AliasName=name, TargetKeyId=there.arn)
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == here.arn
    kms.delete_alias(AliasName=name)


@pytest.mark.parametrize(
    ("old", "new", "usage"),
    [
        ("ECC_NIST_P256", "ECC_NIST_P384", "SIGN_VERIFY"),
        ("ECC_NIST_P256", "ML_DSA_44", "SIGN_VERIFY"),
        ("RSA_2048", "ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
        ("ML_KEM_512", "ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
        ("HMAC_256", "HMAC_512", "GENERATE_VERIFY_MAC"),
    ],
)
def test_alias_moves_to_a_key_of_another_spec(old: str, new: str, usage: str) -> None:
    """This is how to replace a key that cannot rotate."""
    here, there = (cmk(spec, KeyUsage(usage)) for spec in (old, new))
    kms, name = shared().kms, f"alias/{here.id}"
    kms.create_alias(AliasName=name, TargetKeyId=here.arn)
    kms.update_alias(AliasName=name, TargetKeyId=there.arn)
    assert kms.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == there.arn
    kms.delete_alias(AliasName=name)


def test_aliases_of_one_key_are_listed_alone(lab: Lab, keys: list[str]) -> None:
    for name, target in (("b", keys[0]), ("a", keys[0]), ("c", keys[1])):
        lab.kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=target)
    names = [a["AliasName"] for a in lab.kms.list_aliases(KeyId=keys[0])["Aliases"]]
    assert names == ["alias/a", "alias/b"]


def test_aliases_of_other_accounts_and_regions_are_not_listed(lab: Lab) -> None:
    lab.create_cmk("orders")
    for elsewhere in (lab.region("eu-west-1"), lab.account("444455556666")):
        aliases = elsewhere.kms.list_aliases()["Aliases"]
        assert [a for a in aliases if not a["AliasName"].startswith("alias/aws/")] == []


def test_aliases_of_another_accounts_key_are_not_listed(lab: Lab) -> None:
    """Asking for them leaves no event in that account's trail either."""
    key = lab.create_cmk("merger-with-initech")
    before = len(lab.trail)
    stranger = lab.account("444455556666")
    with pytest.raises(lab.kms.exceptions.AccessDeniedException, match="kms:ListAliases"):
        stranger.kms.list_aliases(KeyId=key.arn)
    assert len(lab.trail) == before


# ------------------------------------------------------------------------------ predefined by AWS


def predefined(lab: Lab | View) -> dict[str, dict[str, Any]]:
    """The aliases of AWS's services, by name."""
    listed = lab.kms.list_aliases()["Aliases"]
    return {a["AliasName"]: a for a in listed if a["AliasName"].startswith("alias/aws/")}


def test_alias_of_a_service_is_listed_before_its_key_exists(lab: Lab) -> None:
    """Without a target; Terraform's data source `aws_kms_alias` looks for such aliases."""
    for where, here in ((lab, HERE), (lab.region("eu-west-1"), HERE.replace("us-east", "eu-west"))):
        name = "alias/aws/ebs"
        assert predefined(where)[name] == {"AliasName": name, "AliasArn": here + name}
        assert {"alias/aws/s3", "alias/aws/dynamodb", "alias/aws/rds"} < predefined(where).keys()
    assert lab.kms.list_keys()["Keys"] == []


@pytest.mark.parametrize("arn", [False, True])
def test_describing_a_predefined_alias_makes_the_key_once(lab: Lab, arn: bool) -> None:
    name = "alias/aws/ebs"
    named = HERE + name if arn else name
    metadata = lab.kms.describe_key(KeyId=named)["KeyMetadata"]
    assert metadata["KeyManager"] == "AWS"
    assert lab.kms.describe_key(KeyId=named)["KeyMetadata"] == metadata
    assert predefined(lab)[name]["TargetKeyId"] == metadata["KeyId"]
    assert predefined(lab)[name]["CreationDate"] == metadata["CreationDate"]
    assert [key["KeyId"] for key in lab.kms.list_keys()["Keys"]] == [metadata["KeyId"]]
    assert [a["AliasName"] for a in lab.kms.list_aliases(KeyId=metadata["KeyId"])["Aliases"]] == [
        name
    ]
    assert name in predefined(lab.region("eu-west-1"))
    assert "TargetKeyId" not in predefined(lab.region("eu-west-1"))[name]


@pytest.mark.parametrize("alias", MANAGED_KEYS)
def test_key_of_a_service_is_used_only_through_it(lab: Lab, alias: str) -> None:
    key = lab.kms.describe_key(KeyId=alias)["KeyMetadata"]
    assert lab.kms.get_key_rotation_status(KeyId=key["Arn"])["KeyRotationEnabled"] is True
    with pytest.raises(lab.kms.exceptions.AccessDeniedException):
        lab.kms.encrypt(KeyId=alias, Plaintext=b"x")
    managed = MANAGED_KEYS[alias]
    through = replace(lab.caller, via=managed.via("us-east-1"))
    request = {"KeyId": key["Arn"], "Plaintext": b"x"}
    assert lab.service.call("Encrypt", through, request)["KeyId"] == key["Arn"]


def test_service_and_description_use_the_same_key(lab: Lab) -> None:
    described = lab.cmk("alias/aws/s3").arn
    lab.bucket("scans").put("R-017", b"1")
    assert [key["KeyArn"] for key in lab.kms.list_keys()["Keys"]] == [described]


def test_only_describe_key_makes_the_key_and_only_of_a_service_that_has_one(
    lab: Lab, refused: Any
) -> None:
    with refused("NotFoundException", f"Alias {HERE}alias/aws/ebs is not found."):
        lab.kms.encrypt(KeyId="alias/aws/ebs", Plaintext=b"x")
    for name in ("alias/aws/nothing", "alias/aws/"):
        with refused("NotFoundException", f"Alias {HERE}{name} is not found."):
            lab.kms.describe_key(KeyId=name)
    with pytest.raises(KMSError, match="on this resource because the resource does not exist"):
        lab.kms.describe_key(KeyId="arn:aws:kms:us-east-1:444455556666:alias/aws/ebs")
    assert lab.kms.list_keys()["Keys"] == []


def test_pages_hold_predefined_aliases_in_order(lab: Lab) -> None:
    key = lab.create_cmk("zebra").arn
    for name in ("aardvark", "aws-logs", "aws0"):
        lab.kms.create_alias(AliasName=f"alias/{name}", TargetKeyId=key)
    lab.kms.describe_key(KeyId="alias/aws/kinesis")
    whole = lab.kms.list_aliases()["Aliases"]
    names = [alias["AliasName"] for alias in whole]
    own = {"alias/aardvark", "alias/aws-logs", "alias/aws0", "alias/zebra"}
    assert names == sorted({*own, *MANAGED_KEYS})
    for size in (1, 2, 5, len(whole) - 1, len(whole)):
        found, more = [], {}
        while True:
            page = lab.kms.list_aliases(Limit=size, **more)
            found += page["Aliases"]
            if not page["Truncated"]:
                break
            assert len(page["Aliases"]) == size
            more = {"Marker": page["NextMarker"]}
        assert found == whole
