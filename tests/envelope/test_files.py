"""Files: the target appears whole or not at all, only its owner can read it, no other is lost."""

import errno
import os
import signal
import stat
import subprocess
import sys
import threading
from itertools import product
from pathlib import Path

import pytest

from kmslab import CMK, envelope, whole_file
from kmslab.envelope import DecryptionError, RawAesKeyring
from tests.envelope.conftest import AES_KEY, SUITES
from tests.waiting import until

RING = RawAesKeyring("clinic", "aes", AES_KEY)
DATA = bytes(range(256)) * 9000
POSIX = pytest.mark.skipif(os.name != "posix", reason="needs pipes with names, signals and modes")


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    path = tmp_path / "plain"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def sealed(tmp_path: Path, plain: Path) -> Path:
    path = tmp_path / "sealed"
    envelope.encrypt_file(plain, path, RING)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("suite", SUITES, ids=hex)
@pytest.mark.parametrize("as_text", [True, False])
def test_a_file_is_encrypted_and_decrypted(
    tmp_path: Path, plain: Path, orders: CMK, suite: int, as_text
) -> None:
    sealed, back = tmp_path / "sealed", tmp_path / "back"
    named = str if as_text else Path
    header = envelope.encrypt_file(
        named(plain), named(sealed), orders, context={"a": "b"}, suite=suite, frame_length=70_000
    )
    opened = envelope.decrypt_file(named(sealed), named(back), orders)
    assert back.read_bytes() == DATA
    assert opened.header == header
    assert opened.context == {"a": "b"}
    assert DATA[:64] not in sealed.read_bytes()
    assert names(tmp_path) == {"plain", "sealed", "back"}


def test_an_encrypted_file_is_an_ordinary_message(sealed: Path) -> None:
    assert envelope.decrypt(sealed.read_bytes(), RING).plaintext == DATA


@POSIX
def test_only_the_owner_can_read_what_is_written(tmp_path: Path, plain: Path, sealed: Path) -> None:
    back = tmp_path / "back"
    plain.chmod(0o644)
    envelope.decrypt_file(sealed, back, RING)
    sealed.chmod(0o644)
    envelope.encrypt_file(plain, sealed, RING, overwrite=True)
    assert stat.S_IMODE(sealed.stat().st_mode) == 0o600
    assert stat.S_IMODE(back.stat().st_mode) == 0o600


def test_nothing_is_overwritten_unless_asked(tmp_path: Path, plain: Path, sealed: Path) -> None:
    other = tmp_path / "other"
    other.write_bytes(b"dear")
    for write in (envelope.encrypt_file, envelope.decrypt_file):
        with pytest.raises(FileExistsError, match="overwrite=True"):
            write(sealed, other, RING)
        assert other.read_bytes() == b"dear"
    envelope.encrypt_file(plain, other, RING, overwrite=True)
    envelope.decrypt_file(other, other, RING, overwrite=True)  # source and target are the same file
    assert other.read_bytes() == DATA
    assert names(tmp_path) == {"plain", "sealed", "other"}


def test_an_existing_target_is_refused_before_any_call(
    lab, orders: CMK, plain: Path, sealed: Path
) -> None:
    before = len(lab.trail)
    with pytest.raises(FileExistsError):
        envelope.encrypt_file(plain, sealed, orders)
    assert len(lab.trail) == before


@pytest.mark.parametrize("place", [0, 100, 300_000, -1])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_message_that_does_not_open_changes_no_file(
    tmp_path: Path, sealed: Path, place: int, overwrite: bool
) -> None:
    message = bytearray(sealed.read_bytes())
    message[place] ^= 1
    sealed.write_bytes(message)
    back = tmp_path / "back"
    if overwrite:
        back.write_bytes(b"dear")
    with pytest.raises(DecryptionError):
        envelope.decrypt_file(sealed, back, RING, overwrite=overwrite)
    assert names(tmp_path) == {"plain", "sealed"} | ({"back"} if overwrite else set())
    assert not overwrite or back.read_bytes() == b"dear"


def test_a_truncated_file_leaves_nothing(tmp_path: Path, sealed: Path) -> None:
    sealed.write_bytes(sealed.read_bytes()[:-40])
    with pytest.raises(DecryptionError):
        envelope.decrypt_file(sealed, tmp_path / "back", RING)
    assert names(tmp_path) == {"plain", "sealed"}


def test_a_kms_that_refuses_leaves_nothing(tmp_path: Path, lab, plain: Path) -> None:
    cmk = lab.create_cmk()
    cmk.disable()
    with pytest.raises(lab.kms.exceptions.DisabledException):
        envelope.encrypt_file(plain, tmp_path / "sealed", cmk)
    assert names(tmp_path) == {"plain"}


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_missing_source_leaves_nothing(tmp_path: Path, overwrite: bool) -> None:
    with pytest.raises(FileNotFoundError):
        envelope.encrypt_file(tmp_path / "none", tmp_path / "sealed", RING, overwrite=overwrite)
    with pytest.raises(IsADirectoryError):
        envelope.encrypt_file(tmp_path, tmp_path / "sealed", RING, overwrite=overwrite)
    assert names(tmp_path) == set()


def test_a_name_may_be_as_long_as_the_file_system_allows(tmp_path: Path, plain: Path) -> None:
    for name in ("a" * 255, "병" * 85):
        envelope.encrypt_file(plain, tmp_path / name, RING)
        assert envelope.decrypt((tmp_path / name).read_bytes(), RING).plaintext == DATA


def test_the_error_names_a_missing_folder(tmp_path: Path, plain: Path) -> None:
    with pytest.raises(FileNotFoundError, match="nowhere"):
        envelope.encrypt_file(plain, tmp_path / "nowhere" / "sealed", RING)


@POSIX
def test_a_link_or_a_device_or_a_folder_is_not_replaced(tmp_path: Path, plain: Path) -> None:
    dear = tmp_path / "dear"
    dear.write_bytes(b"dear")
    links = {"link": dear, "loose": tmp_path / "none", "null": Path(os.devnull)}
    for name, leads_to in links.items():
        (tmp_path / name).symlink_to(leads_to)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    before = names(tmp_path)
    for name in (*links, "folder", "pipe"):
        for overwrite in (True, False):
            with pytest.raises(FileExistsError):
                envelope.encrypt_file(plain, tmp_path / name, RING, overwrite=overwrite)
    with pytest.raises(FileExistsError):
        envelope.encrypt_file(plain, os.devnull, RING, overwrite=True)
    assert names(tmp_path) == before
    assert dear.read_bytes() == b"dear"


@POSIX
def test_a_file_that_appears_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    os.mkfifo(source)

    def meanwhile() -> None:
        with source.open("wb") as pipe:
            pipe.write(b"photo")
            target.write_bytes(b"dear")

    thread = threading.Thread(target=meanwhile)
    thread.start()
    with pytest.raises(FileExistsError, match="already exists"):
        envelope.encrypt_file(source, target, RING)
    thread.join()
    assert target.read_bytes() == b"dear"
    assert names(tmp_path) == {"source", "target"}


def test_it_works_on_a_file_system_without_hard_links(
    tmp_path: Path, plain: Path, monkeypatch
) -> None:
    def link(source: str, target: str, **more: int) -> None:
        raise OSError(errno.EPERM, "no hard links here")

    monkeypatch.setattr(os, "link", link)
    sealed = tmp_path / "sealed"
    envelope.encrypt_file(plain, sealed, RING)
    assert envelope.decrypt(sealed.read_bytes(), RING).plaintext == DATA
    with pytest.raises(FileExistsError):
        envelope.encrypt_file(plain, sealed, RING)
    assert names(tmp_path) == {"plain", "sealed"}


PROGRAM = """
import os, signal, sys
if "named" in sys.argv:
    del os.O_TMPFILE
signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job has none
from kmslab import envelope
ring = envelope.RawAesKeyring("clinic", "aes", bytes(range(32)))
write = {"encrypt": envelope.encrypt_file, "decrypt": envelope.decrypt_file}[sys.argv[1]]
write(sys.argv[2], sys.argv[3], ring, overwrite="overwrite" in sys.argv)
"""


def program(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", PROGRAM, *map(str, arguments)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, **options)


@POSIX
@pytest.mark.parametrize(
    ("what", "overwrite", "how"),
    [
        ("encrypt", True, signal.SIGKILL),
        ("decrypt", False, signal.SIGINT),
        *(
            pytest.param(what, overwrite, how, marks=pytest.mark.long)
            for what, overwrite, how in product(
                ["encrypt", "decrypt"], [True, False], [signal.SIGKILL, signal.SIGINT]
            )
        ),
    ],
)
@pytest.mark.parametrize("named", [True, False])
def test_a_killed_process_leaves_no_target_and_nothing_that_the_next_run_keeps(
    tmp_path: Path, what: str, overwrite: bool, how: int, named: bool
) -> None:
    if not named and not hasattr(os, "O_TMPFILE"):
        pytest.skip("only Linux has files without names")
    source, target = tmp_path / "source", tmp_path / "target"
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(DATA * 3)
    envelope.encrypt_file(plain, sealed, RING)
    os.mkfifo(source)
    if overwrite:
        target.write_bytes(b"dear")
    before = names(tmp_path)
    running = program(what, source, target, *["overwrite"] * overwrite, *["named"] * named)
    with source.open("wb") as pipe:
        pipe.write((plain if what == "encrypt" else sealed).read_bytes()[: 9 << 19])
        pipe.flush()  # more than a pipe and all threads hold: a frame has been read and written
        if named:
            wait_for(tmp_path, before)
            _refuse_to_delete(tmp_path, target)
        assert running.poll() is None
        running.send_signal(how)
        if how == signal.SIGKILL:
            running.wait(30)  # otherwise Python would see the end of the pipe first
    running.wait(30)
    running.stderr.close()
    assert target.exists() == overwrite
    assert not overwrite or target.read_bytes() == b"dear"
    left = names(tmp_path) - before
    assert len(left) == (how == signal.SIGKILL and named)
    for name in left:
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    envelope.decrypt_file(sealed, target, RING, overwrite=True)
    assert names(tmp_path) == before | {"target"}


def _refuse_to_delete(folder: Path, target: Path) -> None:
    """Another run for the same target leaves what a living one is writing."""
    before = names(folder)
    with pytest.raises(FileNotFoundError):
        envelope.decrypt_file(folder / "none", target, RING, overwrite=True)
    assert names(folder) == before


def wait_for(folder: Path, before: set[str]) -> list[Path]:
    """The file beside the target, as soon as it has content."""

    def found() -> list[Path]:
        paths = [folder / name for name in names(folder) - before]
        return paths if any(path.stat().st_size for path in paths) else []

    return until(found)


def test_a_folder_of_many_files_is_not_read_for_each(
    tmp_path: Path, plain: Path, monkeypatch
) -> None:
    read = []
    listdir = os.listdir
    monkeypatch.setattr(os, "listdir", lambda folder: read.append(folder) or listdir(folder))
    monkeypatch.setattr(whole_file, "FEW", 5)
    monkeypatch.setattr(whole_file, "READ_AGAIN", 1000)
    for number in range(10):
        envelope.encrypt_file(plain, tmp_path / f"{number}", RING)
    assert 0 < len(read) < 10


@POSIX
def test_a_full_disk_leaves_nothing(tmp_path: Path, plain: Path) -> None:
    import resource

    def full() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))

    target = tmp_path / "target"
    running = program("encrypt", plain, target, preexec_fn=full)
    _, told = running.communicate(timeout=30)
    assert running.returncode == 1
    assert b"OSError" in told
    assert names(tmp_path) == {"plain"}
