"""The keys that a pretend service uses, and in whose name it calls the KMS.

With a customer managed key or the AWS managed key, the service calls on behalf of its user, and the
call says through which service it comes. With an AWS owned key it calls as itself, from its own
account, so that no customer sees the key, the call or the price.
Sources: AWS KMS developer guide, "AWS KMS keys", "kms:ViaService"; the policies are those that AWS
shows for such keys.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from kmslab.crypto import CiphertextBlob, SecretBytes, encode_context
from kmslab.crypto.self_tested import open_box, seal_box
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.managed_keys import ManagedKey
from kmslab.kms.service import Service

AWS_MANAGED, AWS_OWNED = "aws-managed", "aws-owned"  # a customer managed key is given by its name
SERVICES = "amazon"  # the services' account; a customer's has 12 digits

Context = Mapping[str, str]


class ServiceKeys:
    """The calls of one service to the KMS."""

    def __init__(self, service: Service, key: ManagedKey) -> None:
        self.it = key
        self.ask = service.call
        self._seed = service.own_acts.seed_key

    def key_id(self, key: str, account: str, region: str) -> str:
        """The key id for a request. AWS managed and AWS owned keys are made on their first use."""
        if key in (AWS_MANAGED, self.it.alias):
            return self._seed(account, region, self.it.seed(account, region))
        if key == AWS_OWNED:
            return self._seed(SERVICES, region, self.it.owned_seed())
        return key

    def on_behalf(self, caller: Caller, region: str, *, owned: bool) -> Caller:
        """The caller that the KMS sees when this caller uses the service."""
        if owned:
            return Caller(self.it.principal, SERVICES, region)
        return replace(caller, region=region, via=self.it.via(region))


@dataclass(frozen=True, slots=True)
class Sealed:
    """A stored object: the content under a data key, and the data key under a KMS key."""

    content: CiphertextBlob  # a box, as in `crypto/self_tested.py`
    data_key: CiphertextBlob
    context: Context
    owned: bool  # whether AWS owns the KMS key


def check_name(kind: str, pattern: str, name: str) -> None:
    if not re.fullmatch(pattern, name, re.ASCII):
        raise ValueError(f"{name!r} is not a name for a {kind}: it must match {pattern}")


def seal(data_key: bytes, content: bytes, context: Context) -> CiphertextBlob:
    return CiphertextBlob(seal_box(data_key, content, encode_context(context)))


def unseal(data_key: bytes, sealed: bytes, context: Context) -> SecretBytes:
    return open_box(data_key, sealed, encode_context(context))
