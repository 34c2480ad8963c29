"""The computer on which something was measured, without the name of the host or a person."""

import os
import platform
import re
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from cryptography.hazmat.backends.openssl import backend

MAC = ("machdep.cpu.brand_string", "machdep.cpu.features")  # for sysctl; Apple's chips lack these


@dataclass(frozen=True, slots=True)
class Machine:
    processor: str
    flags: tuple[str, ...]  # the processor's abilities; () if the system does not list them
    cores: int
    system: str
    python: str
    load: tuple[float, ...]  # the load average before and after; () on Windows


@dataclass(frozen=True, slots=True)
class Software:
    name: str
    version: str
    built_on: str = ""  # what does the arithmetic, in the library's own words

    def __str__(self) -> str:
        return f"{self.name} {self.version}" + (f" ({self.built_on})" if self.built_on else "")


def installed(name: str, built_on: str = "") -> Software:
    """A library by the name of its distribution. PackageNotFoundError if it is not installed."""
    return Software(name, version(name), built_on)


def core() -> list[Software]:
    """What every result names."""
    return [installed("kmslab"), installed("cryptography", backend.openssl_version_text())]


def load() -> tuple[float, ...]:
    """The load average of the last minute."""
    with suppress(OSError, AttributeError):
        return (round(os.getloadavg()[0], 2),)
    return ()


def describe(load: tuple[float, ...]) -> Machine:
    processor, flags = _processor()
    return Machine(
        processor=processor or platform.processor() or platform.machine(),
        flags=tuple(sorted(flags.split())),
        cores=os.cpu_count() or 1,
        system=f"{platform.system()} {platform.machine()}",
        python=f"{platform.python_implementation()} {platform.python_version()}",
        load=load,
    )


def _processor() -> tuple[str, str]:
    """Its name and its flags; "" for what the system does not give."""
    with suppress(OSError):
        text = Path("/proc/cpuinfo").read_text("utf-8")
        return _value("model name", text), _value("flags|Features", text)
    with suppress(OSError, subprocess.SubprocessError):
        name, flags = (
            subprocess.run(["sysctl", "-n", key], capture_output=True, text=True, timeout=5).stdout
            for key in MAC
        )
        return name.strip(), flags.lower().strip()
    return "", ""


def _value(name: str, text: str) -> str:
    found = re.search(rf"^(?:{name})\s*:\s*(.*)$", text, re.M)
    return found[1] if found else ""
