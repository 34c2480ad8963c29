"""Frames in batches: many small ones, or a large one, in one piece of memory.

A batch costs one read, one update of the hash and one write, however small its frames are.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from kmslab.byte_streams import Buffer, ByteSource
from kmslab.crypto.backend import GCM_TAG, OpenInto, SealInto
from kmslab.envelope.errors import NotAMessage
from kmslab.envelope.message import (
    FINAL,
    FINAL_HEAD,
    MAX_FRAMES,
    FrameKind,
    Header,
    final_frame,
    taken,
    whole_frames,
)

BATCH = 1024 * 1024  # bytes; a frame that is longer is a batch of its own
LARGE = 4 * BATCH  # bytes of a frame; of larger ones, only one is in memory
SMALL = 16 * 1024  # bytes of a frame; with smaller ones, threads mostly wait for the interpreter


class Memory:
    """For one batch. It is used for another when that one was written."""

    def __init__(self) -> None:
        self.taken, self.made = Buffer(), Buffer()


@dataclass(slots=True)
class Batch:
    """Frames of one kind that follow each other: their plaintexts, and themselves."""

    memory: Memory
    kind: FrameKind
    first: int  # the number of the first frame
    count: int
    plaintext: memoryview
    sealed: memoryview  # with heads and tags

    def _frames(self) -> Iterator[tuple[bytes, bytes, bytes, memoryview, memoryview]]:
        length, size = self.kind.length, self.kind.size
        for i in range(self.count):
            plaintext = self.plaintext[i * length : (i + 1) * length]
            sealed = self.sealed[i * size : (i + 1) * size]
            yield *self.kind.frame(self.first + i), plaintext, sealed

    def seal(self, seal: SealInto) -> None:
        for head, iv, aad, plaintext, sealed in self._frames():
            sealed[: len(head)] = head
            seal(iv, plaintext, aad, sealed[len(head) :])

    def open(self, open_into: OpenInto) -> None:
        for head, iv, aad, plaintext, sealed in self._frames():
            if sealed[: len(head)] != head:
                raise NotAMessage("this is not the head of the next frame")
            open_into(iv, sealed[len(head) :], aad, plaintext)


def useful(threads: int, header: Header) -> int:
    """As many of these as make it faster. The hash of a signed message has work for a second."""
    worth_it = header.frame_length >= SMALL or header.suite.signature
    return threads if worth_it and header.frame_length <= LARGE else 1


def _taken_from(free: list[Memory]) -> Memory:
    return free.pop() if free else Memory()


def _many(kind: FrameKind) -> int:
    """Whole frames in a batch."""
    return max(1, BATCH // kind.size)


def to_seal(source: ByteSource, header: Header, free: list[Memory]) -> Iterator[Batch]:
    """Whole frames, and a final one with the rest, which may be empty, as it may in the SDK."""
    kind, first = whole_frames(header), 1
    while not kind.final:
        memory = _taken_from(free)
        plaintext = source.upto(_many(kind) * kind.length, memory.taken)
        count = len(plaintext) // kind.length
        if first + count > MAX_FRAMES:
            raise ValueError(f"a message has at most {MAX_FRAMES:,} frames: make them longer")
        if count:
            whole = plaintext[: count * kind.length]
            yield Batch(memory, kind, first, count, whole, memory.made.room(count * kind.size))
            first += count
        if count < _many(kind):
            memory = _taken_from(free) if count else memory
            rest = plaintext[count * kind.length :]
            kind = final_frame(header, len(rest))
            yield Batch(memory, kind, first, 1, rest, memory.made.room(kind.size))


def to_open(
    source: ByteSource, header: Header, free: list[Memory], in_place: bool
) -> Iterator[Batch]:
    """Up to the final frame. `in_place`: plaintext may overwrite what a reader gave."""
    kind, first = whole_frames(header), 1
    while not kind.final:
        memory = _taken_from(free)
        head = bytes(taken(source, FINAL_HEAD, memory.taken))  # a message ends with as much or more
        source.give_back(head)
        if head.startswith(FINAL):
            kind = _final(header, head)
            sealed = taken(source, kind.size, memory.taken)
        else:
            sealed = _whole(source, kind, memory.taken)
        count = len(sealed) // kind.size
        if in_place and source.ours and count == 1:
            plaintext = sealed[kind.head : -GCM_TAG]
        else:
            plaintext = memory.made.room(count * kind.length)
        yield Batch(memory, kind, first, count, plaintext, sealed)
        first += count


def _final(header: Header, head: bytes) -> FrameKind:
    length = int.from_bytes(head[-4:], "big")
    if length > header.frame_length:
        raise NotAMessage("the final frame is longer than the others")
    return final_frame(header, length)


def _whole(source: ByteSource, kind: FrameKind, buffer: Buffer) -> memoryview:
    """As many whole frames as a batch has, or as there are before the final one."""
    content = source.upto(_many(kind) * kind.size, buffer)
    count = len(content) // kind.size
    for i, byte in enumerate(content[: count * kind.size : kind.size].tobytes()):
        start = i * kind.size
        if byte == FINAL[0] and content[start : start + len(FINAL)] == FINAL:
            count = i
            break
    if not count:
        raise NotAMessage("the message is cut off in a frame")
    source.give_back(content[count * kind.size :])
    return content[: count * kind.size]
