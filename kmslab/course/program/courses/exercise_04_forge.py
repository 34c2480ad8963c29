"""04-forge: sign a report with a key of one's own, as a forger does."""

from kmslab import Lab, PublicKey


def forge(report: bytes) -> tuple[bytes, PublicKey]:
    mine = Lab().create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    return mine.sign(report), mine.public_key()
