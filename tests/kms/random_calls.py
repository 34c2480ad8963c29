"""Calls at random, made from the contract and of what earlier calls answered.

The values are those that a client has in its hands: keys of all origins and Regions, blobs, tokens,
grants, wrapped material, key stores, attestation documents. They are often of the wrong kind.
"""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

from kmslab import Lab, allow
from kmslab.crypto import Malformed
from kmslab.crypto.wrapping import wrap
from kmslab.enclave import Enclave
from kmslab.kms.arn import as_arn
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Key
from kmslab.kms.contract.shapes import Shape
from kmslab.kms.contract.specs import KEY_SPECS, SYMMETRIC_DEFAULT, KeyKind, KeyUsage
from tests.kms.key_stores.proxies import Send, Unreliable, honest, http
from tests.kms.operations.brought import material

REGIONS = ("us-east-1", "eu-west-1", "ap-northeast-2")
OTHER = "444455556666"
RECENT = 30  # values of each kind that are used again
# Called more often than the rest, so that there is something to be wrong about.
OFTEN = (
    *["CreateKey", "Encrypt", "Decrypt", "ReEncrypt", "ReplicateKey", "UpdatePrimaryRegion"] * 3,
    *["GetParametersForImport", "ImportKeyMaterial", "RotateKeyOnDemand", "CancelKeyDeletion"] * 4,
    *["ConnectCustomKeyStore", "EnableKey", "CreateGrant", "GenerateDataKey"] * 3,
)
SELDOM = ("ScheduleKeyDeletion", "DisableKey", "DeleteCustomKeyStore", "PutKeyPolicy")
SPECS = (
    *[SYMMETRIC_DEFAULT] * 6,
    *("HMAC_256", "RSA_2048", "ECC_NIST_P256", "ECC_NIST_EDWARDS25519", "ML_DSA_44", "ML_KEM_768"),
)
USAGES: dict[str, KeyUsage] = {
    "EncryptionAlgorithm": KeyUsage.ENCRYPT_DECRYPT,
    "SigningAlgorithm": KeyUsage.SIGN_VERIFY,
    "MacAlgorithm": KeyUsage.GENERATE_VERIFY_MAC,
    "KeyAgreementAlgorithm": KeyUsage.KEY_AGREEMENT,
    "EncapsulationAlgorithm": KeyUsage.ENCAPSULATE_DECAPSULATE,
}
# Members of answers, and the members of requests that take them: by the pool's name.
KEPT = {
    **{name: name for name in ("CiphertextBlob", "Signature", "Mac", "PublicKey")},
    **{name: name for name in ("GrantId", "GrantToken", "ImportToken", "KeyMaterialId")},
    "PrivateKeyCiphertextBlob": "CiphertextBlob",
    "SharedSecretCiphertextBlob": "SharedSecretCiphertextBlob",
    "CustomKeyStoreId": "CustomKeyStoreId",
    "NextMarker": "Marker",
}
POOLS = {
    **dict.fromkeys(("SourceKeyId", "DestinationKeyId", "TargetKeyId"), "KeyId"),
    **dict.fromkeys(
        ("EncryptionContextEquals", "EncryptionContextSubset", "SourceEncryptionContext"),
        "EncryptionContext",
    ),
    "DestinationEncryptionContext": "EncryptionContext",
    "RetiringPrincipal": "GranteePrincipal",
}
SHARES = {  # of the requests that have the member
    "KeyId": 0.95,
    "DryRun": 0.05,
    "CustomKeyStoreId": 0.4,
    "Origin": 0.5,
    "MultiRegion": 0.5,
    "EncryptionAlgorithm": 0.1,
    "BypassPolicyLockoutSafetyCheck": 0.3,
    "GrantTokens": 0.05,
    "Policy": 0.05,
    "CustomerMasterKeySpec": 0.02,
    "Marker": 0.05,
    "EncryptionContext": 0.3,
    "EncryptionContextEquals": 0.2,
}
VALUES: dict[str, tuple[Any, ...]] = {
    "ReplicaRegion": REGIONS,
    "PrimaryRegion": REGIONS,
    "PendingWindowInDays": (7, 8, 30, 6),
    "RotationPeriodInDays": (90, 365),
    "KeySpec": (*SPECS, "AES_256", "SM2"),
    "KeyPairSpec": ("RSA_2048", "ECC_NIST_P256", "ECC_SECG_P256K1", "SM2"),
    "WrappingKeySpec": ("RSA_2048",),
    "Origin": ("AWS_KMS", "EXTERNAL", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"),
    "CustomKeyStoreName": ("vault", "cluster", "third"),
    "NewCustomKeyStoreName": ("vault", "cluster", "fourth"),
    "XksProxyUriPath": ("/kms/xks/v1", "/other/kms/xks/v1"),
}
TEXTS = ("x", "alias/z", "0" * 64, "mrk-" + "0" * 32)
FAULTS: tuple[Send, ...] = (
    lambda connection, status, answer: connection.sendall(http(500, b"{}")),
    lambda connection, status, answer: connection.sendall(http(200, b'{"ciphertext": 7}')),
    lambda connection, status, answer: connection.sendall(b"nonsense"),
)


class Calls:
    """A lab, what its answers held so far, and one call at random after another."""

    def __init__(self, lab: Lab, proxy: Unreliable, credential: tuple[str, str], seed: int) -> None:
        self.lab, self.proxy, self.credential = lab, proxy, credential
        self.random = random.Random(seed)
        self.outcomes: dict[str, set[str]] = {}  # by operation: the errors, and "" for success
        self.wrapping: list[tuple[str, bytes, bytes, str]] = []  # key, token, public key, algorithm
        self.signed: list[dict[str, Any]] = []  # requests to Verify that may succeed
        self.secrets: set[bytes] = set()  # what no event may hold
        self.enclave = Enclave(lab, b"image")
        alice, bob = lab.user("alice", allow("kms:*")), lab.user("bob")
        other = lab.account(OTHER)
        views = [*[lab] * 6, alice, bob, other]
        self.views = [view.region(region) for view in views for region in REGIONS]
        name, secret = credential
        here = proxy.url.removesuffix("/kms/xks/v1")
        self.pools: dict[str, list[Any]] = {
            "GranteePrincipal": [bob.caller.principal, other.caller.principal],
            "Operations": [["Encrypt", "Decrypt"], ["CreateGrant", "DescribeKey", "RetireGrant"]],
            "EncryptionContext": [{}, {"a": "1"}, {"a": "1", "b": "2"}],
            "Policy": [lab.kms.get_key_policy(KeyId=lab.create_cmk().arn)["Policy"]],
            "Message": [b"m" * 32, b"x"],
            "Plaintext": [b"p", b"q" * 190],
            "TagKeys": [["a"], ["b"]],
            "Tags": [[{"TagKey": "a", "TagValue": "1"}]],
            "XksKeyId": ["patients", "patients", "gone"],
            "AliasName": [f"alias/{name}" for name in "abc"],
            "XksProxyAuthenticationCredential": [
                {"AccessKeyId": name, "RawSecretAccessKey": secret}
            ],
            "XksProxyUriEndpoint": [
                here,
                here.replace("127.0.0.1", "localhost"),
                "http://localhost:99999",
            ],
        }
        self.secrets.add(secret.encode())
        proxy.send = honest  # an earlier walk may have left it at fault
        self._stores()

    def one(self) -> None:
        """The next call, and before it at times another state of the world."""
        self._world()
        name = self.random.choice([*MODEL.operations, *OFTEN])
        if name in SELDOM and self._often(0.6):
            return
        shape = MODEL.operations[name].input
        request = self._structure(shape) if shape else {}
        if name == "ImportKeyMaterial" and self.wrapping:
            self._bring(request)
        elif name == "Verify" and self.signed and self._often(0.5):
            request = self.random.choice(self.signed[-RECENT:])
        elif name == "RetireGrant" and "GrantToken" in self.pools and self._often(0.5):
            request = {"GrantToken": self.random.choice(self.pools["GrantToken"][-RECENT:])}
        elif shape and self._often(0.9):
            self._fit(shape, request)
        view = self.random.choice(self.views)
        arn = as_arn(str(request.get("KeyId") or request.get("TargetKeyId")))
        if arn and self._often(0.9):  # otherwise it may be another Region's
            view = view.region(arn.region)
        outcomes = self.outcomes.setdefault(name, set())
        try:
            answer = getattr(view.kms, MODEL.operations[name].snake_name)(**request)
        except KMSError as error:
            outcomes.add(error.code)
            error.add_note(f"{name} of {request}")
            raise
        outcomes.add("")
        MODEL.operations[name].encode(answer)
        self._remember(name, request, answer)

    def _world(self) -> None:
        if self._often(0.08):
            some = {"seconds": 2} if self._often(0.6) else {"days": self.random.choice([1, 8, 91])}
            self.lab.clock.advance(**some)
        if self._often(0.02):
            recipient = self.enclave.recipient
            self.pools["Recipient"] = [recipient, recipient, {}]
            self.secrets.add(bytes(recipient["AttestationDocument"]))  # type: ignore[call-overload]
        if self._often(0.05):
            self.proxy.send = self.random.choice([honest, honest, *FAULTS])
        if self._often(0.01):
            with suppress(KMSError):  # the proxy may be at fault
                self._stores()

    def _stores(self) -> None:
        vault = self.lab.create_key_store("vault", self.proxy.url, self.credential)
        cluster = self.lab.create_key_store("cluster")
        self.pools.setdefault("CustomKeyStoreId", [])[:2] = [vault.id, cluster.id]

    def _often(self, share: float) -> bool:
        return self.random.random() < share

    # ---------------------------------------------------------------------------- requests

    def _structure(self, shape: Shape) -> dict[str, Any]:
        usual = {name: 0.97 if name in shape.required else 0.2 for name in shape.members} | SHARES
        chosen = {
            name: self._value(name, inner)
            for name, inner in shape.members.items()
            if self._often(usual[name])
        }
        if "CustomerMasterKeySpec" in shape.members and self._often(0.8):
            self._sensible_key(chosen)
        if "XksProxyConnectivity" in shape.members and self._often(0.7):
            self._sensible_store(chosen)
        return chosen

    def _sensible_key(self, request: dict[str, Any]) -> None:
        """CreateKey as it would mostly be called."""
        if "CustomKeyStoreId" not in request:
            request.pop("XksKeyId", None)
            if request.get("Origin") not in ("AWS_KMS", "EXTERNAL"):
                request.pop("Origin", None)
            spec = KEY_SPECS.get(request.get("KeySpec", SYMMETRIC_DEFAULT))
            request["KeyUsage"] = self.random.choice(list(spec.algorithms if spec else KeyUsage))
            return
        external = request["CustomKeyStoreId"] == self.pools["CustomKeyStoreId"][0]
        for name in ("KeySpec", "KeyUsage", "CustomerMasterKeySpec", "MultiRegion", "XksKeyId"):
            request.pop(name, None)
        request["Origin"] = "EXTERNAL_KEY_STORE" if external else "AWS_CLOUDHSM"
        request |= {"XksKeyId": "patients"} if external else {}

    def _sensible_store(self, request: dict[str, Any]) -> None:
        """An external key store, as it would mostly be created or changed."""
        for name in ("CloudHsmClusterId", "TrustAnchorCertificate", "KeyStorePassword"):
            request.pop(name, None)
        for name in ("XksProxyVpcEndpointServiceName", "XksProxyVpcEndpointServiceOwner"):
            request.pop(name, None)
        if "CustomKeyStoreName" in request:
            for name in ("XksProxyUriEndpoint", "XksProxyAuthenticationCredential"):
                request[name] = self.random.choice(self.pools[name][:2])
            request["XksProxyUriPath"] = "/kms/xks/v1"
            request |= {"CustomKeyStoreType": "EXTERNAL_KEY_STORE"}
        request["XksProxyConnectivity"] = "PUBLIC_ENDPOINT"

    def _fit(self, shape: Shape, request: dict[str, Any]) -> None:
        """Keys that exist, mostly of the right usage, and one of their algorithms."""
        wanted = [usage for name, usage in USAGES.items() if name in shape.members]
        keys = [key for key in self.lab._store.all(Key) if not wanted or key.usage in wanted]
        for member in [name for name in request if POOLS.get(name, name) == "KeyId"]:
            if not keys or self._often(0.2):
                continue
            key = self.random.choice(keys)
            request[member] = self.random.choice([key.arn, key.arn, key.arn, key.id])
            prefix = member.removesuffix("KeyId")
            for name, usage in USAGES.items():
                if key.usage is usage and prefix + name in shape.members:
                    algorithms = KEY_SPECS[key.spec].algorithms[usage]
                    request[prefix + name] = self.random.choice(algorithms)
            if KEY_SPECS[key.spec].kind is not KeyKind.SYMMETRIC:
                request.pop(f"{prefix}EncryptionContext", None)

    def _value(self, member: str, shape: Shape) -> Any:
        pool = self.pools.get(POOLS.get(member, member)) or VALUES.get(member) or shape.enum
        if pool and self._often(0.97):
            return self.random.choice(pool[-RECENT:])
        days = self.random.choice([-1, 0, 1, 8, 400])
        kinds: dict[str, Callable[[], Any]] = {
            "structure": lambda: self._structure(shape),
            "list": lambda: [self._value(member[:-1], shape.member)] if shape.member else [],
            "map": lambda: {"a": "1"},
            "integer": lambda: self.random.choice([1, 7, 30, 32, 90, 1000]),
            "boolean": lambda: self._often(0.5),
            "blob": lambda: self.random.randbytes(self.random.choice([1, 60, 150])),
            "timestamp": lambda: self.lab.clock.now() + timedelta(days=days),
            "string": lambda: self.random.choice(shape.enum or TEXTS),
        }
        return kinds[shape.kind]()

    def _bring(self, request: dict[str, Any]) -> None:
        """Material that was wrapped for a key, mostly the first of its spec."""
        arn, token, public, algorithm = self.random.choice(self.wrapping[-RECENT:])
        key = self.lab._store.get(Key, arn)
        if key is None:
            return
        number = 0 if key.spec.startswith("RSA_") else self.random.choice([0, 0, 0, 1, 2])
        with suppress(Malformed):  # it cannot be wrapped in this way
            request["EncryptedKeyMaterial"] = wrap(public, material(key.spec, number), algorithm)
            self.secrets.add(bytes(request["EncryptedKeyMaterial"]))
        request |= {"KeyId": arn, "ImportToken": token}
        for member in ("KeyMaterialId", "ImportType", "KeyMaterialDescription"):
            if self._often(0.7):
                request.pop(member, None)
        if self._often(0.6):
            request["ExpirationModel"] = "KEY_MATERIAL_DOES_NOT_EXPIRE"
            request.pop("ValidTo", None)

    # ----------------------------------------------------------------------------- answers

    def _remember(self, name: str, request: dict[str, Any], answer: dict[str, Any]) -> None:
        for member, value in answer.items():
            if member in KEPT:
                self.pools.setdefault(KEPT[member], []).append(value)
        self._remember_keys(name, request, answer)
        if name == "Sign":
            self.signed.append(request | {"Signature": answer["Signature"]})
        for entry in answer.get("Rotations", ()):
            self.pools.setdefault("KeyMaterialId", []).append(entry["KeyMaterialId"])
        if name == "GetParametersForImport":
            token = answer["ImportToken"]
            self.secrets.add(bytes(token))
            algorithm = request["WrappingAlgorithm"]
            self.wrapping.append((answer["KeyId"], token, answer["PublicKey"], algorithm))

    def _remember_keys(self, name: str, request: dict[str, Any], answer: dict[str, Any]) -> None:
        keys = self.pools.setdefault("KeyId", ["alias/aws/s3"])
        for shown in ("KeyMetadata", "ReplicaKeyMetadata"):
            if shown in answer:
                keys += [answer[shown]["Arn"], answer[shown]["KeyId"]]
        if name == "CreateAlias":
            keys.append(request["AliasName"])
