"""The values of each condition key. `Null` tests whether the request has the key at all."""

from datetime import UTC, datetime, timedelta
from typing import Any

from kmslab.kms.access import condition_keys
from kmslab.kms.contract.callers import NetworkSource
from kmslab.kms.contract.events import LastUse
from kmslab.kms.contract.records import Alias, R
from kmslab.kms.contract.specs import KeyUsage
from tests.cases import for_every
from tests.kms.access.world import (
    ALICE,
    ARN,
    CLERK,
    EVERYTHING,
    HERE,
    NOW,
    ROOT,
    SESSION,
    TABLES,
    Records,
    allowed,
    ask,
    denied,
    grant,
    holds,
    key,
    policy,
    statement,
    user,
)

VIA = "s3.us-east-1.amazonaws.com"
BUCKET = "arn:aws:s3:::ledger"
BROWSER = NetworkSource(ip="203.0.113.7", user_agent="curl/8", host="kms", tls_version="TLSv1.3")
PLAIN = NetworkSource(ip="2001:db8::1", host="kms")
NO_KEY = {"record": None, "resource": "*"}
TAGS = {"Tags": [{"TagKey": "Ward", "TagValue": "3"}, {"TagKey": "of", "TagValue": "us"}]}
PRIMARY = {"primary_arn": ARN}
REPLICA = {"primary_arn": ARN.replace("us-east-1", "eu-west-1")}
# What CreateKey is asked about when ReplicateKey makes a replica of an RSA key.
REPLICATED = {"original": key(spec="RSA_2048", usage=KeyUsage.SIGN_VERIFY, **PRIMARY)}
CONSTRAINTS = {"EncryptionContextSubset": {"order": "17"}, "SourceArn": BUCKET}

# (key, its values, the operation, the caller, the request)
CASES: list[tuple[str, tuple[str, ...] | None, str, str, dict[str, Any]]] = [
    ("kms:KeySpec", ("SYMMETRIC_DEFAULT",), "Encrypt", ALICE, {}),
    ("kms:KeySpec", ("SYMMETRIC_DEFAULT",), "CreateKey", ALICE, NO_KEY),
    (
        "kms:KeySpec",
        ("RSA_2048",),
        "CreateKey",
        ALICE,
        NO_KEY | {"request": {"KeySpec": "RSA_2048"}},
    ),
    (
        "kms:KeySpec",
        ("SYMMETRIC_DEFAULT",),
        "GenerateDataKey",
        ALICE,
        {"request": {"KeySpec": "AES_256"}},
    ),
    (  # by its older name: a policy must not be avoided with it
        "kms:KeySpec",
        ("RSA_2048",),
        "CreateKey",
        ALICE,
        NO_KEY | {"request": {"CustomerMasterKeySpec": "RSA_2048"}},
    ),
    (
        "kms:CustomerMasterKeySpec",
        ("RSA_2048",),
        "CreateKey",
        ALICE,
        NO_KEY | {"request": {"CustomerMasterKeySpec": "RSA_2048"}},
    ),
    ("kms:KeySpec", None, "ListKeys", ALICE, NO_KEY),
    ("kms:KeyUsage", ("SIGN_VERIFY",), "Sign", ALICE, {"on": {"usage": KeyUsage.SIGN_VERIFY}}),
    ("kms:KeyUsage", ("ENCRYPT_DECRYPT",), "CreateKey", ALICE, NO_KEY),
    ("kms:KeyOrigin", ("AWS_KMS",), "Encrypt", ALICE, {}),
    ("kms:CustomerMasterKeySpec", ("SYMMETRIC_DEFAULT",), "Encrypt", ALICE, {}),
    ("kms:CustomerMasterKeyUsage", ("ENCRYPT_DECRYPT",), "Encrypt", ALICE, {}),
    ("kms:MultiRegion", ("false",), "Encrypt", ALICE, {}),
    ("kms:MultiRegion", ("true",), "CreateKey", ALICE, NO_KEY | {"request": {"MultiRegion": True}}),
    ("kms:MultiRegion", None, "ListKeys", ALICE, NO_KEY),
    ("kms:MultiRegion", ("true",), "Encrypt", ALICE, {"on": REPLICA}),
    ("kms:MultiRegion", ("true",), "CreateKey", ALICE, NO_KEY | REPLICATED),
    ("kms:MultiRegionKeyType", None, "Encrypt", ALICE, {}),
    ("kms:MultiRegionKeyType", None, "CreateKey", ALICE, NO_KEY),
    ("kms:MultiRegionKeyType", ("PRIMARY",), "Encrypt", ALICE, {"on": PRIMARY}),
    ("kms:MultiRegionKeyType", ("REPLICA",), "Encrypt", ALICE, {"on": REPLICA}),
    (
        "kms:MultiRegionKeyType",
        ("PRIMARY",),
        "CreateKey",
        ALICE,
        NO_KEY | {"request": {"MultiRegion": True}},
    ),
    ("kms:MultiRegionKeyType", ("REPLICA",), "CreateKey", ALICE, NO_KEY | REPLICATED),
    ("kms:KeySpec", ("RSA_2048",), "CreateKey", ALICE, NO_KEY | REPLICATED),
    ("kms:KeyUsage", ("SIGN_VERIFY",), "CreateKey", ALICE, NO_KEY | REPLICATED),
    ("kms:KeySpec", None, "TagResource", ALICE, NO_KEY | REPLICATED),
    ("kms:ResourceAliases", None, "Encrypt", ALICE, {}),
    (
        "kms:RequestAlias",
        ("alias/orders",),
        "Encrypt",
        ALICE,
        {"request": {"KeyId": "alias/orders"}},
    ),
    (
        "kms:RequestAlias",
        ("alias/orders",),
        "Encrypt",
        ALICE,
        {"request": {"KeyId": f"arn:aws:kms:us-east-1:{HERE}:alias/orders"}},
    ),
    ("kms:RequestAlias", None, "Encrypt", ALICE, {"request": {"KeyId": ARN}}),
    (
        "kms:RequestAlias",
        ("alias/new",),
        "ReEncryptTo",
        ALICE,
        {
            "prefix": "Destination",
            "request": {"SourceKeyId": "alias/old", "DestinationKeyId": "alias/new"},
        },
    ),
    (
        "kms:EncryptionContext:order",
        ("17",),
        "Encrypt",
        ALICE,
        {"request": {"EncryptionContext": {"Order": "17"}}},
    ),
    (
        "kms:EncryptionContext:aws:s3:arn",
        (BUCKET,),
        "Encrypt",
        ALICE,
        {"request": {"EncryptionContext": {"aws:s3:arn": BUCKET}}},
    ),
    ("kms:EncryptionContext:order", None, "Encrypt", ALICE, {}),
    (
        "kms:EncryptionContext:order",
        ("17",),
        "CreateGrant",
        ALICE,
        {"request": {"Constraints": CONSTRAINTS}},
    ),
    (
        "kms:EncryptionContext:order",
        ("18",),
        "ReEncryptFrom",
        ALICE,
        {
            "prefix": "Source",
            "request": {
                "SourceEncryptionContext": {"order": "18"},
                "DestinationEncryptionContext": {"order": "19"},
            },
        },
    ),
    (
        "kms:EncryptionContextKeys",
        ("a", "B"),
        "Encrypt",
        ALICE,
        {"request": {"EncryptionContext": {"a": "1", "B": "2"}}},
    ),
    ("kms:EncryptionContextKeys", None, "Encrypt", ALICE, {"request": {"EncryptionContext": {}}}),
    (
        "kms:EncryptionAlgorithm",
        ("SYMMETRIC_DEFAULT",),
        "Encrypt",
        ALICE,
        {"request": {"EncryptionAlgorithm": "SYMMETRIC_DEFAULT"}},
    ),
    (
        "kms:EncryptionAlgorithm",
        ("RSAES_OAEP_SHA_1",),
        "ReEncryptTo",
        ALICE,
        {
            "prefix": "Destination",
            "request": {"DestinationEncryptionAlgorithm": "RSAES_OAEP_SHA_1"},
        },
    ),
    (
        "kms:SigningAlgorithm",
        ("ECDSA_SHA_256",),
        "Sign",
        ALICE,
        {"request": {"SigningAlgorithm": "ECDSA_SHA_256"}},
    ),
    (
        "kms:MacAlgorithm",
        ("HMAC_SHA_256",),
        "GenerateMac",
        ALICE,
        {"request": {"MacAlgorithm": "HMAC_SHA_256"}},
    ),
    (
        "kms:KeyAgreementAlgorithm",
        ("ECDH",),
        "DeriveSharedSecret",
        ALICE,
        {"request": {"KeyAgreementAlgorithm": "ECDH"}},
    ),
    ("kms:MessageType", ("RAW",), "Sign", ALICE, {}),
    ("kms:MessageType", ("DIGEST",), "Verify", ALICE, {"request": {"MessageType": "DIGEST"}}),
    ("kms:MessageType", None, "Encrypt", ALICE, {}),
    (
        "kms:DataKeyPairSpec",
        ("RSA_2048",),
        "GenerateDataKeyPair",
        ALICE,
        {"request": {"KeyPairSpec": "RSA_2048"}},
    ),
    ("kms:ReEncryptOnSameKey", ("true",), "ReEncryptTo", ALICE, {"same_key": True}),
    ("kms:ReEncryptOnSameKey", ("false",), "ReEncryptTo", ALICE, {"same_key": False}),
    ("kms:ReEncryptOnSameKey", None, "Encrypt", ALICE, {}),
    (
        "kms:GranteePrincipal",
        (CLERK,),
        "CreateGrant",
        ALICE,
        {"request": {"GranteePrincipal": CLERK}},
    ),
    ("kms:GranteePrincipal", None, "ListGrants", ALICE, {"request": {"GranteePrincipal": CLERK}}),
    (
        "kms:GranteeServicePrincipal",
        (TABLES,),
        "CreateGrant",
        ALICE,
        {"request": {"GranteeServicePrincipal": TABLES}},
    ),
    (
        "kms:RetiringPrincipal",
        (CLERK,),
        "CreateGrant",
        ALICE,
        {"request": {"RetiringPrincipal": CLERK}},
    ),
    (
        "kms:RetiringServicePrincipal",
        (TABLES,),
        "CreateGrant",
        ALICE,
        {"request": {"RetiringServicePrincipal": TABLES}},
    ),
    (
        "kms:GrantOperations",
        ("Encrypt", "Decrypt"),
        "CreateGrant",
        ALICE,
        {"request": {"Operations": ["Encrypt", "Decrypt"]}},
    ),
    (
        "kms:GrantConstraintType",
        ("EncryptionContextSubset",),
        "CreateGrant",
        ALICE,
        {"request": {"Constraints": CONSTRAINTS}},
    ),
    (
        "kms:GrantConstraintSourceArn",
        (BUCKET,),
        "CreateGrant",
        ALICE,
        {"request": {"Constraints": CONSTRAINTS}},
    ),
    ("kms:GrantIsForAWSResource", ("false",), "CreateGrant", ALICE, {}),
    ("kms:GrantIsForAWSResource", ("true",), "RevokeGrant", ALICE, {"caller": {"via": VIA}}),
    ("kms:GrantIsForAWSResource", ("true",), "ListGrants", TABLES, {}),
    ("kms:GrantIsForAWSResource", None, "Encrypt", ALICE, {}),
    (
        "kms:WrappingAlgorithm",
        ("RSAES_OAEP_SHA_256",),
        "GetParametersForImport",
        ALICE,
        {"request": {"WrappingAlgorithm": "RSAES_OAEP_SHA_256"}},
    ),
    (
        "kms:WrappingKeySpec",
        ("RSA_4096",),
        "GetParametersForImport",
        ALICE,
        {"request": {"WrappingKeySpec": "RSA_4096"}},
    ),
    ("kms:ExpirationModel", ("KEY_MATERIAL_EXPIRES",), "ImportKeyMaterial", ALICE, {}),
    (
        "kms:ValidTo",
        ("2026-05-01T12:00:00Z",),
        "ImportKeyMaterial",
        ALICE,
        {"request": {"ValidTo": NOW}},
    ),
    (
        "kms:PrimaryRegion",
        ("eu-west-1",),
        "UpdatePrimaryRegion",
        ALICE,
        {"request": {"PrimaryRegion": "eu-west-1"}},
    ),
    (
        "kms:ReplicaRegion",
        ("eu-west-1",),
        "ReplicateKey",
        ALICE,
        {"request": {"ReplicaRegion": "eu-west-1"}},
    ),
    ("kms:BypassPolicyLockoutSafetyCheck", ("false",), "PutKeyPolicy", ALICE, {}),
    (
        "kms:BypassPolicyLockoutSafetyCheck",
        ("true",),
        "CreateKey",
        ALICE,
        NO_KEY | {"request": {"BypassPolicyLockoutSafetyCheck": True}},
    ),
    ("kms:BypassPolicyLockoutSafetyCheck", None, "GetKeyPolicy", ALICE, {}),
    ("kms:PolicyName", ("default",), "GetKeyPolicy", ALICE, {}),
    ("kms:PolicyName", None, "Encrypt", ALICE, {}),
    ("kms:RotationPeriodInDays", ("365",), "EnableKeyRotation", ALICE, {}),
    (
        "kms:RotationPeriodInDays",
        ("90",),
        "EnableKeyRotation",
        ALICE,
        {"request": {"RotationPeriodInDays": 90}},
    ),
    ("kms:ScheduleKeyDeletionPendingWindowInDays", ("30",), "ScheduleKeyDeletion", ALICE, {}),
    (
        "kms:ScheduleKeyDeletionPendingWindowInDays",
        ("7",),
        "ScheduleKeyDeletion",
        ALICE,
        {"request": {"PendingWindowInDays": 7}},
    ),
    ("kms:TrailingDaysWithoutKeyUsage", ("0",), "DisableKey", ALICE, {}),
    ("kms:TrailingDaysWithoutKeyUsage", None, "Encrypt", ALICE, {}),
    ("kms:CallerAccount", (HERE,), "Encrypt", ALICE, {}),
    ("kms:ViaService", (VIA,), "Encrypt", ALICE, {"caller": {"via": VIA}}),
    ("kms:ViaService", None, "Encrypt", ALICE, {}),
    ("kms:RecipientAttestation:ImageSha384", None, "Decrypt", ALICE, {}),
    ("aws:ResourceAccount", (HERE,), "Encrypt", ALICE, {}),
    ("aws:ResourceTag/ward", ("3",), "Encrypt", ALICE, {"on": {"tags": {"Ward": "3"}}}),
    ("aws:ResourceTag/ward", None, "Encrypt", ALICE, {}),
    ("aws:RequestTag/Ward", ("3",), "TagResource", ALICE, {"request": TAGS}),
    ("aws:TagKeys", ("Ward", "of"), "TagResource", ALICE, {"request": TAGS}),
    ("aws:TagKeys", ("Ward",), "UntagResource", ALICE, {"request": {"TagKeys": ["Ward"]}}),
    ("aws:TagKeys", None, "Encrypt", ALICE, {}),
    ("aws:CurrentTime", ("2026-05-01T12:00:00Z",), "Encrypt", ALICE, {}),
    ("aws:EpochTime", ("1777636800",), "Encrypt", ALICE, {}),
    ("aws:RequestedRegion", ("us-east-1",), "Encrypt", ALICE, {}),
    ("aws:PrincipalArn", (ALICE,), "Encrypt", ALICE, {}),
    ("aws:PrincipalArn", (CLERK,), "Encrypt", SESSION, {}),
    ("aws:PrincipalArn", None, "Encrypt", TABLES, {}),
    ("aws:PrincipalAccount", (HERE,), "Encrypt", SESSION, {}),
    ("aws:PrincipalAccount", None, "Encrypt", TABLES, {}),
    ("aws:PrincipalType", ("Account",), "Encrypt", ROOT, {}),
    ("aws:PrincipalType", ("User",), "Encrypt", ALICE, {}),
    ("aws:PrincipalType", ("AssumedRole",), "Encrypt", SESSION, {}),
    ("aws:PrincipalType", None, "Encrypt", TABLES, {}),
    ("aws:PrincipalIsAWSService", ("true",), "Encrypt", TABLES, {}),
    ("aws:PrincipalIsAWSService", ("false",), "Encrypt", ALICE, {}),
    ("aws:PrincipalServiceName", (TABLES,), "Encrypt", TABLES, {}),
    ("aws:PrincipalServiceName", None, "Encrypt", ALICE, {}),
    ("aws:userid", (HERE,), "Encrypt", ROOT, {}),
    ("aws:userid", None, "Encrypt", "dynamodb.amazonaws.com", {}),
    ("aws:username", ("alice",), "Encrypt", ALICE, {}),
    ("aws:username", ("zoe",), "Encrypt", f"arn:aws:iam::{HERE}:user/ward/3/zoe", {}),
    ("aws:username", None, "Encrypt", SESSION, {}),
    ("aws:username", None, "Encrypt", ROOT, {}),
    ("aws:CalledVia", ("s3.amazonaws.com",), "Encrypt", ALICE, {"caller": {"via": VIA}}),
    ("aws:CalledViaFirst", ("s3.amazonaws.com",), "Encrypt", ALICE, {"caller": {"via": VIA}}),
    ("aws:CalledViaLast", None, "Encrypt", ALICE, {}),
    ("aws:ViaAWSService", ("true",), "Encrypt", ALICE, {"caller": {"via": VIA}}),
    ("aws:ViaAWSService", ("false",), "Encrypt", ALICE, {}),
    ("aws:SourceArn", (BUCKET,), "Encrypt", TABLES, {"caller": {"source_arn": BUCKET}}),
    ("aws:SourceArn", None, "Encrypt", ALICE, {}),
    (
        "aws:SourceAccount",
        (HERE,),
        "Encrypt",
        TABLES,
        {"caller": {"source_arn": f"arn:aws:dynamodb:us-east-1:{HERE}:table/t"}},
    ),
    ("aws:SourceAccount", None, "Encrypt", ALICE, {}),
    ("aws:SourceAccount", (HERE,), "Encrypt", TABLES, {"caller": {"source_arn": BUCKET}}),
    ("aws:SourceIp", ("203.0.113.7",), "Encrypt", ALICE, {"caller": {"source": BROWSER}}),
    ("aws:SourceIp", None, "Encrypt", ALICE, {"caller": {"source": BROWSER, "via": VIA}}),
    ("aws:SourceIp", None, "Encrypt", ALICE, {}),
    ("aws:SecureTransport", ("true",), "Encrypt", ALICE, {"caller": {"source": BROWSER}}),
    ("aws:SecureTransport", ("false",), "Encrypt", ALICE, {"caller": {"source": PLAIN}}),
    ("aws:SecureTransport", ("true",), "Encrypt", ALICE, {}),
    ("aws:UserAgent", ("curl/8",), "Encrypt", ALICE, {"caller": {"source": BROWSER}}),
    ("aws:UserAgent", None, "Encrypt", ALICE, {}),
    ("aws:MultiFactorAuthPresent", None, "Encrypt", ALICE, {}),
    ("made:Up", None, "Encrypt", ALICE, {}),
    *[
        (f"kms:RecipientAttestation:{name}", values, "Decrypt", ALICE, {"measurements": measured})
        for name in condition_keys.MEASUREMENTS
        for values, measured in ((("0a" * 48,), {name: "0a" * 48}), (None, {}))
    ],
    # What a request says of itself is not a measurement.
    (
        "kms:RecipientAttestation:PCR0",
        None,
        "Decrypt",
        ALICE,
        {"request": {"Recipient": {"AttestationDocument": b"PCR0"}}},
    ),
]


@for_every(("key", "values", "operation", "principal", "about"), CASES)
def test_condition_key_answers(
    key: str,
    values: tuple[str, ...] | None,
    operation: str,
    principal: str,
    about: dict[str, Any],
) -> None:
    question = ask(principal, operation, **about)
    assert condition_keys.find(key)(question) == values
    assert condition_keys.find(key.swapcase())(question) == values


def test_every_condition_key_is_tested_here() -> None:
    asked = {case[0].lower() for case in CASES}
    assert condition_keys.KEYS.keys() <= asked
    assert all(any(key.startswith(family) for key in asked) for family in condition_keys.FAMILIES)


def test_resource_aliases_are_all_names_of_the_key() -> None:
    aliases = [
        Alias(
            arn=f"arn:aws:kms:us-east-1:{HERE}:alias/{name}", target=ARN, created=NOW, updated=NOW
        )
        for name in ("orders", "old/orders")
    ]
    found = condition_keys.find("kms:ResourceAliases")(ask(ALICE, others=aliases))
    assert sorted(found or ()) == ["alias/old/orders", "alias/orders"]
    assert holds("ForAnyValue:StringLike", "kms:ResourceAliases", "alias/old/*", others=aliases)


class Used(Records):
    """A key that was last used five days and some hours ago."""

    def last_use(self, key: str) -> LastUse:
        return LastUse("Encrypt", NOW - timedelta(days=5, hours=23), "")


def test_idle_days_are_whole_and_count_from_the_last_use() -> None:
    question = ask(ALICE, "ScheduleKeyDeletion", records=Used())
    assert condition_keys.find("kms:TrailingDaysWithoutKeyUsage")(question) == ("5",)


def test_idle_days_of_an_old_key_count_from_when_aws_began_to_track() -> None:
    old = {"created": datetime(2020, 1, 1, tzinfo=UTC)}
    question = ask(ALICE, "DisableKey", on=old)
    assert condition_keys.find("kms:TrailingDaysWithoutKeyUsage")(question) == ("8",)


TWICE = {"EncryptionContext": {"Order": "17", "order": "18"}}
NAMED_TWICE = [
    # (operator, value, whether an Allow allows, whether a Deny denies)
    ("StringEquals", "17", False, True),
    ("StringEquals", ["17", "18"], True, True),
    ("StringEquals", "19", False, False),
    ("StringNotEquals", "17", False, True),
    ("StringNotEquals", ["17", "18"], False, False),
    ("StringNotEquals", "19", True, True),
    ("StringNotEqualsIfExists", "17", False, True),
    ("StringNotLike", "?7", False, True),
    ("StringNotEqualsIgnoreCase", "17", False, True),
    ("ForAllValues:StringEquals", "17", False, True),
    ("ForAllValues:StringNotEquals", "17", False, True),
    ("ForAnyValue:StringEquals", "17", False, True),
    ("ForAnyValue:StringNotEquals", "17", False, True),
    ("NumericNotEquals", "17", False, True),
    ("NumericLessThan", "18", False, True),
    ("Null", "false", True, True),
    ("Null", "true", False, False),
    ("StringEquals", "${kms:EncryptionContext:order}", False, True),
    ("StringNotEquals", "${kms:EncryptionContext:order, '17'}", False, True),
]


@for_every(("operator", "value", "allows", "denies"), NAMED_TWICE)
def test_a_name_that_is_written_twice_widens_no_allow_and_escapes_no_deny(
    operator: str, value: Any, allows: bool, denies: bool
) -> None:
    key = "kms:EncryptionContext:ORDER"
    assert holds(operator, key, value, request=TWICE) is allows
    deny = denied(Principal="*", Condition={operator: {key: value}})
    open_but = policy(statement(Principal="*"), deny)
    assert allowed(ALICE, key_policy=open_but, request=TWICE) is not denies


def test_a_tag_that_is_written_twice_widens_no_allow_and_escapes_no_deny() -> None:
    key, on = "aws:ResourceTag/Ward", {"tags": {"ward": "7", "WARD": "8"}}
    assert not holds("StringEquals", key, "7", on=on)
    deny = denied(Principal="*", Condition={"StringNotEquals": {key: "7"}})
    open_but = policy(statement(Principal="*"), deny)
    assert not allowed(ALICE, key_policy=open_but, on=on)


@for_every("effect", ["Allow", "Deny"])
def test_a_variable_with_two_values_neither_allows_nor_escapes(effect: str) -> None:
    name = "arn:aws:kms:*:*:key/${kms:EncryptionContext:order}"
    about = [statement(effect, Principal="*", Resource=name)]
    if effect == "Deny":
        about.append(statement(Principal="*"))
    assert not allowed(ALICE, key_policy=policy(*about), request=TWICE)


def test_a_name_that_is_written_twice_with_one_value_has_that_value() -> None:
    request = {"EncryptionContext": {"Order": "17", "order": "17"}}
    assert holds("StringEquals", "kms:EncryptionContext:ORDER", "17", request=request)


def test_a_name_that_is_written_twice_satisfies_no_grant_for_one_value() -> None:
    seventeen = {"EncryptionContextSubset": {"order": "17"}}
    given = [grant(ALICE, "Decrypt", constraints=seventeen)]
    assert allowed(ALICE, grants=given, request={"EncryptionContext": {"Order": "17"}})
    assert not allowed(ALICE, grants=given, request=TWICE)


def test_a_value_is_looked_up_only_if_a_policy_asks() -> None:
    """A call must not read aliases or last uses that no policy asks for."""

    class Quiet(Records):
        def find(self, kind: type[R], **equal: str) -> list[R]:
            raise AssertionError("nobody has asked")

    assert allowed(ALICE, records=Quiet(user(ALICE, EVERYTHING)))


def test_policy_of_a_bucket_key_is_decided_by_encryption_context() -> None:
    condition = {"StringLike": {"kms:EncryptionContext:aws:s3:arn": "arn:aws:s3:::ledger/*"}}
    iam = policy(statement(Condition=condition))
    for path, found in (("ledger/may", True), ("letters/may", False)):
        request = {"EncryptionContext": {"aws:s3:arn": f"arn:aws:s3:::{path}"}}
        assert allowed(ALICE, iam=iam, request=request) is found
