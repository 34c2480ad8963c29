"""The contract as it lies in kms.json: read once, changed by nobody. `model` gives it a form."""

import json
from pathlib import Path
from typing import Any

KMS: dict[str, Any] = json.loads(Path(__file__).with_name("kms.json").read_bytes())
