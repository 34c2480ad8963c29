"""02-folder: prepare a data key that the one who prepares it never sees."""

from kmslab import CMK
from kmslab.course import lock


def new_folder(key: CMK) -> bytes:
    return key.generate_data_key_without_plaintext()


def fill_folder(key: CMK, folder: bytes, data: bytes) -> bytes:
    return lock(data, key.decrypt(folder))
