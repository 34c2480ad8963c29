"""How a secret reaches the holder of a private key: encryption, agreement, encapsulation."""

from typing import Any

from Crypto.Cipher import oaep
from Crypto.Hash import SHA1, SHA256, SHA384, SHA512
from Crypto.Protocol.DH import key_agreement

from kmslab.crypto.backend import Forged, Malformed
from kmslab.crypto.pycryptodome.keys import EC_KEY, ML_KEM_KEY, RSA_KEY, peer_key, private_key
from kmslab.crypto.secret import SecretBytes

# AWS KMS has the first two; the AWS Encryption SDK has all four.
ENCRYPTION: dict[str, Any] = {
    "RSAES_OAEP_SHA_1": SHA1,
    "RSAES_OAEP_SHA_256": SHA256,
    "RSAES_OAEP_SHA_384": SHA384,
    "RSAES_OAEP_SHA_512": SHA512,
}


class Exchange:
    """The part of a backend that transports secrets."""

    def encrypt(self, algorithm: str, public: bytes, plaintext: bytes) -> bytes:
        cipher = oaep.new(peer_key(public, RSA_KEY), hashmod=ENCRYPTION[algorithm])
        try:
            return cipher.encrypt(plaintext)
        except ValueError:
            pass
        raise RuntimeError(f"{algorithm} takes fewer bytes than {len(plaintext)} with this key")

    def decrypt(self, algorithm: str, private: bytes, ciphertext: bytes) -> SecretBytes:
        cipher = oaep.new(private_key(private, RSA_KEY), hashmod=ENCRYPTION[algorithm])
        try:
            return SecretBytes(cipher.decrypt(ciphertext))
        except ValueError:
            pass
        raise Forged

    def agree(self, private: bytes, peer: bytes) -> SecretBytes:
        key, other = private_key(private, EC_KEY), peer_key(peer, EC_KEY)
        if key.curve != other.curve:
            raise Malformed
        return key_agreement(static_priv=key, static_pub=other, kdf=SecretBytes)

    def encapsulate(self, public: bytes) -> tuple[bytes, SecretBytes]:
        # The library has encapsulation for its own HPKE only, behind private names.
        secret, ciphertext = peer_key(public, ML_KEM_KEY)._encaps()
        return ciphertext, SecretBytes(secret)

    def decapsulate(self, private: bytes, ciphertext: bytes) -> SecretBytes:
        key = private_key(private, ML_KEM_KEY)
        try:
            return SecretBytes(key._decaps(ciphertext))
        except ValueError:  # a wrong length
            pass
        raise Forged
