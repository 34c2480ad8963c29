"""A store's errors: another commit was first, or the store or a row in it cannot be used."""

from kmslab.display import PlainError


class Conflict(Exception):
    """A record has changed since it was read; nothing was written. Read again and start over."""


class StoreError(PlainError):
    """The store cannot be used. The text says why and what to do; no stored record is lost."""


class Damaged(PlainError):
    """One record in the store cannot be read, or does not open. All others can be used."""

    def __init__(self, what: str) -> None:
        super().__init__(f"The store is damaged: {what}. Restore its file from a copy.")


# What reading a damaged row or event may raise.
UNREADABLE = (AttributeError, LookupError, OverflowError, RuntimeError, TypeError, ValueError)
