"""The ways to wrap a data key that are measured, a row each: what they cost is not known here.

A way takes a wrapping key of one kind. Both libraries are given the same key, as bytes, and load it
before the clock starts: so does any program that wraps more than once.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

DATA_KEY = 32  # bytes, what is wrapped


class Refused(Exception):
    """What was to be unwrapped is not what was wrapped."""


@dataclass(frozen=True, slots=True)
class Wrapper:
    """A way with its key loaded. `unwrap` raises Refused."""

    wrap: Callable[[bytes], bytes]
    unwrap: Callable[[bytes], bytes]


class Library(Protocol):
    """What a library's module offers. A private key comes as PKCS#8, AES's as its bytes."""

    NAME: str
    LOAD: Mapping[str, Callable[[bytes], Wrapper]]  # by the way's name
    GENERATE: Mapping[str, Callable[[], object]]  # a new key, by its spec

    def built_on(self) -> str:
        """What does the arithmetic, in the library's own words."""


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    key: str  # the spec of its wrapping key
    source: str
    strength: int  # bits: what an attacker of today is up against
    post_quantum: bool  # does a large quantum computer leave it standing?


# Strengths: of AES and P-256, SP 800-57 part 1 rev. 5, table 2; of RSA, SP 800-56B rev. 2, appendix
# D; of ML-KEM, FIPS 203, table 2 (as hard as finding an AES key of that length). The weakest link
# counts: ECDH and ML-KEM are followed by AES-KW with a key of 256 bits, which is no weaker.
WAYS = (
    Way("AES-256-GCM", "AES_256", "SP 800-38D, a fresh nonce before it", 256, True),
    Way("AES-KW", "AES_256", "RFC 3394", 256, True),
    Way("AES-KWP", "AES_256", "RFC 5649", 256, True),
    Way("RSA-OAEP 2048", "RSA_2048", "RFC 8017 §7.1, SHA-256", 112, False),
    Way("RSA-OAEP 3072", "RSA_3072", "RFC 8017 §7.1, SHA-256", 128, False),
    Way("RSA-OAEP 4096", "RSA_4096", "RFC 8017 §7.1, SHA-256", 152, False),
    Way("ECDH P-256", "ECC_NIST_P256", "SP 800-56A, HKDF-SHA-256, AES-KW", 128, False),
    Way("ML-KEM-768", "ML_KEM_768", "FIPS 203, AES-KW", 192, True),
    Way("ML-KEM-1024", "ML_KEM_1024", "FIPS 203, AES-KW", 256, True),
)
KEYS = tuple(dict.fromkeys(way.key for way in WAYS))
MEASURE = "AES-KW"  # what the others are compared with: made for wrapping keys, and nothing else
