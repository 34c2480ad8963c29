"""The AWS Encryption SDK itself, with the same keys as our keyrings."""

from typing import Any

import aws_encryption_sdk as sdk
from aws_encryption_sdk.caches.local import LocalCryptoMaterialsCache
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import (
    Algorithm,
    CommitmentPolicy,
    EncryptionKeyType,
    WrappingAlgorithm,
)
from aws_encryption_sdk.internal.crypto.wrapping_keys import WrappingKey
from aws_encryption_sdk.key_providers.base import MasterKeyProvider
from aws_encryption_sdk.key_providers.kms import StrictAwsKmsMasterKeyProvider
from aws_encryption_sdk.key_providers.raw import RawMasterKeyProvider
from aws_encryption_sdk.materials_managers.caching import CachingCryptoMaterialsManager
from cryptography.exceptions import InvalidSignature, InvalidTag

CLIENT = sdk.EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
OLD_CLIENT = sdk.EncryptionSDKClient(
    commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT
)
ALGORITHMS = {algorithm.algorithm_id: algorithm for algorithm in Algorithm}
AES = {
    16: WrappingAlgorithm.AES_128_GCM_IV12_TAG16_NO_PADDING,
    24: WrappingAlgorithm.AES_192_GCM_IV12_TAG16_NO_PADDING,
    32: WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
}
RSA = {
    "RSAES_OAEP_SHA_1": WrappingAlgorithm.RSA_OAEP_SHA1_MGF1,
    "RSAES_OAEP_SHA_256": WrappingAlgorithm.RSA_OAEP_SHA256_MGF1,
    "RSAES_OAEP_SHA_384": WrappingAlgorithm.RSA_OAEP_SHA384_MGF1,
    "RSAES_PKCS1_V1_5": WrappingAlgorithm.RSA_PKCS1,
    "RSAES_OAEP_SHA_512": WrappingAlgorithm.RSA_OAEP_SHA512_MGF1,
}


class Raw(RawMasterKeyProvider):
    """One raw key. The SDK looks it up by its name."""

    provider_id: str

    def _get_raw_key(self, key_id: object) -> WrappingKey:
        return self.wrapping_key


def _raw(namespace: str, name: str, wrapping_key: WrappingKey) -> Raw:
    class Own(Raw):
        provider_id = namespace

    provider = Own()
    provider.wrapping_key = wrapping_key
    provider.add_master_key(name)
    return provider


def aes(namespace: str, name: str, key: bytes) -> Raw:
    return _raw(namespace, name, WrappingKey(AES[len(key)], key, EncryptionKeyType.SYMMETRIC))


def rsa(namespace: str, name: str, pem: bytes, padding: str) -> Raw:
    return _raw(namespace, name, WrappingKey(RSA[padding], pem, EncryptionKeyType.PRIVATE))


class _Here(StrictAwsKmsMasterKeyProvider):
    """KMS keys of any Region, through one existing client."""

    client: Any

    def _client(self, key_id: str) -> Any:
        return self.client


def kms(client: Any, *arns: str) -> StrictAwsKmsMasterKeyProvider:
    provider = type("Here", (_Here,), {"client": client})
    return provider(key_ids=list(arns))


def caching(provider: MasterKeyProvider, **limits: Any) -> CachingCryptoMaterialsManager:
    return CachingCryptoMaterialsManager(
        master_key_provider=provider, cache=LocalCryptoMaterialsCache(10), **limits
    )


def encrypt(
    data: bytes, provider: MasterKeyProvider, context: dict[str, str], suite: int, frame: int
) -> bytes:
    """Frames of no length mean an unframed body."""
    message, _ = (CLIENT if ALGORITHMS[suite].is_committing() else OLD_CLIENT).encrypt(
        source=data,
        key_provider=provider,
        encryption_context=context,
        algorithm=ALGORITHMS[suite],
        frame_length=frame,
    )
    return message


def decrypt(message: bytes, provider: MasterKeyProvider) -> tuple[bytes, dict[str, str]]:
    plaintext, header = OLD_CLIENT.decrypt(source=message, key_provider=provider)
    return plaintext, header.encryption_context


def opens(message: bytes, provider: MasterKeyProvider) -> bool:
    """Whether the SDK opens it. After a refusal, its stream raises again when it is closed."""
    stream = OLD_CLIENT.stream(source=message, mode="d", key_provider=provider)
    try:
        stream.read()
    except (AWSEncryptionSDKClientError, InvalidTag, InvalidSignature):
        stream.footer = None  # otherwise closing raises, and Python 3.13 reports it
        return False
    return True
