"""Pretend services: a bucket and a table that use the KMS as S3 and DynamoDB do, and CloudHSM.

Bucket and table work with all three kinds of key: a customer managed key, the AWS managed key of
the account, or an AWS owned key. Only the KMS decides on requests; S3's and DynamoDB's own
permissions are not simulated. Objects and items are kept in memory.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from kmslab.kms.backing.cloudhsm import Clusters
from kmslab.kms.service import Service
from kmslab.lab.integrations.bucket import Bucket, Buckets
from kmslab.lab.integrations.keys import AWS_MANAGED, AWS_OWNED
from kmslab.lab.integrations.table import DataTable, DataTables

__all__ = ["AWS_MANAGED", "AWS_OWNED", "Bucket", "DataTable", "Integrations"]


class Integrations:
    """The buckets, tables and CloudHSM clusters of all accounts of a lab."""

    def __init__(self, service: Service, clusters: Clusters) -> None:
        self.buckets = Buckets(service)
        self.tables = DataTables(service)
        self.clusters = clusters

    @contextmanager
    def rehearsal(self) -> Iterator[None]:
        """Undoes at its end everything that was done with buckets and tables inside it."""
        buckets, tables = dict(self.buckets.kept), dict(self.tables.kept)
        try:
            yield
        finally:
            self.buckets.kept, self.tables.kept = buckets, tables
