"""The folder that Jiho brought home from a workshop: an envelope that opens without its data key.

The commands are those of a real workshop, but for the names of the files.
OpenSSL's `-k` takes a password, and only the AWS CLI knows `fileb://`. So the table was sealed
under a key made of the file's *name*, and the file was never read. (With OpenSSL 3.0, the command
that opens returns the table even without the file. A wrong password gives rubbish, `bad decrypt` in
nearly every case, and the exit code 1.)

`openssl` is simulated here, so that a lesson runs the same on each computer: it takes the password
from the command as the real one does, but seals with AES-256-GCM instead of CBC, and takes bytes
in place of files.
"""

from hashlib import sha256
from secrets import token_bytes

from kmslab.course.clinic.stolen_laptop import Files, Laptop, NotOpened, lock, unlock
from kmslab.display import PlainError
from kmslab.lab.cmk import CMK
from kmslab.lab.view import View

SEALED, ENCRYPTED, PLAINTEXT = "records.sealed", "datakey.encrypted", "datakey.bin"
SEAL = "openssl enc -e -aes256 -in {} -out {} -k fileb://{}"
OPEN = f"openssl enc -d -aes256 -in {SEALED} -out records.csv -k fileb://{PLAINTEXT}"
SALT = 8  # bytes, as `openssl enc` has it


class OpenSslError(PlainError, ValueError):
    """What the simulated `openssl` says if it cannot do what a command says."""


def workshop_folder(table: bytes, key: CMK, lab: View) -> Laptop:
    """The folder after its last command, `rm datakey.bin`; `open()` runs the command that opens.

    The data key is real and GenerateDataKey was called, so the trail looks as it should.
    """
    encrypted = key.generate_data_key().encrypted
    sealed = openssl(SEAL.format("records.csv", SEALED, PLAINTEXT), table)
    return Laptop({SEALED: sealed, ENCRYPTED: encrypted}, _open, lab)


def openssl(command: str, data: bytes) -> bytes:
    """`openssl enc` with a password after `-k`, simulated: `-e` seals the data, `-d` opens it.

    The files after `-in` and `-out` are neither read nor written: the data comes as an argument,
    and the result is returned. Raises OpenSslError for another command or a wrong password.
    """
    words = command.split()
    if words[:2] != ["openssl", "enc"] or "-k" not in words[:-1]:
        raise OpenSslError("the simulated openssl knows `openssl enc`, -e or -d, and -k")
    password = words[words.index("-k") + 1]
    if "-d" not in words:
        salt = token_bytes(SALT)
        return salt + lock(data, _key(password, salt))
    try:
        return unlock(data[SALT:], _key(password, data[:SALT]))
    except NotOpened:
        raise OpenSslError("bad decrypt") from None


def _open(files: Files) -> bytes:
    return openssl(OPEN, files[SEALED])


def _key(password: str, salt: bytes) -> bytes:
    """OpenSSL's default way from a password to a key."""
    return sha256(password.encode() + salt).digest()
