"""`kmslab serve --learners`: each learner's account and access key, and the sheet to cut."""

import os
import re
import stat
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from typer.testing import CliRunner

from kmslab import Lab
from kmslab.cli.app import app
from kmslab.cli.learners import account_of, enrol, names_in
from kmslab.cli.options import CommandError
from kmslab.cli.sheet import INTRODUCTION, WIDTH, Sheet, check_target, write
from kmslab.endpoint.server import Endpoint, running
from kmslab.kms.backing.access_keys import AccessKeyPair

pytestmark = pytest.mark.usefixtures("bare")
ROOT = Path(__file__).parents[2]
NAMES = ["김서연", "박지호", "<b>Zoë & Co</b>"]
SECRET = re.compile(r"[a-z2-9]{4}(-[a-z2-9]{4}){4}")


@pytest.fixture(scope="module")
def learners():
    with Lab() as lab:
        return enrol(NAMES, lab.iam.access_keys)


@pytest.fixture
def sheet(learners) -> Sheet:
    shells = {"Terminal": "export AWS_ACCESS_KEY_ID=ID", "PowerShell": "$env:A = '<ID>'"}
    url = "https://192.168.0.12:4566"
    return Sheet(learners, url, "ap-northeast-2", "class.pem.crt", shells, ["In memory & gone."])


# ------------------------------------------------------------------------------- who is in a class


def test_class_can_be_a_number():
    assert names_in("30") == [""] * 30


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp949"])
def test_class_can_be_a_list_of_names_as_korean_editors_save_it(encoding: str, tmp_path: Path):
    text = "김서연\r\n  박지호 \r\n\r\n이\x07수민\r\n\r\n"
    (tmp_path / "class.txt").write_bytes(text.encode(encoding))
    assert names_in("class.txt") == ["김서연", "박지호", "", "이수민"]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"\n \n", "has no name in it"),
        ("김".encode("utf-16"), "is not a text"),
        (b"\xff\xff\xff", "is not a text"),
        (b"x\n" * 501, "1 to 500 learners, not 501"),
    ],
)
def test_file_without_names_is_refused(content: bytes, text: str, tmp_path: Path):
    (tmp_path / "class.txt").write_bytes(content)
    with pytest.raises(ValueError, match=text):
        names_in("class.txt")


@pytest.mark.parametrize(
    ("asked", "text"),
    [
        ("0", "not 0"),
        ("501", "not 501"),
        ("none.txt", "neither a number nor a file of names"),
        ("-3", "neither a number"),
        ("९", "neither a number"),
    ],
)
def test_class_that_cannot_be_is_refused(asked: str, text: str):
    with pytest.raises(ValueError, match=text):
        names_in(asked)


# --------------------------------------------------------------------------------- what each gets


def test_each_learner_has_an_account_and_a_secret_of_their_own(learners):
    assert [learner.account for learner in learners] == list(map(account_of, (1, 2, 3)))
    assert len({learner.access_key.secret for learner in learners}) == 3
    for learner in learners:
        assert SECRET.fullmatch(learner.access_key.secret.decode())
        assert re.fullmatch(r"AKIA[A-Z0-9]{12}", learner.access_key.id)
        assert learner.access_key.secret.decode() not in repr(learner)


def test_empty_line_keeps_its_number_and_account_free():
    with Lab() as lab:
        some = enrol(["a", "", "c"], lab.iam.access_keys)
    assert [(each.number, each.name) for each in some] == [(1, "a"), (3, "c")]


def test_sheet_that_was_printed_once_is_right_at_the_next_start(tmp_path: Path):
    def secrets(number: int) -> list[str]:
        with Lab("sqlite:///class.db") as lab:
            return [each.access_key.secret.decode() for each in enrol([""] * number, keys(lab))]

    first = secrets(2)
    assert secrets(3)[:2] == first


def keys(lab: Lab) -> Any:
    return lab.iam.access_keys


def test_learners_reach_nothing_of_each_other():
    with Lab() as lab, running(lab) as endpoint:
        one, two = (client(endpoint, each) for each in enrol(["", ""], keys(lab)))
        key = one.create_key()["KeyMetadata"]["Arn"]
        one.create_alias(AliasName="alias/mine", TargetKeyId=key)
        blob = one.encrypt(KeyId="alias/mine", Plaintext=b"diary")["CiphertextBlob"]
        assert f":{account_of(1)}:" in key
        assert two.list_keys()["Keys"] == []
        listed = [alias["AliasName"] for alias in two.list_aliases()["Aliases"]]
        assert "alias/mine" not in listed
        two.create_alias(AliasName="alias/mine", TargetKeyId=two.create_key()["KeyMetadata"]["Arn"])
        for refused in (
            lambda: two.describe_key(KeyId=key),
            lambda: two.decrypt(CiphertextBlob=blob),
            lambda: two.schedule_key_deletion(KeyId=key),
            lambda: two.put_key_policy(KeyId=key, Policy="{}"),
        ):
            with pytest.raises(ClientError, match="AccessDeniedException"):
                refused()
        assert one.decrypt(CiphertextBlob=blob)["Plaintext"] == b"diary"
        own = [event["eventName"] for event in lab.account(account_of(2)).trail]
        assert "DescribeKey" in own
        assert "Encrypt" not in own


def test_letter_to_a_neighbour_in_the_teachers_page_opens_there_and_with_nobody_else(
    monkeypatch: Any, capsys: Any
):
    page = (ROOT / "docs" / "teaching.md").read_text(encoding="utf-8")
    writes, reads = re.findall(
        r"^```python\n(.*?)^```", page.split("### With a neighbour")[1], re.M | re.S
    )
    with Lab() as lab, running(lab) as endpoint:
        names: dict[str, Any] = {}
        first, second, third = enrol([""] * 3, keys(lab))

        def run(code: str, learner: Any) -> None:
            for name, value in (endpoint.environment | learner.access_key.environment).items():
                monkeypatch.setenv(name, value)
            monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)  # it keeps access keys
            exec(code, names)

        run(writes, first)
        run(reads, second)
        assert capsys.readouterr().out.endswith("\n점심 같이 먹자\n")
        with pytest.raises(ClientError, match="AccessDeniedException"):
            run(reads, third)
        run("import boto3; boto3.client('kms').disable_key(KeyId=key)", first)
        with pytest.raises(ClientError, match="DisabledException"):
            run(reads, second)


def client(endpoint: Endpoint, learner: Any) -> Any:
    return boto3.client(
        "kms",
        endpoint.region,
        endpoint_url=endpoint.url,
        aws_access_key_id=learner.access_key.id,
        aws_secret_access_key=learner.access_key.secret.decode(),
        config=Config(retries={"total_max_attempts": 1}, proxies={}),
    )


# -------------------------------------------------------------------------------------- the sheet


class Slips(HTMLParser):
    """The text of each slip, and of the rest; the page's attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.slips: list[str] = []
        self.rest, self.links, self.is_in = "", [], False
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.links += [value for name, value in attrs if name in ("href", "src")]
        assert tag != "b"
        if tag == "article":
            self.slips.append("")
            self.is_in = True

    def handle_endtag(self, tag):
        self.is_in = self.is_in and tag != "article"

    def handle_data(self, data):
        if self.is_in:
            self.slips[-1] += data
        else:
            self.rest += data


def parts(sheet: Sheet, kind: str) -> tuple[str, list[str]]:
    if kind == "html":
        read = Slips(sheet.html())
        assert read.links == []
        return read.rest, read.slips
    rest, *slips, end = sheet.text().split("-" * WIDTH + "\n")
    assert end == ""
    return rest, slips


@pytest.mark.parametrize("kind", ["html", "text"])
def test_slip_holds_its_learners_credentials_and_of_no_other(sheet: Sheet, kind: str):
    rest, slips = parts(sheet, kind)
    assert len(slips) == len(sheet.learners)
    for learner, own in zip(sheet.learners, slips, strict=True):
        shown = (learner.name, learner.account, learner.access_key.id, "https://192.168.0.12:4566")
        for value in (*shown, "ap-northeast-2", "class.pem.crt"):
            assert value in own
        secret = learner.access_key.secret.decode()
        assert [secret in part for part in (rest, *slips)].count(True) == 1
        assert secret in own


@pytest.mark.parametrize("kind", ["html", "text"])
def test_what_comes_before_the_slips_says_how_to_use_them(sheet: Sheet, kind: str):
    rest = " ".join(parts(sheet, kind)[0].split())
    assert INTRODUCTION in rest
    assert "In memory & gone." in rest
    assert "$env:A = '<ID>'" in rest
    assert "Hand out class.pem.crt too" in rest


def test_page_names_its_encoding_and_fonts_with_korean_letters(sheet: Sheet):
    page = sheet.html()
    assert '<meta charset="utf-8">' in page[:200]
    assert "Malgun Gothic" in page


@pytest.mark.parametrize("name", ["sheet.html", "sheet.txt"])
def test_sheet_is_for_its_owner_alone_and_replaces_an_older_one(sheet: Sheet, name: str):
    path = Path(name)
    for _ in range(2):
        check_target(path)
        write(sheet, path)
    assert "김서연" in path.read_text(encoding="utf-8")
    assert os.name != "posix" or stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in Path().iterdir()] == [name]


def test_sheet_that_cannot_be_written_leaves_nothing(sheet: Sheet, tmp_path: Path):
    (tmp_path / "sheet.txt").mkdir()
    (tmp_path / "sheet.txt" / "a").touch()
    with pytest.raises(CommandError, match="cannot be written"):
        write(sheet, Path("sheet.txt"))
    assert [each.name for each in tmp_path.iterdir()] == ["sheet.txt"]


# ------------------------------------------------------------------------------------ the command


@pytest.fixture
def served(monkeypatch) -> None:
    """The command stops as soon as clients could connect."""

    def serve(lab: Any, host: str, *_: Any, ready: Any, tls: Any = None, **__: Any) -> None:
        url = f"{'https' if tls else 'http'}://{'127.0.0.1' if host == '0.0.0.0' else host}:4566"
        authority = Path("/tmp/made/class.pem.crt") if tls else None
        ready(Endpoint(url, "us-east-1", AccessKeyPair("ROOT", b"own"), authority))

    monkeypatch.setattr("kmslab.endpoint.server.serve", serve)


def invoke(*arguments: str):
    return CliRunner().invoke(app, ["serve", *arguments], env={"COLUMNS": "200"})


@pytest.mark.usefixtures("served")
def test_terminal_says_where_the_sheet_is_and_shows_no_learners_secret():
    result = invoke("--learners", "3")
    assert result.exit_code == 0
    assert "learners.html: 3 slips to print and cut." in result.stderr
    assert not SECRET.search(result.output)
    for note in ("These access keys end when this server stops", "found on this computer only"):
        assert note in result.stderr
        assert note in Path("learners.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("served")
def test_slips_name_the_address_that_the_certificate_is_for():
    kept = ("--store", "sqlite:///class.db", "--tls-authority", "class.pem")
    names = ("--tls", "self-signed", "--tls-name", "192.168.0.12", "--tls-name", "kms.lan")
    Path("class.txt").write_bytes("김서연\n박지호".encode("cp949"))
    result = invoke(
        *("--learners", "class.txt", "--sheet", "sheet.txt"), *kept, *names, "--host", "0.0.0.0"
    )
    text = Path("sheet.txt").read_text(encoding="utf-8")
    assert result.stderr.startswith("sheet.txt: 2 slips to print and cut. It holds secrets")
    assert text.count("https://192.168.0.12:4566") == 2 + 2 * 2
    assert "AWS_CA_BUNDLE=class.pem.crt" in text
    assert "127.0.0.1" not in text
    assert "end when this server stops" not in text


@pytest.mark.usefixtures("served")
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--learners", "0"], "1 to 500 learners"),
        (["--learners", "nobody.txt"], "neither a number nor a file"),
        (["--learners", "2", "--account", "100000000002"], "this is a learner's account"),
        (["--learners", "2", "--host", "0.0.0.0", "--tls", "self-signed"], "give --tls-name"),
        (["--learners", "2", "--sheet", "sheet.pdf"], "has to end in .html or .txt"),
        (["--learners", "2", "--sheet", "no/sheet.txt"], "the folder no does not exist"),
        (["--learners", "names.txt", "--sheet", "names.txt"], "is there and is not a sheet"),
    ],
)
def test_what_is_asked_wrongly_exits_with_2_and_writes_nothing(arguments: list[str], text: str):
    Path("names.txt").write_text("Ann\nBob", encoding="utf-8")
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr
    assert [(each.name, each.read_text()) for each in Path().iterdir()] == [
        ("names.txt", "Ann\nBob")
    ]


@pytest.mark.usefixtures("served")
def test_without_learners_no_sheet_is_written():
    assert invoke().exit_code == 0
    assert list(Path().iterdir()) == []
