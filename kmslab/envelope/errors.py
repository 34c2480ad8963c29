"""Two errors: `DecryptionError` for callers, `NotAMessage` for this package alone."""

from kmslab.display import PlainError

NOT_OPENED = (
    "This message does not open: it was changed or cut short, or it is not a message in the format "
    "of the AWS Encryption SDK. Fetch it again; "
    "envelope.inspect(message) shows what it claims to be."
)

SIGNED = (
    "This message is signed, and a stream's plaintext is written before the signature at its end "
    "is verified. Use decrypt_file or decrypt, which wait for it; or pass unverified=True, and "
    "throw the output away if an error follows."
)

UNFRAMED = (
    "This message has one block of more than 2 GiB, and none of it can be verified before its end. "
    "Use decrypt_file; or pass unverified=True, and throw the output away if an error follows."
)


class DecryptionError(PlainError):
    """This message does not open with the given keyrings. Use nothing of it.

    If a KMS refused, the text quotes its error, which is the `__cause__`. If your `Policy` or your
    expected context refused what the header shows, the text says so. In all other cases there is
    one text and no cause, because each reason would help a forger's next attempt.
    """


class NotAMessage(Exception):
    """These bytes break the format. Only `inspect` shows the reason, because it has no secrets."""
