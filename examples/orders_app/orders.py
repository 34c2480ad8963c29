"""Keeps orders in files, each sealed under a data key of its own, which only the KMS can open.

    echo '{"card": "4242"}' | python orders.py put 17
    python orders.py get 17
    python orders.py list

Settings: `ORDERS_KEY` names a KMS key (id, ARN or alias), `ORDERS_FOLDER` says where the files are.
Where the KMS is and who is calling, boto3 finds out as in every AWS program: `AWS_REGION`,
`AWS_ACCESS_KEY_ID`, a profile, a role.
"""

import json
import os
import re
import sys
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

IV = 12  # bytes
NUMBER = re.compile(r"\d{1,9}", re.ASCII)


class OrdersError(Exception):
    """The order cannot be stored or read; the text says why."""


@dataclass(frozen=True)
class Orders:
    kms: Any  # a boto3 client for KMS
    key: str
    folder: Path

    def put(self, number: str, content: bytes) -> None:
        """Seal an order and store it. It replaces an order of the same number."""
        path, context = self._file(number), {"order": number}
        data_key = self.kms.generate_data_key(
            KeyId=self.key, KeySpec="AES_256", EncryptionContext=context
        )
        iv = os.urandom(IV)  # may be random: this key seals one order and no more
        sealed = AESGCM(data_key["Plaintext"]).encrypt(iv, content, _bound(context))
        fields = {"data_key": data_key["CiphertextBlob"], "iv": iv, "sealed": sealed}
        text = json.dumps({name: b64encode(value).decode() for name, value in fields.items()})
        self.folder.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".part")  # half an order is worse than none
        beside.write_text(text, encoding="ascii")
        beside.replace(path)

    def get(self, number: str) -> bytes:
        """The order's content. Raises `ClientError` if the KMS refuses, else `OrdersError`."""
        context = {"order": number}
        iv, sealed, encrypted_key = self._read(number)
        # KeyId is not needed, but without it a data key under anybody's KMS key would be opened.
        data_key = self.kms.decrypt(
            CiphertextBlob=encrypted_key, KeyId=self.key, EncryptionContext=context
        )
        try:
            return AESGCM(data_key["Plaintext"]).decrypt(iv, sealed, _bound(context))
        except InvalidTag:
            raise OrdersError(f"Order {number} has been changed since it was sealed.") from None

    def numbers(self) -> list[str]:
        """The numbers of all orders. They are not secret, so this asks nothing of the KMS."""
        return sorted((path.stem for path in self.folder.glob("*.order")), key=int)

    def _file(self, number: str) -> Path:
        if not NUMBER.fullmatch(number):  # it becomes part of a path
            raise OrdersError(f"{number!r} is not an order's number: 1 to 9 digits.")
        return self.folder / f"{number}.order"

    def _read(self, number: str) -> tuple[bytes, bytes, bytes]:
        try:
            fields = json.loads(self._file(number).read_text(encoding="ascii"))
            return tuple(b64decode(fields[name]) for name in ("iv", "sealed", "data_key"))
        except FileNotFoundError:
            raise OrdersError(f"There is no order {number}.") from None
        except (ValueError, KeyError, TypeError):
            raise OrdersError(f"The file of order {number} is damaged.") from None


def from_environment() -> Orders:
    """Orders as the environment describes them."""
    missing = [name for name in ("ORDERS_KEY", "ORDERS_FOLDER") if not os.environ.get(name)]
    if missing:
        raise OrdersError(f"Please set {' and '.join(missing)}.")
    return Orders(boto3.client("kms"), os.environ["ORDERS_KEY"], Path(os.environ["ORDERS_FOLDER"]))


def _bound(context: dict[str, str]) -> bytes:
    """The encryption context as additional authenticated data: it seals the order to its number."""
    return json.dumps(context, sort_keys=True).encode()


def main(arguments: list[str]) -> int:
    try:
        orders = from_environment()
        match arguments:
            case ["put", number]:
                orders.put(number, sys.stdin.buffer.read())
            case ["get", number]:
                sys.stdout.buffer.write(orders.get(number))
            case ["list"]:
                print(*orders.numbers(), sep="\n")
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (OrdersError, ClientError, BotoCoreError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
