"""Encrypts and decrypts a stream of any length, with a few megabytes of it in memory.

A frame is written when it has been verified, the final one when the whole message has been. So the
output is provisional until `decrypt_stream` returns; if it raises, throw the output away.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from kmslab.byte_streams import ByteSource, Write, source_of, writing_all
from kmslab.crypto import Forged
from kmslab.crypto.backend import GCM_TAG, Bytes
from kmslab.crypto.self_tested import proven
from kmslab.envelope.batches import BATCH, Batch, Memory, to_open, to_seal, useful
from kmslab.envelope.errors import NOT_OPENED, SIGNED, UNFRAMED, DecryptionError, NotAMessage
from kmslab.envelope.materials import FreshMaterials, Materials, materials_of
from kmslab.envelope.message import (
    MAX_FRAME_LENGTH,
    RESERVED,
    FieldReader,
    Header,
    read_block,
    read_header,
    taken,
)
from kmslab.envelope.policy import STRICT, Policy
from kmslab.envelope.signing import Signer, Unsigned, Verifier, signer_of, verifier_of
from kmslab.envelope.suites import HEADER_IV, MessageKeys, Suite
from kmslab.in_order import check_threads, in_order

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, repr=False)
class Opened:
    """A message that was opened. All of it has been verified."""

    header: Header

    @property
    def context(self) -> dict[str, str]:
        """The encryption context as the sender gave it, without what the format adds."""
        pairs = self.header.full_context.pairs
        return {key: value for key, value in pairs.items() if not key.startswith(RESERVED)}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} suite {self.header.suite}, context {self.context}>"


# ------------------------------------------------------------------------------------------- seal


def encrypt_stream(
    reader: Any,
    writer: Any,
    keyring: Any,
    *,
    context: Mapping[str, str] | None = None,
    suite: int | None = None,
    frame_length: int = MIB,
    policy: Policy = STRICT,
    threads: int = 2,
) -> Header:
    """Encrypt everything that `reader` returns, and write the message to `writer`.

    `reader`: a binary file, or bytes. `writer`: a binary file; it is not closed. `keyring`: a
    keyring, a CMK, or a list of them. Each of them can open the message; the first makes the data
    key. Or a `DataKeyCache` of these. `context`: string → string; the message contains it in clear,
    in at most 65,535 bytes with its lengths. `suite`: 0x0578 (the default), signed with ECDSA
    P-384, or 0x0478, unsigned; nine older ones if the `policy` allows them. `frame_length`: bytes
    of plaintext in a frame, 1 to 2³¹ - 1. `threads`: how many work on a long message; reader and
    writer are called in this one. Raises ValueError beyond a limit or against the policy, and the
    KMS's own errors. The format is the AWS Encryption SDK's.
    """
    chosen, materials = policy.suite(suite), materials_of(keyring)
    if not isinstance(frame_length, int) or not 0 < frame_length <= MAX_FRAME_LENGTH:
        raise ValueError(f"a frame has 1 to {MAX_FRAME_LENGTH:,} bytes, not {frame_length}")
    check_threads(threads)
    source, pairs = source_of(reader), policy.context(context)
    made = materials.to_encrypt(chosen, pairs, source.size)
    policy.check_number_of_keys(len(made.wrapped_keys))
    header, keys = _begin(chosen, made, frame_length, policy)
    signer, write = signer_of(made.signing_key), writing_all(writer)
    _seal_header(header, keys, signer, write)
    _seal_body(source, header, keys, signer, write, threads)
    write(signer.footer())
    return header


def _begin(
    suite: Suite, made: Materials, frame_length: int, policy: Policy
) -> tuple[Header, MessageKeys]:
    message_id = secrets.token_bytes(suite.format.message_id)
    keys = suite.derive(made.data_key, message_id)
    commitment, wrapped_keys = keys.commitment, made.wrapped_keys
    stored, rest = policy.divided(made.context)
    return Header(suite, message_id, stored, wrapped_keys, frame_length, commitment, rest), keys


def _seal_header(
    header: Header, keys: MessageKeys, signer: Signer | Unsigned, write: Write
) -> None:
    encoded = header.encode()
    bound = encoded + header.unstored.encoded
    tag = proven("AES_GCM").aes_gcm_seal(keys.encryption, HEADER_IV, b"", bound)
    whole = encoded + header.suite.format.header_iv + tag
    signer.update(whole)
    write(whole)


def _seal_body(
    source: ByteSource,
    header: Header,
    keys: MessageKeys,
    signer: Signer | Unsigned,
    write: Write,
    threads: int,
) -> None:
    seal, free = proven("AES_GCM").aes_gcm_sealer(keys.encryption), list[Memory]()

    def give(batch: Batch) -> None:
        write(batch.sealed)
        free.append(batch.memory)

    batches, threads = to_seal(source, header, free), useful(threads, header)
    in_order(batches, lambda b: b.seal(seal), give, threads, lambda b: signer.update(b.sealed))


# ------------------------------------------------------------------------------------------- open


def decrypt_stream(
    reader: Any,
    writer: Any,
    keyring: Any,
    *,
    context: Mapping[str, str] | None = None,
    policy: Policy = STRICT,
    unverified: bool = False,
    threads: int = 2,
) -> Opened:
    """Decrypt the message that `reader` returns, and write its plaintext to `writer`.

    The input must end where the message ends. The output is provisional until this returns: a
    holder of the data key encrypted each frame for its place, but only the end of the message shows
    that it is complete and comes from its sender. `context`: pairs that it must have been encrypted
    with. `unverified`: without it a signed message is refused, because its signature comes last and
    the writer gets the plaintext before. The one block of an unframed message is written before it
    is verified with it, and kept in memory without. DecryptionError if the message does not open or
    is refused.
    """
    materials, write, pairs = materials_of(keyring), writing_all(writer), policy.context(context)
    check_threads(threads)
    fields = FieldReader(source_of(reader))
    try:
        header = policy.accepted(read_header(fields), pairs)
        if header.suite.signature and not unverified:
            raise DecryptionError(SIGNED)
        return _open(fields, header, materials, write, unverified, threads)
    except (NotAMessage, Forged):
        pass
    raise DecryptionError(NOT_OPENED)  # here, not in the handler, whose error would be __context__


def _open(
    fields: FieldReader,
    header: Header,
    materials: FreshMaterials,
    write: Write,
    unverified: bool,
    threads: int,
) -> Opened:
    header_iv = header.suite.format.header_iv
    fields.expect("header IV", header_iv)
    tag = fields.take("header tag", GCM_TAG)
    verifier = verifier_of(header.suite, header.context)
    encoded, data_key = header.encode(), materials.to_decrypt(header)
    keys = header.suite.derive(data_key, header.message_id)
    # With GCM alone, a forger can make a message that opens under two keys, to two plaintexts.
    if not compare_digest(keys.commitment, header.commitment):
        raise Forged
    bound = encoded + header.unstored.encoded
    proven("AES_GCM").aes_gcm_open(keys.encryption, HEADER_IV, tag, bound)
    verifier.update(encoded + header_iv + tag)
    if header.frame_length:
        last = _open_frames(fields.source, header, keys, verifier, write, threads)
    else:
        last = _open_block(fields, header, keys, verifier.update, write if unverified else None)
    verifier.read_footer(fields)
    fields.expect_end()
    write(last)  # now that the whole message has been verified
    return Opened(header)


def _open_frames(
    source: ByteSource,
    header: Header,
    keys: MessageKeys,
    verifier: Verifier | Unsigned,
    write: Write,
    threads: int,
) -> Bytes:
    """Write the frames as they are verified, except the final one, whose plaintext is returned."""
    open_into, free = proven("AES_GCM").aes_gcm_opener(keys.encryption), list[Memory]()
    last: Bytes = b""

    def give(batch: Batch) -> None:
        nonlocal last
        if batch.kind.final:
            last = batch.plaintext
        else:
            write(batch.plaintext)
        free.append(batch.memory)

    in_place, threads = not header.suite.signature, useful(threads, header)
    batches = to_open(source, header, free, in_place)
    in_order(
        batches, lambda b: b.open(open_into), give, threads, lambda b: verifier.update(b.sealed)
    )
    return last


def _open_block(
    fields: FieldReader, header: Header, keys: MessageKeys, update: Write, write: Write | None
) -> Bytes:
    """Write the pieces of an unframed body unverified, except the last, which is returned.

    Without `write`, all of it is returned.
    """
    block = read_block(fields, header)
    left = block.length
    if write is None and left > MAX_FRAME_LENGTH:
        raise DecryptionError(UNFRAMED)
    head, iv, aad = block.frame(1)
    update(head)
    pieces = proven("AES_GCM").aes_gcm_in_pieces(keys.encryption, iv, aad)
    memory, kept = Memory(), bytearray()
    while left:
        sealed = taken(fields.source, min(left, BATCH), memory.taken)
        left -= len(sealed)
        update(sealed)
        plaintext = memory.made.room(len(sealed))
        pieces.decrypt(sealed, plaintext)
        if write and left:
            write(plaintext)
        else:
            kept += plaintext
    tag = fields.take("tag", GCM_TAG)
    update(tag)
    pieces.verify(tag)
    return kept
