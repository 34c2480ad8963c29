"""KMS's answers about one key as tables: its metadata, its rotations, the grants on it."""

from collections.abc import Iterable, Mapping
from typing import Any

from kmslab.display import Table
from kmslab.kms.arn import resource_of

# They derive from random key material, so a table that must look the same twice leaves them out.
MATERIAL_IDS = frozenset({"CurrentKeyMaterialId", "KeyMaterialId", "keyMaterialId"})


class Metadata(dict[str, Any]):
    """A key's metadata: AWS's KeyMetadata, a dict that shows itself as a table."""

    def table(self, *, material_ids: bool = False) -> Table:
        members = [m for m in self if material_ids or m not in MATERIAL_IDS]
        return Table(["metadata", "value"], [[m, _plain(self[m])] for m in members])

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_markdown_(self) -> str:
        return self.table()._repr_markdown_()


def rotation_table(rotations: Iterable[Mapping[str, Any]]) -> Table:
    """With what is said about imported material, if there is any."""
    listed = list(rotations)
    headings = ["rotated (UTC)", "how", "state"]
    if any("ImportState" in each for each in listed):
        headings += ["material", "expires (UTC)"]
    return Table(headings, [_rotation(each)[: len(headings)] for each in listed])


def grant_table(grants: Iterable[Mapping[str, Any]]) -> Table:
    headings = ["grantee", "operations", "constraints", "grant id"]
    return Table(headings, [_grant(each) for each in grants])


def _rotation(entry: Mapping[str, Any]) -> list[str]:
    state = entry["KeyMaterialState"]
    return [
        _time(entry, "RotationDate") or ("not yet" if "PENDING" in state else "with the key"),
        entry.get("RotationType", ""),
        state,
        entry.get("ImportState", ""),
        _time(entry, "ValidTo"),
    ]


def _time(entry: Mapping[str, Any], member: str) -> str:
    return f"{entry[member]:%Y-%m-%d %H:%M:%S}" if member in entry else ""


def _grant(entry: Mapping[str, Any]) -> list[str]:
    grantee = entry.get("GranteePrincipal") or entry.get("GranteeServicePrincipal", "")
    constraints = [f"{name}: {_pairs(it)}" for name, it in entry.get("Constraints", {}).items()]
    return [
        resource_of(grantee),
        ", ".join(entry["Operations"]),
        ", ".join(constraints),
        entry["GrantId"][:8] + "…",
    ]


def _pairs(constraint: Mapping[str, str] | str) -> str:
    """A constraint is an encryption context, or the ARN of a source, which stays as it is."""
    if isinstance(constraint, str):
        return constraint
    return ", ".join(f"{name}={value}" for name, value in constraint.items())


def _plain(value: Any) -> str:
    if isinstance(value, dict) and "PrimaryKey" not in value:  # XksKeyConfiguration
        return ", ".join(map(str, value.values()))
    if isinstance(value, dict):  # MultiRegionConfiguration
        regions = [each["Region"] for each in (value["PrimaryKey"], *value["ReplicaKeys"])]
        return f"{value['MultiRegionKeyType']} in {', '.join(regions)}, the primary's Region first"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return value.strftime("%Y-%m-%d %H:%M:%S UTC") if hasattr(value, "strftime") else str(value)
