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
    """Unwrapping failed: the wrapped key was changed, or wrapped under another key."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A method with its key loaded. `unwrap` raises Refused."""

    wrap: Callable[[bytes], bytes]
    unwrap: Callable[[bytes], bytes]


class Library(Protocol):
    """What a library's module offers. A private key comes as PKCS#8, an AES key as its bytes."""

    NAME: str
    LOAD: Mapping[str, Callable[[bytes], Wrapper]]  # by the method's name
    GENERATE: Mapping[str, Callable[[], object]]  # a new key, by its spec


@dataclass(frozen=True, slots=True)
class Method:
    name: str
    key: str  # the spec of its wrapping key
    source: str
    strength: int  # bits, against an attacker without a quantum computer
    post_quantum: bool  # does it resist a large quantum computer?

    def facts(self, size: int) -> Facts:
        """What a table says of it besides times; `size` is that of a wrapped data key."""
        return {
            "strength": f"{self.strength} bits",
            "quantum": "holds" if self.post_quantum else "falls",
            "bytes": size,
            "source": self.source,
        }


# Strengths: of AES and P-256, SP 800-57 part 1 rev. 5, table 2; of RSA, SP 800-56B rev. 2, appendix
# D; of ML-KEM, FIPS 203, table 2 (as hard as finding an AES key of that length). The weakest part
# counts: after ECDH and ML-KEM comes AES-KW with a key of 256 bits, which is not weaker.
METHODS = (
    Method("AES-256-GCM", "AES_256", "SP 800-38D, a fresh nonce before it", 256, True),
    Method("AES-KW", "AES_256", "RFC 3394", 256, True),
    Method("AES-KWP", "AES_256", "RFC 5649", 256, True),
    Method("RSA-OAEP 2048", "RSA_2048", "RFC 8017 §7.1, SHA-256", 112, False),
    Method("RSA-OAEP 3072", "RSA_3072", "RFC 8017 §7.1, SHA-256", 128, False),
    Method("RSA-OAEP 4096", "RSA_4096", "RFC 8017 §7.1, SHA-256", 152, False),
    Method("ECDH P-256", "ECC_NIST_P256", "SP 800-56A, HKDF-SHA-256, AES-KW", 128, False),
    Method("ML-KEM-768", "ML_KEM_768", "FIPS 203, AES-KW", 192, True),
    Method("ML-KEM-1024", "ML_KEM_1024", "FIPS 203, AES-KW", 256, True),
)
REFERENCE = "AES-KW"  # the others are compared with it: it was made for wrapping keys only
NINE = METHODS  # those of lesson 08
