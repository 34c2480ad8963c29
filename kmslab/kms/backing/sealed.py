"""Everything in a store that a domain key seals, kind by kind: to open it, or to seal it anew.

A new kind of secret in the records needs a row here. Otherwise `kmslab rekey` would leave it under
the old domain key, and the dry run of a backup would not try to open it.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from kmslab.kms.backing import access_keys, key_stores, recipients
from kmslab.kms.backing.domain_keys import PROTECTED
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.contract.key_stores import KeyStore
from kmslab.kms.contract.records import AccessKey, DomainKey, Material, Setting
from kmslab.kms.store import UNREADABLE, Damaged


@dataclass(frozen=True, slots=True)
class Sealed:
    """A record's sealed part. `domain`: the id of its domain key; "" is the root key itself."""

    region: str
    domain: str
    opened: Callable[[], object]  # raises `Damaged`
    resealed: Callable[[DomainKey], Any]  # the record; raises `Damaged`


@dataclass(frozen=True, slots=True)
class Kind:
    """`prefix`: of the names of these records. `part`: None if a record has nothing sealed."""

    record: type[Any]
    part: Callable[[Hsm, Any], Sealed | None]
    prefix: str = ""

    @property
    def name(self) -> str:
        return self.record.__name__


def _material(hsm: Hsm, record: Material) -> Sealed | None:
    if not record.sealed:
        return None
    region = record.handle.partition("/")[0]
    return Sealed(
        region,
        record.domain,
        lambda: hsm.public_key(record),
        lambda domain: hsm.resealed(record, domain),
    )


def _protected(
    name: Callable[[Any], str],
    read: Callable[[Any], bytes] = lambda record: bytes(record.sealed),
    written: Callable[[Any, bytes], Any] = lambda record, sealed: replace(record, sealed=sealed),
) -> Callable[[Hsm, Any], Sealed | None]:
    def part(hsm: Hsm, record: Any) -> Sealed | None:
        keys, box = hsm.domain_keys, read(record)
        if not box:
            return None
        domain = keys.protecting(box)

        def resealed(new: DomainKey) -> Any:
            secret = keys.unprotect(name(record), box)
            return written(record, keys.protect(name(record), secret, new))

        return Sealed(
            PROTECTED,
            domain.id if domain else "",
            lambda: keys.unprotect(name(record), box),
            resealed,
        )

    return part


def _decoded(setting: Setting) -> bytes:
    try:
        return b64decode(setting.value, validate=True)
    except UNREADABLE:
        raise Damaged(f"{setting.name} cannot be read") from None


KINDS = (
    Kind(Material, _material),
    Kind(AccessKey, _protected(access_keys.name_of_secret)),
    Kind(KeyStore, _protected(key_stores.name_of_secret)),
    Kind(
        Setting,
        _protected(
            lambda setting: recipients.ROOT,
            _decoded,
            lambda setting, sealed: replace(setting, value=b64encode(sealed).decode()),
        ),
        recipients.ROOT,
    ),
)
