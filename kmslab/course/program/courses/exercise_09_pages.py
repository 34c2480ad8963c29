"""09-pages: pages of patients, of which only so many share a data key."""

from collections.abc import Iterable

from kmslab import CMK, envelope


def seal_all(key: CMK, pages: Iterable[tuple[str, bytes]], most: int) -> list[bytes]:
    cache = envelope.DataKeyCache(key, max_age=60, max_messages_encrypted=most, capacity=1000)
    return [envelope.encrypt(page, cache, context={"record": number}) for number, page in pages]
