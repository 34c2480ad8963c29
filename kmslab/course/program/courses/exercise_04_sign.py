"""04-sign: sign a report of any length."""

from hashlib import sha256

from kmslab import CMK


def sign_report(key: CMK, report: bytes) -> bytes:
    return key.sign(sha256(report).digest(), message_type="DIGEST")
