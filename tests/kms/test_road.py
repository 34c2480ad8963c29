"""The one road keeps its promises for any operation. It runs operations made for these tests."""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from kmslab import Lab, allow
from kmslab.kms.call import Call
from kmslab.kms.contract.errors import fail
from kmslab.kms.contract.records import Alias, Key
from kmslab.kms.contract.states import ANY, KeyState
from kmslab.kms.table import SERVICE_TABLE, TABLE, change, manage

Run = Callable[[Call, Key], dict[str, Any]]


@pytest.fixture
def operation(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Callable[[Run], Callable[..., Any]]:
    """Makes a function an operation, with a row of THE TABLE, while the test runs."""

    def make(run: Run) -> Callable[..., Any]:
        name = "EnableKeyRotation"  # its request needs only a key
        monkeypatch.setitem(TABLE, name, change(name, run, manage(ANY)))
        return lab.kms.enable_key_rotation

    return make


def put_state(state: KeyState) -> Run:
    def run(call: Call, key: Key) -> dict[str, Any]:
        call.put(replace(key, state=state))
        return {}

    return run


# ------------------------------------------------------------------------- refusals and accidents


@pytest.mark.parametrize("state", sorted(set(KeyState) - {KeyState.ENABLED}))
def test_move_that_moves_does_not_list_is_an_internal_error(
    lab: Lab, key: str, operation: Any, refused: Any, state: KeyState
) -> None:
    call = operation(put_state(state))
    text = "EnableKeyRotation failed inside the service."
    with refused("KMSInternalException", text) as caught:
        call(KeyId=key)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_removing_a_key_is_a_move(lab: Lab, key: str, operation: Any) -> None:
    def run(call: Call, key: Key) -> dict[str, Any]:
        call.remove(key)
        return {}

    with pytest.raises(lab.kms.exceptions.KMSInternalException):
        operation(run)(KeyId=key)
    lab.kms.describe_key(KeyId=key)


def test_change_that_leaves_the_state_alone_is_no_move(lab: Lab, key: str, operation: Any) -> None:
    def run(call: Call, key: Key) -> dict[str, Any]:
        call.put(replace(key, description="changed"))
        return {}

    operation(run)(KeyId=key)
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "changed"


def test_accident_is_an_audited_internal_error_whose_cause_only_the_developer_sees(
    lab: Lab, key: str, operation: Any
) -> None:
    def run(call: Call, key: Key) -> dict[str, Any]:
        raise ZeroDivisionError("seven by nothing")

    with pytest.raises(lab.kms.exceptions.KMSInternalException) as caught:
        operation(run)(KeyId=key)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert "seven by nothing" not in str(caught.value)
    event = lab.trail[-1]
    assert (event["eventName"], event["errorCode"]) == (
        "EnableKeyRotation",
        "KMSInternalException",
    )
    assert "seven by nothing" not in str(dict(event))


def test_error_drops_what_was_staged_and_keeps_the_event(
    lab: Lab, key: str, operation: Any
) -> None:
    def run(call: Call, key: Key) -> dict[str, Any]:
        call.put(replace(key, description="changed"))
        call.put(Alias(arn=f"{key.arn}-alias", target=key.arn, created=call.now, updated=call.now))
        fail("LimitExceededException", "no more")

    with pytest.raises(lab.kms.exceptions.LimitExceededException):
        operation(run)(KeyId=key)
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == ""
    event = lab.trail[-2]
    assert event["errorCode"] == "LimitExceededException"
    assert [resource["ARN"] for resource in event["resources"]] == [key]


# ------------------------------------------------------------------------------------- who is first


def test_loser_starts_over_from_finding_the_key(
    lab: Lab, key: str, operation: Any, refused: Any
) -> None:
    seen = []

    def run(call: Call, key: Key) -> dict[str, Any]:
        seen.append(key.state)
        if len(seen) == 1:  # another call comes in between
            lab.kms.update_key_description(KeyId=key.arn, Description="theirs")
        call.put(replace(key, rotation_days=90))
        return {}

    operation(run)(KeyId=key)
    assert len(seen) == 2
    assert lab.kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "theirs"
    assert lab.kms.get_key_rotation_status(KeyId=key)["RotationPeriodInDays"] == 90
    names = [event["eventName"] for event in lab.trail if not event["readOnly"]]
    assert names == ["CreateKey", "UpdateKeyDescription", "EnableKeyRotation"], "one event a call"


def test_change_that_stands_on_a_key_fails_with_it(lab: Lab, key: str, operation: Any) -> None:
    """Otherwise an alias could be made for a key that has just become pending deletion."""
    attempts = []

    def run(call: Call, key: Key) -> dict[str, Any]:
        attempts.append(key.state)
        if len(attempts) == 1:
            lab.kms.schedule_key_deletion(KeyId=key.arn)
        arn = f"{call.caller.here}alias/late"
        call.put(Alias(arn=arn, target=key.arn, created=call.now, updated=call.now))
        return {}

    operation(run)(KeyId=key)
    assert attempts == [KeyState.ENABLED, KeyState.PENDING_DELETION]


def test_endless_conflict_ends(lab: Lab, key: str, operation: Any) -> None:
    def run(call: Call, key: Key) -> dict[str, Any]:
        lab.kms.update_key_description(KeyId=key.arn, Description=call.new_id())
        call.put(replace(key, policy="never"))
        return {}

    with pytest.raises(lab.kms.exceptions.DependencyTimeoutException) as caught:
        operation(run)(KeyId=key)
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 500
    assert lab.kms.get_key_policy(KeyId=key)["Policy"] != "never"


def test_nothing_is_locked_while_an_operation_runs(lab: Lab, key: str, operation: Any) -> None:
    """RSA key generation and external key stores are slow; other calls go on meanwhile."""
    blob = lab.cmk(key).encrypt(b"x")

    def others() -> None:
        lab.decrypt(blob)
        lab.create_cmk("others").disable()
        lab.trail.table()

    def run(call: Call, key: Key) -> dict[str, Any]:
        thread = threading.Thread(target=others, daemon=True)
        thread.start()
        thread.join(timeout=20)
        assert not thread.is_alive()
        return {}

    operation(run)(KeyId=key)
    assert lab.cmk("alias/others").state is KeyState.DISABLED


# ---------------------------------------------------------------------------------- what was due


@pytest.fixture
def doomed(lab: Lab) -> list[str]:
    """Three keys that are due to be deleted."""
    keys = [lab.create_cmk() for _ in range(3)]
    for days, cmk in zip((7, 8, 9), keys, strict=True):
        cmk.schedule_deletion(days)
    lab.clock.advance(days=10)
    return [cmk.arn for cmk in keys]


def test_failure_of_what_was_due_never_fails_the_call(
    lab: Lab,
    doomed: list[str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    delete = SERVICE_TABLE["DeleteKey"].run

    def fails_once_for_each(call: Call, key: Key) -> dict[str, Any]:
        raise ZeroDivisionError

    with monkeypatch.context() as patch, caplog.at_level(logging.ERROR, "kmslab"):
        patch.setitem(SERVICE_TABLE, "DeleteKey", change("DeleteKey", fails_once_for_each))
        lab.kms.generate_random(NumberOfBytes=8)
        lab.create_cmk("still-possible")
    assert "ZeroDivisionError" in caplog.text
    assert "DeleteKey" not in [event["eventName"] for event in lab.trail[:6]]
    assert SERVICE_TABLE["DeleteKey"].run is delete
    deleted = [e["resources"][0]["ARN"] for e in lab.trail if e["eventName"] == "DeleteKey"]
    assert deleted == doomed


def test_failure_on_one_key_does_not_hold_up_the_others(
    lab: Lab, doomed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    delete = SERVICE_TABLE["DeleteKey"].run

    def fails_on_the_first(call: Call, key: Key) -> dict[str, Any]:
        if key.arn == doomed[0]:
            raise ZeroDivisionError
        return delete(call, key)

    monkeypatch.setitem(SERVICE_TABLE, "DeleteKey", change("DeleteKey", fails_on_the_first))
    monkeypatch.setattr(logging.getLogger("kmslab"), "disabled", True)
    assert [k["KeyArn"] for k in lab.kms.list_keys()["Keys"]] == [doomed[0]]


def test_failure_does_not_leave_to_the_next_call_what_is_due_by_the_hundred(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [lab.create_cmk() for _ in range(120)]
    for key in keys:
        key.schedule_deletion(7)
    delete, broken = SERVICE_TABLE["DeleteKey"].run, min(key.arn for key in keys)
    tried = []

    def fails_on_the_first(call: Call, key: Key) -> dict[str, Any]:
        tried.append(key.arn)
        if key.arn == broken:
            raise ZeroDivisionError
        return delete(call, key)

    monkeypatch.setitem(SERVICE_TABLE, "DeleteKey", change("DeleteKey", fails_on_the_first))
    monkeypatch.setattr(logging.getLogger("kmslab"), "disabled", True)
    lab.clock.advance(days=8)
    assert [k["KeyArn"] for k in lab.kms.list_keys()["Keys"]] == [broken]
    assert tried.count(broken) == 1


def test_loser_of_a_due_thing_never_repeats_it(
    lab: Lab, doomed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    delete, tried = SERVICE_TABLE["DeleteKey"].run, []

    def another_is_faster(call: Call, key: Key) -> dict[str, Any]:
        tried.append(key.arn)
        if tried == doomed[:1]:
            lab.kms.list_keys()  # which settles everything
        return delete(call, key)

    monkeypatch.setitem(SERVICE_TABLE, "DeleteKey", change("DeleteKey", another_is_faster))
    lab.kms.generate_random(NumberOfBytes=8)
    deleted = [e["resources"][0]["ARN"] for e in lab.trail if e["eventName"] == "DeleteKey"]
    assert deleted == doomed
    assert tried == [doomed[0], *doomed]


def test_a_call_whose_records_are_cached_reads_nothing(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever calls: by a policy, by a role's, or by a grant; and however the key is named."""
    key = lab.create_cmk("orders")
    alice, clerk, bob = lab.user("alice", allow("kms:*")), lab.role("staff/clerk"), lab.user("bob")
    lab.role("clerk", allow("kms:*"))
    key.grant(bob.caller.principal, "Encrypt", "Decrypt")
    database, statements = lab.service._store._database, []
    read = database.read

    def counted(statement: Any, *parameters: Any) -> Any:
        statements.append(str(statement))
        return read(statement, *parameters)

    def use() -> None:
        for caller in (lab, alice, clerk, bob):
            for name in (key.arn, key.id, "alias/orders"):
                blob = caller.kms.encrypt(KeyId=name, Plaintext=b"x")["CiphertextBlob"]
                caller.kms.decrypt(CiphertextBlob=blob)

    use()
    monkeypatch.setattr(database, "read", counted)
    use()
    assert statements == []
