"""kmslab's own form of a seed file: accounts, their users, roles and access keys, and keys.

`docs/seeds.md` shows a complete file. What AWS KMS would refuse in a request is refused here too,
in the same words, before anything is made.
"""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from kmslab.crypto import SecretBytes
from kmslab.kms.access import check_identity_policy
from kmslab.kms.arn import (
    is_region_of,
    known_arn,
    partition_of,
    role_arn,
    root_arn,
    session_arn,
    user_arn,
)
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.specs import KEY_SPECS, KeyKind, Origin
from kmslab.kms.contract.states import KeyState
from kmslab.kms.iam import account_number, region_name, session_name, user_name
from kmslab.kms.names import ALIAS_PREFIX, KEY_ID
from kmslab.kms.operations.aliases import MAX_ALIASES_PER_KEY
from kmslab.kms.operations.aliases import NAME as ALIAS_NAME
from kmslab.kms.operations.keys import MULTI_REGION
from kmslab.lab.seeding.declared import Seed, SeedAccessKey, SeedKey, SeedPrincipal
from kmslab.lab.seeding.material import materials, settled
from kmslab.lab.seeding.nodes import Node

YEAR = 365  # days
SECONDS = re.compile(r"\d{9,10}", re.ASCII)  # since 1970
SWITCHES = {"true": YEAR, "yes": YEAR, "on": YEAR, "false": 0, "no": 0, "off": 0}
STATES = (KeyState.ENABLED, KeyState.DISABLED)
ORIGINS = (Origin.AWS_KMS, Origin.EXTERNAL)
ACCOUNT_MEMBERS = ("access_keys", "users", "roles", "keys")
KEY_MEMBERS = (
    "id",
    "alias",
    "aliases",
    "region",
    "replicas",
    "spec",
    "usage",
    "origin",
    "description",
    "tags",
    "policy",
    "rotation",
    "next_rotation",
    "state",
    "material",
)
GROUPS = {"users": user_arn, "roles": role_arn}
NO_NAME = (
    "a key needs an id or an alias: without either, each start would make another key. An id is a "
    "UUID in lower case."
)


def seed(root: Node, account: str, region: str) -> Seed:
    """`account` and `region`: used where the file names none."""
    found = root.members("account", "region", "accounts", *ACCOUNT_MEMBERS)
    account = checked(found["account"], account_number) if "account" in found else account
    region = checked(found["region"], region_name) if "region" in found else region
    parts = [(account, {name: found[name] for name in ACCOUNT_MEMBERS if name in found})]
    for number, node in found["accounts"].names().items() if "accounts" in found else ():
        checked(Node(number, node.at), account_number)
        parts.append((number, node.members(*ACCOUNT_MEMBERS)))
    principals: list[SeedPrincipal] = []
    access_keys: list[SeedAccessKey] = []
    keys: list[SeedKey] = []
    for number, members in parts:
        access_keys += _access_keys(members.get("access_keys"), root_arn(number))
        for group, arn_of in GROUPS.items():
            for name, person in _names(members.get(group)):
                checked(Node(name, person.at), user_name)
                its = person.members("policy", "access_keys")
                arn = arn_of(number, name)
                principals.append(_principal(person, arn, its.get("policy")))
                access_keys += _access_keys(its.get("access_keys"), arn)
        keys += [_key(node, number, region) for node in _items(members.get("keys"))]
    return Seed(root.at.file, account, region, tuple(principals), tuple(access_keys), tuple(keys))


def _principal(node: Node, arn: str, policy: Node | None) -> SeedPrincipal:
    if policy is None:
        return SeedPrincipal(node.at, arn, "")
    text = document(policy)
    try:
        check_identity_policy(text)
    except KMSError as error:
        policy.wrong(f"{error.code}: {error}")
    return SeedPrincipal(node.at, arn, text)


def document(node: Node) -> str:
    """A policy in JSON. The file has it as a text in JSON, or as names and lists."""
    if isinstance(node.content, str):
        return node.content
    return json.dumps(node.plain(), ensure_ascii=False)


def _access_keys(node: Node | None, principal: str) -> Iterator[SeedAccessKey]:
    """The access keys of a root user or a user; a role's belong to one of its sessions."""
    arn = known_arn(principal)
    is_role = arn.kind == "role"
    of_session = ("session", "token") if is_role else ()
    for each in _items(node):
        found = each.members("id", "secret", *of_session)
        if not {"id", "secret"} <= found.keys():
            each.wrong("an access key needs an id and a secret.")
        session = checked(found["session"], session_name) if "session" in found else "seed"
        yield SeedAccessKey(
            each.at,
            session_arn(arn.account, arn.name, session) if is_role else principal,
            found["id"].text(),
            SecretBytes(found["secret"].text().encode()),
            _text(found, "token"),
        )


def _key(node: Node, account: str, region: str) -> SeedKey:
    found = node.members(*KEY_MEMBERS)
    if "next_rotation" in found and "rotation" not in found:
        found["next_rotation"].wrong("a key with next_rotation also needs rotation: with its days.")
    known = materials(found["material"]) if "material" in found else []
    spec, known = settled(_text(found, "spec"), known, found.get("material", node))
    region = checked(found["region"], region_name) if "region" in found else region
    members = {
        "KeyId": key_id(found["id"]) if "id" in found else None,
        **_multi_region(found, region),
        "KeySpec": spec,
        "KeyUsage": _text(found, "usage") or _only_usage(spec),
        "Origin": origin(found["origin"]) if "origin" in found else None,
        "Description": _text(found, "description") or None,
        "Policy": document(found["policy"]) if "policy" in found else None,
        "Tags": _tags(found.get("tags")),
        "RotationPeriodInDays": rotation(found["rotation"]) if "rotation" in found else None,
        "NextRotation": moment(found["next_rotation"]) if "next_rotation" in found else None,
        "State": state(found["state"]) if "state" in found else None,
        "Materials": known or None,
        "Aliases": _aliases(found, node),
    }
    return key(node, account, region, members)


def key(node: Node, account: str, region: str, members: dict[str, Any]) -> SeedKey:
    """A key whose members AWS KMS would accept. A member that is None is left out."""
    members = {name: value for name, value in members.items() if value is not None}
    if not members.get("KeyId") and not members.get("Aliases"):
        node.wrong(NO_NAME)
    imported = members.get("Origin") is Origin.EXTERNAL
    if members.get("RotationPeriodInDays") and (imported or not _is_symmetric(members["KeySpec"])):
        node.wrong(
            "only symmetric encryption keys rotate, and those with imported material do not."
        )
    if "State" in members and imported and "Materials" not in members:
        node.wrong(
            "a key with the origin EXTERNAL and no material is PendingImport, as it is made."
        )
    try:
        accepted = MODEL.operations["CreateKey"].check(members)
        if days := members.get("RotationPeriodInDays"):
            request = {"KeyId": "key", "RotationPeriodInDays": days}
            MODEL.operations["EnableKeyRotation"].check(request)
    except KMSError as error:
        node.wrong(f"{error.code}: {error}")
    return SeedKey(node.at, account, region, {**members, **accepted})


def _multi_region(found: dict[str, Node], region: str) -> dict[str, Any]:
    """A key with an `mrk-` id or with replicas, even none, is a multi-Region primary."""
    named = _text(found, "id")
    if "replicas" not in found:
        return {"MultiRegion": True} if named.startswith(MULTI_REGION) else {}
    if named and not named.startswith(MULTI_REGION):
        found["id"].wrong("the id of a key with replicas begins with mrk-.")
    regions: list[str] = []
    for node in found["replicas"].items():
        name = checked(node, region_name)
        if name in (region, *regions) or not is_region_of(partition_of(region), name):
            node.wrong("each replica is in another Region, and in the partition of the key.")
        regions.append(name)
    return {"MultiRegion": True, "ReplicaRegions": regions}


def key_id(node: Node) -> str:
    text = node.text()
    if not KEY_ID.fullmatch(text):
        node.wrong("this is not a key id: it has to be a UUID in lower case.")
    return text


def origin(node: Node) -> Origin:
    """Where its key material came from: KMS makes it, or the key's owner imports it."""
    for each in ORIGINS:
        if node.text() == each:
            return each
    node.wrong(f"a key's origin can be declared as {' or '.join(ORIGINS)}.")


def rotation(node: Node) -> int:
    """The period in days; `true` means a year."""
    if isinstance(node.content, str) and node.content.lower() in SWITCHES:
        return SWITCHES[node.content.lower()]
    return node.number()


def moment(node: Node) -> datetime:
    try:
        text = node.text().strip()
        if SECONDS.fullmatch(text):
            return datetime.fromtimestamp(int(text), UTC)
        found = datetime.fromisoformat(re.sub(r" (?=[+-]\d\d:?\d\d$|Z$)", "", text))
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):  # in UTC it may fall into the year 0 or 10000
        node.wrong("a time is expected here, such as 2027-01-31T12:00:00Z.")


def state(node: Node) -> KeyState:
    for each in STATES:
        if node.text() == each:
            return each
    node.wrong(f"a key can be declared {' or '.join(STATES)}.")


def alias_name(node: Node) -> str:
    """The name with its prefix, which the file may leave out."""
    text = node.text()
    name = text if text.startswith(ALIAS_PREFIX) else ALIAS_PREFIX + text
    if not ALIAS_NAME.fullmatch(name) or len(name) > 256 or name.startswith("alias/aws/"):
        node.wrong("this is not an alias: letters, digits and /_-, not beginning with aws/.")
    return name


def checked(node: Node, check: Callable[[str], str]) -> str:
    """The text, if `check` does not raise ValueError."""
    try:
        return check(node.text())
    except ValueError as error:
        node.wrong(f"{error}.")


def _aliases(found: dict[str, Node], node: Node) -> list[str] | None:
    listed = [found["alias"]] if "alias" in found else []
    listed += found["aliases"].items() if "aliases" in found else []
    if len(listed) > MAX_ALIASES_PER_KEY:
        node.wrong(f"a key has at most {MAX_ALIASES_PER_KEY} aliases.")
    return [alias_name(each) for each in listed] or None


def _tags(node: Node | None) -> list[dict[str, str]] | None:
    return [{"TagKey": name, "TagValue": each.text()} for name, each in _names(node)] or None


def _only_usage(spec: str) -> str | None:
    """The usage of a spec that has only one, which a file need not name."""
    usages = list(KEY_SPECS[spec].algorithms) if spec in KEY_SPECS else []
    return usages[0] if len(usages) == 1 else None


def _is_symmetric(spec: str) -> bool:
    return spec in KEY_SPECS and KEY_SPECS[spec].kind is KeyKind.SYMMETRIC


def _text(found: dict[str, Node], name: str) -> str:
    return found[name].text() if name in found else ""


def _items(node: Node | None) -> list[Node]:
    return node.items() if node else []


def _names(node: Node | None) -> list[tuple[str, Node]]:
    return list(node.names().items()) if node else []
