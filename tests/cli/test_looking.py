"""`keys`, `describe`, `trail`, `bill`, `explain`: the same from a store and from an endpoint."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kmslab import Lab
from kmslab.cli import trail
from kmslab.cli.app import app
from kmslab.display import PlainError
from kmslab.endpoint.server import running
from kmslab.kms import reports

pytestmark = pytest.mark.usefixtures("bare")
SEED = """
region: eu-west-1
users: {alice: {}, bob: {access_keys: [{id: AKIABOB, secret: bobs-secret}]}}
keys:
  - id: 1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01
    alias: orders
    description: Seals the orders
    tags: {project: shop}
    rotation: 365
  - {id: 1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e02, spec: HMAC_256, alias: codes, state: Disabled}
"""
FOREIGN_ROOT = "arn:aws:iam::999999999999:root"
FOREIGN_KEY = "arn:aws:kms:us-east-1:999999999999:key/1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01"
ORDERS = "1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01"
Kmslab = Callable[..., Result]


@pytest.fixture(params=["store", "endpoint"])
def kmslab(request: Any, tmp_path: Path, monkeypatch: Any) -> Iterator[Kmslab]:
    """The command, looking into the same lab in one of two ways."""
    (tmp_path / "seed.yaml").write_text(SEED)
    with Lab.from_seed("seed.yaml", store="sqlite:///my.db") as lab:
        lab.cmk("alias/orders").encrypt(b"x", context={"order": "17"})
        if request.param == "store":
            lab.close()
            where = ["--store", "sqlite:///my.db", "--region", "eu-west-1"]
            yield lambda name, *more: invoke(name, *where, *more)
            return
        with running(lab) as endpoint:
            for name, value in endpoint.environment.items():
                monkeypatch.setenv(name, value)
            yield invoke


def invoke(*arguments: str) -> Result:
    """Errors that say what to do are kept in the result, for `main` to print; others are raised."""
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    if result.exception and not isinstance(result.exception, SystemExit | PlainError):
        raise result.exception
    return result


def refusal(result: Result) -> str:
    assert isinstance(result.exception, PlainError)
    assert result.stdout == ""
    return str(result.exception)


# ---------------------------------------------------------------------------------- keys, describe


def test_keys_are_a_table(kmslab: Kmslab):
    result = kmslab("keys")
    assert result.exit_code == 0
    heading, _, orders, codes = result.stdout.splitlines()
    assert heading.split()[:3] == ["key", "id", "alias"]
    words = f"{ORDERS} orders SYMMETRIC_DEFAULT ENCRYPT_DECRYPT Enabled Seals the orders"
    assert orders.split() == words.split()
    assert "Disabled" in codes


def test_keys_are_json_for_programs(kmslab: Kmslab):
    orders, codes = json.loads(kmslab("keys", "--json").stdout)
    assert (orders["KeyId"], orders["Aliases"]) == (ORDERS, ["alias/orders"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*", codes["CreationDate"])


def test_a_region_without_keys_says_so(kmslab: Kmslab):
    result = kmslab("keys", "--region", "us-west-2")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No keys in us-west-2" in result.stderr


def test_describe_shows_everything_about_a_key(kmslab: Kmslab):
    text = kmslab("describe", "alias/orders").stdout
    for part in ("KeyState", "Aliases", "Tags", '"project": "shop"', "Rotation", "Policy"):
        assert part in text
    found = json.loads(kmslab("describe", "alias/orders", "--json").stdout)
    assert found["KeyMetadata"]["KeyId"] == ORDERS
    assert found["Rotation"]["RotationPeriodInDays"] == 365
    assert found["Policy"]["Statement"][0]["Action"] == "kms:*"


def test_describe_leaves_out_what_a_key_does_not_have(kmslab: Kmslab):
    found = json.loads(kmslab("describe", "alias/codes", "--json").stdout)
    assert found.keys() == {"KeyMetadata", "Aliases", "Rotation", "Policy"}
    assert found["Rotation"] == {"KeyRotationEnabled": False}


def test_key_that_is_not_there_is_an_error_in_one_line(kmslab: Kmslab):
    result = kmslab("describe", "alias/none")
    alias = "arn:aws:kms:eu-west-1:111122223333:alias/none"
    assert refusal(result) == f"NotFoundException: Alias {alias} is not found."


# ------------------------------------------------------------------------------------------- trail


def test_trail_is_a_table_or_lines_of_json(kmslab: Kmslab):
    assert "Encrypt" in kmslab("trail").stdout
    assert "order=17" in kmslab("trail").stdout
    lines = kmslab("trail", "--json").stdout.splitlines()
    assert [json.loads(line)["eventName"] for line in lines] == ["CreateKey"] * 2 + [
        "DescribeKey",
        "Encrypt",
    ]


@pytest.mark.parametrize(("last", "shown"), [(0, 0), (1, 1), (4, 4), (99, 4)])
def test_only_the_last_events_if_asked(kmslab: Kmslab, last: int, shown: int):
    lines = kmslab("trail", "--json", "--last", str(last)).stdout.splitlines()
    assert len(lines) == shown
    assert all(json.loads(line)["eventName"] == "Encrypt" for line in lines[-1:])


def test_follow_goes_on_with_new_events(kmslab: Kmslab, monkeypatch: Any):
    turns = iter(["act", "stop"])

    def sleep(_: float) -> None:
        if next(turns) == "stop":
            raise KeyboardInterrupt
        kmslab("keys")
        kmslab("describe", "alias/orders")

    monkeypatch.setattr(trail.time, "sleep", sleep)
    result = kmslab("trail", "--follow", "--last", "1")
    assert result.exit_code == 0
    assert [line.split()[3] for line in result.stdout.splitlines()] == [
        "Encrypt", "ListAliases", "DescribeKey", "ListAliases", "ListResourceTags",
        "GetKeyRotationStatus", "ListGrants", "GetKeyPolicy",
    ]  # fmt: skip


def test_follow_can_begin_with_nothing(kmslab: Kmslab, monkeypatch: Any):
    turns = iter(["look", "act", "stop"])

    def sleep(_: float) -> None:
        match next(turns):
            case "stop":
                raise KeyboardInterrupt
            case "act":
                kmslab("keys")

    monkeypatch.setattr(trail.time, "sleep", sleep)
    result = kmslab("trail", "--follow", "--last", "0")
    assert [line.split()[3] for line in result.stdout.splitlines()] == ["ListAliases"]


@pytest.mark.parametrize(
    "size", [2, *(pytest.param(size, marks=pytest.mark.long) for size in (1, 3, 4))]
)
def test_pages_of_any_size_show_the_same(kmslab: Kmslab, monkeypatch: Any, size: int):
    commands = [["trail", "--json"], ["trail"], ["trail", "--json", "--last", "3"]]
    whole = [kmslab(*command).stdout for command in commands]
    assert [len(each.splitlines()) for each in whole] == [4, 6, 3]
    requests = json.loads(kmslab("bill", "--json").stdout)["lines"][-1]
    monkeypatch.setattr(reports, "PAGE", size)
    assert [kmslab(*command).stdout for command in commands] == whole
    assert json.loads(kmslab("bill", "--json").stdout)["lines"][-1] == requests
    assert len(json.loads(kmslab("keys", "--json").stdout)) == 2


def test_a_user_who_is_not_root_sees_the_keys_that_policies_allow(monkeypatch: Any):
    with Lab(region="eu-west-1") as lab:
        lab.create_cmk("orders")
        allowed = {"Effect": "Allow", "Action": "kms:*", "Resource": "*"}
        alice = lab.user("alice", {"Version": "2012-10-17", "Statement": [allowed]})
        with running(alice) as endpoint:
            for name, value in endpoint.environment.items():
                monkeypatch.setenv(name, value)
            assert "orders" in invoke("keys").stdout
        names = [event["eventName"] for event in lab.trail]
        assert names[-3:] == ["ListAliases", "ListKeys", "DescribeKey"]


# ------------------------------------------------------------------------------------ bill, explain


def test_bill_is_the_labs_own(kmslab: Kmslab):
    told = json.loads(kmslab("bill", "--json").stdout)
    text = kmslab("bill").stdout
    assert re.search(rf"^total +{told['total']}$", text, re.MULTILINE)
    assert told["notes"].partition("until")[0] in text
    assert kmslab("bill", "--month", "2020-01").stdout.count("key alias") == 0
    assert "is not a month" in refusal(kmslab("bill", "--month", "May"))


@pytest.mark.parametrize("who", ["alice", "user/alice", "arn:aws:iam::111122223333:user/alice"])
def test_explain_says_no_and_why(kmslab: Kmslab, who: str):
    asked = ("--action", "kms:Decrypt", "--key", "alias/orders", "--principal", who)
    result = kmslab("explain", *asked)
    assert result.exit_code == 1
    assert result.stdout.startswith("Refused: user/alice may not call kms:Decrypt")
    told = json.loads(kmslab("explain", *asked, "--json").stdout)
    assert (told["Allowed"], told["Addition"]["Action"]) == (False, "kms:Decrypt")


def test_explain_says_yes(kmslab: Kmslab):
    context = ("--context", "order=17", "--context", "a=b=c")
    result = kmslab("explain", "--action", "kms:Encrypt", "--key", "alias/orders", *context)
    assert result.exit_code == 0
    assert result.stdout.startswith("Allowed:")


def test_explain_leaves_nothing_in_the_trail(kmslab: Kmslab):
    kmslab("explain", "--action", "kms:Encrypt", "--key", "alias/orders")
    assert len(kmslab("trail", "--json").stdout.splitlines()) == 4


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--action", "kms:Fly"], "'kms:Fly' is not a permission of AWS KMS"),
        (["--action", "kms:Decrypt", "--key", "alias/none"], "alias/none is not found"),
        (["--action", "kms:ListKeys", "--principal", "carol"], "user/carol does not exist"),
        (["--action", "kms:ListKeys", "--principal", FOREIGN_ROOT], "own principals and keys only"),
        (["--action", "kms:Encrypt", "--key", FOREIGN_KEY], "own principals and keys only"),
    ],
)
def test_explain_refuses_what_is_not_there(kmslab: Kmslab, arguments: list[str], text: str):
    assert text in refusal(kmslab("explain", *arguments))


def test_explain_takes_contexts_in_pairs_only():
    result = invoke("explain", "--action", "kms:Decrypt", "--context", "order")
    assert result.exit_code == 2
    assert "is not NAME=VALUE" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["keys"],
        ["describe", "alias/orders"],
        ["trail"],
        ["bill"],
        ["explain", "--action", "kms:ListKeys"],
        ["encrypt", "letter", "--key", "alias/orders"],
        ["backup", "copy"],
        ["rekey"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_each_command_takes_the_root_keys_file(arguments: list[str], monkeypatch: Any):
    Path("letter").write_bytes(b"x")
    with Lab("sqlite:///my.db", root_key=Path("elsewhere.key")) as lab:
        lab.create_cmk("orders")
    command = [*arguments, "--store", "sqlite:///my.db"]
    assert "is missing" in str(invoke(*command).exception)
    assert invoke(*command, "--root-key", "elsewhere.key").exit_code == 0
    if arguments[0] not in ("encrypt", "backup"):  # whose target is there now
        monkeypatch.setenv("KMSLAB_ROOT_KEY", "elsewhere.key")
        assert invoke(*command).exit_code == 0


def test_explains_actions_complete():
    (offered,) = [parameter for parameter in _parameters("explain") if parameter.name == "action"]
    found = [item.value for item in offered.shell_complete(None, "kms:Enc")]  # type: ignore[arg-type]
    assert found == ["kms:Encapsulate", "kms:Encrypt"]


def _parameters(name: str) -> list[Any]:
    import typer.main

    return typer.main.get_command(app).commands[name].params  # type: ignore[attr-defined]


# ----------------------------------------------------------------------------------- which KMS


def test_without_a_kms_it_says_what_to_give():
    assert "Give --store sqlite:///my.db, or --endpoint" in refusal(invoke("keys"))


def test_looking_for_a_store_does_not_make_it(tmp_path: Path):
    assert "There is no store at sqlite:///other.db" in refusal(
        invoke("keys", "--store", "sqlite:///other.db")
    )
    assert not list(tmp_path.glob("other*"))


WRONG = [
    (["--store", "sqlite:///my.db", "--endpoint", "http://127.0.0.1:9"], "one of --store and"),
    (["--store", "mysql://x"], "kmslab cannot keep a store in"),
    (["--store", "nonsense"], "That is not a store"),
    (["--store", "sqlite:///my.db", "--account", "1"], "'1' is not an account number"),
    (["--store", "sqlite:///my.db", "--region", "here"], "'here' is not a Region"),
    (["--endpoint", "http://127.0.0.1:9", "--account", "111122223333"], "says which account"),
]


@pytest.mark.parametrize(("arguments", "text"), WRONG)
def test_what_is_asked_wrongly_exits_with_2(arguments: list[str], text: str):
    result = invoke("keys", *arguments)
    assert result.exit_code == 2
    assert text in re.sub(r"[\s│]+", " ", result.stderr)


def test_endpoint_that_is_not_there_is_named(monkeypatch: Any):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "A")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    for command in (["keys"], ["trail"]):
        assert "127.0.0.1:9" in refusal(invoke(*command, "--endpoint", "http://127.0.0.1:9"))


def test_wrong_credentials_give_the_endpoints_error(monkeypatch: Any):
    with Lab() as lab, running(lab) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
        for command in ("keys", "trail", "bill"):
            assert refusal(invoke(command)).startswith("InvalidSignatureException: ")


def test_only_the_root_user_is_answered(monkeypatch: Any):
    with Lab() as lab, running(lab) as endpoint:
        pair = lab.user("bob").access_key()
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", pair.id)
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", pair.secret.decode())
        for command in (["trail"], ["bill"], ["explain", "--action", "kms:ListKeys"]):
            assert "Only the root user" in refusal(invoke(*command))


def test_trail_of_a_store_follows_its_own_clock(tmp_path: Path):
    with Lab("sqlite:///my.db") as lab:
        lab.create_cmk("orders").schedule_deletion(7)
        lab.clock.advance(days=8)
    assert "DeleteKey" in invoke("trail", "--store", "sqlite:///my.db").stdout
