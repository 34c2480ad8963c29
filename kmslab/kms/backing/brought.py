"""Known key material: refused unless it fits the key's spec, before it is sealed."""

from collections.abc import Callable

from kmslab.crypto import Backend, Malformed, SecretBytes, read_pkcs8, spec_of
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.specs import KEY_SPECS


def checked(
    spec: str, known: bytes, backend_for_keys: Callable[[str], Backend]
) -> tuple[SecretBytes, bytes]:
    """The material in the form in which it is sealed, and its public key if it has one."""
    sizes = KEY_SPECS[spec].sizes
    if sizes:
        if len(known) not in sizes:
            span = " to ".join(map(str, sorted({sizes[0], sizes[-1]})))
            text = f"Key material of spec {spec} has {span} bytes."
            fail("IncorrectKeyMaterialException", text)
        return SecretBytes(known), b""
    try:
        _, private = read_pkcs8(known)  # which checks RSA's numbers and a curve's points
        public = backend_for_keys(spec).public_key(private)
        if spec_of(public) != spec:
            raise Malformed
    except (Malformed, RuntimeError):  # a backend expects a well-formed private key
        text = f"This is not a private key of spec {spec} in PKCS#8 (DER)."
        fail("IncorrectKeyMaterialException", text)
    return private, public
