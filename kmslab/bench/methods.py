"""The methods of wrapping a data key that are measured, a row each. This page knows no times.

A method takes a wrapping key of one kind. Both libraries get the same key, as bytes, and load it
before the clock starts, as a program that wraps more than once does.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from kmslab.bench.programs import Facts

DATA_KEY = 32  # bytes, what is wrapped


class Refused(Exception):
    """The wrapped key was changed, or wrapped under another key; or the signature is wrong."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A method with its key loaded. `unwrap` raises Refused."""

    wrap: Callable[[bytes], bytes]
    unwrap: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class Signer:
    """A scheme of signatures with its key loaded. `verify` raises Refused."""

    sign: Callable[[bytes], bytes]
    verify: Callable[[bytes, bytes], object]  # the signature and the message


class Library(Protocol):
    """What a library's module offers. A private key comes as PKCS#8, an AES key as its bytes."""

    NAME: str
    LOAD: Mapping[str, Callable[[bytes], Wrapper]]  # by the method's name
    LACKS: Mapping[str, str]  # why it has not the others, by the method's name
    SIGNERS: Mapping[str, Callable[[bytes], Signer]]  # by the scheme's name
    GENERATE: Mapping[str, Callable[[], object]]  # a new key, by its spec


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    key: str  # the spec of its wrapping key
    source: str
    strength: int  # bits, against an attacker without a quantum computer
    post_quantum: bool  # does it resist a large quantum computer?
    why: str  # what explains its times and sizes

    def facts(self, size: int) -> Facts:
        """What a table says of it besides times; `size` is that of a wrapped data key."""
        return {
            "strength": f"{self.strength} bits",
            "quantum": "holds" if self.post_quantum else "falls",
            "bytes": size,
            "source": self.source,
            "why": self.why,
        }


SHARED, RSA_POWERS = (
    "Both sides need the same secret key.",
    "Wrapping raises to the power 65537, with 17 multiplications; unwrapping to one as long as "
    "the key, and twice the length makes that some six times as long.",
)
EPHEMERAL = (
    "Each wrapping makes a key pair and then agrees on a secret; unwrapping only agrees. The "
    "parcel is a point, and the data key under AES-KW."
)
LATTICE = (
    "Arithmetic with small numbers, so it is quick; but a ciphertext is hundreds of such numbers, "
    "so the parcel is long."
)
HPKE = (
    "The standard for what the ECDH and ML-KEM rows do by hand: it derives key and nonce with "
    "labels, in several steps of HKDF, and seals by AES-GCM."
)
# Strengths: of AES and the curves, SP 800-57 part 1 rev. 5, table 2; of RSA, SP 800-56B rev. 2,
# appendix D; of ML-KEM, FIPS 203, table 2 (as hard as finding an AES key of that length); X-Wing's
# authors aim at 128. The weakest part counts: after ECDH and ML-KEM comes AES-KW or AES-GCM with a
# key of 256 bits, which is not weaker.
METHODS = (
    Method(
        "AES-256-GCM",
        "AES_256",
        "SP 800-38D, a fresh nonce before it.",
        256,
        True,
        f"{SHARED} To wrap it draws a nonce, which must never repeat under one key.",
    ),
    Method(
        "AES-KW",
        "AES_256",
        "RFC 3394.",
        256,
        True,
        f"{SHARED} Made for wrapping keys: 24 steps of AES for 32 bytes, and no nonce.",
    ),
    Method(
        "AES-KWP",
        "AES_256",
        "RFC 5649.",
        256,
        True,
        f"{SHARED} AES-KW with the length inside, for keys of any length.",
    ),
    Method("RSA-OAEP 2048", "RSA_2048", "RFC 8017 §7.1, SHA-256.", 112, False, RSA_POWERS),
    Method(
        "RSA-OAEP 2048 SHA-1",
        "RSA_2048",
        "RFC 8017 §7.1, SHA-1.",
        112,
        False,
        "Collisions of SHA-1 do not break OAEP, which needs none. AWS KMS keeps it for programs "
        "that know no other. The arithmetic is RSA's, so another hash changes next to nothing.",
    ),
    Method("RSA-OAEP 3072", "RSA_3072", "RFC 8017 §7.1, SHA-256.", 128, False, RSA_POWERS),
    Method("RSA-OAEP 4096", "RSA_4096", "RFC 8017 §7.1, SHA-256.", 152, False, RSA_POWERS),
    Method(
        "ECDH P-256",
        "ECC_NIST_P256",
        "SP 800-56A, HKDF-SHA-256, AES-KW.",
        128,
        False,
        EPHEMERAL,
    ),
    Method(
        "ECDH P-384",
        "ECC_NIST_P384",
        "SP 800-56A, HKDF-SHA-256, AES-KW.",
        192,
        False,
        f"{EPHEMERAL} Its numbers are half as long again as P-256's, which libraries have tuned "
        "the most.",
    ),
    Method(
        "ECDH X25519",
        "X25519",
        "RFC 7748, HKDF-SHA-256, AES-KW.",
        128,
        False,
        f"{EPHEMERAL} A point is one number of 32 bytes, and every such number is a point.",
    ),
    Method("ML-KEM-512", "ML_KEM_512", "FIPS 203, AES-KW.", 128, True, LATTICE),
    Method("ML-KEM-768", "ML_KEM_768", "FIPS 203, AES-KW.", 192, True, LATTICE),
    Method("ML-KEM-1024", "ML_KEM_1024", "FIPS 203, AES-KW.", 256, True, LATTICE),
    Method("HPKE P-256", "ECC_NIST_P256", "RFC 9180.", 128, False, HPKE),
    Method("HPKE X25519", "X25519", "RFC 9180.", 128, False, HPKE),
    Method("HPKE ML-KEM-768", "ML_KEM_768", "draft-ietf-hpke-pq.", 192, True, HPKE),
    Method(
        "HPKE X-Wing",
        "X_WING",
        "draft-connolly-cfrg-xwing-kem, the hybrid MLKEM768-X25519 of draft-ietf-hpke-pq.",
        128,
        True,
        "ML-KEM-768 and X25519 at once, so it costs both; it holds as long as one of them does.",
    ),
)
REFERENCE = "AES-KW"  # the others are compared with it: it was made for wrapping keys only
KMS_IN_PROCESS = Method(
    "KMS in process",
    "SYMMETRIC_DEFAULT",
    "Encrypt and Decrypt of a lab in memory.",
    256,
    True,
    "A key is derived for each data key, and AES-GCM encrypts; the rest is the request's checks, "
    "the policy and the event. The wrapping key stays inside.",
)
KMS_OVER_HTTP = Method(
    "KMS over HTTP",
    "SYMMETRIC_DEFAULT",
    "Encrypt and Decrypt of an endpoint on this computer, by boto3.",
    256,
    True,
    "Nearly all of it is boto3, a signature, HTTP and JSON; a network would add its own time.",
)

LESSON_08 = (  # the nine ways of the lesson
    *("AES-256-GCM", "AES-KW", "AES-KWP", "RSA-OAEP 2048", "RSA-OAEP 3072", "RSA-OAEP 4096"),
    *("ECDH P-256", "ML-KEM-768", "ML-KEM-1024"),
)
NINE = tuple(method for method in METHODS if method.name in LESSON_08)
