"""An e-mail with a signed report: it reached Busan on Friday, and the clinic did not send it."""

from typing import NamedTuple

from kmslab.crypto import PublicKey
from kmslab.kms.contract.specs import KeyUsage
from kmslab.lab.lab import Lab

BENIGN = (b",malignant,", b",benign,")


class Mail(NamedTuple):
    """A report, its signature, and the public key that was sent along."""

    report: bytes
    signature: bytes
    public: PublicKey


def forged_mail(record: bytes) -> Mail:
    """What a forger sends: the record with another diagnosis, signed in a KMS of his own."""
    report = record.replace(*BENIGN)
    with Lab() as forgers_lab:
        key = forgers_lab.create_cmk(spec="ECC_NIST_P256", usage=KeyUsage.SIGN_VERIFY)
        return Mail(report, key.sign(report), key.public_key())
