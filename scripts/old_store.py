"""Keeps a store of the present schema for the tests of all later ones.

    .venv/bin/python scripts/old_store.py

writes `tests/lab/old_stores/schema_N.sql`, `.backup` and `.json` (the root key, and what is in the
store). Run it once a schema is finished. The files of older schemas are never written again.
"""

import json
import sqlite3
import tempfile
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kmslab import Clock, Lab
from kmslab.kms.store.schema import VERSION

OLD = Path(__file__).parents[1] / "tests" / "lab" / "old_stores"
NOON = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)


def fill(lab: Lab) -> dict[str, Any]:
    """What `tests/lab/test_old_stores.py` will ask for. Keep it small, since the file is kept."""
    orders = lab.create_cmk("orders", description="Ärzte, 열쇠")
    known: dict[str, Any] = {"blob": orders.encrypt(b"kept", {"order": "17"}).hex()}
    orders.rotate()
    lab.clock.advance(minutes=1)
    known["rotated"] = orders.encrypt(b"rotated", {"order": "17"}).hex()
    known["abroad"] = lab.region("eu-west-1").create_cmk("orders").encrypt(b"abroad").hex()
    signer = lab.create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY")
    known["signed"] = [signer.arn, signer.sign(b"kept", "ECDSA_SHA_256").hex()]
    root, session = lab.access_key(), lab.role("job").access_key()
    known["access_key"] = [root.id, root.secret.decode()]
    known["session"] = [session.id, session.token]
    known["grant"] = lab.user("alice").caller.principal
    orders.grant(known["grant"], "Decrypt")
    doomed = lab.create_cmk()
    doomed.schedule_deletion(7)
    cluster = lab.create_key_store("cluster")
    known["held"] = lab.create_cmk("held", key_store=cluster).encrypt(b"held").hex()
    known["attestation"] = bool(lab.service.recipients.root())
    return known | {"doomed": doomed.arn, "schema": VERSION, "events": len(lab._store.events())}


def main() -> None:
    stem = OLD / f"schema_{VERSION}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "my.db"
        with Lab(f"sqlite:///{path}", clock=Clock.frozen(NOON)) as lab:
            known = fill(lab)
            lab.backup(stem.with_suffix(".backup"), overwrite=True)
        known["root_key"] = path.with_name("my.db.key").read_text("ascii").strip()
        with closing(sqlite3.connect(path)) as raw:
            lines = [line.rstrip() for line in "\n".join(raw.iterdump()).splitlines()]
    stem.with_suffix(".sql").write_text("\n".join(lines) + "\n", "utf-8")
    stem.with_suffix(".json").write_text(json.dumps(known, indent=1) + "\n", "utf-8")
    print(f"{stem}.sql, .backup and .json")


if __name__ == "__main__":
    main()
