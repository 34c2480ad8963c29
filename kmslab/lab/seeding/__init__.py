"""Seeds: files that declare users, access keys and keys, so that tests start with known ones.

`read` checks a whole file first; `plant` then makes everything in one commit, or nothing. Start
with `planting`. `forms` reads kmslab's own form of a file, `local_kms` the form of an emulator that
many projects use already.
"""

from pathlib import Path

from kmslab.lab.seeding import forms, local_kms, nodes
from kmslab.lab.seeding.declared import Seed
from kmslab.lab.seeding.nodes import SeedError
from kmslab.lab.seeding.planting import Planted, SeedTarget, plant

__all__ = ["Planted", "Seed", "SeedError", "SeedTarget", "plant", "read"]


def read(path: Path, account: str, region: str) -> Seed:
    """What a file declares. `account`, `region`: used where it names none. Raises `SeedError`."""
    root = nodes.read(path)
    if root.content is None:
        root.wrong("the file is empty.")
    seed = local_kms.seed if local_kms.is_local_kms(root) else forms.seed
    return seed(root, account, region)
