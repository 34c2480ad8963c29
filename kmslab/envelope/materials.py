"""What a message gets from its keyrings: a data key, the wrapped copies of it, and a key to sign.

`Materials` are made for one message. `caching.py` uses them for several.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kmslab.crypto import SecretBytes
from kmslab.envelope.keyrings import keyrings_of, unwrap
from kmslab.envelope.message import MAX_COUNT, Context, EncryptedDataKey, Header
from kmslab.envelope.signing import SigningKey
from kmslab.envelope.suites import Suite


@dataclass(frozen=True, slots=True)
class Materials:
    context: Context  # with the public key, if there is a key to sign with
    data_key: SecretBytes
    wrapped_keys: tuple[EncryptedDataKey, ...]
    signing_key: SigningKey | None


class FreshMaterials:
    """Each message gets a data key of its own."""

    def __init__(self, keyring: Any) -> None:
        self._rings = keyrings_of(keyring)
        if len(self._rings) > MAX_COUNT:
            raise ValueError(
                f"{len(self._rings):,} keyrings are too many: there is room for {MAX_COUNT:,}"
            )

    def to_encrypt(self, suite: Suite, pairs: Mapping[str, str], size: int | None) -> Materials:
        """`size`: bytes of plaintext, or None if that is not known in advance."""
        signing_key = SigningKey.new(suite.signature) if suite.signature else None
        context = Context.of({**pairs, **(signing_key.context if signing_key else {})})
        first, *others = self._rings
        data_key, wrapped = first.generate(suite.data_key, context)
        if len(data_key) != suite.data_key:
            raise RuntimeError(f"{first} made a data key of another size than requested")
        wrapped_keys = (wrapped, *(ring.wrap(data_key, context) for ring in others))
        return Materials(context, data_key, wrapped_keys, signing_key)

    def to_decrypt(self, header: Header) -> SecretBytes:
        """The data key of a message with this header, which is not verified yet. Its size fits."""
        return unwrap(self._rings, header)


def materials_of(given: Any) -> FreshMaterials:
    """From a `DataKeyCache`, or from keyrings as `keyrings_of` takes them."""
    return given if isinstance(given, FreshMaterials) else FreshMaterials(given)
