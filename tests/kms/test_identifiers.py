"""How a request names a key: the forms that each operation takes, and the errors for other forms.

Source: AWS KMS API reference, "KeyId" of each operation.
"""

from typing import Any

import pytest

from kmslab import Lab
from kmslab.kms.access import grant_tokens
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.states import KeyState
from kmslab.kms.table import TABLE
from kmslab.lab.view import View
from tests.cases import for_every

KEY_MEMBERS = ("KeyId", "SourceKeyId", "DestinationKeyId", "TargetKeyId")

# These operations take an alias too; all others take only a key id or a key ARN.
TAKE_ALIASES = {
    "Encrypt",
    "Decrypt",
    "ReEncrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "Sign",
    "Verify",
    "GenerateMac",
    "VerifyMac",
    "DeriveSharedSecret",
    "Encapsulate",
    "Decapsulate",
    "DescribeKey",
    "GetPublicKey",
}
NAMINGS = [
    (operation, member)
    for operation in TABLE
    for member in KEY_MEMBERS
    if member in MODEL.operations[operation].input.members
]
WITH_ALIAS = [naming for naming in NAMINGS if naming[0] in TAKE_ALIASES]
WITHOUT_ALIAS = [naming for naming in NAMINGS if naming[0] not in TAKE_ALIASES]

HERE = "arn:aws:kms:us-east-1:111122223333:"
WRONG_KEY = "The key ID in the request does not identify a CMK that can perform this operation."
NOBODY = "00000000-0000-4000-8000-000000000000"


class Request:
    """An operation's example request, with the key in one member named differently."""

    def __init__(self, lab: Lab, new_scene: Any, example: Any, operation: str, member: str) -> None:
        role = {"DestinationKeyId": "destination", "TargetKeyId": "new"}.get(member, "")
        self.scene = new_scene(lab, operation)
        self.operation = MODEL.operations[operation]
        self.member = member
        self.kms = lab.kms
        has_role = operation in ("ReEncrypt", "UpdateAlias")
        self.members = example(self.scene, operation, role if has_role else "")

    def send(self, identifier: str, caller: View | None = None) -> dict[str, Any]:
        kms = caller.kms if caller else self.kms
        method = getattr(kms, self.operation.snake_name)
        return method(**self.members | {self.member: identifier})


@pytest.fixture(scope="module")
def make(shared_lab: Lab, new_scene: Any, example: Any) -> Any:
    return lambda operation, member: Request(shared_lab, new_scene, example, operation, member)


def forms(scene: Any) -> dict[str, str]:
    return {
        "key id": scene.key.rpartition("/")[2],
        "key ARN": scene.key,
        "alias name": scene.alias,
        "alias ARN": HERE + scene.alias,
    }


@for_every("form", ["key id", "key ARN"])
@for_every(("operation", "member"), NAMINGS)
def test_key_is_found_by_id_and_arn(make: Any, operation: str, member: str, form: str) -> None:
    request = make(operation, member)
    if operation == "CancelKeyDeletion":
        request.scene.bring_into(KeyState.PENDING_DELETION)
    request.send(forms(request.scene)[form])


@for_every("form", ["alias name", "alias ARN"])
@for_every(("operation", "member"), WITH_ALIAS)
def test_key_is_found_by_alias(make: Any, operation: str, member: str, form: str) -> None:
    request = make(operation, member)
    answer = request.send(forms(request.scene)[form])
    arns = [
        answer.get("KeyId"),
        answer.get("SourceKeyId"),
        answer.get("KeyMetadata", {}).get("Arn"),
    ]
    assert request.scene.key in arns, "whatever was sent, the answer has the key's ARN"


@for_every("form", ["alias name", "alias ARN"])
@for_every(("operation", "member"), WITHOUT_ALIAS)
def test_alias_is_refused_where_it_is_not_allowed(
    make: Any, refused: Any, operation: str, member: str, form: str
) -> None:
    request = make(operation, member)
    target = "Aliases must refer to keys. Not aliases"
    key = "Key Aliases are not supported for this operation"
    code, text = {"TargetKeyId": ("ValidationException", target)}.get(
        member, ("InvalidArnException", key)
    )
    for identifier in (forms(request.scene)[form], "alias/nobody", f"{HERE}alias/nobody"):
        with refused(code, text):
            request.send(identifier)


NOT_FOUND = {
    NOBODY: f"Key '{HERE}key/{NOBODY}' does not exist",
    f"{HERE}key/{NOBODY}": f"Key '{HERE}key/{NOBODY}' does not exist",
    "mrk-" + "0" * 32: f"Key '{HERE}key/mrk-{'0' * 32}' does not exist",
    "nonsense": "Invalid keyId 'nonsense'",
    "mrk-" + "0" * 31: f"Invalid keyId 'mrk-{'0' * 31}'",
    "mrk-" + "A" * 32: f"Invalid keyId 'mrk-{'A' * 32}'",
    "mrk-" + NOBODY: f"Invalid keyId 'mrk-{NOBODY}'",
    NOBODY.upper().replace("0", "A"): f"Invalid keyId '{NOBODY.upper().replace('0', 'A')}'",
    "key/" + NOBODY: f"Invalid keyId 'key/{NOBODY}'",
    HERE + "key/nonsense": "Invalid keyId 'nonsense'",
    f"arn:aws:kms:eu-west-1:111122223333:key/{NOBODY}": "Invalid arn eu-west-1",
    "arn:aws:kms": "Invalid arn arn:aws:kms",
    "arn:aws:s3:us-east-1:1:key/x": "Invalid arn arn:aws:s3:us-east-1:1:key/x",
    HERE + "table/x": f"Invalid arn {HERE}table/x",
}


@for_every(("operation", "member"), NAMINGS)
def test_key_that_cannot_be_found_is_named_in_the_answer(
    make: Any, refused: Any, operation: str, member: str
) -> None:
    request = make(operation, member)
    for identifier, text in NOT_FOUND.items():
        with refused("NotFoundException", text):
            request.send(identifier)


@for_every(("operation", "member"), WITH_ALIAS)
def test_unknown_alias_is_named_in_the_answer(
    make: Any, refused: Any, operation: str, member: str
) -> None:
    request = make(operation, member)
    for identifier in ("alias/nobody", f"{HERE}alias/nobody"):
        with refused("NotFoundException", f"Alias {HERE}alias/nobody is not found."):
            request.send(identifier)
    with refused("NotFoundException", "Invalid arn eu-west-1"):
        request.send("arn:aws:kms:eu-west-1:111122223333:alias/nobody")


def told(request: Request, stranger: View, identifier: str) -> tuple[Any, ...]:
    """What a stranger learns of this key: the error's code and text, and all of the event."""
    with pytest.raises(KMSError) as caught:
        request.send(identifier, stranger)
    last = stranger.trail[-1]
    event = str(last).replace(identifier, "the key")
    for member in ("requestID", "eventID"):
        event = event.replace(last[member], "its id")
    return caught.value.code, str(caught.value), event


@for_every(("operation", "member"), NAMINGS)
def test_stranger_cannot_learn_whether_a_key_exists(
    shared_lab: Lab, make: Any, operation: str, member: str
) -> None:
    """The other account's root user, which IAM never stops, named neither by policy nor grant."""
    request, stranger = make(operation, member), shared_lab.account("444455556666")
    if member == "DestinationKeyId":
        request.members["CiphertextBlob"] = stranger.create_cmk().encrypt(b"x")
        request.members.pop("SourceEncryptionContext", None)
    found = told(request, stranger, request.scene.key)
    assert told(request, stranger, f"{HERE}key/{NOBODY}") == found
    assert told(request, stranger, f"{HERE}key/nonsense") == found
    alias = told(request, stranger, HERE + request.scene.alias)
    assert told(request, stranger, f"{HERE}alias/nobody") == alias
    if operation in TAKE_ALIASES:
        assert alias == found
        assert found[0] == "AccessDeniedException"
        assert "because the resource does not exist in this Region" in found[1]


@pytest.mark.parametrize("prefix", ["", "Source"])
def test_caller_proves_access_to_the_named_key_before_its_ciphertext_is_read(
    lab: Lab, prefix: str, refused: Any
) -> None:
    """Or the answer would say which account's key made a ciphertext, or which keys exist."""
    theirs, stranger = lab.create_cmk(), lab.account("444455556666")
    own = stranger.create_cmk()
    gone = lab.create_cmk()
    gone.schedule_deletion(7)
    blobs = [theirs.encrypt(b"x"), lab.region("eu-west-1").create_cmk().encrypt(b"x")]
    rest = {"DestinationKeyId": own.arn} if prefix else {}
    call = stranger.kms.re_encrypt if prefix else stranger.kms.decrypt
    for blob in blobs:
        with refused("IncorrectKeyException", WRONG_KEY):
            call(CiphertextBlob=blob, **{f"{prefix}KeyId": own.arn}, **rest)
        for key in (theirs.arn, gone.arn, f"{HERE}key/{NOBODY}"):
            for sent in (blob, b"not a ciphertext", own.encrypt(b"x")):
                with pytest.raises(KMSError, match="on this resource because") as caught:
                    call(CiphertextBlob=sent, **{f"{prefix}KeyId": key}, **rest)
                assert caught.value.code == "AccessDeniedException"
    assert theirs.id not in str(stranger.trail[0])
    alice = lab.user("alice")  # of the key's own account, without any permission
    with pytest.raises(KMSError, match="no identity-based policy allows"):
        alice.kms.decrypt(CiphertextBlob=blobs[1], KeyId=theirs.arn)


def test_stranger_cannot_learn_whether_a_grant_exists(lab: Lab) -> None:
    key, stranger = lab.create_cmk(), lab.account("444455556666")
    granted = lab.kms.create_grant(
        KeyId=key.arn, GranteePrincipal=lab.caller.principal, Operations=["Decrypt"]
    )
    retire, said = stranger.kms.retire_grant, set()
    for request in (
        {"KeyId": key.arn, "GrantId": granted["GrantId"]},
        {"KeyId": key.arn, "GrantId": "0" * 64},
        {"KeyId": f"{HERE}key/{NOBODY}", "GrantId": "0" * 64},
        {"GrantToken": granted["GrantToken"]},
        {"GrantToken": grant_tokens.write(f"{key.arn}/{'0' * 64}")},
    ):
        with pytest.raises(KMSError) as caught:
            retire(**request)
        said.add((caught.value.code, str(caught.value)))
        assert stranger.trail[-1]["resources"] == []
    assert len(said) == 1


def test_partner_account_learns_what_it_lacks_itself(lab: Lab) -> None:
    """The key's policy names the account, so that the key is no secret from it."""
    key, partner = lab.create_cmk(), lab.account("444455556666")
    own = key.policy["Statement"]
    shared = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
    shared["Principal"] = {"AWS": partner.caller.principal}
    key.put_policy(key.policy | {"Statement": [*own, shared]})
    with pytest.raises(KMSError, match="no identity-based policy allows the kms:Encrypt action"):
        partner.user("bob").kms.encrypt(KeyId=key.arn, Plaintext=b"x")


def test_refusal_of_an_unknown_key_can_be_explained(lab: Lab) -> None:
    stranger = lab.account("444455556666")
    far = lab.region("eu-west-1").create_cmk().encrypt(b"x")
    for call in (
        lambda: stranger.kms.encrypt(KeyId=f"{HERE}key/{NOBODY}", Plaintext=b"x"),
        lambda: stranger.kms.decrypt(CiphertextBlob=far),
    ):
        with pytest.raises(KMSError) as caught:
            call()
        assert "because there is no such key in this Region" in " ".join(
            repr(caught.value.explain()).split()
        )


@pytest.mark.parametrize("other", ["Alias", "ALIAS", "alias"])
def test_alias_is_case_sensitive(lab: Lab, other: str) -> None:
    lab.create_cmk("Orders")
    with pytest.raises(KMSError):
        lab.kms.describe_key(KeyId=f"{other}/orders")


def test_key_of_another_region_is_not_found(lab: Lab, key: str, refused: Any) -> None:
    there = lab.region("eu-west-1")
    with refused("NotFoundException", "Invalid arn us-east-1"):
        there.kms.describe_key(KeyId=key)
    name = key.rpartition("/")[2]
    arn = f"arn:aws:kms:eu-west-1:111122223333:key/{name}"
    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        there.kms.describe_key(KeyId=name)
    with refused("NotFoundException", f"Key '{arn}' does not exist"):
        there.kms.describe_key(KeyId=arn)


def test_missing_key_id_is_refused_before_any_lookup(lab: Lab, refused: Any) -> None:
    text = (
        "1 validation error detected: Value null at 'keyId' failed to satisfy constraint: "
        "Member must not be null"
    )
    with refused("ValidationException", text):
        lab.kms.describe_key()
