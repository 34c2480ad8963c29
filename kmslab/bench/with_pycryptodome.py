"""Every method in PyCryptodome, written as in a program that wraps many data keys.

It has no object for a loaded AES key, so each call expands the key anew and that is measured too.
"""

import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from Crypto.Cipher import AES, oaep
from Crypto.Cipher._mode_kw import KWMode
from Crypto.Cipher._mode_kwp import KWPMode
from Crypto.Hash import SHA256
from Crypto.Math.Numbers import Integer
from Crypto.Protocol.DH import key_agreement
from Crypto.Protocol.KDF import HKDF
from Crypto.PublicKey import ECC, MLKEM, RSA

from kmslab.bench.machine import Software, installed
from kmslab.bench.methods import Refused, Wrapper
from kmslab.crypto.pycryptodome.keys import EC_KEY, ML_KEM_KEY, RSA_KEY, private_key

NAME = "PyCryptodome"
IV, TAG, KEK, POINT = 12, 16, 32, 65  # bytes
KW = 40  # bytes of a data key that AES-KW has wrapped


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


def rsa_oaep(key: bytes) -> Wrapper:
    private = private_key(key, RSA_KEY)
    public = oaep.new(private.public_key(), hashmod=SHA256)
    opening = oaep.new(private, hashmod=SHA256)

    def unwrap(wrapped: bytes) -> bytes:
        try:
            return opening.decrypt(wrapped)
        except ValueError:
            raise Refused from None

    return Wrapper(public.encrypt, unwrap)


def ecdh(key: bytes) -> Wrapper:
    """A key pair for each data key; the public points of both sides go into the derivation."""
    private = private_key(key, EC_KEY)
    public = private.public_key()
    ours = public.export_key(format="SEC1")

    def kek(point: bytes) -> Any:
        return partial(HKDF, key_len=KEK, salt=None, hashmod=SHA256, context=point + ours)

    def wrap(data_key: bytes) -> bytes:
        once = ECC.generate(curve="P-256")
        point = once.public_key().export_key(format="SEC1")
        wrapping = key_agreement(eph_priv=once, static_pub=public, kdf=kek(point))
        return point + AES.new(wrapping, AES.MODE_KW).seal(data_key)

    def unwrap(wrapped: bytes) -> bytes:
        point = wrapped[:POINT]
        try:
            theirs = ECC.import_key(point, curve_name="P-256")
            wrapping = key_agreement(static_priv=private, eph_pub=theirs, kdf=kek(point))
            return AES.new(wrapping, AES.MODE_KW).unseal(wrapped[POINT:])
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


LOAD: Mapping[str, Callable[[bytes], Wrapper]] = {
    "AES-256-GCM": gcm,
    "AES-KW": kw,
    "AES-KWP": kwp,
    "RSA-OAEP 2048": rsa_oaep,
    "RSA-OAEP 3072": rsa_oaep,
    "RSA-OAEP 4096": rsa_oaep,
    "ECDH P-256": ecdh,
    "ML-KEM-768": ml_kem,
    "ML-KEM-1024": ml_kem,
}
GENERATE: Mapping[str, Callable[[], object]] = {
    "AES_256": lambda: secrets.token_bytes(32),
    "RSA_2048": lambda: RSA.generate(2048),
    "RSA_3072": lambda: RSA.generate(3072),
    "RSA_4096": lambda: RSA.generate(4096),
    "ECC_NIST_P256": lambda: ECC.generate(curve="P-256"),
    "ML_KEM_768": lambda: MLKEM.generate(param_set=MLKEM.ML_KEM_768),
    "ML_KEM_1024": lambda: MLKEM.generate(param_set=MLKEM.ML_KEM_1024),
}
