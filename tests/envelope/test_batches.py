"""Frames are worked on in batches, in several threads: no edge, order or error gets lost."""

import io
import threading
import time
import tracemalloc

import pytest

import kmslab.in_order
from kmslab import envelope
from kmslab.envelope import DecryptionError, RawAesKeyring
from kmslab.in_order import FEW, in_order
from tests.cases import for_every
from tests.envelope.conftest import AES_KEY, READ_ALL
from tests.envelope.forge import Forger, FrameParts

RING = RawAesKeyring("clinic", "aes", AES_KEY)
MIB = 1024 * 1024
DATA = bytes(range(251)) * (12 * MIB // 251)  # no two frames are equal


def sealed(data: bytes, frame_length: int, threads: int = 1, suite: int = 0x0478) -> bytes:
    return envelope.encrypt(data, RING, suite=suite, frame_length=frame_length, threads=threads)


def opened(message: bytes, threads: int = 1) -> bytes:
    """From memory and from a file, which must agree."""
    plaintext, out = envelope.decrypt(message, RING, threads=threads).plaintext, io.BytesIO()
    envelope.decrypt_stream(io.BytesIO(message), out, RING, unverified=True, threads=threads)
    assert out.getvalue() == plaintext
    return plaintext


@pytest.fixture
def small(monkeypatch) -> None:
    """Four frames of 16 bytes are a batch, and helpers start with the second batch."""
    monkeypatch.setattr(envelope.batches, "BATCH", 200)
    monkeypatch.setattr(envelope.batches, "SMALL", 16)
    monkeypatch.setattr(kmslab.in_order, "FEW", 1)


@pytest.mark.usefixtures("small")
@for_every(("suite", "threads"), [(0x0478, 1), (0x0478, 2), (0x0478, 5), (0x0578, 2)])
def test_each_size_around_the_edges_of_a_batch_opens(suite: int, threads: int) -> None:
    edges = [16 * frames + more for frames in range(14) for more in (-1, 0, 1)]
    for size in (*edges[1:], 1000, 1024):
        message = sealed(DATA[:size], 16, threads, suite)
        assert opened(message, threads) == DATA[:size]
        whole = [f.size for f in envelope.inspect(message).fields if f.name == "more frames"]
        assert sum(whole) == max(0, size // 16 - 1) * 48


@for_every("frame_length", [1, 4095, 4096, MIB // 4, 600_000, MIB, 5 * MIB])
def test_frames_of_each_size_open(frame_length: int) -> None:
    data = DATA[: 33_000 * frame_length]
    assert opened(sealed(data, frame_length, 2), 1) == data
    data = data[: len(data) // frame_length * frame_length]
    assert opened(sealed(data, frame_length, 1), 2) == data


def test_the_sdk_opens_what_two_threads_sealed(sdk) -> None:
    for frame_length in (4096, MIB):
        message = sealed(DATA, frame_length, 2)
        assert sdk.decrypt(message, sdk.aes("clinic", "aes", AES_KEY))[0] == DATA


@pytest.mark.usefixtures("small")
@for_every("threads", [1, 2])
def test_a_changed_bit_in_any_batch_is_refused_and_its_batch_is_not_written(threads: int) -> None:
    data = DATA[: 16 * 30]
    message = sealed(data, 16, threads)
    body = next(f.offset for f in envelope.inspect(message).fields if f.name == "frame number")
    for place in range(body, len(message), 7):
        altered = bytearray(message)
        altered[place] ^= 4
        for reader in (bytes(altered), io.BytesIO(altered)):
            out = io.BytesIO()
            with pytest.raises(DecryptionError):
                envelope.decrypt_stream(reader, out, RING, threads=threads)
            written = out.getvalue()
            assert data.startswith(written)
            frame = (place - body) // 48
            assert len(written) <= 16 * (frame - frame % 4 if frame < 30 else 30)


@pytest.mark.usefixtures("small")
@for_every("threads", [1, 2])
def test_a_frame_in_another_batch_is_refused(threads: int) -> None:
    message = sealed(DATA[: 16 * 30], 16)
    body = next(f.offset for f in envelope.inspect(message).fields if f.name == "frame number")
    frames = [message[at : at + 48] for at in range(body, len(message) - 40, 48)]
    final = message[-40:]
    for one, other in ((0, 4), (3, 4), (7, 25), (4, 29)):
        moved = frames.copy()
        moved[one], moved[other] = moved[other], moved[one]
        left_out = frames[:one] + frames[other:]
        twice = frames[: other + 1] + frames[one:]
        early = [*frames[:one], final, *frames[one:]]
        for wrong in (moved, left_out, twice, early, frames[:other]):
            for tail in (final, b"", final[:-1], final + b"\0", final + final):
                forged = message[:body] + b"".join(wrong) + tail
                for reader in (forged, io.BytesIO(forged)):
                    with pytest.raises(DecryptionError):
                        envelope.decrypt_stream(reader, io.BytesIO(), RING, threads=threads)


@for_every("threads", [0, -1, 1.5, None, "2"])
def test_no_thread_is_an_error(threads) -> None:
    with pytest.raises(ValueError, match="one thread or more"):
        envelope.encrypt(b"photo", RING, threads=threads)
    with pytest.raises(ValueError, match="one thread or more"):
        envelope.decrypt(sealed(b"photo", 16), RING, threads=threads)


# ------------------------------------------------------------------------------------- the threads


def test_batches_come_back_in_order_whoever_is_slow() -> None:
    workers, given = set(), []

    def work(batch: list[int]) -> None:
        workers.add(threading.current_thread())
        time.sleep(0.001 * (batch[0] % 3))
        batch.append(-batch[0])

    def give(batch: list[int]) -> None:
        assert threading.current_thread() is threading.main_thread()
        given.append(tuple(batch))

    def batches():
        for number in range(40):
            assert threading.current_thread() is threading.main_thread()
            assert number - len(given) <= 4  # of three threads, each has one, and one waits
            yield [number]

    in_order(batches(), work, give, 3)
    assert given == [(number, -number) for number in range(40)]
    assert len(workers) == 3
    assert not helpers()


def test_what_follows_is_done_in_order_and_one_at_a_time_whoever_is_slow() -> None:
    followed: list[int] = []
    alone = threading.Lock()

    def follow(batch: int) -> None:
        assert alone.acquire(blocking=False)
        time.sleep(0.001 * (batch % 2))
        followed.append(batch)
        alone.release()

    def give(batch: int) -> None:
        assert batch in followed

    def work(batch: int) -> None:
        time.sleep(0.001 * (batch % 3))
        assert batch not in followed

    for threads in (1, 2, 4):
        in_order(range(40), work, give, threads, follow)
        assert followed == list(range(40))
        followed.clear()


def test_only_threads_that_have_work_are_started(monkeypatch) -> None:
    used: list[int] = []

    def noted(*args) -> None:
        used.append(args[3])
        in_order(*args)

    monkeypatch.setattr(envelope.stream, "in_order", noted)
    for suite, frame_length in ((0x0478, 4096), (0x0478, MIB), (0x0578, 4096), (0x0578, 5 * MIB)):
        opened(sealed(DATA, frame_length, 2, suite), 2)
    assert used == [1, 1, 1, *[2] * 6, 1, 1, 1]


def helpers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "kmslab-helper"]


class Stop(BaseException):
    """Like KeyboardInterrupt, no Exception; and like it, it may come from anywhere."""


@for_every("error", [ValueError, MemoryError, KeyboardInterrupt, Stop])
@for_every("place", ["batches", "work", "follow", "give"])
def test_an_error_anywhere_reaches_the_caller_and_ends_all_threads(place: str, error) -> None:
    seen: dict[str, int] = {"batches": 0, "work": 0, "follow": 0, "give": 0}

    def step(name: str) -> None:
        seen[name] += 1
        if name == place and seen[name] > FEW + 5:
            assert place != "batches" or helpers()
            raise error("here")

    def batches():
        for number in range(FEW + 20):
            step("batches")
            yield number

    with pytest.raises(error, match="here"):
        in_order(
            batches(), lambda _: step("work"), lambda _: step("give"), 3, lambda _: step("follow")
        )
    assert not helpers()
    assert seen["give"] <= FEW + 6


def test_a_short_message_starts_no_thread() -> None:
    seen: list[list[threading.Thread]] = []
    in_order(range(FEW), lambda _: None, lambda _: seen.append(helpers()), 4)
    assert seen == [[]] * FEW


def test_it_works_where_the_system_has_no_thread_left(monkeypatch) -> None:
    def refused(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    given: list[int] = []
    in_order(range(FEW + 20), lambda _: None, given.append, 3)
    assert given == list(range(FEW + 20))


class Breaking(io.BytesIO):
    """A file that fails after so many calls."""

    def __init__(self, content: bytes, calls: int, error: type[BaseException]) -> None:
        super().__init__(content)
        self._left, self._error = calls, error

    def _count(self) -> None:
        self._left -= 1
        if not self._left:
            assert helpers()
            raise self._error

    def readinto(self, room) -> int:
        self._count()
        return super().readinto(room)

    def write(self, content) -> int:
        self._count()
        return super().write(content)


@pytest.mark.usefixtures("small")
@for_every("error", [OSError, KeyboardInterrupt])
def test_an_error_of_reader_or_writer_ends_all_threads(error: type[BaseException]) -> None:
    data = DATA[:4000]
    message = sealed(data, 16)
    for seal, content in ((True, data), (False, message)):
        run = envelope.encrypt_stream if seal else envelope.decrypt_stream
        for reader, writer in (
            (Breaking(content, 60, error), io.BytesIO()),
            (io.BytesIO(content), Breaking(b"", 20, error)),
        ):
            more = {"suite": 0x0478, "frame_length": 16} if seal else {}
            with pytest.raises(error):
                run(reader, writer, RING, threads=3, **more)
            assert not helpers()


# -------------------------------------------------------------------------------- the unframed body


def unframed(data: bytes, suite: int = 0x0178) -> bytes:
    block = FrameParts(1, data, True, block=True)
    forger = Forger(suite=suite, content_type=1, frame_length=0, frames=(block,))
    return (forger.signed() if suite == 0x0578 else forger).encode()


@for_every("size", [0, 1, MIB - 1, MIB, MIB + 1, 3 * MIB + 5])
def test_an_unframed_body_of_each_size_opens(size: int) -> None:
    message = unframed(DATA[:size])
    assert envelope.decrypt(message, RING, policy=READ_ALL).plaintext == DATA[:size]
    for unverified in (True, False):
        out = io.BytesIO()
        envelope.decrypt_stream(
            io.BytesIO(message), out, RING, policy=READ_ALL, unverified=unverified
        )
        assert out.getvalue() == DATA[:size]


@for_every("suite", [0x0178, 0x0578], ids=hex)
def test_unverified_plaintext_of_an_unframed_body_is_written_only_on_demand(suite: int) -> None:
    data = DATA[: 3 * MIB + 5]
    message = bytearray(unframed(data, suite))
    message[-1] ^= 1
    with pytest.raises(DecryptionError):
        envelope.decrypt(message, RING, policy=READ_ALL)
    for unverified, expected in ((False, b""), (True, data[: 3 * MIB])):
        out = io.BytesIO()
        with pytest.raises(DecryptionError):
            envelope.decrypt_stream(message, out, RING, policy=READ_ALL, unverified=unverified)
        assert out.getvalue() == expected


def test_an_unframed_body_takes_little_memory_if_it_may_be_written_unverified() -> None:
    class Discard:
        write = staticmethod(len)

    message = unframed(DATA)
    peaks = []
    for unverified in (True, False):
        tracemalloc.start()
        envelope.decrypt_stream(message, Discard(), RING, policy=READ_ALL, unverified=unverified)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[0] < 4 * MIB < len(DATA) < peaks[1]


def test_a_body_that_is_too_large_to_keep_says_what_helps() -> None:
    message = bytearray(unframed(b""))
    message[-24:-16] = (2**31).to_bytes(8, "big")
    with pytest.raises(DecryptionError, match="decrypt_file"):
        envelope.decrypt_stream(bytes(message), io.BytesIO(), RING, policy=READ_ALL)
    with pytest.raises(DecryptionError, match="does not open"):
        envelope.decrypt(bytes(message), RING, policy=READ_ALL)
