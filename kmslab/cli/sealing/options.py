"""The options of `encrypt`, `decrypt` and `inspect`."""

import re
from enum import StrEnum
from typing import Annotated

import typer

MIB = 1024 * 1024
MESSAGE = "Messages"  # a part of the help


class Commitment(StrEnum):
    """The SDK's commitment policies, as its command spells them."""

    FORBID = "forbid-encrypt-allow-decrypt"
    ALLOW = "require-encrypt-allow-decrypt"
    REQUIRE = "require-encrypt-require-decrypt"

    @property
    def policy(self) -> str:
        return self.value.upper().replace("-", "_")


SUITE = re.compile(r"0x[0-9a-f]{1,4}|[0-9a-f]{4}", re.IGNORECASE | re.ASCII)
SUITES = ("0x0578", "0x0478", "0x0378", "0x0346", "0x0214", "0x0178", "0x0146", "0x0114") + (
    *("0x0078", "0x0046", "0x0014"),
)


def _suites(incomplete: str) -> list[str]:
    return [suite for suite in SUITES if suite.startswith(incomplete)]


Files = Annotated[list[str], typer.Argument(metavar="FILE", help="Files, folders, or - for stdin.")]
Key = Annotated[
    list[str] | None,
    typer.Option(
        "--key", "-k", metavar="KEY", help="A key's ARN, id or alias (alias/orders); repeatable."
    ),
]
Output = Annotated[
    str | None,
    typer.Option(
        "--output", "-o", metavar="PATH", help="The file to write, or the folder; - for stdout."
    ),
]
Recursive = Annotated[
    bool, typer.Option("--recursive", "-r", help="Take the files in folders, at any depth.")
]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace targets that exist.")]
SkipExisting = Annotated[
    bool,
    typer.Option(
        "--skip-existing", help="Leave out files whose target exists: goes on after a stop."
    ),
]
Suite = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=MESSAGE,
        metavar="NUMBER",
        help="0x0578 (signed; the default), 0x0478 (unsigned), or an older one.",
        autocompletion=_suites,
    ),
]
FrameLength = Annotated[
    int,
    typer.Option(
        rich_help_panel=MESSAGE,
        metavar="BYTES",
        min=1,
        max=2**31 - 1,
        help="Bytes of plaintext in each frame.",
    ),
]
MaxKeys = Annotated[
    int | None,
    typer.Option(
        rich_help_panel=MESSAGE, metavar="N", min=1, max=65535, help="Refuse messages with more."
    ),
]
Required = Annotated[
    list[str] | None,
    typer.Option(
        "--require-context",
        rich_help_panel=MESSAGE,
        metavar="NAME",
        help="A context key whose pair is bound to the message but is not in it, so the reader "
        "must know it; repeatable.",
    ),
]
CommitmentPolicy = Annotated[
    Commitment,
    typer.Option(
        rich_help_panel=MESSAGE,
        metavar="POLICY",
        help=f"Whether messages must commit to their data key: {', '.join(Commitment)}.",
    ),
]
Aws = Annotated[
    bool, typer.Option("--aws", help="Ask AWS itself, with boto3's own credentials and Region.")
]
Cache = Annotated[
    float | None,
    typer.Option(
        rich_help_panel=MESSAGE,
        metavar="SECONDS",
        min=0.001,
        help="Let files share a data key for so long: fewer calls to the KMS.",
    ),
]
CacheMessages = Annotated[
    int,
    typer.Option(
        rich_help_panel=MESSAGE,
        metavar="N",
        min=1,
        max=2**32,
        help="With --cache: how many files share a data key.",
    ),
]
CacheBytes = Annotated[
    int | None,
    typer.Option(
        rich_help_panel=MESSAGE,
        metavar="N",
        min=0,
        max=2**63 - 1,
        help="With --cache: how many bytes of them.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print a line of JSON for each file.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say only what could not be done.")]
Account = Annotated[
    str | None,
    typer.Option(metavar="ID", help="With --store: the account that encrypts, 12 digits."),
]
Accounts = Annotated[
    list[str] | None,
    typer.Option(
        "--account",
        metavar="ID",
        help="With --store: the account that decrypts. With --discovery: an account whose keys "
        "may be asked; repeatable.",
    ),
]
Discovery = Annotated[
    bool, typer.Option("--discovery", help="Open with the KMS key that each message names.")
]
MultiRegion = Annotated[
    bool,
    typer.Option("--multi-region", help="Open also what related multi-Region keys encrypted."),
]
Unverified = Annotated[
    bool,
    typer.Option(
        "--unverified",
        help="Write to stdout at once, not after the whole message is verified. If the exit code "
        "is not 0, throw away what was written.",
    ),
]
