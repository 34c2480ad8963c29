"""The KMS keyrings of the AWS Encryption SDK for Python, each made for KMS keys of an endpoint.

Importing this takes seconds: the SDK's material providers come from Dafny.
"""

from collections.abc import Callable
from typing import Any

import aws_encryption_sdk as sdk
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl import models as asked
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_encryption_sdk.identifiers import AlgorithmSuite, CommitmentPolicy

MPL = AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())
CLIENT = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
OLD_CLIENT = sdk.EncryptionSDKClient(
    commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
)
HERE = "us-east-1"
SUITES = {suite.algorithm_id: suite for suite in AlgorithmSuite}
Keyring = Any
# A client of this Region, and the ARNs of the keys: the first makes the data key.
Maker = Callable[..., Keyring]


def strict(client: Any, arn: str) -> Keyring:
    return MPL.create_aws_kms_keyring(
        asked.CreateAwsKmsKeyringInput(kms_key_id=arn, kms_client=client)
    )


def strict_multi(client: Any, arn: str, *others: str) -> Keyring:
    """With the clients that the SDK makes by itself, from the environment."""
    return MPL.create_aws_kms_multi_keyring(
        asked.CreateAwsKmsMultiKeyringInput(generator=arn, kms_key_ids=list(others))
    )


def mrk(client: Any, arn: str) -> Keyring:
    return MPL.create_aws_kms_mrk_keyring(
        asked.CreateAwsKmsMrkKeyringInput(kms_key_id=arn, kms_client=client)
    )


def mrk_multi(client: Any, arn: str, *others: str) -> Keyring:
    return MPL.create_aws_kms_mrk_multi_keyring(
        asked.CreateAwsKmsMrkMultiKeyringInput(generator=arn, kms_key_ids=list(others))
    )


def discovery(client: Any, account: str = "", region: str = HERE) -> Keyring:
    return MPL.create_aws_kms_discovery_keyring(
        asked.CreateAwsKmsDiscoveryKeyringInput(kms_client=client, discovery_filter=_of(account))
    )


def discovery_multi(client: Any, account: str = "", region: str = HERE) -> Keyring:
    return MPL.create_aws_kms_discovery_multi_keyring(
        asked.CreateAwsKmsDiscoveryMultiKeyringInput(
            regions=[region], discovery_filter=_of(account)
        )
    )


def mrk_discovery(client: Any, account: str = "", region: str = HERE) -> Keyring:
    return MPL.create_aws_kms_mrk_discovery_keyring(
        asked.CreateAwsKmsMrkDiscoveryKeyringInput(
            kms_client=client, region=region, discovery_filter=_of(account)
        )
    )


def mrk_discovery_multi(client: Any, account: str = "", region: str = HERE) -> Keyring:
    return MPL.create_aws_kms_mrk_discovery_multi_keyring(
        asked.CreateAwsKmsMrkDiscoveryMultiKeyringInput(
            regions=[region], discovery_filter=_of(account)
        )
    )


def raw_aes(namespace: str, name: str, key: bytes) -> Keyring:
    return MPL.create_raw_aes_keyring(
        asked.CreateRawAesKeyringInput(
            key_namespace=namespace,
            key_name=name,
            wrapping_key=key,
            wrapping_alg=f"ALG_AES{8 * len(key)}_GCM_IV12_TAG16",
        )
    )


def raw_rsa(namespace: str, name: str, private: bytes, public: bytes, padding: str) -> Keyring:
    return MPL.create_raw_rsa_keyring(
        asked.CreateRawRsaKeyringInput(
            key_namespace=namespace,
            key_name=name,
            private_key=private,
            public_key=public,
            padding_scheme=padding,
        )
    )


def multi(generator: Keyring, *children: Keyring) -> Keyring:
    return MPL.create_multi_keyring(
        asked.CreateMultiKeyringInput(generator=generator, child_keyrings=list(children))
    )


def rsa(client: Any, arn: str, public_key: bytes) -> Keyring:
    """The public key seals here; only the KMS opens."""
    return MPL.create_aws_kms_rsa_keyring(
        asked.CreateAwsKmsRsaKeyringInput(
            kms_key_id=arn,
            kms_client=client,
            encryption_algorithm="RSAES_OAEP_SHA_256",
            public_key=public_key,
        )
    )


def ecdh(client: Any, arn: str, public_key: bytes, peer: bytes) -> Keyring:
    """A secret that the KMS derives seals the data key."""
    static = asked.KmsPrivateKeyToStaticPublicKeyInput(
        sender_kms_identifier=arn, sender_public_key=public_key, recipient_public_key=peer
    )
    return MPL.create_aws_kms_ecdh_keyring(
        asked.CreateAwsKmsEcdhKeyringInput(
            kms_client=client,
            curve_spec="ECC_NIST_P256",
            key_agreement_scheme=asked.KmsEcdhStaticConfigurationsKmsPrivateKeyToStaticPublicKey(
                value=static
            ),
        )
    )


def _of(account: str) -> asked.DiscoveryFilter | None:
    return asked.DiscoveryFilter(account_ids=[account], partition="aws") if account else None


STRICT: tuple[Maker, ...] = (strict, strict_multi, mrk, mrk_multi)
DISCOVERY: tuple[Maker, ...] = (discovery, discovery_multi, mrk_discovery, mrk_discovery_multi)


def seal(
    data: bytes, keyring: Keyring, context: dict[str, str], suite: int = 0x0578, frame: int = 4096
) -> bytes:
    """Frames of no length mean an unframed body."""
    message, _ = (CLIENT if SUITES[suite].is_committing() else OLD_CLIENT).encrypt(
        source=data,
        keyring=keyring,
        encryption_context=context,
        algorithm=SUITES[suite],
        frame_length=frame,
    )
    return message


def opened(message: bytes, keyring: Keyring) -> tuple[bytes, dict[str, str]]:
    data, header = OLD_CLIENT.decrypt(source=message, keyring=keyring)
    return data, header.encryption_context


def told(error: BaseException) -> str:
    """All that the SDK says of a failure: what its keyrings met is in a list."""
    met = getattr(error.args[0], "list", []) if error.args else []
    return "\n".join(map(str, (error, *met)))
