# Written by scripts/contract.py. Each method makes one `Service.call`; kmslab/kms/table.py names
# the function that does the operation's own work.

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import SimpleNamespace
from typing import Any

from kmslab.kms.contract.callers import Caller
from kmslab.kms.service import Service

Blob = bytes | bytearray | memoryview | str  # a text is sent as UTF-8

class KmsClient:
    exceptions: SimpleNamespace

    def __init__(self, service: Service, caller: Caller) -> None: ...
    def cancel_key_deletion(
        self,
        *,
        KeyId: str,
    ) -> dict[str, Any]: ...
    def connect_custom_key_store(
        self,
        *,
        CustomKeyStoreId: str,
    ) -> dict[str, Any]: ...
    def create_alias(
        self,
        *,
        AliasName: str,
        TargetKeyId: str,
    ) -> dict[str, Any]: ...
    def create_custom_key_store(
        self,
        *,
        CustomKeyStoreName: str,
        CloudHsmClusterId: str | None = None,
        TrustAnchorCertificate: str | None = None,
        KeyStorePassword: str | None = None,
        CustomKeyStoreType: str | None = None,
        XksProxyUriEndpoint: str | None = None,
        XksProxyUriPath: str | None = None,
        XksProxyVpcEndpointServiceName: str | None = None,
        XksProxyVpcEndpointServiceOwner: str | None = None,
        XksProxyAuthenticationCredential: Mapping[str, Any] | None = None,
        XksProxyConnectivity: str | None = None,
    ) -> dict[str, Any]: ...
    def create_grant(
        self,
        *,
        KeyId: str,
        Operations: Sequence[str],
        GranteePrincipal: str | None = None,
        RetiringPrincipal: str | None = None,
        Constraints: Mapping[str, Any] | None = None,
        GrantTokens: Sequence[str] | None = None,
        Name: str | None = None,
        DryRun: bool | None = None,
        GranteeServicePrincipal: str | None = None,
        RetiringServicePrincipal: str | None = None,
    ) -> dict[str, Any]: ...
    def create_key(
        self,
        *,
        Policy: str | None = None,
        Description: str | None = None,
        KeyUsage: str | None = None,
        CustomerMasterKeySpec: str | None = None,
        KeySpec: str | None = None,
        Origin: str | None = None,
        CustomKeyStoreId: str | None = None,
        BypassPolicyLockoutSafetyCheck: bool | None = None,
        Tags: Sequence[Mapping[str, Any]] | None = None,
        MultiRegion: bool | None = None,
        XksKeyId: str | None = None,
    ) -> dict[str, Any]: ...
    def decapsulate(
        self,
        *,
        KeyId: str,
        SharedSecretCiphertextBlob: Blob,
        EncapsulationAlgorithm: str,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def decrypt(
        self,
        *,
        CiphertextBlob: Blob | None = None,
        EncryptionContext: Mapping[str, str] | None = None,
        GrantTokens: Sequence[str] | None = None,
        KeyId: str | None = None,
        EncryptionAlgorithm: str | None = None,
        Recipient: Mapping[str, Any] | None = None,
        DryRun: bool | None = None,
        DryRunModifiers: Sequence[str] | None = None,
    ) -> dict[str, Any]: ...
    def delete_alias(
        self,
        *,
        AliasName: str,
    ) -> dict[str, Any]: ...
    def delete_custom_key_store(
        self,
        *,
        CustomKeyStoreId: str,
    ) -> dict[str, Any]: ...
    def delete_imported_key_material(
        self,
        *,
        KeyId: str,
        KeyMaterialId: str | None = None,
    ) -> dict[str, Any]: ...
    def derive_shared_secret(
        self,
        *,
        KeyId: str,
        KeyAgreementAlgorithm: str,
        PublicKey: Blob,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
        Recipient: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]: ...
    def describe_custom_key_stores(
        self,
        *,
        CustomKeyStoreId: str | None = None,
        CustomKeyStoreName: str | None = None,
        Limit: int | None = None,
        Marker: str | None = None,
    ) -> dict[str, Any]: ...
    def describe_key(
        self,
        *,
        KeyId: str,
        GrantTokens: Sequence[str] | None = None,
    ) -> dict[str, Any]: ...
    def disable_key(
        self,
        *,
        KeyId: str,
    ) -> dict[str, Any]: ...
    def disable_key_rotation(
        self,
        *,
        KeyId: str,
    ) -> dict[str, Any]: ...
    def disconnect_custom_key_store(
        self,
        *,
        CustomKeyStoreId: str,
    ) -> dict[str, Any]: ...
    def enable_key(
        self,
        *,
        KeyId: str,
    ) -> dict[str, Any]: ...
    def enable_key_rotation(
        self,
        *,
        KeyId: str,
        RotationPeriodInDays: int | None = None,
    ) -> dict[str, Any]: ...
    def encapsulate(
        self,
        *,
        KeyId: str,
        EncapsulationAlgorithm: str,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def encrypt(
        self,
        *,
        KeyId: str,
        Plaintext: Blob,
        EncryptionContext: Mapping[str, str] | None = None,
        GrantTokens: Sequence[str] | None = None,
        EncryptionAlgorithm: str | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def generate_data_key(
        self,
        *,
        KeyId: str,
        EncryptionContext: Mapping[str, str] | None = None,
        NumberOfBytes: int | None = None,
        KeySpec: str | None = None,
        GrantTokens: Sequence[str] | None = None,
        Recipient: Mapping[str, Any] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def generate_data_key_pair(
        self,
        *,
        KeyId: str,
        KeyPairSpec: str,
        EncryptionContext: Mapping[str, str] | None = None,
        GrantTokens: Sequence[str] | None = None,
        Recipient: Mapping[str, Any] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def generate_data_key_pair_without_plaintext(
        self,
        *,
        KeyId: str,
        KeyPairSpec: str,
        EncryptionContext: Mapping[str, str] | None = None,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def generate_data_key_without_plaintext(
        self,
        *,
        KeyId: str,
        EncryptionContext: Mapping[str, str] | None = None,
        KeySpec: str | None = None,
        NumberOfBytes: int | None = None,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def generate_mac(
        self,
        *,
        Message: Blob,
        KeyId: str,
        MacAlgorithm: str,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def generate_random(
        self,
        *,
        NumberOfBytes: int | None = None,
        CustomKeyStoreId: str | None = None,
        Recipient: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]: ...
    def get_key_last_usage(
        self,
        *,
        KeyId: str,
    ) -> dict[str, Any]: ...
    def get_key_policy(
        self,
        *,
        KeyId: str,
        PolicyName: str | None = None,
    ) -> dict[str, Any]: ...
    def get_key_rotation_status(
        self,
        *,
        KeyId: str,
    ) -> dict[str, Any]: ...
    def get_parameters_for_import(
        self,
        *,
        KeyId: str,
        WrappingAlgorithm: str,
        WrappingKeySpec: str,
    ) -> dict[str, Any]: ...
    def get_public_key(
        self,
        *,
        KeyId: str,
        GrantTokens: Sequence[str] | None = None,
    ) -> dict[str, Any]: ...
    def import_key_material(
        self,
        *,
        KeyId: str,
        ImportToken: Blob,
        EncryptedKeyMaterial: Blob,
        ValidTo: datetime | None = None,
        ExpirationModel: str | None = None,
        ImportType: str | None = None,
        KeyMaterialDescription: str | None = None,
        KeyMaterialId: str | None = None,
    ) -> dict[str, Any]: ...
    def list_aliases(
        self,
        *,
        KeyId: str | None = None,
        Limit: int | None = None,
        Marker: str | None = None,
    ) -> dict[str, Any]: ...
    def list_grants(
        self,
        *,
        KeyId: str,
        Limit: int | None = None,
        Marker: str | None = None,
        GrantId: str | None = None,
        GranteePrincipal: str | None = None,
        GranteeServicePrincipal: str | None = None,
    ) -> dict[str, Any]: ...
    def list_key_policies(
        self,
        *,
        KeyId: str,
        Limit: int | None = None,
        Marker: str | None = None,
    ) -> dict[str, Any]: ...
    def list_key_rotations(
        self,
        *,
        KeyId: str,
        IncludeKeyMaterial: str | None = None,
        Limit: int | None = None,
        Marker: str | None = None,
    ) -> dict[str, Any]: ...
    def list_keys(
        self,
        *,
        Limit: int | None = None,
        Marker: str | None = None,
        ResourceOwners: Sequence[str] | None = None,
    ) -> dict[str, Any]: ...
    def list_resource_tags(
        self,
        *,
        KeyId: str,
        Limit: int | None = None,
        Marker: str | None = None,
    ) -> dict[str, Any]: ...
    def list_retirable_grants(
        self,
        *,
        Limit: int | None = None,
        Marker: str | None = None,
        RetiringPrincipal: str | None = None,
        RetiringServicePrincipal: str | None = None,
    ) -> dict[str, Any]: ...
    def put_key_policy(
        self,
        *,
        KeyId: str,
        Policy: str,
        PolicyName: str | None = None,
        BypassPolicyLockoutSafetyCheck: bool | None = None,
    ) -> dict[str, Any]: ...
    def re_encrypt(
        self,
        *,
        DestinationKeyId: str,
        CiphertextBlob: Blob | None = None,
        SourceEncryptionContext: Mapping[str, str] | None = None,
        SourceKeyId: str | None = None,
        DestinationEncryptionContext: Mapping[str, str] | None = None,
        SourceEncryptionAlgorithm: str | None = None,
        DestinationEncryptionAlgorithm: str | None = None,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
        DryRunModifiers: Sequence[str] | None = None,
    ) -> dict[str, Any]: ...
    def replicate_key(
        self,
        *,
        KeyId: str,
        ReplicaRegion: str,
        Policy: str | None = None,
        BypassPolicyLockoutSafetyCheck: bool | None = None,
        Description: str | None = None,
        Tags: Sequence[Mapping[str, Any]] | None = None,
    ) -> dict[str, Any]: ...
    def retire_grant(
        self,
        *,
        GrantToken: str | None = None,
        KeyId: str | None = None,
        GrantId: str | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def revoke_grant(
        self,
        *,
        KeyId: str,
        GrantId: str,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def rotate_key_on_demand(
        self,
        *,
        KeyId: str,
    ) -> dict[str, Any]: ...
    def schedule_key_deletion(
        self,
        *,
        KeyId: str,
        PendingWindowInDays: int | None = None,
    ) -> dict[str, Any]: ...
    def sign(
        self,
        *,
        KeyId: str,
        Message: Blob,
        SigningAlgorithm: str,
        MessageType: str | None = None,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def tag_resource(
        self,
        *,
        KeyId: str,
        Tags: Sequence[Mapping[str, Any]],
    ) -> dict[str, Any]: ...
    def untag_resource(
        self,
        *,
        KeyId: str,
        TagKeys: Sequence[str],
    ) -> dict[str, Any]: ...
    def update_alias(
        self,
        *,
        AliasName: str,
        TargetKeyId: str,
    ) -> dict[str, Any]: ...
    def update_custom_key_store(
        self,
        *,
        CustomKeyStoreId: str,
        NewCustomKeyStoreName: str | None = None,
        KeyStorePassword: str | None = None,
        CloudHsmClusterId: str | None = None,
        XksProxyUriEndpoint: str | None = None,
        XksProxyUriPath: str | None = None,
        XksProxyVpcEndpointServiceName: str | None = None,
        XksProxyVpcEndpointServiceOwner: str | None = None,
        XksProxyAuthenticationCredential: Mapping[str, Any] | None = None,
        XksProxyConnectivity: str | None = None,
    ) -> dict[str, Any]: ...
    def update_key_description(
        self,
        *,
        KeyId: str,
        Description: str,
    ) -> dict[str, Any]: ...
    def update_primary_region(
        self,
        *,
        KeyId: str,
        PrimaryRegion: str,
    ) -> dict[str, Any]: ...
    def verify(
        self,
        *,
        KeyId: str,
        Message: Blob,
        Signature: Blob,
        SigningAlgorithm: str,
        MessageType: str | None = None,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
    def verify_mac(
        self,
        *,
        Message: Blob,
        KeyId: str,
        MacAlgorithm: str,
        Mac: Blob,
        GrantTokens: Sequence[str] | None = None,
        DryRun: bool | None = None,
    ) -> dict[str, Any]: ...
