"""Every method in PyCryptodome, written as in a program that wraps many data keys.

It has no object for a loaded AES key, so each call expands the key anew and that is measured too.
"""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType
from typing import Any

from Crypto.Cipher import AES, oaep
from Crypto.Cipher._mode_kw import KWMode
from Crypto.Cipher._mode_kwp import KWPMode
from Crypto.Hash import SHA1, SHA256, SHA384
from Crypto.Math.Numbers import Integer
from Crypto.Protocol import HPKE
from Crypto.Protocol.DH import import_x25519_public_key, key_agreement
from Crypto.Protocol.KDF import HKDF
from Crypto.PublicKey import ECC, Hybrid
from Crypto.Signature import DSS, eddsa, mldsa, pss

from kmslab.bench.machine import Software, installed
from kmslab.bench.methods import Refused, Signer, Wrapper
from kmslab.crypto.pycryptodome.keys import (
    EC_KEY,
    ED25519_KEY,
    ML_DSA_KEY,
    ML_KEM_KEY,
    RSA_KEY,
    private_key,
)
from kmslab.crypto.pycryptodome.keys import GENERATE as KEYS

NAME = "PyCryptodome"
IV, TAG, KEK = 12, 16, 32  # bytes
KW, SEALED = 40, 48  # bytes of a data key that AES-KW or AES-GCM has wrapped


def software() -> Software:
    return installed(NAME, f"its own C, large numbers by {Integer.__name__}")


def gcm(key: bytes) -> Wrapper:
    def wrap(data_key: bytes) -> bytes:
        iv = secrets.token_bytes(IV)
        ciphertext, tag = AES.new(key, AES.MODE_GCM, nonce=iv).encrypt_and_digest(data_key)
        return iv + ciphertext + tag

    def unwrap(wrapped: bytes) -> bytes:
        cipher = AES.new(key, AES.MODE_GCM, nonce=wrapped[:IV])
        try:
            return cipher.decrypt_and_verify(wrapped[IV:-TAG], wrapped[-TAG:])
        except ValueError:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def kw(key: bytes) -> Wrapper:
    return _key_wrap(lambda: AES.new(key, AES.MODE_KW))


def kwp(key: bytes) -> Wrapper:
    return _key_wrap(lambda: AES.new(key, AES.MODE_KWP))


def _key_wrap(cipher: Callable[[], KWMode | KWPMode]) -> Wrapper:
    """The library's AES-KW and AES-KWP are Python loops: each of 24 steps calls its AES."""

    def wrap(data_key: bytes) -> bytes:
        return cipher().seal(data_key)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return cipher().unseal(wrapped)
        except ValueError:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def rsa_oaep(hashed: ModuleType, key: bytes) -> Wrapper:
    private = private_key(key, RSA_KEY)
    public = oaep.new(private.public_key(), hashmod=hashed)
    opening = oaep.new(private, hashmod=hashed)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return opening.decrypt(wrapped)
        except ValueError:
            raise Refused from None

    return Wrapper(public.encrypt, unwrap)


def ecdh(key: bytes) -> Wrapper:
    """A key pair for each data key; the public points of both sides go into the derivation."""
    private = ECC.import_key(key)
    public = private.public_key()
    ours = public.export_key(format="raw")

    def kek(point: bytes) -> Any:
        return partial(HKDF, key_len=KEK, salt=None, hashmod=SHA256, context=point + ours)

    def read(point: bytes) -> ECC.EccKey:
        if private.curve == "Curve25519":
            return import_x25519_public_key(point)
        return ECC.import_key(point, curve_name=private.curve)

    def wrap(data_key: bytes) -> bytes:
        once = ECC.generate(curve=private.curve)
        point = once.public_key().export_key(format="raw")
        wrapping = key_agreement(eph_priv=once, static_pub=public, kdf=kek(point))
        return point + AES.new(wrapping, AES.MODE_KW).seal(data_key)

    def unwrap(wrapped: bytes) -> bytes:
        point = wrapped[:-KW]
        try:
            wrapping = key_agreement(static_priv=private, eph_pub=read(point), kdf=kek(point))
            return AES.new(wrapping, AES.MODE_KW).unseal(wrapped[-KW:])
        except ValueError:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def ml_kem(key: bytes) -> Wrapper:
    """The shared secret is the key that wraps (FIPS 203 §3.3 allows it).

    The library has encapsulation only under private names, for its own HPKE.
    """
    private = private_key(key, ML_KEM_KEY)
    public = private.public_key()

    def wrap(data_key: bytes) -> bytes:
        secret, ciphertext = public._encaps()
        return ciphertext + AES.new(secret, AES.MODE_KW).seal(data_key)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            secret = private._decaps(wrapped[:-KW])
            return AES.new(secret, AES.MODE_KW).unseal(wrapped[-KW:])
        except ValueError:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def hpke(private: HPKE.KemKey) -> Wrapper:
    public, cipher = private.public_key(), HPKE.AEAD.AES256_GCM

    def wrap(data_key: bytes) -> bytes:
        sender = HPKE.new(receiver_key=public, aead_id=cipher)
        return sender.enc + sender.seal(data_key)

    def unwrap(wrapped: bytes) -> bytes:
        point, sealed = wrapped[:-SEALED], wrapped[-SEALED:]
        try:
            return HPKE.new(receiver_key=private, aead_id=cipher, enc=point).unseal(sealed)
        except ValueError:
            raise Refused from None

    return Wrapper(wrap, unwrap)


def x_wing(seed: bytes) -> Wrapper:
    """The library reads such a key only under a private name; programs can make one."""
    return hpke(Hybrid._construct(param_set=Hybrid.MLKEM768_X25519, seed=seed))


def _signer(sign: Callable[[bytes], bytes], check: Callable[[bytes, bytes], object]) -> Signer:
    """`check` takes the message first, as the library does."""

    def verify(signature: bytes, message: bytes) -> None:
        try:
            check(message, signature)
        except ValueError:
            raise Refused from None

    return Signer(sign, verify)


def _hashing(hash_: ModuleType, signing: Any, verifying: Any) -> Signer:
    return _signer(
        lambda message: signing.sign(hash_.new(message)),
        lambda message, signature: verifying.verify(hash_.new(message), signature),
    )


def rsa_pss(key: bytes) -> Signer:
    private = private_key(key, RSA_KEY)
    return _hashing(SHA256, pss.new(private), pss.new(private.public_key()))


def ecdsa(hash_: ModuleType, key: bytes) -> Signer:
    private = private_key(key, EC_KEY)
    public = private.public_key()
    return _hashing(hash_, *(DSS.new(each, "fips-186-3", "der") for each in (private, public)))


def ed25519(key: bytes) -> Signer:
    private = private_key(key, ED25519_KEY)
    verifying = eddsa.new(private.public_key(), "rfc8032")
    return _signer(eddsa.new(private, "rfc8032").sign, verifying.verify)


def ml_dsa(key: bytes) -> Signer:
    private = private_key(key, ML_DSA_KEY)
    return _signer(mldsa.new(private).sign, mldsa.new(private.public_key()).verify)


LOAD: Mapping[str, Callable[[bytes], Wrapper]] = {
    "AES-256-GCM": gcm,
    "AES-KW": kw,
    "AES-KWP": kwp,
    "RSA-OAEP 2048": partial(rsa_oaep, SHA256),
    "RSA-OAEP 2048 SHA-1": partial(rsa_oaep, SHA1),
    "RSA-OAEP 3072": partial(rsa_oaep, SHA256),
    "RSA-OAEP 4096": partial(rsa_oaep, SHA256),
    "ECDH P-256": ecdh,
    "ECDH P-384": ecdh,
    "ECDH X25519": ecdh,
    "ML-KEM-512": ml_kem,
    "ML-KEM-768": ml_kem,
    "ML-KEM-1024": ml_kem,
    "HPKE P-256": lambda key: hpke(ECC.import_key(key)),
    "HPKE X25519": lambda key: hpke(ECC.import_key(key)),
    "HPKE ML-KEM-768": lambda key: hpke(private_key(key, ML_KEM_KEY)),
    "HPKE X-Wing": x_wing,
}
LACKS: Mapping[str, str] = {}
SIGNERS: Mapping[str, Callable[[bytes], Signer]] = {
    "RSA-PSS 2048": rsa_pss,
    "RSA-PSS 3072": rsa_pss,
    "RSA-PSS 4096": rsa_pss,
    "ECDSA P-256": partial(ecdsa, SHA256),
    "ECDSA P-384": partial(ecdsa, SHA384),
    "Ed25519": ed25519,
    "ML-DSA-44": ml_dsa,
    "ML-DSA-65": ml_dsa,
    "ML-DSA-87": ml_dsa,
}


def whole(make: Callable[[], object]) -> Callable[[], object]:
    """A key pair with its public half, which PyCryptodome computes only when it is asked for."""
    return lambda: getattr(make(), "pointQ", None)


GENERATE: Mapping[str, Callable[[], object]] = {
    "AES_256": partial(secrets.token_bytes, 32),
    "X25519": whole(partial(ECC.generate, curve="Curve25519")),
    **{spec: whole(make) if spec.startswith("ECC") else make for spec, make in KEYS.items()},
}
