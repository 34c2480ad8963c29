"""The exceptions that AWS KMS's operations raise, by AWS's names.

    from kmslab.errors import KMSError, NotFoundException

`KMSError` is the base class of all others. `errors.pyi`, which `scripts/contract.py` writes, lists
the names.
"""

from kmslab.kms.contract.errors import EXCEPTIONS, KMSError

__all__ = ["KMSError", *EXCEPTIONS]  # noqa: PLE0604 - the names are the contract's

globals().update(EXCEPTIONS)
