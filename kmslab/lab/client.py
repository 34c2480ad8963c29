"""`lab.kms`: every operation of AWS KMS as a plain Python method, in AWS's shapes, without boto3.

The methods are made from the contract when this module is imported. `client.pyi`, which
`scripts/contract.py` writes from them, shows them to editors and type checkers.
"""

from types import SimpleNamespace

from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import EXCEPTIONS
from kmslab.kms.contract.model import MODEL
from kmslab.kms.service import Service
from kmslab.lab.methods import method_of


class KmsClient:
    """One method an operation: `generate_data_key(KeyId=…, KeySpec="AES_256")` gives AWS's answer.

    Errors are those of `kmslab.errors`, which `exceptions` holds too, as on a boto3 client.
    """

    exceptions = SimpleNamespace(**EXCEPTIONS)

    def __init__(self, service: Service, caller: Caller) -> None:
        self._service = service
        self._caller = caller

    def __repr__(self) -> str:
        return f"<KMS in {self._caller.region} for {self._caller.principal}>"


for _operation in MODEL.operations.values():
    setattr(KmsClient, _operation.snake_name, method_of(_operation))
