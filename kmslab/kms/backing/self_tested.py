"""Which library serves an algorithm: the first that has it, once it has passed its self-test."""

from kmslab.crypto import Backend, pyca, pycryptodome
from kmslab.crypto.self_test import run as self_test

BACKENDS: tuple[Backend, ...] = (pyca, pycryptodome)  # the first that serves an algorithm does


class Modules:
    """As a FIPS 140 module does, each algorithm is tested before its first use, and then kept."""

    def __init__(self, backends: tuple[Backend, ...] = BACKENDS) -> None:
        self._backends = backends
        self._proven: dict[tuple[str, str], Backend] = {}

    def serving(self, algorithm: str, spec: str = "") -> Backend:
        """Raises `SelfTestFailed` rather than serve what gives wrong answers."""
        module = self._proven.get((algorithm, spec))
        if module is None:
            serving = [
                each
                for each in self._backends
                if algorithm in each.ALGORITHMS and (not spec or spec in each.KEY_SPECS)
            ]
            if not serving:
                raise RuntimeError(f"no library of this lab serves {algorithm} {spec}".rstrip())
            module = serving[0]
            self_test(module, algorithm)
            self._proven[algorithm, spec] = module
        return module
