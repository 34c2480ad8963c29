"""A store's errors: another commit was first, or the store cannot be used."""

from kmslab.display import PlainError


class Conflict(Exception):
    """A record has changed since it was read; nothing was written. Read again and start over."""


class StoreError(PlainError):
    """The store cannot be used. The text says why and what to do; no stored record is lost."""
