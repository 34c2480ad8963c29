"""A store with something of each kind that is sealed, and the proof that all of it still opens."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from kmslab import Clock, Lab, Passphrase
from kmslab.kms.backing.sealed import KINDS
from kmslab.kms.contract.specs import Origin

NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
CONTEXT = {"order": "17"}


def cheap(text: str) -> Passphrase:
    return Passphrase(text, cost_for_tests=(1, 1, 8))


def opened(url: str, root_key: Any = None) -> Lab:
    return Lab(url, clock=Clock.frozen(NOON), root_key=root_key)


def hsm_of(lab: Lab) -> Any:
    return lab.service.backings[Origin.AWS_KMS]


def sealed_parts(lab: Lab) -> Iterator[tuple[str, Any]]:
    """The domain key of each sealed record, by the record's name."""
    for kind in KINDS:
        for record in lab._store.page(kind.record, kind.prefix, limit=1_000):
            if part := kind.part(hsm_of(lab), record):
                yield f"{kind.name} {record}", part


@contextmanager
def proven(lab: Lab) -> Iterator[Callable[[Lab], None]]:
    """Fills the lab. What it yields is called with any lab on the same store, to prove it."""
    orders = lab.create_cmk("orders")
    old = orders.encrypt(b"kept", CONTEXT)
    orders.rotate()
    new = orders.encrypt(b"kept", CONTEXT)
    signer = lab.create_cmk("signer", "ECC_NIST_P256", "SIGN_VERIFY")
    signature = signer.sign(b"kept")
    codes = lab.create_cmk("codes", "HMAC_256", "GENERATE_VERIFY_MAC")
    mac = codes.mac(b"kept")
    there = lab.region("eu-west-1").create_cmk("orders").encrypt(b"kept")
    lab.create_cmk("empty", origin="EXTERNAL")
    cluster = lab.create_key_store("cluster")
    held = lab.create_cmk("held", key_store=cluster).encrypt(b"kept")
    root = bytes(lab.service.recipients.root())
    access_key = lab.user("alice").access_key()

    def prove(lab: Lab) -> None:
        assert lab.decrypt(old, CONTEXT) == lab.decrypt(new, CONTEXT) == b"kept"
        lab.cmk("alias/signer").verify(b"kept", signature)
        lab.cmk("alias/codes").verify_mac(b"kept", mac)
        assert lab.region("eu-west-1").decrypt(there) == lab.decrypt(held) == b"kept"
        assert bytes(lab.service.recipients.root()) == root
        assert lab.user("alice").access_key() == access_key
        for name, part in sealed_parts(lab):
            assert part.opened() is not None, name

    yield prove
