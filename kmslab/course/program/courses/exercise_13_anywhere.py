"""13-anywhere: seal with any client of any KMS, and move a sealed file from one to another."""

from typing import Any

from kmslab.course import lock, unlock

Sealed = tuple[bytes, bytes]  # the encrypted data key, and the box


def seal_for(kms: Any, key_id: str, name: str, data: bytes) -> Sealed:
    context = {"file": name}
    made = kms.generate_data_key(KeyId=key_id, KeySpec="AES_256", EncryptionContext=context)
    return made["CiphertextBlob"], lock(data, made["Plaintext"])


def unseal_for(kms: Any, key_id: str, name: str, sealed: Sealed) -> bytes:
    encrypted, box = sealed
    context = {"file": name}
    answer = kms.decrypt(KeyId=key_id, CiphertextBlob=encrypted, EncryptionContext=context)
    return unlock(box, answer["Plaintext"])


def move(old: Any, old_id: str, new: Any, new_id: str, name: str, sealed: Sealed) -> Sealed:
    return seal_for(new, new_id, name, unseal_for(old, old_id, name, sealed))
