"""06-older: find the blobs that need an older material than the key's current one."""

from collections.abc import Iterable

from kmslab import CMK


def older(key: CMK, blobs: Iterable[bytes]) -> list[bytes]:
    current, decrypt = key.metadata["CurrentKeyMaterialId"], key.lab.kms.decrypt
    return [blob for blob in blobs if decrypt(CiphertextBlob=blob)["KeyMaterialId"] != current]
