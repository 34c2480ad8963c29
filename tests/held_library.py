"""The library `cryptography`, but it makes an RSA key only when a test lets it.

A test that has to know what happens meanwhile waits for `begun`, looks, and then calls `let_go`.
"""

import threading
from typing import Any

from kmslab.crypto import SecretBytes, pyca


class HeldLibrary:
    def __init__(self) -> None:
        self.begun, self._may_go_on = threading.Event(), threading.Event()
        self.held: list[str] = []  # the specs of the keys that were asked for

    def __getattr__(self, name: str) -> Any:
        return getattr(pyca, name)

    def generate_key(self, spec: str) -> SecretBytes:
        if spec.startswith("RSA"):
            self.begun.set()
            self.held.append(spec)
            self._may_go_on.wait()
        return pyca.generate_key(spec)

    def let_go(self) -> None:
        self._may_go_on.set()
