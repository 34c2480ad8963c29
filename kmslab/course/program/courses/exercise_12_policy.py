"""12-policy: read without `kms:Decrypt`, and write a policy that leaves no such way."""

from collections.abc import Mapping
from typing import Any

from kmslab import CMK
from kmslab.course import let
from kmslab.lab.view import View


def read_without_decrypt(web: View, key: CMK, blob: bytes, context: Mapping[str, str]) -> bytes:
    mine = web.create_cmk()
    moved = web.kms.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=mine.arn
    )
    return mine.decrypt(moved["CiphertextBlob"])


def portal_policy(sora: View, web: View, reader: View) -> list[dict[str, Any]]:
    return [
        let(sora, "kms:*"),
        let(web, "kms:GenerateDataKey"),
        let(reader, "kms:Decrypt"),
    ]
