"""The second opinion: PyCryptodome, which shares no code with OpenSSL.

It is imported when it is first used, because most programs never use it.
Rule: an exception of that library never leaves this package.
"""

from typing import Any, cast

from kmslab.crypto.backend import Backend


class _ImportedOnUse:
    def __getattr__(self, name: str) -> Any:
        from kmslab.crypto.pycryptodome.library import Pycryptodome

        found = getattr(Pycryptodome(), name)
        setattr(self, name, found)  # so that this is asked once a name
        return found

    def __dir__(self) -> list[str]:
        from kmslab.crypto.pycryptodome.library import Pycryptodome

        return dir(Pycryptodome)


pycryptodome = cast(Backend, _ImportedOnUse())
