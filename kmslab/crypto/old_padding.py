"""RSAES-PKCS1-v1_5 (RFC 8017 §7.2), decryption only, for messages of the past.

Rule: a wrong padding is no error here. Who reveals that a padding is wrong decrypts for everybody
who asks often enough (Bleichenbacher, CRYPTO '98). So any ciphertext as long as the modulus gives a
secret, a wrong one always the same (implicit rejection, which OpenSSL has since 3.2); what was
encrypted with the secret must tell. No KMS operation uses this, so it is not among the algorithms
that a backend serves and tests.
"""

from cryptography.hazmat.primitives.asymmetric import padding, rsa

from kmslab.crypto.backend import Forged
from kmslab.crypto.pyca.keys import private_key
from kmslab.crypto.secret import SecretBytes


def decrypt_pkcs1_v1_5(private: bytes, ciphertext: bytes) -> SecretBytes:
    """The secret, or a wrong one. Forged if the length of the ciphertext is impossible."""
    key = private_key(private, rsa.RSAPrivateKey)
    try:
        return SecretBytes(key.decrypt(ciphertext, padding.PKCS1v15()))
    except ValueError:
        pass
    raise Forged
