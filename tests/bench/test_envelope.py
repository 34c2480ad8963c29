"""The envelope benchmark: its loops do the same work as what is compared with them, and no less."""

import hashlib
import sys
import tempfile
import time
from contextlib import ExitStack
from itertools import product

import pytest

from kmslab import envelope
from kmslab.bench import envelope as benchmark
from kmslab.bench import envelope_bare as bare
from kmslab.bench import envelope_memory as memory
from kmslab.bench.envelope_files import Watch
from kmslab.bench.envelope_peers import Peers
from kmslab.bench.envelope_ways import NAME, NAMESPACE, Keys, bytes_of
from kmslab.bench.programs import Effort
from kmslab.bench.running import run
from kmslab.byte_streams import source_of
from kmslab.envelope.message import FieldReader, read_header
from tests.cases import for_every

FRAME, KEY = 1000, bytes(32)
SIZES = (0, 1, FRAME - 1, FRAME, FRAME + 1, 5 * FRAME + 7)
TINY = Effort(rounds=2, batch_seconds=0, size=2**20 + 7, quick=True)
HEAD, LAST_HEAD, TAG = 4 + 12, 4 + 4 + 12 + 4, 16  # of a frame, as the format has it


class Kept(list[bytes]):
    """A writer that keeps what it gets, in this order."""

    def write(self, content: memoryview) -> None:
        self.append(bytes(content))


def data_of(size: int) -> memoryview:
    return memoryview(bytes(each % 251 for each in range(size)))


@for_every(("size", "threads"), [*product(SIZES, (1, 2))])
def test_a_bare_stream_seals_each_frame_once_and_opens_to_the_data(size, threads):
    keys, data, sealed, opened = Keys(FRAME), data_of(size), Kept(), Kept()
    bare.stream(keys.sealing, data, sealed.write, threads)
    whole = memoryview(bare.into_one_buffer(keys.sealing, data))
    frames = [
        bytes(whole[start : start + FRAME + TAG]) for start in range(0, len(whole), FRAME + TAG)
    ]
    assert sorted(sealed) == sorted(frames)
    bare.stream(keys.opening, whole, opened.write, threads)
    assert sum(map(len, opened)) == size
    assert bare.into_one_buffer(keys.sealing, data, threads) == whole
    assert bare.into_one_buffer(keys.opening, whole, threads) == data
    if threads == 1:
        assert b"".join(sealed) == whole
        assert b"".join(opened) == data


@for_every(("size", "threads"), [*product(SIZES, (1, 2))])
def test_a_hashing_stream_hashes_the_ciphertext_both_ways(size, threads):
    keys, data, sealed, opened = Keys(FRAME), data_of(size), Kept(), Kept()
    digest = bare.hashed_stream(keys.sealing, data, sealed.write, threads)
    whole = b"".join(sealed)
    assert whole == bare.into_one_buffer(keys.sealing, data)
    assert digest == hashlib.sha384(whole).digest()
    assert digest == bare.hashed_stream(keys.opening, memoryview(whole), opened.write, threads)
    assert b"".join(opened) == data


@for_every(("loop", "size", "threads"), [*product((bare.file, bare.hashed_file), SIZES, (1, 2))])
def test_a_bare_file_loop_makes_the_same_and_opens_it(tmp_path_factory, loop, size, threads):
    keys, data, folder = Keys(FRAME), data_of(size), tmp_path_factory.mktemp("bare")
    plain, sealed, opened = (folder / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(data)
    loop(keys.sealing, plain, sealed, threads)
    assert sealed.read_bytes() == bare.into_one_buffer(keys.sealing, data)
    loop(keys.opening, sealed, opened, threads)
    assert opened.read_bytes() == data


@for_every(("size", "suite"), [*product(SIZES, (0x0478, 0x0578))])
def test_a_message_has_as_much_ciphertext_as_the_bare_loops(size, suite):
    keys, data = Keys(FRAME), data_of(size)
    message = envelope.encrypt(data, keys.ring, suite=suite, frame_length=FRAME)
    header = (
        len(read_header(FieldReader(source_of(message))).encode()) + 12 * (suite < 0x0400) + TAG
    )
    footer = 2 + 103 if suite == 0x0578 else 0
    heads = HEAD * (size // FRAME) + LAST_HEAD
    ciphertext = len(bare.into_one_buffer(keys.sealing, data))
    assert len(message) == header + heads + ciphertext + footer


@pytest.fixture(scope="module")
def result():
    return run(benchmark.BENCHMARK, TINY)


def test_all_but_the_loop_on_one_thread_and_a_peers_default_are_compared(result):
    alone = [each.name for each in result.series if not each.ratio]
    assert alone == [
        f"{by} {subject} {operation}"
        for by, subject in [
            ("bare loop", "stream, 0x0478, 1 MiB"),
            ("bare loop", "stream, 0x0478, 4 KiB"),
            ("bare loop", "stream, 0x0578, 1 MiB"),
            ("bare loop", "bytes, 0x0478, 1 MiB"),
            ("bare loop", "file, 0x0478, 1 MiB"),
            ("bare loop", "file, 0x0578, 1 MiB"),
            ("AWS Encryption SDK", "small file, 0x0578, 4 KiB"),
            *([] if "Tink" in result.absent else [("Tink", "small file, 0x0478, 4 KiB")]),
        ]
        for operation in ("seal", "open")
    ]


def test_bare_loops_scaling_stands_beside_them(result):
    for data in ("stream, 0x0478, 1 MiB", "stream, 0x0478, 4 KiB", "file, 0x0578, 1 MiB"):
        two = result.of("bare loop", f"{data}, 2 threads", "seal")
        assert two.against == f"bare loop {data} seal"


@pytest.fixture(scope="module")
def peers(tmp_path_factory):
    return Peers(tmp_path_factory.mktemp("keys"), KEY)


WAYS = ("sdk", "sdk_unsigned", "tink_4KB", "tink_1MB", "age")


@pytest.mark.parametrize("which", WAYS)
def test_a_peer_opens_what_it_sealed(peers, tmp_path, which):
    name, _, detail = which.partition("_")
    peer = {
        "sdk": lambda: peers.sdk(0x0478, 4096) if detail else peers.sdk(),
        "tink": lambda: peers.tink(detail),
        "age": peers.age,
    }[name]()
    if peer is None:
        pytest.skip(f"not here: {peers.absent}")
    plain, sealed, opened = (tmp_path / name for name in ("plain", "sealed", "opened"))
    plain.write_bytes(data_of(3 * FRAME))
    peer.seal(plain, sealed)
    peer.open(sealed, opened)
    assert opened.read_bytes() == plain.read_bytes() != sealed.read_bytes()
    assert peer.software in peers.software


def test_the_sdk_has_our_key_and_its_own_defaults(peers, tmp_path):
    plain, sealed = tmp_path / "plain", tmp_path / "sealed"
    plain.write_bytes(data_of(3 * FRAME))
    peers.sdk().seal(plain, sealed)
    opened = envelope.decrypt(sealed.read_bytes(), envelope.RawAesKeyring(NAMESPACE, NAME, KEY))
    assert opened.plaintext == data_of(3 * FRAME)
    assert (opened.header.suite.id, opened.header.frame_length) == (0x0578, 4096)


def test_absent_peers_are_named_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "aws_encryption_sdk", None)
    monkeypatch.setitem(sys.modules, "tink", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    with ExitStack() as stack:
        plan = benchmark.prepare(TINY, stack)
    assert {*plan.absent} == {"AWS Encryption SDK", "Tink", "age"}
    assert not plan.software
    assert {each.by for each in plan.programs} == {"bare loop", "kmslab"}


def test_no_file_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr(tempfile, "tempdir", None)  # it is looked up once
    with ExitStack() as stack:
        plan = benchmark.prepare(TINY, stack)
        assert len([*tmp_path.iterdir()]) == 1
        for program in plan.programs:
            program.call()
    assert not [*tmp_path.iterdir()]


def test_a_stopped_watch_stands_still():
    watch = Watch()
    before = watch()
    with watch.stopped():
        time.sleep(0.02)
    assert 0 <= watch() - before < 0.02


# ----------------------------------------------------------------------------------------- memory


@pytest.mark.long
def test_peak_memory_of_every_case_is_measured_in_a_process_of_its_own():
    peaks = memory.measure(2**20)
    assert {*peaks} == {*memory.CASES}
    for case, peak in peaks.items():
        assert isinstance(peak, int), (case, peak)
        assert peak > 2**20, case
    shown = repr(memory.table({"1MiB": peaks}))
    assert "open from a pipe" in shown
    assert " MiB" in shown


def test_peak_memory_counts_what_is_used():
    before = memory.peak()
    room = bytearray(b"x") * (before + 2**24)
    assert memory.peak() >= len(room) > before


@for_every(("text", "size"), [("5", 5), ("64MiB", 2**26), ("8GiB", 2**33)])
def test_a_size_may_have_a_unit(text, size):
    assert bytes_of(text) == size


@for_every("text", ["", "MiB", "-1", "1.5GiB", "1 MiB", "1MB", "٣"])
def test_another_text_is_not_a_size(text):
    with pytest.raises(ValueError, match="is not a number of bytes"):
        bytes_of(text)
