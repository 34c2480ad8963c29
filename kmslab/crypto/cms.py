"""CMS EnvelopedData (RFC 5652 §6) for one recipient, as AWS KMS writes CiphertextForRecipient.

A fresh AES-256 key encrypts the content in CBC mode, and RSAES-OAEP (RFC 4056) brings that key to
the recipient. Rule: `seal` writes each field as AWS does, down to the indefinite lengths.
CBC has no tag: whoever can change a message on its way can change what it opens to, so that AWS
relies on TLS there.
Source: a message of AWS KMS in the tests of the AWS Nitro Enclaves SDK for C.
"""

import secrets
from hashlib import sha256

from kmslab.crypto.backend import AES_256_KEY, AES_BLOCK, Forged, Malformed
from kmslab.crypto.ber import Tag, open_value, read, value
from kmslab.crypto.secret import CiphertextBlob, SecretBytes
from kmslab.crypto.self_tested import proven
from kmslab.crypto.spki import spec_of

OAEP = "RSAES_OAEP_SHA_256"  # AWS's name for RSAES-OAEP with SHA-256 and MGF1 with SHA-256
VERSION = b"\x02"  # of both structures, since the key is named by its identifier
CHUNK = 1000  # bytes; AWS's length for long contents was not published


class Oid:
    """Object identifiers, encoded."""

    DATA = bytes.fromhex("2a864886f70d010701")
    ENVELOPED_DATA = bytes.fromhex("2a864886f70d010703")
    RSAES_OAEP = bytes.fromhex("2a864886f70d010107")
    MGF1 = bytes.fromhex("2a864886f70d010108")
    SHA256 = bytes.fromhex("608648016503040201")
    AES_256_CBC = bytes.fromhex("60864801650304012a")


_SHA256 = value(Tag.SEQUENCE, value(Tag.OBJECT, Oid.SHA256), value(Tag.NULL))
_MGF1 = value(Tag.SEQUENCE, value(Tag.OBJECT, Oid.MGF1), _SHA256)
_OAEP = value(
    Tag.SEQUENCE,
    value(Tag.OBJECT, Oid.RSAES_OAEP),
    value(Tag.SEQUENCE, value(Tag.ZERO, _SHA256), value(Tag.ONE, _MGF1)),
)
_OAEP_READ = read(_OAEP)


def seal(public: bytes, content: bytes) -> CiphertextBlob:
    """`content` for the owner of this RSA key. `public`: SubjectPublicKeyInfo."""
    key, iv = secrets.token_bytes(AES_256_KEY), secrets.token_bytes(AES_BLOCK)
    wrapped = proven(OAEP, spec_of(public)).encrypt(OAEP, public, key)
    sealed = proven("AES_CBC").aes_cbc_encrypt(key, iv, _padded(content))
    recipient = value(
        Tag.SEQUENCE,
        value(Tag.INTEGER, VERSION),
        value(Tag.ZERO_BYTES, sha256(public).digest()),  # the SubjectKeyIdentifier
        _OAEP,
        value(Tag.OCTETS, wrapped),
    )
    encrypted = open_value(
        Tag.SEQUENCE,
        value(Tag.OBJECT, Oid.DATA),
        value(Tag.SEQUENCE, value(Tag.OBJECT, Oid.AES_256_CBC), value(Tag.OCTETS, iv)),
        open_value(Tag.ZERO, *[value(Tag.OCTETS, sealed[i : i + CHUNK]) for i in _starts(sealed)]),
    )
    enveloped = open_value(
        Tag.SEQUENCE, value(Tag.INTEGER, VERSION), value(Tag.SET, recipient), encrypted
    )
    return CiphertextBlob(
        open_value(
            Tag.SEQUENCE, value(Tag.OBJECT, Oid.ENVELOPED_DATA), open_value(Tag.ZERO, enveloped)
        )
    )


def unseal(private: bytes, message: bytes) -> SecretBytes:
    """The content. Malformed if it is not such a message, Forged if this key does not open it."""
    wrapped, iv, sealed = _parts(message)
    backend = proven(OAEP)
    key = backend.decrypt(OAEP, private, wrapped)
    return _unpadded(proven("AES_CBC").aes_cbc_decrypt(key, iv, sealed))


def _parts(message: bytes) -> tuple[bytes, bytes, bytes]:
    """The wrapped key, the IV and the encrypted content: the structure that `seal` writes."""
    match read(message):
        case (
            Tag.SEQUENCE,
            [
                (Tag.OBJECT, Oid.ENVELOPED_DATA),
                (
                    Tag.ZERO,
                    [
                        (
                            Tag.SEQUENCE,
                            [
                                (Tag.INTEGER, b"\x02"),
                                (Tag.SET, [(Tag.SEQUENCE, recipient)]),
                                (Tag.SEQUENCE, encrypted),
                            ],
                        )
                    ],
                ),
            ],
        ):
            return _wrapped_key(recipient), *_content(encrypted)
    raise Malformed


def _wrapped_key(recipient: object) -> bytes:
    match recipient:
        case [
            (Tag.INTEGER, b"\x02"),
            (Tag.ZERO_BYTES, bytes()),
            oaep,
            (Tag.OCTETS, bytes(key)),
        ] if oaep == _OAEP_READ:
            return key
    raise Malformed


def _content(encrypted: object) -> tuple[bytes, bytes]:
    match encrypted:
        case [
            (Tag.OBJECT, Oid.DATA),
            (Tag.SEQUENCE, [(Tag.OBJECT, Oid.AES_256_CBC), (Tag.OCTETS, bytes(iv))]),
            (Tag.ZERO, [*chunks]),
        ]:
            return iv, b"".join(map(_octets, chunks))
    raise Malformed


def _octets(chunk: object) -> bytes:
    match chunk:
        case (Tag.OCTETS, bytes(content)):
            return content
    raise Malformed


def _starts(content: bytes) -> range:
    return range(0, len(content), CHUNK)


def _padded(content: bytes) -> bytes:
    """PKCS #7 (RFC 5652 §6.3): as many bytes as are missing, and each says how many."""
    missing = AES_BLOCK - len(content) % AES_BLOCK
    return content + bytes([missing]) * missing


def _unpadded(content: bytes) -> SecretBytes:
    missing = content[-1] if content else 0
    if not 1 <= missing <= AES_BLOCK or not content.endswith(bytes([missing]) * missing):
        raise Forged
    return SecretBytes(content[:-missing])
