"""Two errors: `DecryptionError` for callers, `NotAMessage` for this package alone."""

from kmslab.display import PlainError

NOT_OPENED = (
    "This message does not open: it was changed or cut short, or kmslab does not read its format "
    "(AWS Encryption SDK, suites 0x0478 and 0x0578, framed). Fetch it again; "
    "envelope.inspect(message) shows what it claims to be."
)


class DecryptionError(PlainError):
    """This message does not open with the given keyrings. Use nothing of it.

    If a KMS refused, the text quotes its error, which is the `__cause__`. In all other cases there
    is one text and no cause, because each reason would help a forger's next attempt.
    """


class NotAMessage(Exception):
    """These bytes break the format. Only `inspect` shows the reason, because it has no secrets."""
