"""AWS's clients as their users start them: processes that are told an address and an access key."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / ".venv-clients" / "bin"
NOT_THERE = "AWS's clients are not installed: `make test-all` does it (sh scripts/setup.sh clients)"
SECONDS = 100  # for one process, on a loaded machine


@dataclass(frozen=True)
class Outside:
    """A machine of somebody else's: an empty home, and of the environment what it says here."""

    home: Path
    variables: Mapping[str, str]

    def knowing(self, **more: str) -> "Outside":
        return replace(self, variables={**self.variables, **more})

    def without(self, *names: str) -> "Outside":
        kept = {name: text for name, text in self.variables.items() if name not in names}
        return replace(self, variables=kept)

    def run(self, *command: str | Path) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.defpath,
            "HOME": str(self.home),
            "AWS_EC2_METADATA_DISABLED": "true",
            **self.variables,
        }
        return subprocess.run(
            [str(word) for word in command],
            cwd=self.home,
            env=environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def told(self, *command: str | Path) -> Any:
        """What a command that succeeds prints as JSON."""
        done = self.run(*command)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    def refused(self, *command: str | Path) -> str:
        """What a command that fails says last."""
        done = self.run(*command)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip().splitlines()[-1]
