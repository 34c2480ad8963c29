"""A walk over all operations with a boto3 client, however it reaches the lab."""

from typing import Any

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from kmslab import Lab
from kmslab.kms.table import TABLE


def every_operation(kms: Any, lab: Lab) -> None:
    """Each operation that is built succeeds at least once, and nothing else is called."""
    key = kms.create_key(Description="orders")["KeyMetadata"]["Arn"]
    other = kms.create_key()["KeyMetadata"]["Arn"]
    kms.update_key_description(KeyId=key, Description="all orders")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "all orders"
    assert {entry["KeyArn"] for entry in kms.list_keys()["Keys"]} == {key, other}

    context = {"order": "17"}
    sealed = kms.encrypt(KeyId=key, Plaintext=b"card", EncryptionContext=context)
    blob = sealed["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"card"
    moved = kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=other
    )
    assert (moved["SourceKeyId"], moved["KeyId"]) == (key, other)
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    opened = kms.decrypt(CiphertextBlob=data_key["CiphertextBlob"])
    assert opened["Plaintext"] == data_key["Plaintext"]
    assert "Plaintext" not in kms.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=16)
    assert len(kms.generate_random(NumberOfBytes=24)["Plaintext"]) == 24

    kms.create_alias(AliasName="alias/orders", TargetKeyId=key)
    kms.update_alias(AliasName="alias/orders", TargetKeyId=other)
    named = [alias["AliasName"] for alias in kms.list_aliases(KeyId=other)["Aliases"]]
    assert named == ["alias/orders"]
    kms.delete_alias(AliasName="alias/orders")

    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    policy = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    kms.put_key_policy(KeyId=key, PolicyName="default", Policy=policy)

    alice = lab.user("alice").caller.principal
    terms = {"KeyId": key, "GranteePrincipal": alice, "Operations": ["Encrypt"]}
    grant = kms.create_grant(**terms, RetiringPrincipal=alice)
    (shown,) = kms.list_grants(KeyId=key)["Grants"]
    assert kms.list_retirable_grants(RetiringPrincipal=alice)["Grants"] == [shown]
    kms.revoke_grant(KeyId=key, GrantId=grant["GrantId"])
    kms.retire_grant(GrantToken=kms.create_grant(**terms)["GrantToken"])

    use_keys_that_are_not_symmetric(kms)
    pair = kms.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256")
    private = kms.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])
    assert private["Plaintext"] == pair["PrivateKeyPlaintext"]
    pair = kms.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ML_KEM_768")
    assert "PrivateKeyPlaintext" not in pair

    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "1"}])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "a", "TagValue": "1"}]
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=90)
    assert kms.get_key_rotation_status(KeyId=key)["NextRotationDate"] > lab.clock.now()
    kms.disable_key_rotation(KeyId=key)
    kms.rotate_key_on_demand(KeyId=key)
    (rotation,) = kms.list_key_rotations(KeyId=key)["Rotations"]
    assert (rotation["RotationType"], rotation["KeyMaterialState"]) == ("ON_DEMAND", "CURRENT")
    assert kms.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == b"card"
    import_key_material(kms)
    assert kms.get_key_last_usage(KeyId=key)["KeyLastUsage"]["Operation"] == "Decrypt"

    kms.disable_key(KeyId=key)
    kms.enable_key(KeyId=key)
    assert kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)["KeyId"] == key
    assert kms.cancel_key_deletion(KeyId=key)["KeyId"] == key

    replicate(kms, lab)
    keep_elsewhere(kms, lab)
    own_acts = {"RotateKey", "SynchronizeMultiRegionKey"}
    assert {event["eventName"] for event in lab.trail} == {*TABLE, *own_acts}


def replicate(kms: Any, lab: Lab) -> None:
    key = kms.create_key(MultiRegion=True)["KeyMetadata"]["KeyId"]
    answer = kms.replicate_key(KeyId=key, ReplicaRegion="eu-west-1")
    assert answer["ReplicaKeyMetadata"]["KeyState"] == "Creating"
    lab.clock.advance(seconds=2)
    kms.update_primary_region(KeyId=key, PrimaryRegion="eu-west-1")
    shown = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (shown["KeyState"], shown["MultiRegionConfiguration"]["PrimaryKey"]["Region"]) == (
        "Updating",
        "eu-west-1",
    )
    lab.clock.advance(seconds=2)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def import_key_material(kms: Any) -> None:
    """As a client does it, with a cryptographic library of its own."""
    own = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]
    assert own["KeyState"] == "PendingImport"
    asked = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
    given = kms.get_parameters_for_import(KeyId=own["KeyId"], **asked)
    oaep = padding.OAEP(padding.MGF1(SHA256()), SHA256(), None)
    wrapped = load_der_public_key(given["PublicKey"]).encrypt(bytes(range(32)), oaep)
    terms = {"ExpirationModel": "KEY_MATERIAL_EXPIRES", "ValidTo": given["ParametersValidTo"]}
    imported = kms.import_key_material(
        KeyId=own["KeyId"], ImportToken=given["ImportToken"], EncryptedKeyMaterial=wrapped, **terms
    )
    shown = kms.describe_key(KeyId=own["KeyId"])["KeyMetadata"]
    assert shown["CurrentKeyMaterialId"] == imported["KeyMaterialId"]
    assert (shown["KeyState"], shown["ValidTo"]) == ("Enabled", given["ParametersValidTo"])
    kms.encrypt(KeyId=own["KeyId"], Plaintext=b"card")
    deleted = kms.delete_imported_key_material(KeyId=own["KeyId"])
    assert deleted == imported | {"ResponseMetadata": deleted["ResponseMetadata"]}
    assert kms.describe_key(KeyId=own["KeyId"])["KeyMetadata"]["KeyState"] == "PendingImport"


def use_keys_that_are_not_symmetric(kms: Any) -> None:
    def create(spec: str, usage: str) -> str:
        return str(kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"])

    asked = {"KeyId": create("ECC_NIST_P256", "SIGN_VERIFY"), "SigningAlgorithm": "ECDSA_SHA_256"}
    signature = kms.sign(Message=b"report", **asked)["Signature"]
    assert kms.verify(Message=b"report", Signature=signature, **asked)["SignatureValid"] is True

    asked = {"KeyId": create("HMAC_256", "GENERATE_VERIFY_MAC"), "MacAlgorithm": "HMAC_SHA_256"}
    mac = kms.generate_mac(Message=b"report", **asked)["Mac"]
    assert kms.verify_mac(Message=b"report", Mac=mac, **asked)["MacValid"] is True

    sides = [create("ECC_NIST_P384", "KEY_AGREEMENT") for _ in range(2)]
    public = [kms.get_public_key(KeyId=side)["PublicKey"] for side in sides]
    secrets = [
        kms.derive_shared_secret(KeyId=side, KeyAgreementAlgorithm="ECDH", PublicKey=peer)
        for side, peer in zip(sides, reversed(public), strict=True)
    ]
    assert secrets[0]["SharedSecret"] == secrets[1]["SharedSecret"]

    lattice = create("ML_KEM_768", "ENCAPSULATE_DECAPSULATE")
    asked = {"KeyId": lattice, "EncapsulationAlgorithm": "ML_KEM"}
    sent = kms.encapsulate(**asked)
    got = kms.decapsulate(SharedSecretCiphertextBlob=sent["SharedSecretCiphertextBlob"], **asked)
    assert got["SharedSecret"] == sent["SharedSecret"]


def keep_elsewhere(kms: Any, lab: Lab) -> None:
    """A key in a CloudHSM key store, of a cluster that the lab simulates."""
    cluster, password = lab._integrations.clusters.create(2, lab.clock.now())
    store = kms.create_custom_key_store(
        CustomKeyStoreName="vault",
        CloudHsmClusterId=cluster.id,
        TrustAnchorCertificate=cluster.trust_anchor,
        KeyStorePassword=password,
    )["CustomKeyStoreId"]
    kms.update_custom_key_store(CustomKeyStoreId=store, NewCustomKeyStoreName="safe")
    kms.connect_custom_key_store(CustomKeyStoreId=store)
    lab.clock.advance(seconds=5)
    (shown,) = kms.describe_custom_key_stores(CustomKeyStoreName="safe")["CustomKeyStores"]
    assert (shown["CustomKeyStoreId"], shown["ConnectionState"]) == (store, "CONNECTED")
    assert len(kms.generate_random(NumberOfBytes=24, CustomKeyStoreId=store)["Plaintext"]) == 24
    kms.disconnect_custom_key_store(CustomKeyStoreId=store)
    kms.delete_custom_key_store(CustomKeyStoreId=store)
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == []
