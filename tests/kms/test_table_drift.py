"""THE TABLE, specs, answers and errors against botocore's own model: a list has what we lack."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest
from botocore import xform_name
from botocore.loaders import Loader
from botocore.model import ServiceModel, Shape

from kmslab import Lab
from kmslab.crypto.message_types import MESSAGE_TYPES, MessageType
from kmslab.kms.backing.cloudhsm import CloudHsm, ClusterKey
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.backing.importing import Importing
from kmslab.kms.backing.xks import Xks, XksKey
from kmslab.kms.contract.errors import EXCEPTIONS, KMSError
from kmslab.kms.contract.importing import (
    DIRECT,
    HYBRID,
    WRAPPING_KEYS,
    ExpirationModel,
    ImportState,
    ImportType,
    MaterialState,
)
from kmslab.kms.contract.specs import ALGORITHMS_MEMBER, DATA_KEY_SPECS, KEY_SPECS, KeyUsage, Origin
from kmslab.kms.contract.states import KeyState, refusal
from kmslab.kms.table import EVERY_KIND, EVERY_ORIGIN, SERVICE_TABLE, STORE, TABLE, Role, Row
from tests.cases import for_every

BACKINGS = (Hsm, Importing, CloudHsm, ClusterKey, Xks, XksKey)

# Values of the model's enums that we lack, with the reason.
CHINA = "offered in AWS's China Regions only"
LACKING: dict[str, dict[str, str]] = {
    "KeySpec": {"SM2": CHINA},
    "DataKeyPairSpec": {"SM2": CHINA},
    "EncryptionAlgorithmSpec": {"SM2PKE": CHINA},
    "SigningAlgorithmSpec": {"SM2DSA": CHINA},
    "WrappingKeySpec": {"SM2": CHINA},
    "AlgorithmSpec": {"SM2PKE": CHINA, "RSAES_PKCS1_V1_5": "refused since October 10, 2023"},
}

# Members that only some answers have; every answer has all other members of the model.
SOMETIMES: dict[str, str] = {
    "NextMarker": "if Truncated",
    "CiphertextForRecipient": "if the request has a Recipient",
    "KeyMetadata.CloudHsmClusterId": "custom key stores",
    "KeyMetadata.CustomKeyStoreId": "custom key stores",
    "KeyMetadata.XksKeyConfiguration": "custom key stores",
    "KeyMetadata.DeletionDate": "while the key is pending deletion",
    "KeyMetadata.PendingDeletionWindowInDays": "while replicas hold up a deletion",
    "KeyMetadata.ValidTo": "imported material",
    "KeyMetadata.ExpirationModel": "imported material",
    "KeyMetadata.EncryptionAlgorithms": "by KeyUsage",
    "KeyMetadata.SigningAlgorithms": "by KeyUsage",
    "KeyMetadata.KeyAgreementAlgorithms": "by KeyUsage",
    "KeyMetadata.EncapsulationAlgorithms": "by KeyUsage",
    "KeyMetadata.KeyEncapsulationAlgorithms": "by KeyUsage",
    "KeyMetadata.MacAlgorithms": "by KeyUsage",
    "KeyMetadata.MultiRegionConfiguration": "multi-Region keys",
    "KeyMetadata.CurrentKeyMaterialId": "symmetric keys",
    "CustomKeyStoresListEntry.CloudHsmClusterId": "by CustomKeyStoreType",
    "CustomKeyStoresListEntry.TrustAnchorCertificate": "by CustomKeyStoreType",
    "CustomKeyStoresListEntry.XksProxyConfiguration": "by CustomKeyStoreType",
    "CustomKeyStoresListEntry.ConnectionErrorCode": "if connecting has failed",
    "GetPublicKeyResponse.EncryptionAlgorithms": "by KeyUsage",
    "GetPublicKeyResponse.SigningAlgorithms": "by KeyUsage",
    "GetPublicKeyResponse.KeyAgreementAlgorithms": "by KeyUsage",
    "GetPublicKeyResponse.EncapsulationAlgorithms": "by KeyUsage",
    "GetKeyRotationStatusResponse.OnDemandRotationStartDate": "while a rotation is running",
    "GrantConstraints.EncryptionContextEquals": "one of the two kinds at most",
    "GrantConstraints.EncryptionContextSubset": "one of the two kinds at most",
    "GrantListEntry.GranteeServicePrincipal": "where the grantee is an AWS service",
    "GrantListEntry.RetiringServicePrincipal": "where an AWS service retires it",
    "RotationsListEntry.KeyMaterialDescription": "imported material",
    "RotationsListEntry.ImportState": "imported material",
    "RotationsListEntry.ExpirationModel": "imported material",
    "RotationsListEntry.ValidTo": "imported material",
}

# Errors that the service answers though the model lists them for no operation.
COMMON = {
    "AccessDeniedException",
    "SerializationException",
    "ThrottlingException",
    "ValidationException",
}
# Errors of an operation for which the model does not list them, with the reason.
RESERVED = "seen in reports: alias/aws/ names are AWS's"
BEYOND: dict[tuple[str, str], str] = {
    ("CreateAlias", "NotAuthorizedException"): RESERVED,
    ("UpdateAlias", "NotAuthorizedException"): RESERVED,
    ("DeleteAlias", "NotAuthorizedException"): RESERVED,
}


@cache
def model() -> ServiceModel:
    return ServiceModel(Loader().load_service_model("kms", "service-2"), "kms")


def test_the_table_has_every_operation_of_the_api() -> None:
    assert TABLE.keys() == set(model().operation_names)


def test_unknown_operation_is_refused(shared_lab: Lab, refused: Any) -> None:
    text = "There is no operation Brew in AWS KMS"
    with refused("UnknownOperationException", text):
        shared_lab.service.call("Brew", shared_lab.caller, {})


@pytest.mark.parametrize("event", SERVICE_TABLE)
def test_service_event_cannot_be_called(shared_lab: Lab, refused: Any, event: str) -> None:
    with refused("UnknownOperationException", f"There is no operation {event} in AWS KMS"):
        shared_lab.service.call(event, shared_lab.caller, {})


# ---------------------------------------------------------------------------------------- enums


def algorithms(usage: KeyUsage) -> set[str]:
    return {name for spec in KEY_SPECS.values() for name in spec.algorithms.get(usage, ())}


HAVE: dict[str, set[str]] = {
    "KeySpec": set(KEY_SPECS),
    "DataKeySpec": set(DATA_KEY_SPECS),
    "KeyUsageType": set(KeyUsage),
    "OriginType": set(Origin),
    "KeyState": set(KeyState),
    "MessageType": set(MessageType),
    "EncryptionAlgorithmSpec": algorithms(KeyUsage.ENCRYPT_DECRYPT),
    "SigningAlgorithmSpec": algorithms(KeyUsage.SIGN_VERIFY),
    "MacAlgorithmSpec": algorithms(KeyUsage.GENERATE_VERIFY_MAC),
    "KeyAgreementAlgorithmSpec": algorithms(KeyUsage.KEY_AGREEMENT),
    "WrappingKeySpec": set(WRAPPING_KEYS),
    "AlgorithmSpec": set(DIRECT | HYBRID),
    "ExpirationModelType": set(ExpirationModel),
    "ImportType": set(ImportType),
    "ImportState": set(ImportState),
    "KeyMaterialState": set(MaterialState),
    "EncapsulationAlgorithmSpec": algorithms(KeyUsage.ENCAPSULATE_DECAPSULATE),
}


@for_every("enum", HAVE)
def test_enum_value_that_we_lack_is_listed(enum: str) -> None:
    assert set(model().shape_for(enum).enum) - HAVE[enum] == LACKING.get(enum, {}).keys()


@for_every("enum", HAVE)
def test_no_enum_value_is_invented(enum: str) -> None:
    assert HAVE[enum] <= set(model().shape_for(enum).enum)


def test_every_signing_algorithm_says_in_which_forms_it_takes_a_message() -> None:
    assert MESSAGE_TYPES.keys() == HAVE["SigningAlgorithmSpec"]


def test_every_usage_has_its_own_list_of_algorithms_in_the_metadata() -> None:
    lists = {name for name in model().shape_for("KeyMetadata").members if "Algorithms" in name}
    assert set(ALGORITHMS_MEMBER) == set(KeyUsage)
    assert set(ALGORITHMS_MEMBER.values()) == lists


@for_every(
    # RSA_2048 represents the other two, which are slow to make.
    "spec",
    sorted(set(model().shape_for("DataKeyPairSpec").enum) - {"RSA_3072", "RSA_4096"}),
)
def test_data_key_pair_that_we_lack_is_listed_and_says_so(lab: Lab, key: str, spec: str) -> None:
    pair = {"KeyId": key, "KeyPairSpec": spec, "DryRun": True}
    lacking = spec in LACKING["DataKeyPairSpec"]
    answer = "UnsupportedOperationException" if lacking else "DryRunOperationException"
    with pytest.raises(KMSError) as caught:
        lab.kms.generate_data_key_pair(**pair)
    assert caught.value.code == answer


# -------------------------------------------------------------------------------------- answers


@for_every("operation", TABLE)
def test_answer_has_the_models_members(
    lab: Lab, new_scene: Any, example: Any, operation: str
) -> None:
    scene = new_scene(lab, operation)
    if operation == "CancelKeyDeletion":
        scene.bring_into(KeyState.PENDING_DELETION)
    answer = getattr(lab.kms, xform_name(operation))(**example(scene, operation))

    shape = model().operation_model(operation).output_shape

    if shape is None:
        assert answer == {}
    else:
        _compare(answer, shape)


def _compare(value: Any, shape: Shape) -> None:
    if shape.type_name == "structure":
        names = {name: f"{shape.name}.{name}" for name in shape.members}
        always = {name for name in names if not {name, names[name]} & SOMETIMES.keys()}
        assert always | set(shape.required_members) <= value.keys() <= names.keys()
        for name, member in value.items():
            _compare(member, shape.members[name])
    elif shape.type_name == "list":
        assert value, f"an example answer with an empty {shape.name} shows nothing"
        for member in value:
            _compare(member, shape.member)
    elif getattr(shape, "enum", None):
        assert value in shape.enum


# --------------------------------------------------------------------------------------- errors


@for_every("operation", TABLE)
def test_error_that_an_operation_may_answer_is_one_of_the_models(operation: str) -> None:
    listed = {shape.name for shape in model().operation_model(operation).error_shapes}
    beyond = {code for name, code in BEYOND if name == operation}
    assert set(_refusals(TABLE[operation])) - listed - COMMON == beyond


def test_every_error_of_the_model_has_a_class() -> None:
    listed = {
        shape.name
        for operation in model().operation_names
        for shape in model().operation_model(operation).error_shapes
    }
    assert listed <= EXCEPTIONS.keys()


def _refusals(row: Row) -> Iterator[str]:
    """The codes in every `fail("…")` that the row's function or its finders can reach.

    Also the codes with which `admission` refuses a key that does not suit a role.
    """
    reached: set[Any] = set()
    _reach(row.run, reached)
    for role in row.roles:
        _reach(role.naming.find, reached)
        yield from _refused_by_the_road(role)
    for function in reached:
        yield from (code for code, _ in _calls(function) if code)


def _refused_by_the_road(role: Role) -> Iterator[str]:
    if role.kinds != EVERY_KIND or role.origins != EVERY_ORIGIN:
        yield "UnsupportedOperationException"
    if role.naming is STORE:
        yield "CustomKeyStoreInvalidStateException"
        return
    if role.usage:
        yield "InvalidKeyUsageException"
    refused = [refusal(state, role.states) for state in KeyState]
    yield from {answer[0] for answer in refused if answer}


def _reach(function: Callable[..., Any], reached: set[Any]) -> None:
    if function in reached:
        return
    reached.add(function)
    for _, callee in _calls(function):
        if inspect.isfunction(callee) and callee.__module__.startswith("kmslab."):
            _reach(callee, reached)


def _calls(function: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """(error code, None) for a `fail`; ("", the function) for other calls that can be resolved."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    scope = inspect.getclosurevars(function)
    names = {**scope.builtins, **scope.globals, **scope.nonlocals}
    for call in _walk(tree, scope.nonlocals):
        match call:
            case ast.Call(func=ast.Name(id="fail"), args=[ast.Constant(value=str(code)), *_]):
                yield code, None
            case ast.Name(id=name) if _is_an_error(names.get(name)):
                yield names[name][0], None
            case ast.Call(func=ast.Name(id=name)):
                yield "", names.get(name)
            case ast.Call(func=ast.Attribute(attr=name)):
                yield from (("", vars(kind).get(name)) for kind in BACKINGS)


def _is_an_error(value: Any) -> bool:
    """A code, perhaps with a text, which `fail(*…)` raises."""
    return isinstance(value, tuple) and bool(value) and value[0] in EXCEPTIONS


def _walk(node: ast.AST, flags: Mapping[str, Any]) -> Iterator[ast.AST]:
    """Like `ast.walk`, but not into `if not flag:` where the finder was made with the flag set."""
    match node:
        case ast.If(test=ast.UnaryOp(op=ast.Not(), operand=ast.Name(id=name))) if flags.get(name):
            return
    yield node
    for child in ast.iter_child_nodes(node):
        yield from _walk(child, flags)


def test_the_scan_for_errors_sees_what_it_should() -> None:
    assert {"InvalidCiphertextException", "IncorrectKeyException", "NotFoundException"} <= set(
        _refusals(TABLE["Decrypt"])
    )
    assert {"AlreadyExistsException", "LimitExceededException"} <= set(
        _refusals(TABLE["CreateAlias"])
    )
