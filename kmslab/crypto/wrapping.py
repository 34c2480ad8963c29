"""Wraps key material under an RSA public key, for its way to a KMS, and unwraps it there.

RSAES_OAEP encrypts the material itself, so it has to be short. RSA_AES_KEY_WRAP makes an AES key
for this one use, wraps the material with it, and encrypts the AES key instead: its result is the
RSA ciphertext, then the wrapped material. Sources: AWS KMS developer guide, "Encrypt the key
material"; RFC 8017 §7.1; RFC 5649; PKCS #11 (CKM_RSA_AES_KEY_WRAP).
"""

import secrets
from collections.abc import Callable

from kmslab.crypto.backend import AES_256_KEY, Backend, Forged, Malformed
from kmslab.crypto.secret import CiphertextBlob, SecretBytes
from kmslab.crypto.self_tested import proven

# RSA_AES_KEY_WRAP, with the algorithm that encrypts its AES key.
HYBRID = {
    "RSA_AES_KEY_WRAP_SHA_1": "RSAES_OAEP_SHA_1",
    "RSA_AES_KEY_WRAP_SHA_256": "RSAES_OAEP_SHA_256",
}
DIRECT = frozenset(HYBRID.values())


def wrap(public_key: bytes, material: bytes, algorithm: str) -> CiphertextBlob:
    """The key material, wrapped as ImportKeyMaterial takes it.

    `public_key`: the wrapping key that GetParametersForImport returned, as SubjectPublicKeyInfo in
    DER. `material`: raw bytes of a symmetric or HMAC key, or a private key in PKCS#8 DER.
    `algorithm`: the one that the wrapping key was asked for, such as RSAES_OAEP_SHA_256 or, for
    private keys, RSA_AES_KEY_WRAP_SHA_256. Raises ValueError for another algorithm, for
    material that is too long for it, and for what is not such a public key.
    """
    if algorithm not in DIRECT | HYBRID.keys():
        raise ValueError(f"{algorithm} does not wrap key material: {', '.join(sorted(HYBRID))} do")
    public_key, material = bytes(public_key), bytes(material)
    try:
        if algorithm in DIRECT:
            return CiphertextBlob(proven(algorithm).encrypt(algorithm, public_key, material))
        once, inner = SecretBytes(secrets.token_bytes(AES_256_KEY)), HYBRID[algorithm]
        encrypted = proven(inner).encrypt(inner, public_key, once)
        return CiphertextBlob(encrypted + proven("AES_KWP").aes_wrap(once, material))
    except Malformed:
        raise ValueError(
            "the wrapping key is not an RSA key as GetParametersForImport gives it"
        ) from None
    except RuntimeError:
        raise ValueError(
            f"{algorithm} does not take {len(material)} bytes under this wrapping key. "
            "RSA_AES_KEY_WRAP_SHA_256 wraps private keys of any length."
        ) from None


def unwrap(
    private: bytes,
    wrapped: bytes,
    algorithm: str,
    size: int,
    proven: Callable[[str], Backend] = proven,
) -> SecretBytes:
    """What `wrap` wrapped for this private key, whose modulus has `size` bytes; else Forged."""
    if algorithm in DIRECT:
        return proven(algorithm).decrypt(algorithm, private, wrapped)
    encrypted, rest = wrapped[:size], wrapped[size:]
    once = proven(HYBRID[algorithm]).decrypt(HYBRID[algorithm], private, encrypted)
    if len(once) != AES_256_KEY:
        raise Forged
    return proven("AES_KWP").aes_unwrap(once, rest)
