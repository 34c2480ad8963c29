"""What DescribeKey and CreateKey say about a key."""

from typing import Any

from kmslab.kms.arn import known_arn
from kmslab.kms.contract.importing import ExpirationModel
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import Key, Reader
from kmslab.kms.contract.specs import (
    ALGORITHMS_MEMBER,
    KEY_SPECS,
    MULTI_REGION_TYPES,
    KeyKind,
    Origin,
    Reach,
)
from kmslab.kms.contract.states import KeyState


def metadata(records: Reader, key: Key, state: KeyState) -> dict[str, Any]:
    """AWS's KeyMetadata, without the members that do not apply to this key, shown in `state`."""
    spec = KEY_SPECS[key.spec]
    symmetric = spec.kind is KeyKind.SYMMETRIC
    shown = {
        "AWSAccountId": key.account,
        "KeyId": key.id,
        "Arn": key.arn,
        "CreationDate": key.created,
        "Enabled": state is KeyState.ENABLED,
        "Description": key.description,
        "KeyUsage": key.usage,
        "KeyState": state,
        "DeletionDate": key.deletion_date,
        "PendingDeletionWindowInDays": key.deletion_days or None,
        "Origin": key.origin,
        "KeyManager": key.manager,
        "CustomerMasterKeySpec": key.spec,
        "KeySpec": key.spec,
        ALGORITHMS_MEMBER[key.usage]: list(spec.algorithms[key.usage]),
        "MultiRegion": key.reach is not Reach.SINGLE_REGION,
        "MultiRegionConfiguration": _configuration(records, key) if key.primary_arn else None,
        "CurrentKeyMaterialId": key.material if symmetric and not key.store else None,
        **(_place(records, key) if key.store else {}),
    }
    if key.origin is Origin.EXTERNAL:
        shown |= {"ValidTo": key.expires, "ExpirationModel": ExpirationModel.of(key.expires)}
    if key.lacks_material:
        shown |= dict.fromkeys(("CurrentKeyMaterialId", "ValidTo", "ExpirationModel"))
    return {member: value for member, value in shown.items() if value is not None}


def _configuration(records: Reader, key: Key) -> dict[str, Any]:
    """All related keys as AWS lists them. The key itself may be about to be stored, and another
    call may have moved the primary since it was read."""
    related = {each.arn for each in records.find(Key, primary_arn=key.primary_arn)} | {key.arn}
    return {
        "MultiRegionKeyType": MULTI_REGION_TYPES[key.reach],
        "PrimaryKey": _related(key.primary_arn),
        "ReplicaKeys": [_related(arn) for arn in sorted(related - {key.primary_arn})],
    }


def _related(arn: str) -> dict[str, str]:
    return {"Arn": arn, "Region": known_arn(arn).region}


def _place(records: Reader, key: Key) -> dict[str, Any]:
    """Which custom key store the key is in, and what it stands on there."""
    store = records.get(KeyStore, key.store)
    return {
        "CustomKeyStoreId": key.store.rpartition("/")[2],
        "CloudHsmClusterId": (store.cluster or None) if store else None,
        "XksKeyConfiguration": {"Id": key.external_key} if key.external_key else None,
    }
