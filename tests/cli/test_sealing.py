"""`encrypt` and `decrypt` on files, folders and pipes, in this process."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from kmslab import Lab, envelope
from kmslab.cli.app import app
from kmslab.cli.sealing.options import SUITES, Commitment
from kmslab.display import PlainError
from kmslab.endpoint.server import running
from kmslab.envelope import CommitmentPolicy, RawAesKeyring
from kmslab.envelope import suites as of_envelope
from tests.cases import for_every

pytestmark = pytest.mark.usefixtures("bare")
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs modes, and pipes with names")
KEY = ("--key", "alias/orders")
STORE = ("--store", "sqlite:///my.db")
Kmslab = Callable[..., Result]


def invoke(*arguments: str, data: bytes | None = None) -> Result:
    result = CliRunner().invoke(app, arguments, input=data, env={"COLUMNS": "300"})
    if result.exception and not isinstance(result.exception, SystemExit | PlainError):
        raise result.exception
    return result


@pytest.fixture
def lab() -> Iterator[Lab]:
    """Closed while the command runs, so that both find the other's changes."""
    with Lab("sqlite:///my.db") as lab:
        lab.create_cmk("orders")
        lab.create_cmk("archive")
        yield lab


@pytest.fixture
def kmslab(lab: Lab) -> Kmslab:
    """The command with the lab's store, which another process might as well have open."""
    return lambda name, *more, data=None: invoke(name, *STORE, *more, data=data)


@pytest.fixture
def letter(tmp_path: Path) -> Path:
    return written("letter", b"Dear clinic, " * 500)


def written(name: str, content: bytes = b"x") -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def done(result: Result, text: str = "") -> None:
    assert result.exit_code == 0, result.output
    assert text in result.stderr


def not_done(result: Result, *lines: str) -> None:
    """Exit code 1, and these lines on stderr before the summary."""
    assert result.exit_code == 1, result.output
    said = result.stderr.splitlines()
    assert len(said) in (len(lines), len(lines) + 1), said
    for line, expected in zip(said, lines, strict=False):
        assert expected in line


def names(folder: str = ".") -> set[str]:
    found = (path.relative_to(folder) for path in Path(folder).rglob("*"))
    return {str(path) for path in found if not str(path).startswith(("my.db", "seed"))}


# --------------------------------------------------------------------------------- where the KMS is


@pytest.mark.parametrize("where", ["store", "endpoint", "aws"])
def test_files_go_there_and_back(where: str, lab: Lab, letter: Path, monkeypatch: Any):
    """With `--aws`, boto3 finds its settings itself; here they name an endpoint."""
    content = letter.read_bytes()
    written("photo", b"")
    with running(lab) as endpoint:
        for name, value in endpoint.environment.items():
            monkeypatch.setenv(name, value)
        if where == "aws":
            url = os.environ.pop("AWS_ENDPOINT_URL_KMS")
            monkeypatch.setenv("AWS_CONFIG_FILE", "settings")
            written("settings", f"[default]\nendpoint_url = {url}\n".encode())
        asked = {"store": STORE, "endpoint": (), "aws": ("--aws",)}[where]
        before = len(lab.trail)
        pair = ("--context", "album=summer")
        result = invoke("encrypt", "letter", "photo", *KEY, *pair, *asked)
        done(result, "Encrypted 2 files (6.5 kB) in")
        assert ("--aws asks http://127.0.0.1:" in result.stderr) == (where == "aws")
        letter.unlink()
        result = invoke("decrypt", "letter.encrypted", *KEY, *pair, *asked, "--json")
        done(result, ": letter")
        calls = [event["eventName"] for event in lab.trail][before:]
    assert calls == ["DescribeKey", "GenerateDataKey", "GenerateDataKey", "DescribeKey", "Decrypt"]
    assert letter.read_bytes() == content
    told = json.loads(result.stdout)
    assert (told["source"], told["target"]) == ("letter.encrypted", "letter")
    assert told["context"]["album"] == "summer"
    assert told["keys"] == [f"aws-kms {lab.cmk('alias/orders').arn}"]


def test_without_a_region_aws_cannot_be_asked(letter: Path):
    result = invoke("encrypt", "letter", *KEY, "--aws")
    assert str(result.exception) == "AWS: You must specify a region."


def test_without_a_kms_it_names_aws_too(letter: Path):
    assert "For AWS itself, give --aws." in str(invoke("encrypt", "letter", *KEY).exception)


def test_keys_of_several_regions_seal_one_file(kmslab: Kmslab, lab: Lab, letter: Path):
    far = lab.region("eu-west-1").create_cmk("far")
    alias = "arn:aws:kms:eu-west-1:111122223333:alias/far"
    done(kmslab("encrypt", "letter", *KEY, "--key", alias))
    for key in (alias, far.arn, "alias/orders", lab.cmk("alias/orders").id):
        done(kmslab("decrypt", "letter.encrypted", "--overwrite", "--key", key))


def test_by_discovery_only_keys_of_the_accounts_are_asked(kmslab: Kmslab, lab: Lab, letter: Path):
    done(kmslab("encrypt", "letter", *KEY))
    back = ("decrypt", "letter.encrypted", "--discovery", "--output")
    done(kmslab(*back, "one"))
    done(kmslab(*back, "two", "--account", "111122223333", "--account", "999999999999"))
    not_done(kmslab(*back, "three", "--account", "999999999999"), "None of the given keys")


def test_a_related_multi_region_key_opens_if_asked(kmslab: Kmslab, lab: Lab, letter: Path):
    primary = lab.create_cmk("spread", multi_region=True)
    replica = primary.replicate("eu-west-1")
    lab.clock.advance(minutes=5)
    done(kmslab("encrypt", "letter", "--key", primary.arn))
    back = ("decrypt", "letter.encrypted", "--overwrite", "--key", replica.arn)
    not_done(kmslab(*back), "None of the given keys")
    done(kmslab(*back, "--multi-region"))


# ---------------------------------------------------------------------------------- what users want


def test_a_target_that_exists_is_refused_replaced_or_left_out(kmslab: Kmslab, letter: Path):
    target = written("letter.encrypted", b"dear")
    not_done(kmslab("encrypt", "letter", *KEY), "letter.encrypted exists already (--overwrite")
    done(kmslab("encrypt", "letter", *KEY, "--skip-existing"), "1 left out (target exists)")
    assert target.read_bytes() == b"dear"
    done(kmslab("encrypt", "letter", *KEY, "--overwrite"))
    done(kmslab("decrypt", "letter.encrypted", *KEY, "--output", "back"))
    assert Path("back").read_bytes() == letter.read_bytes()


def test_output_is_a_file_or_a_folder(kmslab: Kmslab, letter: Path):
    Path("there").mkdir()
    written("photo")
    for output, target in {
        "sealed": "sealed",
        "there": "there/letter.encrypted",
        "new/": "new/letter.encrypted",
        "there/x": "there/x",
    }.items():
        done(kmslab("encrypt", "letter", *KEY, "--output", output), f": {target}")
    done(kmslab("encrypt", "letter", "photo", *KEY, "--output", "many"))
    assert names("many") == {"letter.encrypted", "photo.encrypted"}


def test_a_folder_is_mirrored_and_comes_back_as_it_was(kmslab: Kmslab, tmp_path: Path):
    files = {"a": b"1", "in/b": b"", "in/deep/c": b"3" * 9999, "in/deep/병원 d": b"4"}
    for name, content in files.items():
        written(f"top/{name}", content)
    done(kmslab("encrypt", "top", "-r", *KEY, "--output", "sealed"), "Encrypted 4 files")
    assert {name for name in names("sealed") if "." in name} == {f"{n}.encrypted" for n in files}
    done(kmslab("decrypt", "sealed", "-r", *KEY, "--output", "back/here"), "Decrypted 4 files")
    assert {name: Path("back/here", name).read_bytes() for name in files} == files


def test_a_folder_is_sealed_in_its_place_once(kmslab: Kmslab, tmp_path: Path):
    written("top/a")
    written("top/in/b")
    for text in ("Encrypted 2 files", "2 left out (named ….encrypted)"):
        result = kmslab("encrypt", "top", "-r", *KEY, "--skip-existing")
        done(result, text)
    assert names("top") == {"a", "a.encrypted", "in", "in/b", "in/b.encrypted"}
    Path("top/a").unlink()
    done(kmslab("decrypt", "top", "-r", *KEY, "--overwrite"), "1 left out (not named ….encrypted)")
    assert names("top") == {"a", "a.encrypted", "in", "in/b", "in/b.encrypted"}


def test_an_output_within_the_folder_is_not_a_source(kmslab: Kmslab, tmp_path: Path):
    written("top/a")
    written("top/sealed/b.encrypted.txt")
    result = kmslab("encrypt", "top", "-r", *KEY, "--output", "top/sealed")
    done(result, "Encrypted 1 file ")
    assert "1 left out (the output folder)" in result.stderr


def test_an_empty_output_is_refused_and_is_not_the_sources_folder(kmslab: Kmslab, letter: Path):
    result = kmslab("encrypt", "letter", *KEY, "--output", "")
    assert result.exit_code == 2
    assert "is empty: name a file or a folder" in result.stderr
    assert names(".") >= {"letter"}
    assert "letter.encrypted" not in names(".")


@POSIX
def test_in_folders_links_and_special_files_are_left_out(kmslab: Kmslab, letter: Path):
    written("top/a")
    Path("top/link").symlink_to("../letter")
    Path("top/around").symlink_to(".")
    os.mkfifo("top/pipe")
    result = kmslab("encrypt", "top", "-r", *KEY)
    done(result, "2 left out (symbolic link); 1 left out (special file)")
    assert names("top") == {"a", "a.encrypted", "link", "around", "pipe"}
    done(kmslab("encrypt", "top/link", *KEY))  # by its name, a link is followed
    done(kmslab("decrypt", "top/link.encrypted", *KEY, "-o", "back"))
    assert Path("back").read_bytes() == letter.read_bytes()


@POSIX
def test_mode_bits_are_kept_within_the_umask(kmslab: Kmslab, tmp_path: Path):
    written("top/private/script").chmod(0o4755)
    written("top/diary").chmod(0o600)
    Path("top/private").chmod(0o700)
    old = os.umask(0o027)
    try:
        done(kmslab("encrypt", "top", "-r", *KEY, "--output", "sealed"))
    finally:
        os.umask(old)
    done(kmslab("decrypt", "sealed", "-r", *KEY, "--output", "back"))
    done(kmslab("encrypt", "-", *KEY, "-o", "piped", data=b"x"))
    found = {name: stat.S_IMODE(Path(name).stat().st_mode) for name in names()}
    assert found["sealed/private/script.encrypted"] == found["back/private/script"] == 0o750
    assert found["sealed/diary.encrypted"] == found["back/diary"] == 0o600
    assert found["sealed/private"] == found["back/private"] == 0o700
    assert found["piped"] == 0o666 & ~old


AWKWARD = ["진료 기록", "two\nlines", "[red]", "-k", "\x1b[31m", os.fsdecode(b"\xff\xfe")]


@POSIX
def test_any_name_is_a_files_name(kmslab: Kmslab, tmp_path: Path):
    for name in AWKWARD:
        written(f"top/{name}", name.encode("utf-8", "surrogateescape"))
    done(kmslab("encrypt", "top", "-r", *KEY, "--output", "sealed"), "Encrypted 6 files")
    done(kmslab("decrypt", "sealed", "-r", *KEY, "--output", "back"))
    result = kmslab("decrypt", "-r", *KEY, "-o", "back", "--json", "sealed")
    assert len(result.stdout.splitlines()) == len(result.stderr.splitlines()) - 1 == len(AWKWARD)
    assert "\x1b" not in result.stderr
    sources = {json.loads(each)["source"] for each in result.stdout.splitlines()}
    assert sources == {f"sealed/{name}.encrypted" for name in AWKWARD}
    os.chdir("top")
    done(invoke("encrypt", "--store", "sqlite:///../my.db", *KEY, "--", "-k"), "-k.encrypted")
    for name in AWKWARD:
        content = Path("../back", name).read_bytes()
        assert content == name.encode("utf-8", "surrogateescape")


# --------------------------------------------------------------------------------- what fails alone


def test_what_cannot_be_done_is_a_line_each_and_the_rest_is_done(kmslab: Kmslab, letter: Path):
    Path("folder").mkdir()
    result = kmslab("encrypt", "none", "folder", "letter", *KEY)
    not_done(result, "none: No such file or directory", "folder: is a folder: --recursive")
    assert "Encrypted 1 file (6.5 kB)" in result.stderr
    assert "letter.encrypted; 2 not done" in result.stderr


def test_a_message_that_was_changed_leaves_no_file_and_stops_no_other(kmslab: Kmslab, letter: Path):
    done(kmslab("encrypt", "letter", *KEY))
    good = Path("letter.encrypted").read_bytes()
    bad = bytearray(good)
    bad[-200] ^= 1
    Path("in").mkdir()
    written("in/bad.encrypted", bytes(bad))
    written("in/cut.encrypted", good[:-30])
    written("in/good.encrypted", good)
    written("in/none.encrypted", b"")
    result = kmslab("decrypt", "in", "-r", *KEY, "--output", "back", "--json")
    not_done(
        result,
        *[f"in/{name}.encrypted: This message does" for name in ("bad", "cut")],
        "in/none.encrypted: this is not an encrypted file",
    )
    assert "`kmslab inspect` shows what it claims to be" in result.stderr
    assert names("back") == {"good"}
    told = [json.loads(line) for line in result.stdout.splitlines()]
    assert [list(each)[1] for each in told] == ["error", "error", "target", "error"]


def test_a_folder_that_cannot_be_read_is_a_line(kmslab: Kmslab, tmp_path: Path, monkeypatch: Any):
    written("top/closed/a")
    written("top/open/b")
    look = os.scandir

    def scandir(path: str) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", path)
        return look(path)

    monkeypatch.setattr(os, "scandir", scandir)
    not_done(kmslab("encrypt", "top", "-r", *KEY), "top/closed: Permission denied")
    assert Path("top/open/b.encrypted").exists()


def test_a_missing_folder_and_a_name_without_suffix_are_told(kmslab: Kmslab, letter: Path):
    not_done(kmslab("encrypt", "letter", *KEY, "-o", "no/x"), "letter: No such file or directory: ")
    not_done(kmslab("decrypt", "letter", *KEY), "letter: its name does not end in .encrypted")


def test_a_file_is_never_its_own_target(kmslab: Kmslab, letter: Path):
    before = letter.read_bytes()
    for output in ("letter", "./letter"):
        result = kmslab("encrypt", "letter", *KEY, "--overwrite", "-o", output)
        not_done(result, "is the file itself: name another")
    assert letter.read_bytes() == before


def test_two_files_with_one_target_are_not_lost(kmslab: Kmslab, letter: Path):
    written("other/letter", b"another")
    written("letter.encrypted", b"dear")
    result = kmslab("encrypt", "letter", "other/letter", *KEY, "--overwrite", "--output", "out")
    not_done(result, "other/letter: out/letter.encrypted is the target of letter")
    result = kmslab("encrypt", "letter", "letter.encrypted", *KEY, "--overwrite")
    not_done(result, "letter: letter.encrypted is also a file to read")
    assert Path("letter.encrypted").read_bytes() == b"dear"
    done(kmslab("decrypt", "out/letter.encrypted", *KEY, "-o", "back"))
    assert Path("back").read_bytes() == letter.read_bytes()


# ----------------------------------------------------------------------------- what the KMS refuses


def test_a_key_that_is_not_there_is_one_line_before_any_file(kmslab: Kmslab, letter: Path):
    result = kmslab("encrypt", "letter", "none", "--key", "alias/none")
    alias = "arn:aws:kms:us-east-1:111122223333:alias/none"
    assert str(result.exception) == f"NotFoundException: Alias {alias} is not found."
    assert (result.output, names()) == ("", {"letter"})


def test_a_disabled_key_ends_the_run_at_the_first_file(kmslab: Kmslab, lab: Lab, tmp_path: Path):
    for number in range(5):
        written(f"top/{number}")
    done(kmslab("encrypt", "top", "-r", *KEY, "-k", "alias/archive", "--output", "sealed"))
    key = lab.cmk("alias/orders")
    key.disable()
    first = {"encrypt": "top/0: DisabledException: arn", "decrypt": "DisabledException: arn"}
    for name, line in first.items():
        folder = "top" if name == "encrypt" else "sealed"
        before = len(lab.trail)
        result = kmslab(name, folder, "-r", *KEY, "--output", "out")
        not_done(result, line, "The other files were not tried: each would fail")
        assert len(lab.trail) - before == 2  # DescribeKey and the call that was refused
    assert not Path("out").exists() or names("out") == set()
    done(kmslab("decrypt", "sealed", "-r", *KEY, "-k", "alias/archive", "--output", "back"))


def test_a_message_of_another_key_does_not_end_the_run(kmslab: Kmslab, tmp_path: Path):
    written("1")
    written("2")
    done(kmslab("encrypt", "1", "-k", "alias/archive"))
    done(kmslab("encrypt", "2", *KEY))
    result = kmslab("decrypt", "1.encrypted", "2.encrypted", *KEY, "--overwrite")
    not_done(result, "1.encrypted: None of the given keys wrapped")
    assert "give one of these with --key" in result.stderr


def test_an_endpoint_that_is_gone_is_one_line(letter: Path, monkeypatch: Any):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_MAX_ATTEMPTS"):
        monkeypatch.setenv(name, "1")
    arn = "arn:aws:kms:us-east-1:111122223333:key/1b6a5ec6-33b2-4e0c-9d43-6d1b3a1c7e01"
    written("other")
    asked = ("--key", arn, "--endpoint", "http://127.0.0.1:9")
    result = invoke("encrypt", "letter", "other", *asked)
    not_done(result, "letter: Could not connect to the endpoint URL", "The other files were not")


# ---------------------------------------------------------------------------- policies and contexts


def test_a_context_is_demanded_and_may_stay_out_of_the_message(kmslab: Kmslab, letter: Path):
    pairs = ("--context", "tenant=17", "--context", "album=a=b")
    done(kmslab("encrypt", "letter", *KEY, *pairs, "--require-context", "tenant"))
    told = json.loads(invoke("inspect", "letter.encrypted", "--json").stdout)
    assert {"album": "a=b"}.items() <= told["context"].items()
    assert "tenant" not in told["context"]
    back = ("decrypt", "letter.encrypted", *KEY, "-o", "back")
    not_done(kmslab(*back), "InvalidCiphertextException")
    not_done(kmslab(*back, "--context", "tenant=18"), "InvalidCiphertextException")
    not_done(kmslab(*back, *pairs[:2], "--context", "album=x"), "another 'album' in its context")
    done(kmslab(*back, *pairs[:2], "--require-context", "tenant"))


def test_an_old_suite_needs_the_users_word(kmslab: Kmslab, letter: Path):
    old = ("--suite", "0x0178", "--commitment-policy", "forbid-encrypt-allow-decrypt")
    done(kmslab("encrypt", "letter", *KEY, *old, "--frame-length", "4096"))
    assert json.loads(invoke("inspect", "letter.encrypted", "--json").stdout)["suite"] == "0x0178"
    back = ("decrypt", "letter.encrypted", *KEY, "-o", "back")
    not_done(kmslab(*back), "open it with --commitment-policy require-encrypt-allow-decrypt.")
    done(kmslab(*back, "--commitment-policy", "require-encrypt-allow-decrypt"))


def test_more_encrypted_data_keys_than_allowed_are_refused(kmslab: Kmslab, letter: Path):
    two = (*KEY, "--key", "alias/archive")
    limit = ("--max-encrypted-data-keys", "1")
    not_done(kmslab("encrypt", "letter", *two, *limit), "2 encrypted data keys are more")
    done(kmslab("encrypt", "letter", *two))
    not_done(kmslab("decrypt", "letter.encrypted", *KEY, *limit, "-o", "x"), "has 2 encrypted data")


def test_files_share_a_data_key_only_if_asked(kmslab: Kmslab, lab: Lab, tmp_path: Path):
    for number in range(6):
        written(f"top/{number}", bytes(number))

    def calls(name: str, *more: str) -> int:
        before = len(lab.trail)
        done(kmslab(name, *more, "-r", *KEY, "--overwrite"))
        return len(lab.trail) - before - 1  # DescribeKey

    assert calls("encrypt", "top", "-o", "sealed") == 6
    assert calls("encrypt", "top", "-o", "sealed", "--cache", "60") == 1
    assert calls("encrypt", "top", "-o", "sealed", "--cache", "60", "--cache-messages", "2") == 3
    assert calls("decrypt", "sealed", "-o", "back") == 6
    assert calls("decrypt", "sealed", "-o", "back", "--cache", "60") == 3
    assert calls("encrypt", "top", "-o", "sealed", "--cache", "60", "--cache-bytes", "3") > 1
    assert [Path("back", str(number)).read_bytes() for number in range(6)] == [
        bytes(number) for number in range(6)
    ]


def test_the_commands_words_are_the_librarys():
    assert [each.policy for each in Commitment] == list(CommitmentPolicy)
    assert {int(each, 16) for each in SUITES} == set(of_envelope.SUITES)


# ------------------------------------------------------------------------------------------- pipes


@pytest.mark.parametrize("suite", ["0x0478", "0x0578"])
def test_pipes_carry_the_data_and_nothing_else(kmslab: Kmslab, letter: Path, suite: str):
    data = letter.read_bytes()
    sealed = kmslab("encrypt", "-", *KEY, "--suite", suite, data=data)
    opened = kmslab("decrypt", "-", *KEY, data=sealed.stdout_bytes)
    assert (sealed.stderr, opened.stderr) == ("", "")
    assert opened.stdout_bytes == data
    assert kmslab("encrypt", "letter", *KEY, "-o", "-").stdout_bytes[:1] == b"\2"
    done(kmslab("decrypt", "-", *KEY, "-o", "back", data=sealed.stdout_bytes), ": back")
    assert Path("back").read_bytes() == data
    assert kmslab("encrypt", "-", *KEY, data=b"").exit_code == 0


@pytest.mark.parametrize("suite", ["0x0478", "0x0578"])
def test_stdout_gets_what_is_verified_unless_asked(kmslab: Kmslab, lab: Lab, suite: str):
    data = bytes(10_050)
    number = int(suite, 16)
    orders = lab.cmk("alias/orders")
    message = envelope.encrypt(data, orders, suite=number, frame_length=1000)
    for changed in (message[:-150], message + b"x", message[:-1] + bytes([message[-1] ^ 1])):
        result = kmslab("decrypt", "-", *KEY, data=changed)
        assert (result.exit_code, result.stdout_bytes) == (1, b"")
        result = kmslab("decrypt", "-", *KEY, "--unverified", data=changed)
        assert result.exit_code == 1
        assert 0 < len(result.stdout_bytes) < len(data)
    assert kmslab("decrypt", "-", *KEY, "--unverified", data=message).stdout_bytes == data


def test_what_is_no_encrypted_file_is_said_to_be_none(kmslab: Kmslab) -> None:
    message = envelope.encrypt(b"x", RawAesKeyring("a", "b", bytes(32)))
    written("plain.encrypted", b"Dear clinic")
    written("long.encrypted", bytes(3 * 2**20))
    written("empty.encrypted", b"")
    written("cut.encrypted", message[:50])
    plain = "this is not an encrypted file: it does not begin"
    not_done(
        kmslab(
            "decrypt", *(f"{name}.encrypted" for name in ("plain", "long", "empty", "cut")), *KEY
        ),
        f"plain.encrypted: {plain}",
        f"long.encrypted: {plain}",
        "empty.encrypted: this is not an encrypted file: it is empty",
        "cut.encrypted: This message does not open: it was changed or cut short",
    )
    not_done(kmslab("decrypt", "-", *KEY, data=b"Dear clinic"), f"-: {plain}")


def test_a_context_key_may_be_empty_as_with_the_sdk(kmslab: Kmslab, letter: Path) -> None:
    """AWS's model of KMS gives no least length, and the Encryption SDK opens such messages."""
    done(kmslab("encrypt", "letter", *KEY, "--context", "=x"))
    done(kmslab("decrypt", "letter.encrypted", *KEY, "--context", "=x", "--overwrite"))
    result = kmslab("decrypt", "letter.encrypted", *KEY, "--context", "=y", "-o", "z")
    not_done(result, "another '' in its context")


# --------------------------------------------------------------------------------- wrong arguments

WRONG = [
    (["encrypt"], "Missing argument 'FILE"),
    (["encrypt", "letter"], "give the key to encrypt under"),
    (["decrypt", "letter"], "give the key to open with, or --discovery"),
    (["decrypt", "x", *KEY, "--discovery"], "--key or --discovery, not both"),
    (["decrypt", "x", "--discovery"], "say with --account whose keys"),
    (["decrypt", "x", *STORE, "--discovery", "--account", "12"], "'12' is not an account number"),
    (["decrypt", "x", *KEY, *STORE, *["--account", "111122223333"] * 2], "one account decrypts"),
    (["encrypt", "x", *KEY, *STORE, "--aws"], "give one of --store, --endpoint and --aws"),
    (["encrypt", "x", *KEY, "--context", "a"], "'a' is not NAME=VALUE"),
    (["encrypt", "x", *KEY, "--context", "a=1", "--context", "a=2"], "'a' has two values"),
    (["encrypt", "x", *KEY, "--context", "aws-crypto-x=1"], "reserved"),
    (["encrypt", "x", *KEY, "--require-context", "a"], "--require-context names it"),
    (["encrypt", "x", *KEY, "--require-context", "aws-crypto-a"], "reserved"),
    (["encrypt", "x", *KEY, "--suite", "9999"], "there is no suite 0x9999"),
    (["encrypt", "x", *KEY, "--suite", "fast"], "'fast' is not a number such as 0x0578"),
    (["encrypt", "x", *KEY, "--suite", "0x0178"], "--commitment-policy does not allow"),
    (["encrypt", "x", *KEY, "--frame-length", "0"], "greater than"),
    (["encrypt", "x", *KEY, "--max-encrypted-data-keys", "0"], "greater than"),
    (["encrypt", "x", *KEY, "--commitment-policy", "none"], "forbid-encrypt-allow-decrypt"),
    (["encrypt", "x", "--key", "key/:key/", *STORE], "is not a key ARN"),
    (["encrypt", "x", *KEY, *STORE, "--cache", "0"], "greater than"),
    (["encrypt", "-", "x", *KEY], "- (stdin) goes with no other file"),
    (["encrypt", "x", "y", *KEY, "-o", "-"], "stdout takes one file only"),
    (["encrypt", "x", "y", *KEY, "-o", "letter"], "letter is not a folder"),
    (["encrypt", "-", *KEY, "-o", "folder"], "for stdin, name a file"),
    (["encrypt", "-", *KEY, "--json"], "stdout takes the data"),
]


@for_every(("arguments", "text"), WRONG)
def test_what_is_asked_wrongly_exits_with_2(
    lab: Lab, letter: Path, arguments: list[str], text: str
) -> None:
    Path("folder").mkdir(exist_ok=True)
    before = len(lab.trail)
    result = invoke(*arguments)
    assert result.exit_code == 2
    assert text in result.stderr
    assert (result.stdout, len(lab.trail)) == ("", before)
