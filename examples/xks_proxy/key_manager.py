"""A small key manager: AES-256 keys in a file of your own, which AWS never sees.

    python key_manager.py create patients
    python key_manager.py disable patients    # KMS keys that stand on it stop working
    python key_manager.py enable patients
    python key_manager.py delete patients     # what they have sealed never opens again
    python key_manager.py list

The file is `keys.json`, or the one that KEY_FILE names. It is read anew for each use, so a change
works at once, also for a proxy that is running. A real key manager keeps its keys in hardware.
"""

import json
import os
import re
import sys
from base64 import b64decode, b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY, IV, TAG = 32, 12, 16  # bytes
NAME = re.compile(r"[a-zA-Z0-9_.-]{1,128}", re.ASCII)
ENABLED, DISABLED = "ENABLED", "DISABLED"


class KeyManagerError(Exception):
    """`name` is the error's name in the proxy API."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


class Sealed(NamedTuple):
    iv: bytes
    ciphertext: bytes
    tag: bytes


@dataclass(frozen=True)
class KeyManager:
    path: Path

    def create(self, name: str) -> None:
        keys = self._read()
        if not NAME.fullmatch(name):
            raise KeyManagerError("ValidationException", f"{name!r} is not a key's name.")
        if name in keys:
            raise KeyManagerError("ValidationException", f"There is a key {name} already.")
        material = b64encode(os.urandom(KEY)).decode()
        self._write(keys | {name: {"material": material, "status": ENABLED}})

    def set_status(self, name: str, status: str) -> None:
        keys = self._read()
        self._write(keys | {name: self._key(keys, name) | {"status": status}})

    def delete(self, name: str) -> None:
        keys = self._read()
        self._key(keys, name)
        self._write({other: key for other, key in keys.items() if other != name})

    def status(self, name: str) -> str:
        return self._key(self._read(), name)["status"]

    def statuses(self) -> dict[str, str]:
        return {name: key["status"] for name, key in sorted(self._read().items())}

    def encrypt(self, name: str, plaintext: bytes, aad: bytes) -> Sealed:
        # A random IV is safe for 2^32 encryptions under one key (NIST SP 800-38D, 8.3).
        iv = os.urandom(IV)
        sealed = AESGCM(self._usable(name)).encrypt(iv, plaintext, aad)
        return Sealed(iv, sealed[:-TAG], sealed[-TAG:])

    def decrypt(self, name: str, sealed: Sealed, aad: bytes) -> bytes:
        key = AESGCM(self._usable(name))
        try:
            return key.decrypt(sealed.iv, sealed.ciphertext + sealed.tag, aad)
        except (InvalidTag, ValueError):
            text = "The ciphertext does not open: it, or what it is bound to, has been changed."
            raise KeyManagerError("InvalidCiphertextException", text) from None

    def _usable(self, name: str) -> bytes:
        key = self._key(self._read(), name)
        if key["status"] != ENABLED:
            raise KeyManagerError("InvalidStateException", f"The key {name} is disabled.")
        return b64decode(key["material"])

    def _key(self, keys: dict[str, dict[str, str]], name: str) -> dict[str, str]:
        if name not in keys:
            raise KeyManagerError("KeyNotFoundException", f"There is no key {name}.")
        return keys[name]

    def _read(self) -> dict[str, dict[str, str]]:
        try:
            return json.loads(self.path.read_text(encoding="ascii"))
        except FileNotFoundError:
            return {}

    def _write(self, keys: dict[str, dict[str, str]]) -> None:
        write_privately(self.path, json.dumps(keys, indent=2))


def write_privately(path: Path, text: str) -> None:
    """Only the owner may read the file; it has the old content or the new one, never a part."""
    beside = path.with_name(path.name + ".part")
    beside.unlink(missing_ok=True)
    with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    beside.replace(path)


def from_environment() -> KeyManager:
    return KeyManager(Path(os.environ.get("KEY_FILE", "keys.json")))


def main(arguments: list[str]) -> int:
    manager = from_environment()
    try:
        match arguments:
            case ["create", name]:
                manager.create(name)
            case ["disable", name]:
                manager.set_status(name, DISABLED)
            case ["enable", name]:
                manager.set_status(name, ENABLED)
            case ["delete", name]:
                manager.delete(name)
            case ["list"]:
                for name, status in manager.statuses().items():
                    print(name, status)
            case _:
                print(__doc__, file=sys.stderr)
                return 2
    except (KeyManagerError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
