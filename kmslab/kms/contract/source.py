"""The contract's data, kms.json, read once and never changed. `shapes` and `model` build on it."""

import json
from pathlib import Path
from typing import Any

CONTRACT = Path(__file__).parent
KMS: dict[str, Any] = json.loads((CONTRACT / "kms.json").read_bytes())
