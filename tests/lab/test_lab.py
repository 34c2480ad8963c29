"""`Lab`, its views, and `CMK`: plain Python words for AWS's calls."""

import inspect
import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import kmslab.errors
from kmslab import CMK, CiphertextBlob, Clock, Lab, SecretBytes
from kmslab.crypto import pyca
from kmslab.kms.access import allow
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.states import KeyState
from kmslab.kms.store import StoreError
from tests.cases import for_every

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
HERE = "arn:aws:kms:us-east-1:111122223333:"


def test_the_ten_lines_of_the_readme(lab: Lab, refused: Any) -> None:
    orders = lab.create_cmk("orders")
    blob = orders.encrypt(b"card 4242", context={"order": "17"})
    assert repr(blob) == f"<CiphertextBlob {len(blob)} bytes>"
    assert lab.decrypt(blob, context={"order": "17"}) == b"card 4242"
    with refused("InvalidCiphertextException", ""):
        lab.decrypt(blob, context={"order": "18"})
    orders.schedule_deletion(days=7)
    lab.clock.advance(days=8)
    assert lab.trail[-1]["eventName"] == "DeleteKey"


# -------------------------------------------------------------------------------------- the names


def test_name_makes_an_alias(lab: Lab) -> None:
    orders = lab.create_cmk("orders", description="all of them")
    assert lab.kms.describe_key(KeyId="alias/orders")["KeyMetadata"]["Arn"] == orders.arn
    assert orders.metadata["Description"] == "all of them"


def test_name_that_is_taken_returns_its_key(lab: Lab) -> None:
    assert lab.create_cmk("orders") == lab.create_cmk("orders")
    assert len(lab.kms.list_keys()["Keys"]) == 1


def test_keys_without_a_name_are_always_new(lab: Lab) -> None:
    assert lab.create_cmk() != lab.create_cmk()


def test_name_of_a_key_of_another_kind_is_refused(lab: Lab, refused: Any) -> None:
    lab.create_cmk("orders")
    with refused(
        "AlreadyExistsException", f"An alias with the name {HERE}alias/orders already exists"
    ):
        lab.create_cmk("orders", spec="HMAC_256", usage="GENERATE_VERIFY_MAC")


@pytest.mark.parametrize("name", ["with space", "", "aws/s3", "a:b", "x" * 300])
def test_name_that_no_alias_may_have_makes_no_key(lab: Lab, name: str) -> None:
    with pytest.raises(ValueError, match="is not a key name"):
        lab.create_cmk(name)
    assert lab.kms.list_keys()["Keys"] == []


def test_key_is_found_by_any_identifier(lab: Lab) -> None:
    orders = lab.create_cmk("orders")
    for name in (orders.id, orders.arn, "alias/orders", f"{HERE}alias/orders"):
        assert lab.cmk(name) == orders
    assert lab.cmk("alias/orders").name == "orders"
    with pytest.raises(lab.kms.exceptions.NotFoundException):
        lab.cmk("alias/others")


# ----------------------------------------------------------------------------------------- the key


def test_cmk_encrypts_and_decrypts(lab: Lab) -> None:
    cmk = lab.create_cmk()
    blob = cmk.encrypt(b"x", {"a": "1"})
    assert type(blob) is CiphertextBlob
    assert cmk.decrypt(blob, {"a": "1"}) == lab.decrypt(blob, {"a": "1"}) == b"x"
    assert type(lab.decrypt(blob, {"a": "1"})) is type(cmk.decrypt(blob, {"a": "1"})) is bytes


def test_cmk_opens_only_its_own_blobs(lab: Lab) -> None:
    blob = lab.create_cmk().encrypt(b"x")
    with pytest.raises(lab.kms.exceptions.IncorrectKeyException):
        lab.create_cmk().decrypt(blob)


def test_data_key_comes_in_two_forms(lab: Lab) -> None:
    cmk = lab.create_cmk()
    data_key = cmk.generate_data_key(context={"a": "1"})
    assert (type(data_key.plaintext), type(data_key.encrypted)) == (SecretBytes, CiphertextBlob)
    assert len(data_key.plaintext) == 32
    assert cmk.decrypt(data_key.encrypted, {"a": "1"}) == data_key.plaintext
    assert len(cmk.generate_data_key(size=16).plaintext) == 16
    assert repr(data_key) == (
        "DataKey(plaintext=<SecretBytes 32 bytes>, "
        f"encrypted=<CiphertextBlob {len(data_key.encrypted)} bytes>)"
    )


def test_cmk_goes_through_its_life(lab: Lab) -> None:
    cmk = lab.create_cmk()
    for act, state in (
        (cmk.disable, KeyState.DISABLED),
        (cmk.enable, KeyState.ENABLED),
        (cmk.schedule_deletion, KeyState.PENDING_DELETION),
        (cmk.cancel_deletion, KeyState.DISABLED),
    ):
        act()
        assert cmk.state is state
        assert cmk.metadata["KeyState"] == state


def test_handles_on_one_key_are_equal_for_all_callers(lab: Lab) -> None:
    orders = lab.create_cmk("orders")
    again = lab.user("alice", allow("kms:*")).cmk("alias/orders")
    assert orders == again
    assert len({orders, again}) == 1
    assert orders != lab.create_cmk()
    assert orders != orders.arn
    assert again.lab.caller.principal.endswith("user/alice")
    again.encrypt(b"x")
    assert lab.trail[-1]["userIdentity"]["userName"] == "alice"


def test_cmk_says_what_it_is(lab: Lab) -> None:
    orders = lab.create_cmk("orders")
    assert repr(orders) == f"<CMK orders {orders.arn}>"
    assert repr(CMK(lab, orders.metadata)) == f"<CMK {orders.arn}>"


def test_metadata_is_a_dict_that_shows_a_table(lab: Lab) -> None:
    metadata = lab.create_cmk(description="a | b").metadata
    assert isinstance(metadata, dict)
    text, markdown = repr(metadata), metadata._repr_markdown_()
    assert "2026-01-05 09:00:00 UTC" in text
    assert "| Description | a \\| b |" in markdown
    assert "CurrentKeyMaterialId" not in text + markdown
    assert metadata["CurrentKeyMaterialId"] in repr(metadata.table(material_ids=True))


def test_what_a_caller_wrote_is_one_line_and_no_command(lab: Lab) -> None:
    """Otherwise a caller could forge a row of the trail, or make a notebook fetch an image."""
    wrote = "x\n2026-01-01  Root  DeleteKey  ok\x1b[31m\u202e ![](https://kmslab.invalid/x.png)\\|"
    key = lab.create_cmk(description=wrote)
    key.encrypt(b"x", {"a": wrote})
    for table, rows in ((lab.trail, 4), (key.metadata, 2 + len(key.metadata) - 1)):
        text, markdown = repr(table), table._repr_markdown_()
        assert all(line.isprintable() for line in (*text.splitlines(), *markdown.splitlines()))
        assert len(text.splitlines()) == len(markdown.splitlines()) == rows
        assert "x\\n2026-01-01" in text
        assert "!\\[]" in markdown
        assert "\\\\\\|" in markdown


# -------------------------------------------------------------------------------------- the views


def test_region_has_its_own_keys(lab: Lab) -> None:
    here = lab.create_cmk("orders")
    there = lab.region("eu-west-1").create_cmk("orders")
    assert here.arn.split(":")[3:5] == ["us-east-1", "111122223333"]
    assert there.arn.split(":")[3:5] == ["eu-west-1", "111122223333"]
    assert here.id != there.id


def test_account_has_its_own_keys(lab: Lab) -> None:
    lab.create_cmk("orders")
    neighbour = lab.account("444455556666")
    assert neighbour.kms.list_keys()["Keys"] == []
    assert neighbour.create_cmk("orders").arn.split(":")[4] == "444455556666"


def test_user_shares_the_accounts_keys(lab: Lab) -> None:
    orders = lab.create_cmk("orders")
    assert lab.user("alice", allow("kms:DescribeKey")).cmk("alias/orders") == orders


def test_views_can_be_taken_in_any_order(lab: Lab) -> None:
    one = lab.region("eu-west-1").account("444455556666").user("bob")
    two = lab.account("444455556666").user("bob").region("eu-west-1")
    assert one.caller == two.caller
    assert one.caller.principal == "arn:aws:iam::444455556666:user/bob"
    assert lab.user("alice").user("bob").caller == lab.user("bob").caller
    assert lab.user("alice").account("111122223333").caller == lab.caller


def test_views_share_the_labs_clock(lab: Lab) -> None:
    lab.region("eu-west-1").clock.advance(days=1)
    assert lab.clock.now() == NOW + timedelta(days=1)


def test_lab_may_live_elsewhere() -> None:
    with Lab(account="444455556666", region="ap-northeast-2") as lab:
        arn = lab.create_cmk().arn
        assert arn.startswith("arn:aws:kms:ap-northeast-2:444455556666:key/")
        assert repr(lab) == "<Lab arn:aws:iam::444455556666:root in ap-northeast-2>"


@pytest.mark.parametrize(
    ("make", "value"),
    [
        (lambda lab, v: lab.region(v), "Seoul"),
        (lambda lab, v: lab.region(v), "us-east-1\n"),
        (lambda lab, v: lab.account(v), "123"),
        (lambda lab, v: lab.account(v), "１１１１２２２２３３３３"),
        (lambda lab, v: lab.user(v), "alice/../bob"),
        (lambda lab, v: lab.user(v), ""),
        (lambda lab, v: lab.user(v), "앨리스"),
        (lambda lab, v: Lab(region=v), "nowhere"),
        (lambda lab, v: Lab(account=v), "12345678901"),
    ],
)
def test_name_that_aws_would_refuse_is_a_clear_error(lab: Lab, make: Any, value: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        make(lab, value)


# ------------------------------------------------------------------------------ clock, ids, errors


def test_ids_may_be_chosen_in_memory() -> None:
    ids = (f"00000000-0000-4000-8000-{number:012}" for number in itertools.count())
    with Lab(ids=lambda: next(ids)) as lab:
        assert [lab.create_cmk().id[-1] for _ in range(3)] == ["0", "1", "2"]


@pytest.mark.parametrize("name", ["", "orders", "alias/x", "00000000-0000-4000-8000-00000000000A"])
def test_id_that_no_key_can_have_is_refused_by_name(name: str) -> None:
    """Blobs could not hold an id of another length, and would never open again."""
    with Lab(ids=lambda: name) as lab:
        with pytest.raises(lab.kms.exceptions.KMSInternalException) as caught:
            lab.create_cmk()
        assert str(caught.value.__cause__).startswith(f"{name!r} is not a key id")
        assert lab.kms.list_keys()["Keys"] == []


def test_id_that_repeats_is_refused_at_once() -> None:
    made: list[str] = []
    with Lab(ids=lambda: made.append("") or "00000000-0000-4000-8000-000000000000") as lab:
        lab.create_cmk()
        with pytest.raises(lab.kms.exceptions.KMSInternalException) as caught:
            lab.create_cmk()
    assert "exists already" in str(caught.value.__cause__)
    assert len(made) == 2


def test_lab_says_which_algorithm_its_libraries_lack() -> None:
    with Lab(backends=(pyca,)) as lab, pytest.raises(lab.kms.exceptions.KMSInternalException) as no:
        lab.create_cmk(spec="ML_KEM_512", usage="ENCAPSULATE_DECAPSULATE")
    assert str(no.value.__cause__) == "no cryptographic library here has ML_KEM ML_KEM_512"


def test_ids_are_refused_for_a_file(tmp_path: Any) -> None:
    with pytest.raises(ValueError, match="in memory only"):
        Lab(store=f"sqlite:///{tmp_path / 'my.db'}", ids=lambda: "x")
    assert list(tmp_path.iterdir()) == []


def test_clock_only_goes_forward(lab: Lab) -> None:
    with pytest.raises(ValueError, match="forward"):
        lab.clock.advance(days=-1)
    with pytest.raises(ValueError, match="time zone"):
        Clock.frozen(datetime(2026, 1, 5))


def test_clock_is_not_advanced_beyond_its_end(lab: Lab) -> None:
    """A step is stored: beyond that, the lab could not answer any call again."""
    before = lab.clock.now()
    for days in (3_000_000, 999_999_999):
        with pytest.raises(ValueError, match="ends with the year 8999"):
            lab.clock.advance(days=days)
    assert lab.clock.now() == before
    lab.clock.advance(days=2_540_000)
    key = lab.create_cmk()
    key.enable_rotation(2_560)
    key.schedule_deletion(30)


def test_clock_that_two_labs_were_given_outlives_one_of_them() -> None:
    clock = Clock.frozen(datetime(2026, 1, 5, tzinfo=UTC))
    with Lab(clock=clock) as one:
        one.clock.advance(days=3)
        with Lab(clock=clock) as two:
            assert two.clock.now() == clock.now()
            two.clock.advance(days=1)
        assert one.clock.now() == clock.now() + timedelta(days=3)
        clock.advance(hours=1)
        assert one.create_cmk().metadata["CreationDate"] == clock.now() + timedelta(days=3)


def test_running_clock_runs() -> None:
    with Lab() as lab:
        before = datetime.now(UTC)
        created = lab.create_cmk().metadata["CreationDate"]
        assert before <= created <= datetime.now(UTC)


def test_client_has_the_public_exceptions(lab: Lab) -> None:
    assert lab.kms.exceptions.NotFoundException is kmslab.errors.NotFoundException
    assert issubclass(kmslab.errors.NotFoundException, kmslab.errors.KMSError)


@for_every("operation", MODEL.operations.values(), ids=lambda each: each.name)
def test_every_operation_is_a_method_that_explains_itself(lab: Lab, operation: Any) -> None:
    method = getattr(lab.kms, operation.snake_name)
    parameters = inspect.signature(method).parameters
    assert parameters.keys() == operation.input.members.keys()
    for name, parameter in parameters.items():
        assert parameter.kind is parameter.KEYWORD_ONLY
        assert (parameter.default is parameter.empty) is (name in operation.input.required)
    assert operation.snake_name in dir(lab.kms)
    documentation = inspect.getdoc(method)
    assert documentation
    assert documentation.startswith(f"AWS KMS's {operation.name}.")
    for name in (*operation.input.members, *operation.errors):
        assert name in documentation


def test_unknown_member_is_a_programming_error(lab: Lab, key: str) -> None:
    with pytest.raises(TypeError, match="Encrypt has no member Plain;"):
        lab.kms.encrypt(KeyId=key, Plain=b"x")


def test_member_that_is_none_is_absent(lab: Lab, key: str) -> None:
    lab.kms.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=None, DryRun=None)


def test_rehearsal_never_happened(lab: Lab) -> None:
    orders = lab.create_cmk("orders")
    blob, trail = orders.encrypt(b"x"), lab.trail
    with lab.rehearsal():
        orders.schedule_deletion(7)
        lab.clock.advance(days=8)
        lab.region("eu-west-1").create_cmk("others")
        with pytest.raises(kmslab.errors.AccessDeniedException):
            lab.decrypt(blob)
    assert lab.trail == trail
    assert lab.clock.now() == NOW
    assert lab.decrypt(blob) == b"x"
    assert lab.region("eu-west-1").create_cmk("others").state is KeyState.ENABLED


def test_closed_lab_answers_nothing() -> None:
    lab = Lab()
    cmk = lab.create_cmk()
    lab.close()
    lab.close()
    with pytest.raises(StoreError, match="This lab is closed"):
        cmk.encrypt(b"x")
