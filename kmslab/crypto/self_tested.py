"""No algorithm is used before its self-test: here the rest of kmslab gets its ciphers.

Rule: as a FIPS 140 module does, each algorithm gives its published answers before its first use.
If it fails there, it is not used at all.
"""

import secrets
from collections.abc import Iterable

from kmslab.crypto.backend import GCM_IV, Backend
from kmslab.crypto.pyca import pyca
from kmslab.crypto.pycryptodome import pycryptodome
from kmslab.crypto.secret import SecretBytes
from kmslab.crypto.self_test import run

BACKENDS: tuple[Backend, ...] = (pyca, pycryptodome)  # the preferred one first


class SelfTested:
    """Several backends: the first that has an algorithm serves it, once it has passed the test."""

    def __init__(self, backends: Iterable[Backend] = BACKENDS) -> None:
        self._backends = tuple(backends)
        self._passed: dict[tuple[str, str, bool], Backend] = {}

    def proven(self, algorithm: str, spec: str = "", long_exponent: bool = False) -> Backend:
        """The backend that serves the algorithm, with keys of that spec if one is named.

        `long_exponent`: whether it must take a public key with `has_long_exponent`. Raises
        SelfTestFailed if it gives a wrong answer, RuntimeError if no backend has it.
        """
        backend = self._passed.get((algorithm, spec, long_exponent))
        if backend is None:
            backend = self._first(algorithm, spec, long_exponent)
            run(backend, algorithm)
            self._passed[algorithm, spec, long_exponent] = backend
        return backend

    def _first(self, algorithm: str, spec: str, long_exponent: bool) -> Backend:
        for backend in self._backends:
            has_key = not spec or spec in backend.KEY_SPECS
            if (
                algorithm in backend.ALGORITHMS
                and has_key
                and long_exponent <= backend.LONG_EXPONENTS
            ):
                return backend
        raise RuntimeError(f"no cryptographic library here has {algorithm} {spec}".rstrip())

    def seal_box(self, key: bytes, plaintext: bytes, aad: bytes) -> bytes:
        """A box: a fresh 12-byte IV ‖ ciphertext ‖ 16-byte tag, by AES-GCM.

        The IV is random, so one key seals at most 2³² boxes (SP 800-38D §8.3).
        """
        iv = secrets.token_bytes(GCM_IV)
        return iv + self.proven("AES_GCM").aes_gcm_seal(key, iv, plaintext, aad)

    def open_box(self, key: bytes, box: bytes, aad: bytes) -> SecretBytes:
        """What `seal_box` sealed under this key with this `aad`; Forged for anything else."""
        iv, sealed = box[:GCM_IV], box[GCM_IV:]
        return self.proven("AES_GCM").aes_gcm_open(key, iv, sealed, aad)


# Shared by all code that has no backends of its own. (A lab has, because its maker may choose.)
_shared = SelfTested()
proven, seal_box, open_box = _shared.proven, _shared.seal_box, _shared.open_box
