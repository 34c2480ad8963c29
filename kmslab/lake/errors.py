"""One error for data that is not sealed or does not open."""

from kmslab.display import PlainError


class LakeError(PlainError):
    """The data set cannot be written or read with these keys, or a file of it was changed.

    If the KMS refused, the text quotes its error, which is the `__cause__`.
    """
