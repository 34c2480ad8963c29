"""The contract's data, kms.json, read once and never changed. `shapes` and `model` build on it."""

import json
from pathlib import Path
from typing import Any

KMS: dict[str, Any] = json.loads(Path(__file__).with_name("kms.json").read_bytes())
