"""The folder that Jiho brought home from a workshop: an envelope that opens without its data key.

The commands are those of a real workshop, as many people have copied them into their notes.
OpenSSL's `-k` takes a password, and only the AWS CLI knows `fileb://`. So the table was sealed
under a key made of the file's *name*, and the file was never read. (With OpenSSL 3.0, the command
that opens returns the table even without the file. A wrong password gives rubbish, `bad decrypt` in
nearly every case, and the exit code 1.)
"""

from hashlib import sha256
from secrets import token_bytes

from kmslab.course.clinic.stolen_laptop import Files, Laptop, lock, unlock
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

SEALED, ENCRYPTED, PLAINTEXT = "records.sealed", "datakey.encrypted", "datakey.bin"
PASSWORD = f"fileb://{PLAINTEXT}"
SALT = 8  # bytes, as `openssl enc` has it


def workshop_folder(table: bytes, key: CMK, lab: View) -> Laptop:
    """The folder after its last command, `rm datakey.bin`; `open()` runs the commands that open.

    The data key is real and GenerateDataKey was called, so the trail looks as it should.
    """
    encrypted = key.generate_data_key().encrypted
    salt = token_bytes(SALT)
    sealed = salt + lock(table, _key(PASSWORD, salt))
    return Laptop({SEALED: sealed, ENCRYPTED: encrypted}, _open, lab)


def _open(files: Files) -> bytes:
    salt, box = files[SEALED][:SALT], files[SEALED][SALT:]
    return unlock(box, _key(PASSWORD, salt))


def _key(password: str, salt: bytes) -> bytes:
    """OpenSSL's default way from a password to a key. (It then uses CBC; this program uses GCM.)"""
    return sha256(password.encode() + salt).digest()
