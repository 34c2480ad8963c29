"""What all tests share: a lab, a way to claim a refusal, one example of every request, and how
deep property tests go.

A new operation needs its example in `EXAMPLES`; the tests over THE TABLE then include it.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, settings

from kmslab import CMK, Clock, Lab
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import Key, Material
from kmslab.kms.contract.specs import (
    KEY_SPECS,
    SYMMETRIC_DEFAULT,
    KeyKind,
    KeyUsage,
    Origin,
    Reach,
)
from kmslab.kms.contract.states import KeyState
from kmslab.kms.operations.policies import default_policy
from kmslab.kms.table import TABLE
from kmslab.lab.key_stores import CustomKeyStore
from tests.postgresql import PostgreSql

os.environ.pop("KMSLAB_WORKBOOK", None)  # set in JupyterLab's terminals: a learner's own program
NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

# Property tests. `make test` tries a few examples and always the same ones, so that it answers for
# the change and not for its luck; `make test-all` tries many, and others every time.
settings.register_profile(
    "quick",
    max_examples=10,
    stateful_step_count=30,
    derandomize=True,
    deadline=None,  # a shared machine may pause any example
    suppress_health_check=[
        HealthCheck.too_slow,
        HealthCheck.differing_executors,  # several cases of `for_every`
        HealthCheck.function_scoped_fixture,
    ],
)
settings.register_profile(
    "full", settings.get_profile("quick"), max_examples=300, derandomize=False, print_blob=True
)
settings.load_profile("quick")


@pytest.fixture(scope="session", autouse=True)
def botocore_reads_each_file_once() -> Iterator[None]:
    """Otherwise every new session reads some megabytes of JSON, which takes a tenth of a second."""
    from botocore.loaders import JSONFileLoader

    with pytest.MonkeyPatch.context() as patch:
        once = staticmethod(cache(JSONFileLoader().load_file))
        patch.setattr(JSONFileLoader, "load_file", once)
        yield


@pytest.fixture(scope="session")
def postgresql() -> Iterator[PostgreSql]:
    """A running server, which a test may stop if it starts it again. Skips where there is none."""
    server = PostgreSql()
    try:
        yield server.start()
    finally:
        server.remove()


Refused = Callable[[str, str], AbstractContextManager[Any]]


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(clock=Clock.frozen(NOW)) as lab:
        yield lab


@pytest.fixture(scope="module")
def shared_lab() -> Iterator[Lab]:
    """One for a whole module: for tests that make their own keys and never look at all of them."""
    with Lab(clock=Clock.frozen(NOW)) as lab:
        yield lab


@pytest.fixture
def key(lab: Lab) -> str:
    """The ARN of an enabled symmetric key."""
    return lab.create_cmk().arn


@pytest.fixture(scope="session")
def refused() -> Refused:
    """`with refused("NotFoundException", "the whole text"): …`"""

    @contextmanager
    def expect(code: str, text: str) -> Iterator[Any]:
        with pytest.raises(KMSError) as caught:
            yield caught
        assert (caught.value.code, caught.value.message) == (code, text)
        assert caught.value.response["Error"] == {"Code": code, "Message": text}

    return expect


# ------------------------------------------------------------------------------ example requests


@dataclass(frozen=True)
class Scene:
    """Two keys of the kind that an operation is meant for, both enabled and each with an alias.

    `key` is the one that the request is about. What a request needs besides is made with it.
    """

    lab: Lab
    key: str  # ARN
    other: str  # ARN of another key of the same kind
    alias: str  # of `key`
    other_alias: str
    store: CustomKeyStore | None = None  # in which `key` is, where its state has to be Unavailable

    @classmethod
    def of(cls, lab: Lab, operation: str = "", state: KeyState = KeyState.ENABLED) -> "Scene":
        kind = suitable(operation)
        store = lab.create_key_store("scene") if state is KeyState.UNAVAILABLE else None
        imported = state is KeyState.PENDING_IMPORT or needs_import(operation)
        make = new_imported if imported and not store else new_key
        keys = [make(lab, **kind, key_store=each) for each in (store, None)]
        names = [f"alias/example-{cmk.id}" for cmk in keys]
        for cmk, name in zip(keys, names, strict=True):
            lab.kms.create_alias(AliasName=name, TargetKeyId=cmk.id)
        return cls(lab, *[cmk.arn for cmk in keys], *names, store=store)

    @property
    def cmk(self) -> CMK:
        return self.lab.cmk(self.key)

    @property
    def other_cmk(self) -> CMK:
        return self.lab.cmk(self.other)

    def record(self) -> Key:
        found = store_of(self.lab).get(Key, self.key)
        assert found is not None
        return found

    def bring_into(self, state: KeyState) -> None:
        """By a real call where there is one; what no call leads to is put into the store."""
        if self.store:
            self.store.disconnect()
            return
        if move := MOVES_THERE.get(state):
            move(self.lab.kms, self.key)
        if self.record().state is not state:
            store_of(self.lab).commit(put=[replace(self.record(), state=state)])


def store_of(lab: Lab) -> Any:
    return lab._store  # the only way to a state that no operation reaches yet


def new_key(lab: Lab, **kind: Any) -> CMK:
    return lab.create_cmk(**kind, tags=TAGS)


def new_imported(
    lab: Lab,
    spec: str = SYMMETRIC_DEFAULT,
    usage: str = "ENCRYPT_DECRYPT",
    multi_region: bool = False,
    key_store: None = None,
) -> CMK:
    """As if by import, but without a wrapping key, which takes a while to make."""
    size, backing = KEY_SPECS[spec].size, lab.service.backings[Origin.EXTERNAL]
    known = backing.random(size) if size else backing.key_pair(spec)[0]
    request = {
        "KeyId": f"mrk-{uuid4().hex}" if multi_region else str(uuid4()),
        "KeySpec": spec,
        "KeyUsage": usage,
        "Origin": "EXTERNAL",
        "Materials": [known],
        "Tags": [{"TagKey": key, "TagValue": value} for key, value in TAGS.items()],
    }
    here = lab.caller
    return lab.cmk(lab.service.own_acts.seed_key(here.account, here.region, request))


def needs_import(operation: str) -> bool:
    """Whether the operation's row is only for keys with imported material."""
    roles = TABLE[operation].roles if operation else ()
    return any(Origin.AWS_KMS not in role.origins for role in roles)


TAGS = {"project": "example"}
MOVES_THERE: dict[KeyState, Callable[[Any, str], Any]] = {
    KeyState.DISABLED: lambda kms, key: kms.disable_key(KeyId=key),
    KeyState.PENDING_DELETION: lambda kms, key: kms.schedule_key_deletion(KeyId=key),
    KeyState.PENDING_IMPORT: lambda kms, key: kms.delete_imported_key_material(KeyId=key),
}

# One spec for each use of a key that is not symmetric: one that is quickly made.
QUICK: dict[KeyUsage, str] = {
    KeyUsage.SIGN_VERIFY: "ECC_NIST_P256",
    KeyUsage.GENERATE_VERIFY_MAC: "HMAC_256",
    KeyUsage.KEY_AGREEMENT: "ECC_NIST_P256",
    KeyUsage.ENCAPSULATE_DECAPSULATE: "ML_KEM_768",
}


def suitable(operation: str) -> dict[str, Any]:
    """The kind of key that the operation's row is for; symmetric wherever it can be."""
    roles = TABLE[operation].roles if operation else ()
    if any(Reach.SINGLE_REGION not in role.reach for role in roles):
        return {"multi_region": True}
    usages = [role.usage.usage for role in roles if role.usage]
    usages += [KeyUsage.SIGN_VERIFY for role in roles if KeyKind.SYMMETRIC not in role.kinds]
    if not usages or usages[0] not in QUICK:
        return {}
    return {"spec": QUICK[usages[0]], "usage": usages[0]}


ABROAD = "eu-west-1"
PLAINTEXT, CONTEXT = b"card 4242", {"order": "17"}
POLICY = default_policy("111122223333")
BOB = "arn:aws:iam::111122223333:user/bob"
CONSTRAINTS = {
    "EncryptionContextSubset": CONTEXT,
    "SourceArn": "arn:aws:s3:us-east-1:111122223333:bucket",
}
GRANT = {
    "Constraints": CONSTRAINTS,
    "GranteePrincipal": BOB,
    "RetiringPrincipal": BOB,
    "Operations": ["DescribeKey"],
    "Name": "example",
}
ECDSA = {"Message": PLAINTEXT, "SigningAlgorithm": "ECDSA_SHA_256"}
HMAC = {"Message": PLAINTEXT, "MacAlgorithm": "HMAC_SHA_256"}
ML_KEM = {"EncapsulationAlgorithm": "ML_KEM"}

# "Operation" → its request; "Operation role" where several keys take part, for the one that
# `Scene.key` is.
EXAMPLES: dict[str, Callable[[Scene], dict[str, Any]]] = {
    "CreateKey": lambda s: {"Description": "an example"},
    "DescribeKey": lambda s: {"KeyId": s.key},
    "ListKeys": lambda s: {},
    "GetKeyLastUsage": lambda s: used(s),
    "UpdateKeyDescription": lambda s: {"KeyId": s.key, "Description": "another"},
    "EnableKey": lambda s: {"KeyId": s.key},
    "DisableKey": lambda s: {"KeyId": s.key},
    "ScheduleKeyDeletion": lambda s: {"KeyId": s.key, "PendingWindowInDays": 7},
    "CancelKeyDeletion": lambda s: {"KeyId": s.key},
    "ReplicateKey": lambda s: {
        "KeyId": s.key,
        "ReplicaRegion": ABROAD,
        "Tags": [{"TagKey": "owner", "TagValue": "me"}],
    },
    "UpdatePrimaryRegion": lambda s: replicated(s),
    "Encrypt": lambda s: {"KeyId": s.key, "Plaintext": PLAINTEXT, "EncryptionContext": CONTEXT},
    "Decrypt": lambda s: {"CiphertextBlob": sealed(s.cmk), "EncryptionContext": CONTEXT},
    "ReEncrypt source": lambda s: re_encrypt(s.cmk, s.other),
    "ReEncrypt destination": lambda s: re_encrypt(s.other_cmk, s.key),
    "GenerateDataKey": lambda s: {"KeyId": s.key, "KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": lambda s: {"KeyId": s.key, "NumberOfBytes": 64},
    "GenerateDataKeyPair": lambda s: {"KeyId": s.key, "KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": lambda s: {
        "KeyId": s.key,
        "KeyPairSpec": "ECC_NIST_EDWARDS25519",
    },
    "GenerateRandom": lambda s: {"NumberOfBytes": 32},
    "Sign": lambda s: {"KeyId": s.key, **ECDSA},
    "Verify": lambda s: {"KeyId": s.key, "Signature": s.cmk.sign(PLAINTEXT), **ECDSA},
    "GenerateMac": lambda s: {"KeyId": s.key, **HMAC},
    "VerifyMac": lambda s: {"KeyId": s.key, "Mac": s.cmk.mac(PLAINTEXT), **HMAC},
    "GetPublicKey": lambda s: {"KeyId": s.key},
    "DeriveSharedSecret": lambda s: {
        "KeyId": s.key,
        "KeyAgreementAlgorithm": "ECDH",
        "PublicKey": s.other_cmk.public_key().der,
    },
    "Encapsulate": lambda s: {"KeyId": s.key, **ML_KEM},
    "Decapsulate": lambda s: {
        "KeyId": s.key,
        "SharedSecretCiphertextBlob": s.cmk.encapsulate().ciphertext,
        **ML_KEM,
    },
    "EnableKeyRotation": lambda s: {"KeyId": s.key, "RotationPeriodInDays": 90},
    "DisableKeyRotation": lambda s: rotating(s),
    "GetKeyRotationStatus": lambda s: rotating(s),
    "RotateKeyOnDemand": lambda s: {"KeyId": s.key},
    "ListKeyRotations": lambda s: rotated(s),
    "GetParametersForImport": lambda s: {
        "KeyId": s.key,
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "WrappingKeySpec": "RSA_2048",
    },
    "ImportKeyMaterial": lambda s: wrapped(s),
    "DeleteImportedKeyMaterial": lambda s: {"KeyId": s.key},
    "TagResource": lambda s: {"KeyId": s.key, "Tags": [{"TagKey": "owner", "TagValue": "me"}]},
    "UntagResource": lambda s: {"KeyId": s.key, "TagKeys": ["project"]},
    "ListResourceTags": lambda s: {"KeyId": s.key},
    "CreateAlias": lambda s: {"AliasName": f"{s.alias}-2", "TargetKeyId": s.key},
    "UpdateAlias old": lambda s: {"AliasName": s.alias, "TargetKeyId": s.other},
    "UpdateAlias new": lambda s: {"AliasName": s.other_alias, "TargetKeyId": s.key},
    "DeleteAlias": lambda s: {"AliasName": s.alias},
    "ListAliases": lambda s: {"KeyId": s.key},
    "GetKeyPolicy": lambda s: {"KeyId": s.key},
    "PutKeyPolicy": lambda s: {"KeyId": s.key, "Policy": POLICY},
    "ListKeyPolicies": lambda s: {"KeyId": s.key},
    "CreateGrant": lambda s: {"KeyId": s.key, **GRANT},
    "ListGrants": lambda s: {"KeyId": granted(s)["KeyId"]},
    "ListRetirableGrants": lambda s: granted(s) and {"RetiringPrincipal": BOB},
    "RetireGrant": lambda s: granted(s),
    "RevokeGrant": lambda s: granted(s),
    "CreateCustomKeyStore": lambda s: new_store(s.lab),
    "ConnectCustomKeyStore": lambda s: stored(s.lab),
    "DescribeCustomKeyStores": lambda s: stored(s.lab) and {},
    "UpdateCustomKeyStore": lambda s: {**stored(s.lab), "NewCustomKeyStoreName": "example"},
    "DisconnectCustomKeyStore": lambda s: stored(s.lab, connected=True),
    "DeleteCustomKeyStore": lambda s: stored(s.lab),
}


def new_store(lab: Lab) -> dict[str, Any]:
    """A store that does not exist yet; it is always the same one, since a lab may have ten."""
    for entry in lab.kms.describe_custom_key_stores()["CustomKeyStores"]:
        if entry["CustomKeyStoreName"] == "example":
            if entry["ConnectionState"] != "DISCONNECTED":
                lab.kms.disconnect_custom_key_store(CustomKeyStoreId=entry["CustomKeyStoreId"])
            lab.kms.delete_custom_key_store(CustomKeyStoreId=entry["CustomKeyStoreId"])
    cluster, password = lab._integrations.clusters.create(2, NOW, lab.caller.account)
    return {
        "CustomKeyStoreName": "example",
        "CloudHsmClusterId": cluster.id,
        "TrustAnchorCertificate": cluster.trust_anchor,
        "KeyStorePassword": password,
    }


def stored(lab: Lab, *, connected: bool = False) -> dict[str, Any]:
    """A store without keys, by its id."""
    created = lab.kms.create_custom_key_store(**new_store(lab))
    if connected:
        lab.create_key_store("example")
    return {"CustomKeyStoreId": created["CustomKeyStoreId"]}


def granted(scene: Scene) -> dict[str, Any]:
    """A grant on the key, by the key's ARN and the grant's id."""
    grant = scene.lab.kms.create_grant(KeyId=scene.key, **GRANT)
    return {"KeyId": scene.key, "GrantId": grant["GrantId"]}


def sealed(cmk: CMK) -> bytes:
    return cmk.encrypt(PLAINTEXT, CONTEXT)


def re_encrypt(source: CMK, destination: str) -> dict[str, Any]:
    return {
        "CiphertextBlob": sealed(source),
        "SourceEncryptionContext": CONTEXT,
        "DestinationKeyId": destination,
    }


def used(scene: Scene) -> dict[str, Any]:
    """About a key that has been used; of one that never was there is less to tell."""
    sealed(scene.cmk)
    return {"KeyId": scene.key}


def wrapped(scene: Scene) -> dict[str, Any]:
    """The key's own material again, which only a test can know."""
    if scene.store:  # its keys take none
        return {"KeyId": scene.key, "ImportToken": b"x", "EncryptedKeyMaterial": b"x"}
    found = store_of(scene.lab).get(Material, f"{scene.record().region}/{scene.record().material}")
    material = scene.lab.service.backings[Origin.EXTERNAL]._secret(found)
    parameters = scene.cmk.import_parameters()
    return {
        "KeyId": scene.key,
        "ImportToken": parameters.token,
        "EncryptedKeyMaterial": parameters.wrap(material),
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }


def rotating(scene: Scene) -> dict[str, Any]:
    if scene.record().origin is Origin.AWS_KMS:  # no other key can be rotated by the service
        scene.cmk.enable_rotation(90)
    return {"KeyId": scene.key}


def replicated(scene: Scene) -> dict[str, Any]:
    scene.cmk.replicate(ABROAD)
    scene.lab.clock.advance(seconds=2)  # until the replica is no longer Creating
    return {"KeyId": scene.key, "PrimaryRegion": ABROAD}


def rotated(scene: Scene) -> dict[str, Any]:
    if scene.store:
        return {"KeyId": scene.key}
    if scene.record().origin is Origin.EXTERNAL:
        scene.cmk.import_material(bytes(32), new=True)
    scene.cmk.rotate()
    assert scene.cmk.state is KeyState.ENABLED  # any call carries the rotation out
    return {"KeyId": scene.key}


@pytest.fixture(scope="session")
def new_scene() -> Callable[..., Scene]:
    """`new_scene(lab, "Sign")`: with keys of a kind that the operation is for.

    `new_scene(lab, "Encrypt", state)`: of keys that can be brought into this state.
    """
    return Scene.of


@pytest.fixture(scope="session")
def example() -> Callable[..., dict[str, Any]]:
    """`example(scene, "ReEncrypt", "source")`: a request that succeeds while the key is enabled."""

    def build(scene: Scene, operation: str, role: str = "") -> dict[str, Any]:
        names = [name for name in EXAMPLES if name.split() == [operation, *role.split()]]
        names += [name for name in EXAMPLES if not role and name.split()[0] == operation]
        if not names:
            named = f"{operation} {role}".strip()
            pytest.fail(f"{named} has no example request: add one to EXAMPLES in {__name__}.py")
        return EXAMPLES[names[0]](scene)

    return build
