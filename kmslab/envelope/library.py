"""The library that the envelope works with, and no algorithm of it before its self-test."""

from functools import cache

from kmslab.crypto import Backend, pyca
from kmslab.crypto.self_test import run as self_test


@cache
def proven(algorithm: str) -> Backend:
    """The backend, once it has given the algorithm's published answers; else SelfTestFailed."""
    self_test(pyca, algorithm)
    return pyca
