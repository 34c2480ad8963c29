"""What a program demands of the messages that it writes and reads, before any key is used.

`Policy` has the settings that the AWS Encryption SDK's client has, with the SDK's names.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from kmslab.crypto import check_context
from kmslab.envelope.errors import DecryptionError
from kmslab.envelope.message import MAX_COUNT, RESERVED, Context, Header
from kmslab.envelope.suites import SUITES, Suite

Pairs = Mapping[str, str]


class CommitmentPolicy(StrEnum):
    """Whether messages must commit to their data key: those that are written, those that are read.

    Only suites 0x0478 and 0x0578 commit. The others are for messages of 2020 and before, and for
    programs of that time that still have to read new ones.
    """

    FORBID_ENCRYPT_ALLOW_DECRYPT = "FORBID_ENCRYPT_ALLOW_DECRYPT"
    REQUIRE_ENCRYPT_ALLOW_DECRYPT = "REQUIRE_ENCRYPT_ALLOW_DECRYPT"
    REQUIRE_ENCRYPT_REQUIRE_DECRYPT = "REQUIRE_ENCRYPT_REQUIRE_DECRYPT"


@dataclass(frozen=True, slots=True)
class Rule:
    new_messages_commit: bool
    opens_others: bool  # messages that do not commit
    suite: int  # of a new message, if none was chosen


RULES = {
    CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT: Rule(False, True, 0x0378),
    CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT: Rule(True, True, 0x0578),
    CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT: Rule(True, False, 0x0578),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Give it to `encrypt` and `decrypt`. Raises ValueError beyond a limit.

    `commitment_policy`: one of `CommitmentPolicy`, or its name. `max_encrypted_data_keys`: 1 to
    65,535. `required_context_keys`: context keys that each message has. Their pairs are bound to
    the message but are not in it, so the reader must know them (the SDK's required encryption
    context).
    """

    commitment_policy: str = CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT
    max_encrypted_data_keys: int = MAX_COUNT
    required_context_keys: Collection[str] = ()

    def __post_init__(self) -> None:
        if self.commitment_policy not in list(CommitmentPolicy):
            choices = ", ".join(CommitmentPolicy)
            raise ValueError(f"{self.commitment_policy!r} is not one of {choices}")
        most = self.max_encrypted_data_keys
        if not isinstance(most, int) or not 0 < most <= MAX_COUNT:
            raise ValueError(f"max_encrypted_data_keys is 1 to {MAX_COUNT:,}, not {most}")
        if isinstance(self.required_context_keys, str):
            raise TypeError("required_context_keys is a list of keys, not one text")
        _check_keys(self.required_context_keys)

    @property
    def _rule(self) -> Rule:
        return RULES[CommitmentPolicy(self.commitment_policy)]

    def suite(self, number: int | None) -> Suite:
        """The suite for a new message. Raises ValueError for one that is not allowed."""
        chosen = SUITES.get(self._rule.suite if number is None else number)
        if chosen is None:
            choices = ", ".join(map(str, SUITES.values()))
            asked = f"0x{number:04x}" if isinstance(number, int) else repr(number)
            raise ValueError(f"there is no suite {asked}: choose one of {choices}")
        if chosen.commits != self._rule.new_messages_commit:
            has = "has" if chosen.commits else "has no"
            name = str(self.commitment_policy)
            raise ValueError(f"suite {chosen} {has} key commitment, and {name} does not allow that")
        return chosen

    def context(self, given: Pairs | None) -> Pairs:
        """The context that a caller gave, checked. Raises ValueError, or TypeError if not text."""
        pairs = {} if given is None else given
        check_context(pairs)
        _check_keys(pairs)
        for key in self.required_context_keys:
            if key not in pairs:
                raise ValueError(f"the context needs the key {key!r}: required_context_keys has it")
        return pairs

    def divided(self, context: Context) -> tuple[Context, Context]:
        """What of the context is in the message, and what is not."""
        if not self.required_context_keys:
            return context, Context.of({})
        stored = {k: v for k, v in context.pairs.items() if k not in self.required_context_keys}
        rest = {k: v for k, v in context.pairs.items() if k in self.required_context_keys}
        return Context.of(stored), Context.of(rest)

    def check_number_of_keys(self, number: int) -> None:
        if number > self.max_encrypted_data_keys:
            raise ValueError(
                f"{number:,} encrypted data keys are more than max_encrypted_data_keys, "
                f"which is {self.max_encrypted_data_keys:,}"
            )

    def accepted(self, header: Header, expected: Pairs) -> Header:
        """The header of a message to open, with the expected pairs that are not in the message."""
        if not header.suite.commits and not self._rule.opens_others:
            raise DecryptionError(
                f"This message's suite, {header.suite}, has no key commitment. If you trust its "
                "sender, open it with Policy(commitment_policy="
                f'"{CommitmentPolicy.REQUIRE_ENCRYPT_ALLOW_DECRYPT}").'
            )
        if len(header.keys) > self.max_encrypted_data_keys:
            raise DecryptionError(
                f"This message has {len(header.keys):,} encrypted data keys, and "
                f"max_encrypted_data_keys is {self.max_encrypted_data_keys:,}."
            )
        stored = header.context.pairs
        for key, value in expected.items():
            if stored.get(key, value) != value:
                raise DecryptionError(f"This message has another {key!r} in its context.")
        rest = {key: value for key, value in expected.items() if key not in stored}
        return replace(header, unstored=Context.of(rest)) if rest else header


def _check_keys(keys: Collection[str]) -> None:
    for key in keys:
        if key.startswith(RESERVED):
            raise ValueError(f"context key {key!r}: those that begin with {RESERVED} are reserved")


STRICT = Policy()
