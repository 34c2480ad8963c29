"""`kmslab encrypt` and `kmslab decrypt`: their options, checked before any file is opened."""

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from kmslab.cli.options import Context, Endpoint, Region, RootKey, Store, pairs, validate
from kmslab.cli.sealing.failures import in_the_commands_words
from kmslab.cli.sealing.options import (
    MIB,
    SUITE,
    Account,
    Accounts,
    AsJson,
    Aws,
    Cache,
    CacheBytes,
    CacheMessages,
    Commitment,
    CommitmentPolicy,
    Discovery,
    Files,
    FrameLength,
    Key,
    MaxKeys,
    MultiRegion,
    Output,
    Overwrite,
    Quiet,
    Recursive,
    Required,
    SkipExisting,
    Suite,
    Unverified,
)
from kmslab.cli.sealing.plan import DECRYPT, ENCRYPT, Plan

if TYPE_CHECKING:
    from kmslab.cli.opening import OpenedKms
    from kmslab.envelope import Policy


def encrypt(
    files: Files,
    key: Key = None,
    context: Context = None,
    output: Output = None,
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    suite: Suite = None,
    frame_length: FrameLength = MIB,
    require_context: Required = None,
    max_encrypted_data_keys: MaxKeys = None,
    commitment_policy: CommitmentPolicy = Commitment.REQUIRE,
    cache: Cache = None,
    cache_messages: CacheMessages = 1000,
    cache_bytes: CacheBytes = None,
    store: Store = None,
    endpoint: Endpoint = None,
    aws: Aws = False,
    account: Account = None,
    region: Region = None,
    root_key: RootKey = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Encrypt files under KMS keys: FILE becomes FILE.encrypted beside it.

    FILE stays. Each of several keys can open the message. In folders, symbolic
    links, special files and files named ….encrypted are left out. What is
    written has the mode bits of FILE that your umask allows, and a new time.
    Exit code 0: all is done, 1: something could not be done, the rest is.
    """
    from kmslab.cli.opening import opened
    from kmslab.cli.sealing.one_file import Sealing
    from kmslab.cli.sealing.run import run
    from kmslab.cli.sealing.wrapping_keys import keyrings

    plan = Plan(ENCRYPT, tuple(files), output, recursive, skip_existing)
    _check_stdout(plan, as_json)
    policy, given = _policy(commitment_policy, max_encrypted_data_keys, require_context, context)
    keys = _keys(key, "give the key to encrypt under")
    number = _suite(policy, suite)
    with opened(store, endpoint, account, region, root_key, aws) as opened_kms:
        rings: Any = keyrings(opened_kms, keys, multi_region=False)
        if cache is not None:
            rings = _cached(rings, cache, cache_messages, cache_bytes)
        work = Sealing(
            keyring=rings,
            context=given,
            policy=policy,
            suite=number,
            frame_length=frame_length,
            overwrite=overwrite,
        )
        run(plan, work, one_key=len(keys) == 1, as_json=as_json, quiet=quiet)


def decrypt(
    files: Files,
    key: Key = None,
    context: Context = None,
    output: Output = None,
    recursive: Recursive = False,
    overwrite: Overwrite = False,
    skip_existing: SkipExisting = False,
    discovery: Discovery = False,
    multi_region: MultiRegion = False,
    unverified: Unverified = False,
    require_context: Required = None,
    max_encrypted_data_keys: MaxKeys = None,
    commitment_policy: CommitmentPolicy = Commitment.REQUIRE,
    cache: Cache = None,
    store: Store = None,
    endpoint: Endpoint = None,
    aws: Aws = False,
    account: Accounts = None,
    region: Region = None,
    root_key: RootKey = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Decrypt files: FILE.encrypted becomes FILE beside it.

    --context names pairs that the messages must have been encrypted with. A
    file appears, and stdout gets its first byte, only when the whole message
    has been verified; until then the plaintext of a pipe waits in memory or,
    beyond 8 MiB, in a file without a name in TMPDIR. In folders, only files
    named ….encrypted are taken. What is written has the mode bits of its source
    that your umask allows, and a new time.
    Exit code 0: all is done, 1: something could not be done, the rest is.
    """
    from kmslab.cli.opening import opened
    from kmslab.cli.sealing.one_file import Opening
    from kmslab.cli.sealing.run import run

    plan = Plan(DECRYPT, tuple(files), output, recursive, skip_existing)
    _check_stdout(plan, as_json)
    policy, given = _policy(commitment_policy, max_encrypted_data_keys, require_context, context)
    keys, accounts = _readers(key, discovery, account or [], bool(store))
    acting = account[0] if account and (store or not discovery) else None
    with opened(store, endpoint, acting, region, root_key, aws) as opened_kms:
        rings: Any = _rings(opened_kms, keys, accounts, multi_region)
        if cache is not None:
            rings = _cached(rings, cache, 1, None)
        work = Opening(
            keyring=rings,
            context=given,
            policy=policy,
            overwrite=overwrite,
            unverified=unverified,
        )
        one_key = len(keys) == 1 and not discovery
        run(plan, work, one_key=one_key, as_json=as_json, quiet=quiet)


def _check_stdout(plan: Plan, as_json: bool) -> None:
    if plan.to_stdout and as_json:
        raise typer.BadParameter("stdout takes the data: name a file to write", param_hint="--json")
    if plan.to_stdout and plan.direction is ENCRYPT and sys.stdout.isatty():
        text = "a message is binary and is not for a terminal: name a file, or use a pipe"
        raise typer.BadParameter(text, param_hint="--output")


def _policy(
    commitment: Commitment, most: int | None, required: list[str] | None, context: list[str] | None
) -> tuple["Policy", dict[str, str]]:
    """What the messages must be like, and their context."""
    from kmslab.envelope import Policy

    limit = {} if most is None else {"max_encrypted_data_keys": most}
    policy = _checked(
        "--require-context",
        lambda names: Policy(
            commitment_policy=commitment.policy, required_context_keys=names, **limit
        ),
        required or (),
    )
    given = _checked("--context", policy.context, pairs(context))
    return policy, given


def _checked(option: str, check: Callable[[Any], Any], value: Any) -> Any:
    """What the library says of its arguments, said of the command's options."""

    def in_other_words(value: Any) -> Any:
        try:
            return check(value)
        except ValueError as error:
            raise ValueError(in_the_commands_words(str(error))) from None

    return validate(option, in_other_words, value)


def _keys(given: list[str] | None, text: str) -> list[str]:
    if not given:
        raise typer.BadParameter(text, param_hint="--key")
    return given


def _readers(
    key: list[str] | None, discovery: bool, accounts: list[str], in_store: bool
) -> tuple[list[str], list[str]]:
    """The keys to open with, or the accounts whose keys the messages may name."""
    from kmslab.lab import ACCOUNT

    if not discovery:
        if len(accounts) > 1:
            raise typer.BadParameter("one account decrypts", param_hint="--account")
        return _keys(key, "give the key to open with, or --discovery"), []
    if key:
        raise typer.BadParameter("give --key or --discovery, not both", param_hint="--discovery")
    allowed = accounts or ([ACCOUNT] if in_store else [])
    if not allowed:
        text = "say with --account whose keys the messages may name"
        raise typer.BadParameter(text, param_hint="--discovery")
    return [], allowed


def _rings(
    opened_kms: "OpenedKms", keys: list[str], accounts: list[str], multi_region: bool
) -> Any:
    from kmslab.cli.sealing.wrapping_keys import discovery, keyrings

    if accounts:
        return discovery(opened_kms, accounts)
    return keyrings(opened_kms, keys, multi_region)


def _suite(policy: "Policy", text: str | None) -> int | None:
    if text is None:
        return None

    def check(text: str) -> int:
        if not SUITE.fullmatch(text):
            raise ValueError(f"{text!r} is not a number such as 0x0578")
        policy.suite(int(text, 16))
        return int(text, 16)

    return int(_checked("--suite", check, text))


def _cached(rings: Any, seconds: float, messages: int, size: int | None) -> Any:
    from kmslab.envelope import DataKeyCache

    limits: dict[str, Any] = {"max_age": seconds, "max_messages_encrypted": messages}
    if size is not None:
        limits["max_bytes_encrypted"] = size
    return DataKeyCache(rings, **limits)
