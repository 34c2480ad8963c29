"""The AWS CLI, as people type it."""

import base64
import json
from functools import partial

import pytest

from kmslab import Lab
from kmslab.endpoint.server import running

pytestmark = pytest.mark.long

SOMEBODY = "arn:aws:iam::111122223333:user/alice"
REFUSED = "An error occurred ({}) when calling the {} operation: {}"


@pytest.fixture(scope="module")
def kms(outside, programs):
    """`aws kms`, with its words as arguments, printing JSON."""
    return partial(outside.told, programs / "aws", "kms")


@pytest.fixture(scope="module")
def refused(outside, programs):
    return partial(outside.refused, programs / "aws", "kms")


@pytest.fixture(scope="module")
def orders(lab):
    return lab.create_cmk("orders")


def test_a_file_is_encrypted_and_decrypted(kms, orders, outside):
    letter = bytes(range(256))
    (outside.home / "letter.bin").write_bytes(letter)
    context = ["--encryption-context", "album=summer,year=2026"]
    sealed = kms(
        *["encrypt", "--key-id", "alias/orders", "--plaintext", "fileb://letter.bin"], *context
    )
    assert (sealed["KeyId"], sealed["EncryptionAlgorithm"]) == (orders.arn, "SYMMETRIC_DEFAULT")
    (outside.home / "letter.sealed").write_bytes(base64.b64decode(sealed["CiphertextBlob"]))
    opened = kms("decrypt", "--ciphertext-blob", "fileb://letter.sealed", *context)
    assert base64.b64decode(opened["Plaintext"]) == letter
    assert (opened["KeyId"], opened["EncryptionAlgorithm"]) == (orders.arn, "SYMMETRIC_DEFAULT")


def test_text_output_pipes_into_the_next_command(outside, programs, orders):
    """The line that every tutorial has: encrypt, `--query`, `--output text`, base64, decrypt."""
    aws, text = programs / "aws", ("--output", "text", "--query")
    done = outside.run(
        *["/bin/sh", "-ec"],
        f"""
        printf 'card 4242' >card.txt
        {aws} kms encrypt --key-id alias/orders --plaintext fileb://card.txt \\
            {" ".join(text)} CiphertextBlob | base64 --decode >card.sealed
        {aws} kms decrypt --ciphertext-blob fileb://card.sealed \\
            {" ".join(text)} Plaintext | base64 --decode
        """,
    )
    assert (done.stdout, done.stderr) == ("card 4242", "")


def test_aliases_are_listed_with_a_query(kms, lab):
    made = {f"alias/query-{number}": lab.create_cmk(f"query-{number}").id for number in range(2)}
    query = "Aliases[?starts_with(AliasName, 'alias/query-')].[AliasName, TargetKeyId]"
    # 100 would be one page; two at a time are several, and all of them are there.
    for paging in (), ("--page-size", "2"):
        assert dict(kms("list-aliases", *paging, "--query", query)) == made


def test_lists_are_cut_and_continued_with_the_token_that_the_cli_makes(kms, lab):
    for number in range(3):
        lab.create_cmk(f"page-{number}")
    first = kms("list-keys", "--max-items", "2", "--page-size", "1")
    rest = kms("list-keys", "--starting-token", first["NextToken"])
    seen = [key["KeyId"] for key in first["Keys"] + rest["Keys"]]
    assert len(first["Keys"]) == 2
    assert seen == [key["KeyId"] for key in lab.kms.list_keys()["Keys"]]


def test_a_grant_is_made_used_listed_and_revoked(kms, lab, orders, outside, programs):
    alice = lab.user("alice")
    key = alice.access_key()
    hers = outside.knowing(AWS_ACCESS_KEY_ID=key.id, AWS_SECRET_ACCESS_KEY=key.secret.decode())
    data_key = ["generate-data-key", "--key-id", orders.arn, "--key-spec", "AES_256"]
    in_order = ["--encryption-context", "order=17"]
    denied = hers.refused(programs / "aws", "kms", *data_key)
    assert denied == REFUSED.format(
        "AccessDeniedException",
        "GenerateDataKey",
        f"User: {SOMEBODY} is not authorized to perform: kms:GenerateDataKey on resource: "
        f"{orders.arn} because no identity-based policy allows the kms:GenerateDataKey action",
    )
    granted = kms(
        *["create-grant", "--key-id", orders.arn, "--grantee-principal", SOMEBODY],
        *["--operations", "GenerateDataKey", "Decrypt", "--name", "cli"],
        *["--constraints", "EncryptionContextSubset={order=17}"],
    )
    made = hers.told(programs / "aws", "kms", *data_key, *in_order)
    assert len(base64.b64decode(made["Plaintext"])) == 32
    assert "AccessDeniedException" in hers.refused(programs / "aws", "kms", *data_key)
    (listed,) = kms("list-grants", "--key-id", orders.arn, "--query", "Grants[?Name=='cli']")
    assert listed["GrantId"] == granted["GrantId"]
    assert listed["Constraints"] == {"EncryptionContextSubset": {"order": "17"}}
    assert kms("revoke-grant", "--key-id", orders.arn, "--grant-id", granted["GrantId"]) is None
    assert "AccessDeniedException" in hers.refused(programs / "aws", "kms", *data_key, *in_order)


def test_a_key_lives_its_life(kms, refused):
    key = kms("create-key", "--description", "by hand", "--tags", "TagKey=ward,TagValue=3")
    arn, key_id = key["KeyMetadata"]["Arn"], key["KeyMetadata"]["KeyId"]
    assert key["KeyMetadata"]["CustomerMasterKeySpec"] == "SYMMETRIC_DEFAULT"
    assert kms("enable-key-rotation", "--key-id", key_id) is None
    status = kms("get-key-rotation-status", "--key-id", key_id)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 365)
    tags = kms("list-resource-tags", "--key-id", key_id)["Tags"]
    assert tags == [{"TagKey": "ward", "TagValue": "3"}]
    policy = kms("get-key-policy", "--key-id", key_id, "--policy-name", "default")["Policy"]
    assert json.loads(policy)["Id"] == "key-default-1"
    assert kms("disable-key", "--key-id", key_id) is None
    assert refused("encrypt", "--key-id", key_id, "--plaintext", "YQ==") == REFUSED.format(
        "DisabledException", "Encrypt", f"{arn} is disabled."
    )
    deletion = kms("schedule-key-deletion", "--key-id", key_id, "--pending-window-in-days", "7")
    assert (deletion["KeyId"], deletion["KeyState"]) == (arn, "PendingDeletion")


def test_a_policy_from_a_file_is_put(kms, orders, outside, refused):
    mine = {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Principal": {"AWS": orders.arn.split(":")[4]}}
            | {"Action": "kms:*", "Resource": "*"}
        ],
    }
    put = ["put-key-policy", "--key-id", orders.id, "--policy-name", "default", "--policy"]
    (outside.home / "policy.json").write_text(json.dumps(mine))
    assert kms(*put, "file://policy.json") is None
    mine["Statement"][0]["Principal"] = {"Service": "s3.amazonaws.com"}
    (outside.home / "locked.json").write_text(json.dumps(mine))
    assert refused(*put, "file://locked.json") == REFUSED.format(
        "MalformedPolicyDocumentException",
        "PutKeyPolicy",
        "The new key policy will not allow you to update the key policy in the future.",
    )


def test_a_signature_verifies_and_of_a_changed_message_does_not(kms, lab, refused, outside):
    key = lab.create_cmk("signing", spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    how = ["--key-id", key.id, "--signing-algorithm", "ECDSA_SHA_256"]
    for name in "report", "forged":
        (outside.home / name).write_text(f"a {name}")
    signed = kms("sign", *how, "--message", "fileb://report")
    (outside.home / "signature").write_bytes(base64.b64decode(signed["Signature"]))
    verify = ["verify", *how, "--signature", "fileb://signature", "--message"]
    assert kms(*verify, "fileb://report")["SignatureValid"] is True
    error = refused(*verify, "fileb://forged")
    assert error == REFUSED.format("KMSInvalidSignatureException", "Verify", "").strip()


# Where and as whom


def test_a_profile_names_endpoint_and_access_key(outside, programs, endpoint):
    folder = outside.home / ".aws"
    folder.mkdir(exist_ok=True)
    (folder / "config").write_text(
        f"[profile lab]\nregion = eu-west-1\nservices = lab\n"
        f"[services lab]\nkms =\n  endpoint_url = {endpoint.url}\n"
    )
    (folder / "credentials").write_text(
        f"[lab]\naws_access_key_id = {endpoint.access_key.id}\n"
        f"aws_secret_access_key = {endpoint.access_key.secret.decode()}\n"
    )
    alone = outside.without(*endpoint.environment)
    made = alone.told(programs / "aws", "--profile", "lab", "kms", "create-key")
    assert made["KeyMetadata"]["Arn"].startswith("arn:aws:kms:eu-west-1:111122223333:key/")
    elsewhere = outside.told(programs / "aws", "kms", "list-keys")["Keys"]
    assert made["KeyMetadata"]["Arn"] not in [key["KeyArn"] for key in elsewhere]


def test_an_endpoint_is_named_on_the_command_line(outside, programs, endpoint):
    alone = outside.without("AWS_ENDPOINT_URL_KMS", "AWS_ENDPOINT_URL_STS")
    for words in ("kms", "list-keys"), ("sts", "get-caller-identity"):
        assert alone.told(programs / "aws", "--endpoint-url", endpoint.url, *words)


def test_sts_tells_who_calls(outside, programs, lab):
    root = outside.told(programs / "aws", "sts", "get-caller-identity")
    assert root["Arn"] == "arn:aws:iam::111122223333:root"
    key = lab.role("auditor", session="night").access_key()
    session = outside.knowing(
        AWS_ACCESS_KEY_ID=key.id,
        AWS_SECRET_ACCESS_KEY=key.secret.decode(),
        AWS_SESSION_TOKEN=key.token,
    )
    who = session.told(programs / "aws", "sts", "get-caller-identity")
    assert who["Arn"] == "arn:aws:sts::111122223333:assumed-role/auditor/night"
    forged = session.knowing(AWS_SESSION_TOKEN=key.token[:-4] + "AAAA")
    assert "(UnrecognizedClientException)" in forged.refused(programs / "aws", "kms", "list-keys")


def test_a_wrong_secret_and_an_unknown_key_are_told_apart(outside, programs):
    listing = (programs / "aws", "kms", "list-keys")
    wrong = outside.knowing(AWS_SECRET_ACCESS_KEY="x" * 40)
    assert wrong.refused(*listing) == REFUSED.format(
        "InvalidSignatureException",
        "ListKeys",
        "The request signature we calculated does not match the signature you provided. Check "
        "your AWS Secret Access Key and signing method. Consult the service documentation for "
        "details.",
    )
    unknown = outside.knowing(AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE")
    assert unknown.refused(*listing) == REFUSED.format(
        "UnrecognizedClientException",
        "ListKeys",
        "The security token included in the request is invalid.",
    )


def test_another_service_is_told_where_it_is(outside, programs, endpoint):
    error = outside.knowing(AWS_ENDPOINT_URL=endpoint.url).refused(programs / "aws", "s3", "ls")
    assert "This endpoint serves AWS KMS" in error
    assert "not s3" in error


@pytest.mark.parametrize(
    ("words", "code", "operation", "text"),
    [
        (
            ("encrypt", "--key-id", "alias/none", "--plaintext", "YQ=="),
            *("NotFoundException", "Encrypt"),
            "Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found.",
        ),
        (
            ("describe-key", "--key-id", "1234abcd-12ab-34cd-56ef-1234567890ab"),
            *("NotFoundException", "DescribeKey"),
            "Key 'arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab' "
            "does not exist",
        ),
        (
            ("generate-random", "--number-of-bytes", "1025"),
            *("ValidationException", "GenerateRandom"),
            "1 validation error detected: Value '1025' at 'numberOfBytes' failed to satisfy "
            "constraint: Member must have value less than or equal to 1024",
        ),
        (
            ("create-key", "--key-spec", "RSA_1024", "--key-usage", "SIGN_VERIFY"),
            *("ValidationException", "CreateKey"),
            "1 validation error detected: Value 'RSA_1024' at 'keySpec' failed to satisfy "
            "constraint: Member must satisfy enum value set: [",
        ),
        (
            ("create-key", "--key-spec", "SM2", "--key-usage", "SIGN_VERIFY"),
            *("UnsupportedOperationException", "CreateKey"),
            "SM2 is offered in the China Regions only.",
        ),
    ],
)
def test_errors_read_as_those_of_aws(refused, words, code, operation, text):
    assert refused(*words).startswith(REFUSED.format(code, operation, text).strip())


def test_what_the_cli_did_is_in_the_trail(kms, lab):
    kms("generate-random", "--number-of-bytes", "16")
    event = lab.trail[-1]
    assert (event["eventName"], event["sourceIPAddress"]) == ("GenerateRandom", "127.0.0.1")
    assert event["userAgent"].startswith("aws-cli/")


def test_tls_is_trusted_through_the_bundle_and_not_without(outside, programs):
    listing = (programs / "aws", "kms", "list-keys")
    with Lab() as lab, running(lab, self_signed=True) as endpoint:
        trusting = outside.knowing(**endpoint.environment)
        assert trusting.told(*listing) == {"Keys": []}
        assert "CERTIFICATE_VERIFY_FAILED" in trusting.without("AWS_CA_BUNDLE").refused(*listing)
        assert lab.trail[-1]["tlsDetails"]["tlsVersion"] == "TLSv1.3"
