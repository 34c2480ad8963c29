"""Known-answer tests, as FIPS 140 asks for: does an algorithm give the published answers?

The answers are data (`self_tests.json`), each with its source. A new algorithm needs rows there: an
algorithm without any fails. The keys in that file are published, so they are not secret.

A function with a random result has no known answer. It is tested together with its inverse (FIPS
140: pairwise consistency), and the inverse has known answers.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmslab.crypto.backend import GCM_TAG, Backend, Forged, Malformed
from kmslab.crypto.message_types import MessageType


class SelfTestFailed(Exception):
    """A backend's algorithm gave a wrong answer, so it must not be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAnswer:
    """One call of a backend's method, and the answer that it must give.

    If `refused_if_altered` names an argument, the backend must also refuse the same call with the
    last bit of that argument flipped.
    """

    algorithm: str
    function: str
    arguments: Mapping[str, Any]
    source: str
    answer: Any = None
    refused_if_altered: str | None = None
    key_spec: str | None = None  # if set, backends without this key spec skip the test

    def concerns(self, backend: Backend) -> bool:
        return self.key_spec is None or self.key_spec in backend.KEY_SPECS

    def holds(self, backend: Backend) -> bool:
        try:
            answer = self._call(backend, self.arguments)
        except (Forged, Malformed):
            return False
        return bool(answer == self.answer) and self._refuses(backend)

    def _refuses(self, backend: Backend) -> bool:
        if self.refused_if_altered is None:
            return True
        *most, last = self.arguments[self.refused_if_altered]
        altered = {self.refused_if_altered: bytes([*most, last ^ 1])}
        try:
            self._call(backend, {**self.arguments, **altered})
        except (Forged, Malformed):
            return True
        return False

    def _call(self, backend: Backend, arguments: Mapping[str, Any]) -> Any:
        own = PAIRWISE | BUFFERED
        if self.function in own:
            return own[self.function](backend, **arguments)
        return getattr(backend, self.function)(**arguments)


def sign_and_verify(
    backend: Backend, algorithm: str, private: bytes, message: bytes, message_type: MessageType
) -> None:
    signature = backend.sign(algorithm, private, message, message_type)
    public = backend.public_key(private)
    backend.verify(algorithm, public, message, message_type, signature)


def encrypt_and_decrypt(
    backend: Backend, algorithm: str, private: bytes, plaintext: bytes
) -> bytes:
    ciphertext = backend.encrypt(algorithm, backend.public_key(private), plaintext)
    return backend.decrypt(algorithm, private, ciphertext)


def encapsulate_and_decapsulate(backend: Backend, private: bytes) -> bool:
    ciphertext, secret = backend.encapsulate(backend.public_key(private))
    return backend.decapsulate(private, ciphertext) == secret


# By `function`, as in `self_tests.json`.
PAIRWISE: dict[str, Callable[..., Any]] = {
    "sign_and_verify": sign_and_verify,
    "encrypt_and_decrypt": encrypt_and_decrypt,
    "encapsulate_and_decapsulate": encapsulate_and_decapsulate,
}


def aes_gcm_sealer(backend: Backend, key: bytes, iv: bytes, plaintext: bytes, aad: bytes) -> bytes:
    sealed = bytearray(len(plaintext) + GCM_TAG)
    backend.aes_gcm_sealer(key)(iv, plaintext, aad, memoryview(sealed))
    return bytes(sealed)


def aes_gcm_opener(backend: Backend, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> bytes:
    """In pieces too: both ways must give the answer, and both must refuse what was altered."""
    at_once, in_pieces = (way(backend, key, iv, sealed, aad) for way in (_at_once, _in_pieces))
    if at_once != in_pieces:
        return b""  # a wrong answer, and no refusal
    if at_once is None:
        raise Forged
    return at_once


def _at_once(backend: Backend, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> bytes | None:
    plaintext = bytearray(len(sealed) - GCM_TAG)
    try:
        backend.aes_gcm_opener(key)(iv, sealed, aad, memoryview(plaintext))
    except Forged:
        return None
    return bytes(plaintext)


def _in_pieces(backend: Backend, key: bytes, iv: bytes, sealed: bytes, aad: bytes) -> bytes | None:
    plaintext = memoryview(bytearray(len(sealed) - GCM_TAG))
    pieces = backend.aes_gcm_in_pieces(key, iv, aad)
    for part in (slice(None, 9), slice(9, len(plaintext))):  # the first is no whole block
        pieces.decrypt(sealed[part], plaintext[part])
    try:
        pieces.verify(sealed[-GCM_TAG:])
    except Forged:
        return None
    return bytes(plaintext)


# Calls of the methods that write into a buffer. These return what was written.
BUFFERED: dict[str, Callable[..., Any]] = {
    "aes_gcm_sealer": aes_gcm_sealer,
    "aes_gcm_opener": aes_gcm_opener,
}


def _bytes_from_hex(value: dict[str, Any]) -> Any:
    return bytes.fromhex(value["hex"]) if value.keys() == {"hex"} else value


def read(text: str) -> tuple[KnownAnswer, ...]:
    """Known answers from JSON, in which `{"hex": "00ff"}` means bytes."""
    return tuple(KnownAnswer(**row) for row in json.loads(text, object_hook=_bytes_from_hex))


KNOWN_ANSWERS = read(Path(__file__).with_name("self_tests.json").read_text("utf-8"))


def run(
    backend: Backend, algorithm: str, known_answers: Sequence[KnownAnswer] = KNOWN_ANSWERS
) -> None:
    """Raises SelfTestFailed unless the backend gives every known answer of the algorithm."""
    chosen = [
        known for known in known_answers if known.algorithm == algorithm and known.concerns(backend)
    ]
    if not chosen:
        raise SelfTestFailed(f"{algorithm}: no known answer to test {backend.NAME} with")
    for known in chosen:
        try:
            passed = known.holds(backend)
        except Exception as error:  # whatever goes wrong, the algorithm must not be used
            raise SelfTestFailed(_failure(backend, known)) from error
        if not passed:
            raise SelfTestFailed(_failure(backend, known))


def _failure(backend: Backend, known: KnownAnswer) -> str:
    return f"{known.algorithm}: {known.function} of {backend.NAME} fails ({known.source})"
