"""Why a message does not open: one class for callers, one for the reader's own use."""

from kmslab.display import PlainError

NOT_OPENED = (
    "This message does not open: it was changed, cut short, or is none that kmslab reads (AWS "
    "Encryption SDK, suites 0x0478 and 0x0578, framed). Fetch it again from where it is kept; "
    "envelope.inspect(message) shows what it claims to be."
)


class DecryptionError(PlainError):
    """This message does not open with what was given, and nothing of it may be used.

    A KMS's own refusal is quoted, and is the `__cause__`. Whatever was changed, cut short or never
    a message gets one text, without a cause: each reason helps a forger's next try.
    """


class NotAMessage(Exception):
    """These bytes leave the format. The reason is for `inspect`, which has no secrets to keep."""
