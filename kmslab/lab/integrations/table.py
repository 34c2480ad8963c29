"""A table, encrypted as DynamoDB does it: one table key, and a grant that lets the service use it.

When a table is made, DynamoDB creates a grant for itself on the KMS key, on behalf of the table's
maker. For reading and writing it calls the KMS on behalf of the user. For its own work, such as a
backup, it uses the grant, which it retires when the table is deleted. Source: DynamoDB developer
guide, "Encryption at rest: How it works". Its five-minute cache of table keys is not simulated. A
grant can name a service principal since March 2026.
"""

import threading
from dataclasses import dataclass, replace
from typing import Any

from kmslab.crypto import CiphertextBlob
from kmslab.kms.arn import Arn, partition_of
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.managed_keys import DYNAMODB
from kmslab.kms.service import Service
from kmslab.lab.integrations.keys import (
    AWS_MANAGED,
    AWS_OWNED,
    SERVICES,
    ServiceKeys,
    check_name,
    seal,
    unseal,
)

GRANTED = (
    "DescribeKey",
    "GenerateDataKey",
    "Decrypt",
    "Encrypt",
    "ReEncryptFrom",
    "ReEncryptTo",
    "RetireGrant",
)
NAME = r"[a-zA-Z0-9_.-]{3,255}"
Place = tuple[str, str, str]  # account, Region and name


@dataclass(frozen=True, slots=True)
class Kept:
    """The present state of a table."""

    key: str  # as the maker of the table gave it
    key_arn: str
    table_key: CiphertextBlob  # encrypted under the KMS key
    context: dict[str, str]
    grant: str  # its id; "" if AWS owns the key, which needs no grant
    items: dict[str, CiphertextBlob]


class DataTables:
    def __init__(self, service: Service) -> None:
        self.keys = ServiceKeys(service, DYNAMODB)
        self.kept: dict[Place, Kept] = {}
        self.lock = threading.RLock()

    def table(self, name: str, caller: Caller, key: str | None) -> "DataTable":
        check_name("table", NAME, name)
        table = DataTable(self, name, caller)
        with self.lock:
            if table.place not in self.kept:
                self.kept[table.place] = table.make(key or AWS_MANAGED)
        return table


class DataTable:
    """One table, as one caller uses it."""

    def __init__(self, tables: DataTables, name: str, caller: Caller) -> None:
        self.name = name
        self.caller = caller
        self.place: Place = (caller.account, caller.region, name)
        self._tables = tables
        self._keys = tables.keys

    @property
    def arn(self) -> str:
        account, region, name = self.place
        return str(Arn(partition_of(region), "dynamodb", region, account, f"table/{name}"))

    @property
    def key(self) -> str:
        """A key's id, ARN or alias, `aws-managed` or `aws-owned`."""
        return self._kept.key

    @property
    def items(self) -> list[str]:
        return sorted(self._kept.items)

    def make(self, key: str) -> Kept:
        """What DynamoDB does when a table is made. `lab.table` calls this once for each table."""
        account, region, name = self.place
        context = {"aws:dynamodb:tableName": name, "aws:dynamodb:subscriberId": account}
        key_id, grant, owned = self._keys.key_id(key, account, region), "", key == AWS_OWNED
        if not owned:
            maker = self._on_behalf(owned=False)
            described = self._keys.ask("DescribeKey", maker, {"KeyId": key_id})
            key_id = described["KeyMetadata"]["Arn"]
            grant = self._keys.ask("CreateGrant", maker, self._wish(key_id, context))["GrantId"]
        request = {"KeyId": key_id, "KeySpec": "AES_256", "EncryptionContext": context}
        table_key = self._keys.ask("GenerateDataKey", self._itself(owned=owned), request)
        return Kept(key, key_id, table_key["CiphertextBlob"], context, grant, {})

    def put(self, name: str, item: bytes) -> None:
        """Encrypt and store an item. Raises the errors of the KMS for this caller."""
        table_key = self._table_key(self._on_behalf(owned=self._is_owned))
        with self._tables.lock:
            sealed = seal(table_key, item, {"item": name})
            self._tables.kept[self.place] = replace(
                self._kept, items=self._kept.items | {name: sealed}
            )

    def get(self, name: str) -> bytes:
        """The item, decrypted for this caller. Raises KeyError, or the errors of the KMS."""
        sealed = self._kept.items[name]
        table_key = self._table_key(self._on_behalf(owned=self._is_owned))
        return bytes(unseal(table_key, sealed, {"item": name}))

    def back_up(self) -> dict[str, bytes]:
        """Copies of all items. The service decrypts them by its grant, not on behalf of a user."""
        table_key = self._table_key(self._itself(owned=self._is_owned))
        return {
            name: bytes(unseal(table_key, sealed, {"item": name}))
            for name, sealed in self._kept.items.items()
        }

    def delete(self) -> None:
        """Retire the grant and delete the table."""
        kept = self._kept
        if kept.grant:
            request = {"KeyId": kept.key_arn, "GrantId": kept.grant}
            self._keys.ask("RetireGrant", self._itself(owned=False), request)
        del self._tables.kept[self.place]

    @property
    def _kept(self) -> Kept:
        return self._tables.kept[self.place]

    @property
    def _is_owned(self) -> bool:
        return self._kept.key == AWS_OWNED

    def _table_key(self, asking: Caller) -> bytes:
        kept = self._kept
        request = {"CiphertextBlob": kept.table_key, "EncryptionContext": kept.context}
        table_key: bytes = self._keys.ask("Decrypt", asking, request)["Plaintext"]
        return table_key

    def _on_behalf(self, *, owned: bool) -> Caller:
        return self._keys.on_behalf(self.caller, self.place[1], owned=owned)

    def _itself(self, *, owned: bool) -> Caller:
        account, region, _ = self.place
        principal = self._keys.it.principal
        return Caller(principal, SERVICES if owned else account, region, source_arn=self.arn)

    def _wish(self, key_arn: str, context: dict[str, str]) -> dict[str, Any]:
        principal = self._keys.it.principal
        return {
            "KeyId": key_arn,
            "GranteeServicePrincipal": principal,
            "RetiringServicePrincipal": principal,
            "Operations": GRANTED,
            "Constraints": {"EncryptionContextSubset": context, "SourceArn": self.arn},
        }

    def __repr__(self) -> str:
        return f"<DataTable {self.name} in {self.place[1]}, {self.key}: {len(self.items)} in it>"
