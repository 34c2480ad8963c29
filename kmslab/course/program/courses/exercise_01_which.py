"""01-which: ask the KMS which key encrypted a blob."""

from kmslab.lab.view import View


def which_key(lab: View, blob: bytes) -> str:
    arn: str = lab.kms.decrypt(CiphertextBlob=blob)["KeyId"]
    return arn
