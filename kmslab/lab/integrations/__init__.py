"""Services that use KMS as two of AWS's do: an object bucket (S3) and a table (DynamoDB).

Each works with a key of any of the three kinds: a customer's own, the one that AWS manages for the
account, or one that AWS owns. Every answer is one of the KMS. What S3 and DynamoDB allow by
themselves is not judged here, and what they keep is kept in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from kmslab.kms.service import Service
from kmslab.lab.integrations.bucket import Bucket, Buckets
from kmslab.lab.integrations.keys import AWS_MANAGED, AWS_OWNED
from kmslab.lab.integrations.table import DataTable, DataTables

__all__ = ["AWS_MANAGED", "AWS_OWNED", "Bucket", "DataTable", "Integrations"]


class Integrations:
    """The buckets and tables of all accounts of a lab."""

    def __init__(self, service: Service) -> None:
        self.buckets = Buckets(service)
        self.tables = DataTables(service)

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """What is done meanwhile is undone at the end."""
        buckets, tables = dict(self.buckets.kept), dict(self.tables.kept)
        try:
            yield
        finally:
            self.buckets.kept, self.tables.kept = buckets, tables
