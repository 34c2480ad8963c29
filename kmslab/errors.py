"""The exceptions that kmslab raises, to import by AWS's names.

    from kmslab.errors import KMSError, NotFoundException

`KMSError` is above them all. The names stand in `errors.pyi`, which `scripts/contract.py` writes.
"""

from kmslab.kms.contract.errors import EXCEPTIONS, KMSError

__all__ = ["KMSError", *EXCEPTIONS]  # noqa: PLE0604 - the names are the contract's

globals().update(EXCEPTIONS)
