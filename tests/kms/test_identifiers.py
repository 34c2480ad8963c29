"""How a request names a key: the forms that each operation takes, and the errors for other forms.

Source: AWS KMS API reference, "KeyId" of each operation.
"""

from typing import Any

import pytest

from kmslab import Lab
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.states import KeyState
from kmslab.kms.table import TABLE

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

    def send(self, identifier: str) -> dict[str, Any]:
        method = getattr(self.kms, self.operation.snake_name)
        return method(**self.members | {self.member: identifier})


@pytest.fixture
def make(shared_lab: Lab, new_scene: Any, example: Any) -> Any:
    return lambda operation, member: Request(shared_lab, new_scene, example, operation, member)


def forms(scene: Any) -> dict[str, str]:
    return {
        "key id": scene.key.rpartition("/")[2],
        "key ARN": scene.key,
        "alias name": scene.alias,
        "alias ARN": HERE + scene.alias,
    }


@pytest.mark.parametrize("form", ["key id", "key ARN"])
@pytest.mark.parametrize(("operation", "member"), NAMINGS)
def test_key_is_found_by_id_and_arn(make: Any, operation: str, member: str, form: str) -> None:
    request = make(operation, member)
    if operation == "CancelKeyDeletion":
        request.scene.bring_into(KeyState.PENDING_DELETION)
    request.send(forms(request.scene)[form])


@pytest.mark.parametrize("form", ["alias name", "alias ARN"])
@pytest.mark.parametrize(("operation", "member"), WITH_ALIAS)
def test_key_is_found_by_alias(make: Any, operation: str, member: str, form: str) -> None:
    request = make(operation, member)
    answer = request.send(forms(request.scene)[form])
    arns = [
        answer.get("KeyId"),
        answer.get("SourceKeyId"),
        answer.get("KeyMetadata", {}).get("Arn"),
    ]
    assert request.scene.key in arns, "whatever was sent, the answer has the key's ARN"


@pytest.mark.parametrize("form", ["alias name", "alias ARN"])
@pytest.mark.parametrize(("operation", "member"), WITHOUT_ALIAS)
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
    f"arn:aws:kms:us-east-1:444455556666:key/{NOBODY}": (
        f"Key 'arn:aws:kms:us-east-1:444455556666:key/{NOBODY}' does not exist"
    ),
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


@pytest.mark.parametrize(("operation", "member"), NAMINGS)
def test_key_that_cannot_be_found_is_named_in_the_answer(
    make: Any, refused: Any, operation: str, member: str
) -> None:
    request = make(operation, member)
    for identifier, text in NOT_FOUND.items():
        with refused("NotFoundException", text):
            request.send(identifier)


@pytest.mark.parametrize(("operation", "member"), WITH_ALIAS)
def test_unknown_alias_is_named_in_the_answer(
    make: Any, refused: Any, operation: str, member: str
) -> None:
    request = make(operation, member)
    for identifier in ("alias/nobody", f"{HERE}alias/nobody"):
        with refused("NotFoundException", f"Alias {HERE}alias/nobody is not found."):
            request.send(identifier)
    with refused("NotFoundException", "Invalid arn eu-west-1"):
        request.send("arn:aws:kms:eu-west-1:111122223333:alias/nobody")


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
