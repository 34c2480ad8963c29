"""Random walks over a few keys against a tiny model, and random bytes and forgeries to Decrypt."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    invariant,
    multiple,
    precondition,
    rule,
)

from kmslab import Clock, Lab
from kmslab.kms.backing.blob import fields
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)

# ------------------------------------------------------------------------------------- the walk


@dataclass
class Modelled:
    """What the model knows about a key."""

    arn: str
    usage: str
    state: str = "Enabled"
    deletion: datetime | None = None
    description: str = ""
    tags: dict[str, str] = field(default_factory=dict)
    period: timedelta | None = None
    next_rotation: datetime | None = None
    asked: int = 0  # rotations on demand
    rotations: list[datetime] = field(default_factory=list)

    def answers(self, usage: str) -> str | None:
        """The outcome of a call that uses the key in this way: state first, then usage."""
        return USE[self.state] or (None if usage == self.usage else "InvalidKeyUsageException")

    def rotatable(self, expected: dict[str, str | None]) -> str | None:
        """The kind is checked before the state, unless the key has been deleted."""
        if self.state != "Gone" and self.usage != ENCRYPT:
            return "UnsupportedOperationException"
        return expected[self.state]

    def settle(self, now: datetime) -> None:
        """Do what the service has done by itself until now."""
        if self.deletion and self.deletion <= now:
            self.state, self.deletion = "Gone", None
        while self.state == "Enabled" and self.next_rotation and self.next_rotation <= now:
            self.rotations.append(self.next_rotation)
            self.next_rotation += self.period


# The error of a call for a key in each state; None for success.
DISABLED, INVALID, MISSING = "DisabledException", "KMSInvalidStateException", "NotFoundException"
USE = {"Enabled": None, "Disabled": DISABLED, "PendingDeletion": INVALID, "Gone": MISSING}
CHANGE = {"Enabled": None, "Disabled": None, "PendingDeletion": INVALID, "Gone": MISSING}
CANCEL = {"Enabled": INVALID, "Disabled": INVALID, "PendingDeletion": None, "Gone": MISSING}
# Decrypt finds the key by the blob, and does not reveal whether the key existed.
OPEN = USE | {"Gone": "AccessDeniedException"}
LOOK = {"Enabled": None, "Disabled": None, "PendingDeletion": None, "Gone": MISSING}

ENCRYPT, SIGN, MAC = "ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC"
# Usage → the key's spec, the calls that make and check a proof, their members, and the error for a
# wrong proof.
SPECS = {ENCRYPT: "SYMMETRIC_DEFAULT", SIGN: "ECC_NIST_P256", MAC: "HMAC_256"}
PROOFS: dict[str, tuple[str, str, str, dict[str, str], str]] = {
    SIGN: (
        "sign",
        "verify",
        "Signature",
        {"SigningAlgorithm": "ECDSA_SHA_256"},
        "KMSInvalidSignatureException",
    ),
    MAC: (
        "generate_mac",
        "verify_mac",
        "Mac",
        {"MacAlgorithm": "HMAC_SHA_256"},
        "KMSInvalidMacException",
    ),
}

contexts = st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2)
names = st.sampled_from(["alias/a", "alias/b", "alias/c"])


class Walk(RuleBasedStateMachine):
    keys = Bundle("keys")
    blobs = Bundle("blobs")
    proofs = Bundle("proofs")

    def __init__(self) -> None:
        super().__init__()
        self.lab = Lab(clock=Clock.frozen(NOW))
        self.kms = self.lab.kms
        self.now = NOW
        self.all: list[Modelled] = []
        self.aliases: dict[str, Modelled] = {}
        self.calls = 0

    def teardown(self) -> None:
        events = self.lab.trail
        self.lab.close()
        assert sum(event["eventType"] == "AwsApiCall" for event in events) == self.calls
        gone = sum(key.state == "Gone" for key in self.all)
        assert sum(event["eventName"] == "DeleteKey" for event in events) == gone
        rotated = sum(len(key.rotations) for key in self.all)
        assert sum(event["eventName"] == "RotateKey" for event in events) == rotated

    def attempt(self, expected: str | None, operation: str, **request: Any) -> Any:
        """Call, and assert success or exactly the expected error."""
        self.calls += 1
        answer, outcome = None, None
        try:
            answer = getattr(self.kms, operation)(**request)
        except KMSError as error:
            outcome = error.code
        assert outcome == expected, f"{operation} of {request}"
        return answer

    @precondition(lambda self: len(self.all) < 4)
    @rule(target=keys, usage=st.sampled_from([ENCRYPT, ENCRYPT, SIGN, MAC]))
    def create(self, usage: str) -> Modelled:
        answer = self.attempt(None, "create_key", KeySpec=SPECS[usage], KeyUsage=usage)
        key = Modelled(answer["KeyMetadata"]["Arn"], usage)
        self.all.append(key)
        return key

    @rule(key=keys)
    def disable(self, key: Modelled) -> None:
        self.attempt(CHANGE[key.state], "disable_key", KeyId=key.arn)
        if CHANGE[key.state] is None:
            key.state = "Disabled"

    @rule(key=keys)
    def enable(self, key: Modelled) -> None:
        self.attempt(CHANGE[key.state], "enable_key", KeyId=key.arn)
        if CHANGE[key.state] is None:
            key.state = "Enabled"
            if key.next_rotation and key.next_rotation < self.now:
                key.next_rotation = self.now
            key.settle(self.now)

    @rule(key=keys, days=st.integers(7, 30))
    def schedule(self, key: Modelled, days: int) -> None:
        self.attempt(
            CHANGE[key.state], "schedule_key_deletion", KeyId=key.arn, PendingWindowInDays=days
        )
        if CHANGE[key.state] is None:
            key.state, key.deletion = "PendingDeletion", self.now + timedelta(days=days)

    @rule(key=keys)
    def cancel(self, key: Modelled) -> None:
        self.attempt(CANCEL[key.state], "cancel_key_deletion", KeyId=key.arn)
        if CANCEL[key.state] is None:
            key.state, key.deletion = "Disabled", None

    @rule(key=keys, text=st.text(max_size=5))
    def describe(self, key: Modelled, text: str) -> None:
        self.attempt(CHANGE[key.state], "update_key_description", KeyId=key.arn, Description=text)
        if CHANGE[key.state] is None:
            key.description = text

    @rule(key=keys, name=st.sampled_from("abc"), value=st.text(max_size=3))
    def tag(self, key: Modelled, name: str, value: str) -> None:
        tags = [{"TagKey": name, "TagValue": value}]
        self.attempt(CHANGE[key.state], "tag_resource", KeyId=key.arn, Tags=tags)
        if CHANGE[key.state] is None:
            key.tags[name] = value

    @rule(key=keys, names=st.sets(st.sampled_from("abc"), min_size=1))
    def untag(self, key: Modelled, names: set[str]) -> None:
        self.attempt(CHANGE[key.state], "untag_resource", KeyId=key.arn, TagKeys=sorted(names))
        if CHANGE[key.state] is None:
            key.tags = {name: value for name, value in key.tags.items() if name not in names}

    @rule(key=keys, days=st.sampled_from([90, 365, 2560]))
    def enable_rotation(self, key: Modelled, days: int) -> None:
        expected = key.rotatable(USE)
        self.attempt(expected, "enable_key_rotation", KeyId=key.arn, RotationPeriodInDays=days)
        if expected is None:
            key.period = timedelta(days=days)
            key.next_rotation = self.now + key.period

    @rule(key=keys)
    def disable_rotation(self, key: Modelled) -> None:
        expected = key.rotatable(USE)
        self.attempt(expected, "disable_key_rotation", KeyId=key.arn)
        if expected is None:
            key.period = key.next_rotation = None

    @rule(key=keys)
    def rotate(self, key: Modelled) -> None:
        asked = USE[key.state] if key.state != "Enabled" else key.rotatable(USE)
        expected = asked or ("LimitExceededException" if key.asked >= 25 else None)
        self.attempt(expected, "rotate_key_on_demand", KeyId=key.arn)
        if expected is None:
            key.asked += 1
            key.rotations.append(self.now)

    @rule(target=proofs, key=keys, usage=st.sampled_from([*PROOFS]), message=st.binary(min_size=1))
    def prove(self, key: Modelled, usage: str, message: bytes) -> Any:
        make, _, member, algorithm, _ = PROOFS[usage]
        answer = self.attempt(key.answers(usage), make, KeyId=key.arn, Message=message, **algorithm)
        return (key, usage, message, answer[member]) if answer else multiple()

    @rule(proof=proofs, key=keys, spoil=st.booleans())
    def check(self, proof: Any, key: Modelled, spoil: bool) -> None:
        maker, usage, message, value = proof
        _, verify, member, algorithm, wrong = PROOFS[usage]
        expected = key.answers(usage) or (wrong if spoil or key is not maker else None)
        asked = {"KeyId": key.arn, "Message": message + b"!" * spoil, member: value, **algorithm}
        self.attempt(expected, verify, **asked)

    @rule(target=blobs, key=keys, plaintext=st.binary(min_size=1, max_size=20), context=contexts)
    def encrypt(self, key: Modelled, plaintext: bytes, context: dict[str, str]) -> Any:
        request = {"KeyId": key.arn, "Plaintext": plaintext, "EncryptionContext": context}
        answer = self.attempt(key.answers(ENCRYPT), "encrypt", **request)
        if not answer:
            return multiple()
        return key, plaintext, context, answer["CiphertextBlob"], len(key.rotations)

    @rule(blob=blobs)
    def decrypt(self, blob: Any) -> None:
        key, plaintext, context, ciphertext, number = blob
        request = {"CiphertextBlob": ciphertext, "EncryptionContext": context}
        answer = self.attempt(OPEN[key.state], "decrypt", **request)
        if answer:
            assert (answer["Plaintext"], answer["KeyId"]) == (plaintext, key.arn)
            assert answer["KeyMaterialId"] == self.materials(key)[number], (
                "the one it was made with"
            )

    @rule(blob=blobs, context=contexts)
    def decrypt_with_another_context(self, blob: Any, context: dict[str, str]) -> None:
        key, _, own, ciphertext, _ = blob
        if context != own:
            expected = OPEN[key.state] or "InvalidCiphertextException"
            request = {"CiphertextBlob": ciphertext, "EncryptionContext": context}
            self.attempt(expected, "decrypt", **request)

    @rule(target=blobs, blob=consumes(blobs), key=keys)
    def re_encrypt(self, blob: Any, key: Modelled) -> Any:
        source, plaintext, context, ciphertext, _ = blob
        # Both keys are found before the state of either is checked.
        expected = next(
            filter(
                None,
                [
                    OPEN["Gone"] if source.state == "Gone" else None,
                    MISSING if key.state == "Gone" else None,
                    OPEN[source.state],
                    key.answers(ENCRYPT),
                ],
            ),
            None,
        )
        answer = self.attempt(
            expected,
            "re_encrypt",
            CiphertextBlob=ciphertext,
            SourceEncryptionContext=context,
            DestinationKeyId=key.arn,
        )
        if not answer:
            return blob
        return key, plaintext, {}, answer["CiphertextBlob"], len(key.rotations)

    @rule(name=names, key=keys)
    def create_alias(self, name: str, key: Modelled) -> None:
        expected = CHANGE[key.state] or ("AlreadyExistsException" if name in self.aliases else None)
        self.attempt(expected, "create_alias", AliasName=name, TargetKeyId=key.arn)
        if expected is None:
            self.aliases[name] = key

    @rule(name=names, key=keys)
    def update_alias(self, name: str, key: Modelled) -> None:
        expected = CHANGE[key.state] if name in self.aliases else MISSING
        if expected is None and self.aliases[name].usage != key.usage:
            expected = "ValidationException"
        self.attempt(expected, "update_alias", AliasName=name, TargetKeyId=key.arn)
        if expected is None:
            self.aliases[name] = key

    @rule(name=names)
    def delete_alias(self, name: str) -> None:
        self.attempt(None if name in self.aliases else MISSING, "delete_alias", AliasName=name)
        self.aliases.pop(name, None)

    @rule(name=names)
    def encrypt_under_an_alias(self, name: str) -> None:
        target = self.aliases.get(name)
        expected = target.answers(ENCRYPT) if target else MISSING
        answer = self.attempt(expected, "encrypt", KeyId=name, Plaintext=b"x")
        if answer and target:
            assert answer["KeyId"] == target.arn

    @rule(days=st.integers(0, 12) | st.sampled_from([90, 200]))
    def time_passes(self, days: int) -> None:
        self.now = self.lab.clock.advance(days=days)
        for key in self.all:
            key.settle(self.now)
        self.aliases = {n: key for n, key in self.aliases.items() if key.state != "Gone"}

    @invariant()
    def the_lab_and_the_model_agree(self) -> None:
        there = sorted(key.arn for key in self.all if key.state != "Gone")
        assert [k["KeyArn"] for k in self.kms.list_keys()["Keys"]] == there
        listed = self.kms.list_aliases()["Aliases"]
        pairs = {a["AliasName"]: a["TargetKeyId"] for a in listed if "TargetKeyId" in a}
        assert pairs == {name: key.arn[-36:] for name, key in self.aliases.items()}
        self.calls += 2
        for key in self.all:
            expected = MISSING if key.state == "Gone" else None
            if answer := self.attempt(expected, "describe_key", KeyId=key.arn):
                metadata = answer["KeyMetadata"]
                assert metadata["KeyState"] == key.state
                assert metadata["Enabled"] is (key.state == "Enabled")
                assert metadata.get("DeletionDate") == key.deletion
                assert metadata["Description"] == key.description
                self.the_rest_agrees(key, metadata)

    def the_rest_agrees(self, key: Modelled, metadata: dict[str, Any]) -> None:
        tags = self.attempt(None, "list_resource_tags", KeyId=key.arn)["Tags"]
        assert {tag["TagKey"]: tag["TagValue"] for tag in tags} == key.tags
        status = self.attempt(None, "get_key_rotation_status", KeyId=key.arn)
        going = key.state == "PendingDeletion"
        assert status.get("NextRotationDate") == (None if going else key.next_rotation)
        assert status["KeyRotationEnabled"] is bool(key.period and not going)
        if not key.rotatable(LOOK):
            *_, current = self.materials(key)
            assert metadata["CurrentKeyMaterialId"] == current

    def materials(self, key: Modelled) -> list[str]:
        """The ids of all key material that the key has had, in order."""
        request = {"KeyId": key.arn, "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}
        listed = self.attempt(None, "list_key_rotations", **request)["Rotations"]
        assert [each.get("RotationDate") for each in listed] == [None, *key.rotations]
        return [each["KeyMaterialId"] for each in listed]


TestWalk = Walk.TestCase


# -------------------------------------------------------------------- random bytes, and forgeries

DOCUMENTED = {*MODEL.operations["Decrypt"].errors, "ValidationException", "AccessDeniedException"}
INTERNAL = {"KMSInternalException", "DependencyTimeoutException"}


@pytest.fixture(scope="module")
def sealed(shared_lab: Lab) -> bytes:
    return bytes(shared_lab.create_cmk().encrypt(b"card 4242", {"order": "17"}))


def refusal(lab: Lab, blob: bytes) -> KMSError:
    with pytest.raises(KMSError) as caught:
        lab.decrypt(blob, {"order": "17"})
    assert caught.value.code in DOCUMENTED - INTERNAL
    return caught.value


some_bytes = st.one_of(
    st.binary(max_size=300),
    st.binary(max_size=300).map(lambda tail: b"kmslab\x01" + tail),
    st.binary(min_size=114, max_size=114).map(lambda tail: b"kmslab\x01" + tail),
    st.integers(0, 7000).map(bytes),
)


@given(some_bytes)
@example(b"")
@example(b"kmslab\x01" + b"\xff" * 112)
@example(b"kmslab\x01" + b"0" * 114)
def test_arbitrary_bytes_get_a_documented_refusal(shared_lab: Lab, blob: bytes) -> None:
    refusal(shared_lab, blob)


@given(data=st.data())
def test_edited_blob_gets_a_documented_refusal(
    shared_lab: Lab, sealed: bytes, data: st.DataObject
) -> None:
    start = data.draw(st.integers(0, len(sealed)))
    end = data.draw(st.integers(start, len(sealed)))
    edited = sealed[:start] + data.draw(st.binary(max_size=60)) + sealed[end:]
    if edited != sealed:
        refusal(shared_lab, edited)


@pytest.mark.parametrize("mask", [0x01, 0x80, 0xFF])
def test_every_byte_of_a_blob_is_guarded(shared_lab: Lab, sealed: bytes, mask: int) -> None:
    key_id = next((at, at + len(v)) for name, at, v in fields(sealed) if name == "key id")
    for position in range(len(sealed)):
        forged = bytearray(sealed)
        forged[position] ^= mask
        error = refusal(shared_lab, bytes(forged))
        assert error.code == "InvalidCiphertextException", f"at {position}, key id at {key_id}"
        assert error.message == ""


def test_every_bit_of_the_context_is_guarded(shared_lab: Lab, sealed: bytes) -> None:
    for context in ({"ordes": "17"}, {"order": "16"}, {"ordeR": "17"}, {"order": "17\0"}):
        with pytest.raises(shared_lab.kms.exceptions.InvalidCiphertextException):
            shared_lab.decrypt(sealed, context)
    assert shared_lab.decrypt(sealed, {"order": "17"}) == b"card 4242"
