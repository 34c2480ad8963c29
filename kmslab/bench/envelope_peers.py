"""Other programs that seal files: the AWS Encryption SDK for Python, Tink and age.

Each is used as its documentation shows, from file to file, with a key that is at hand. Each reads
pieces of the size at which it was fastest in a trial. One that is not installed is left out, with
the reason: no lock of kmslab has Tink or age, and only the tests' has the SDK.
"""

import importlib
import shutil
import subprocess
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kmslab.bench.envelope_ways import KIB, NAME, NAMESPACE
from kmslab.bench.machine import Software, installed
from kmslab.bench.programs import Absent

PIECE = 64 * KIB
SECONDS = 600  # for one run of a command
FromTo = Callable[[Path, Path], object]  # it makes the second file


@dataclass(frozen=True, slots=True)
class Peer:
    """One way to use a program."""

    by: str
    seal: FromTo
    open: FromTo
    software: Software


class Peers:
    """What there is of them. None stands for one that is absent."""

    def __init__(self, folder: Path, key: bytes) -> None:
        """`folder` gets age's key files. `key` is the SDK's raw AES key."""
        self._folder, self._key = folder, key
        self.absent: dict[str, str] = {}
        self._software: dict[str, Software] = {}

    @property
    def software(self) -> list[Software]:
        return [*self._software.values()]

    def sdk(self, suite: int | None = None, frame: int | None = None) -> Peer | None:
        return self._found("AWS Encryption SDK", lambda: encryption_sdk(self._key, suite, frame))

    def tink(self, segment: str) -> Peer | None:
        return self._found("Tink", lambda: tink(segment))

    def age(self) -> Peer | None:
        return self._found("age", lambda: age(self._folder))

    def _found(self, name: str, make: Callable[[], Peer]) -> Peer | None:
        try:
            peer = make()
        except Absent as absent:
            self.absent[name] = str(absent)
            return None
        self._software[name] = peer.software
        return peer


# ------------------------------------------------------------------- AWS Encryption SDK for Python


def encryption_sdk(key: bytes, suite: int | None = None, frame: int | None = None) -> Peer:
    """With the key of our messages. Its own suite is 0x0578, and its own frames have 4 KiB."""
    sdk, ids, raw, keys = _encryption_sdk()
    client, piece = sdk.EncryptionSDKClient(), max(PIECE, frame or 0)
    options: dict[str, Any] = {} if frame is None else {"frame_length": frame}
    if suite:
        options["algorithm"] = {each.algorithm_id: each for each in ids.Algorithm}[suite]
    wrapping = keys.WrappingKey(
        wrapping_algorithm=ids.WrappingAlgorithm.AES_256_GCM_IV12_TAG16_NO_PADDING,
        wrapping_key=key,
        wrapping_key_type=ids.EncryptionKeyType.SYMMETRIC,
    )
    members = {"provider_id": NAMESPACE, "_get_raw_key": lambda self, key_id: wrapping}
    provider = type("RawKey", (raw.RawMasterKeyProvider,), members)()
    provider.add_master_key(NAME)

    def run(mode: str, source: Path, target: Path, **options: Any) -> None:
        with (
            source.open("rb") as reader,
            target.open("xb") as writer,
            client.stream(mode=mode, source=reader, key_provider=provider, **options) as stream,
        ):
            shutil.copyfileobj(stream, writer, piece)

    return Peer(
        "AWS Encryption SDK",
        lambda source, target: run("e", source, target, **options),
        lambda source, target: run("d", source, target),
        installed("aws-encryption-sdk"),
    )


def _encryption_sdk() -> list[Any]:
    modules = ("", ".identifiers", ".key_providers.raw", ".internal.crypto.wrapping_keys")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about what it imports itself
            return [importlib.import_module(f"aws_encryption_sdk{each}") for each in modules]
    except ImportError:
        raise Absent(
            "aws-encryption-sdk is not installed; `make setup-test` installs it."
        ) from None


# --------------------------------------------------------------------------------- Tink for Python


def tink(segment: str) -> Peer:
    """Its streaming AEAD, AES256_GCM_HKDF with segments of 4KB or 1MB."""
    try:
        package = importlib.import_module("tink")
        streaming = importlib.import_module("tink.streaming_aead")
    except ImportError:
        raise Absent("tink is not installed; `pip install tink` installs it.") from None
    streaming.register()
    templates = streaming.streaming_aead_key_templates
    handle = package.new_keyset_handle(getattr(templates, f"AES256_GCM_HKDF_{segment}"))
    aead = handle.primitive(streaming.StreamingAead)

    def seal(source: Path, target: Path) -> None:
        with (
            source.open("rb") as reader,
            target.open("xb") as writer,
            aead.new_encrypting_stream(writer, b"") as stream,
        ):
            shutil.copyfileobj(reader, stream, PIECE)

    def open_(source: Path, target: Path) -> None:
        with (
            source.open("rb") as reader,
            target.open("xb") as writer,
            aead.new_decrypting_stream(reader, b"") as stream,
        ):
            shutil.copyfileobj(stream, writer, PIECE)

    return Peer("Tink", seal, open_, installed("tink"))


# --------------------------------------------------------------------------------------------- age


def age(folder: Path) -> Peer:
    """The command, with a key file. It is a new process for each file, and its start is counted."""
    program, keygen = shutil.which("age"), shutil.which("age-keygen")
    if not program or not keygen:
        raise Absent("There is no command `age`; Debian's package `age` has it.")
    key, recipients = folder / "age.key", folder / "age.recipients"
    _run(keygen, "-o", key)
    _run(keygen, "-y", "-o", recipients, key)

    def seal(source: Path, target: Path) -> None:
        _run(program, "-R", recipients, "-o", target, source)

    def open_(source: Path, target: Path) -> None:
        _run(program, "-d", "-i", key, "-o", target, source)

    return Peer("age", seal, open_, Software("age", _version(program)))


def _run(*command: str | Path) -> str:
    words = [str(word) for word in command]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=SECONDS).stdout


def _version(program: str) -> str:
    with suppress(subprocess.SubprocessError, OSError):
        return _run(program, "--version").strip()
    return "of unknown version"
