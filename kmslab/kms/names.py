"""Finds the records that a request names: by key id, ARN or alias, or by a ciphertext blob.

Each public function makes a finder for one form of naming; THE TABLE gives every role a finder.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple, NoReturn

from kmslab.kms.access import grant_tokens
from kmslab.kms.arn import Arn, as_arn, is_arn, partition_of
from kmslab.kms.backing import blob
from kmslab.kms.contract.callers import Caller
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Alias, Grant, Key, Material, Reader, Resource
from kmslab.kms.contract.specs import KEY_SPECS, SYMMETRIC_DEFAULT, KeyKind
from kmslab.kms.contract.validation import missing

KEY_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32}", re.ASCII)
ALIAS_PREFIX = "alias/"

NO_PREFIX = (
    'Alias must start with the prefix "alias/". Please see '
    "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
)
NO_ALIASES = ("InvalidArnException", "Key Aliases are not supported for this operation")
ALIAS_OF_ALIAS = ("ValidationException", "Aliases must refer to keys. Not aliases")
TAMPERED = ("InvalidCiphertextException",)
WRONG_KEY = (
    "IncorrectKeyException",
    "The key ID in the request does not identify a CMK that can perform this operation.",
)


class Found(NamedTuple):
    """What a request names: the ARN for which access is decided, and the stored record."""

    arn: str
    record: Resource | None = None  # None: it does not exist, or it is the whole account
    used: Material | None = None  # the key material that the call will use
    named_by_blob: bool = False  # only a ciphertext blob names the key; the request does not
    problem: tuple[str, ...] = ()  # an error, raised only after the caller was authorised


Finder = Callable[[Reader, Caller, Mapping[str, Any]], Found | None]


def whole_account(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found:
    """Finds "*": the operation has no resource, so access is decided for the whole account."""
    return Found("*")


def whole_account_if(member: str) -> Finder:
    """Finds "*" if the request has a value in this member, otherwise nothing."""
    return lambda records, caller, request: Found("*") if request.get(member) else None


def key_in(member: str, alias_refusal: tuple[str, str] | None = None) -> Finder:
    """The key that a member names by key id, ARN or alias; None if the member is absent.

    `alias_refusal`: the error for an alias, in operations that do not take one.
    """

    def find(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found | None:
        identifier = request.get(member)
        if identifier is None:
            return None
        arn, text = _arn(caller.account, caller.region, identifier)
        if alias_refusal and arn.kind == "alias":
            fail(*alias_refusal)
        key = _key(records, text)
        if key:
            return Found(key.arn, key, records.get(Material, f"{arn.region}/{key.material}"))
        return _refuse_missing(arn) if caller.is_home(arn.account) else Found(text)

    return find


def blob_in(member: str, prefix: str = "") -> Finder:
    """The key that a ciphertext blob names. If the request names a key too, it must be the same.

    An asymmetric key's ciphertext does not name its key, so the request must name it.
    """
    key_member, algorithm_member = f"{prefix}KeyId", f"{prefix}EncryptionAlgorithm"
    by_key = key_in(key_member)

    def find(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found | None:
        named = by_key(records, caller, request)
        if member not in request:
            return _without_ciphertext(named, request, member)
        if named and _needs_no_blob(named):
            return named
        if not named and request.get(algorithm_member, SYMMETRIC_DEFAULT) != SYMMETRIC_DEFAULT:
            fail("ValidationException", missing(key_member))
        parsed = blob.parse(request[member])
        used = records.get(Material, f"{caller.region}/{parsed.material}") if parsed else None
        if used and used.is_pending:
            used = None
        # A blob that names an existing key, but material that it never used, was altered.
        tampered = not used and (not parsed or _key(records, f"{caller.here}key/{parsed.key}"))
        if named:
            fits = used and used.key == named.arn
            problem = TAMPERED if tampered else WRONG_KEY
            return named._replace(used=used) if fits else named._replace(problem=problem)
        if tampered:
            fail(*TAMPERED)
        key = _key(records, used.key) if used else None
        return Found(key.arn if key else "", key, used, named_by_blob=True)

    return find


def alias_in(member: str, *, target: bool = False, to_delete: bool = False) -> Finder:
    """The alias that a member names; with `target` the key that it now stands for."""

    def find(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found:
        if to_delete and not request[member].startswith(ALIAS_PREFIX):
            fail("ValidationException", "Invalid identifier")
        arn = alias_arn(caller, request[member])
        alias = records.get(Alias, arn) or _refuse_missing(Arn.parse(arn))
        return Found(alias.target, _key(records, arn)) if target else Found(arn, alias)

    return find


def new_alias_in(member: str) -> Finder:
    """The alias that a member names and the operation will create."""
    return lambda records, caller, request: Found(alias_arn(caller, request[member]))


def grant_in(token: str, key: str, grant: str) -> Finder:
    """The grant that a grant token names, or a grant id with its key; not both."""
    by_key = key_in(key, NO_ALIASES)

    def find(records: Reader, caller: Caller, request: Mapping[str, Any]) -> Found:
        if (token in request) == (key in request) or (key in request) != (grant in request):
            fail("ValidationException", f"Please specify either {token}, or {key} and {grant}.")
        named = by_key(records, caller, request)
        handle = f"{named.arn}/{request[grant]}" if named else grant_tokens.read(request[token])
        arn = as_arn(handle or "")
        if arn is None or arn.region != caller.region:  # a token may name a grant in another Region
            fail("InvalidGrantTokenException", "Invalid grant token.")
        found = records.get(Grant, str(arn))
        if found is None and caller.is_home(arn.account):
            code = "NotFoundException" if named else "InvalidGrantTokenException"
            fail(code, f"Grant {request[grant]} is not found." if named else "Invalid grant token.")
        return Found(str(arn).rpartition("/")[0], found)

    return find


def alias_arn(caller: Caller, name: str) -> str:
    """The ARN of a customer's alias in the caller's account and Region, from its name `alias/…`."""
    if not name.startswith(ALIAS_PREFIX):
        fail("ValidationException", NO_PREFIX)
    if name.startswith("alias/aws/"):  # AWS's own
        fail("NotAuthorizedException")
    return caller.here + name


@lru_cache(1_024)
def _arn(account: str, region: str, identifier: str) -> tuple[Arn, str]:
    """The ARN that a key id, an alias name or an ARN means in this account and Region."""
    if not is_arn(identifier):
        kind = "" if identifier.startswith(ALIAS_PREFIX) else "key/"
        named = Arn(partition_of(region), "kms", region, account, kind + identifier)
        return named, str(named)
    arn = as_arn(identifier)
    if arn is None or arn.service != "kms" or not arn.resource.startswith(("key/", ALIAS_PREFIX)):
        fail("NotFoundException", f"Invalid arn {identifier}")
    if arn.region != region:
        fail("NotFoundException", f"Invalid arn {arn.region}")
    return arn, identifier


def _key(records: Reader, arn: str) -> Key | None:
    """The key that a key's or an alias's ARN names."""
    alias = records.get(Alias, arn) if ":alias/" in arn else None  # a miss would be a query
    return records.get(Key, alias.target if alias else arn)


def _refuse_missing(arn: Arn) -> NoReturn:
    if arn.kind == "alias":
        fail("NotFoundException", f"Alias {arn} is not found.")
    well_formed = KEY_ID.fullmatch(arn.name)
    text = f"Key '{arn}' does not exist" if well_formed else f"Invalid keyId '{arn.name}'"
    fail("NotFoundException", text)


def _needs_no_blob(named: Found) -> bool:
    """True if the key is asymmetric, so that its ciphertext names no key, or does not exist."""
    key = named.record
    return not isinstance(key, Key) or KEY_SPECS[key.spec].kind is KeyKind.ASYMMETRIC


def _without_ciphertext(named: Found | None, request: Mapping[str, Any], member: str) -> Found:
    """A dry run may name only the key; any other call needs the ciphertext."""
    modifiers = request.get("DryRunModifiers", ())
    if named is None or not request.get("DryRun") or "IGNORE_CIPHERTEXT" not in modifiers:
        fail("ValidationException", missing(member))
    return named
