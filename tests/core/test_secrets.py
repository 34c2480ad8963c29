"""Secrets that the tests made, searched for in everything that a lab shows, says or writes.

Planted are plaintexts, and every key that the service draws: root, domain, backing and data keys.
"""

import base64
import gc
import itertools
import json
import logging
import pickle
import pprint
import secrets as system
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kmslab import Lab
from kmslab.backing.hsm import Hsm
from kmslab.contract.errors import KMSError
from kmslab.contract.records import DomainKey

WINDOW = 9  # bytes of a secret that must not be seen together; a third of it without a rest


def plant() -> bytes:
    """Text that looks like nothing else, so that it would stay text wherever it leaked."""
    return system.token_hex(24).encode()


def disguises(secret: bytes) -> Iterator[bytes]:
    """What a part of the secret looks like raw, in hex, in base64, as Python or JSON shows it."""
    for start in range(0, len(secret) - WINDOW + 1, WINDOW):
        part = secret[start : start + WINDOW]
        yield part
        yield part.hex().encode()
        yield part.hex().upper().encode()
        yield part.hex(" ").encode()
        yield repr(part)[2:-1].encode()
        yield str(list(part))[1:-1].encode()
        yield ",".join(map(str, part)).encode()
    for shift in range(3):  # base64 knows three alignments; the edges depend on the neighbours
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            whole = encode(secret[shift:])
            yield from (whole[i : i + 12] for i in range(0, len(whole) - 16, 12))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Every 32 random bytes that the service draws: its keys, for nonces and names are shorter."""
    keys: list[bytes] = []
    draw = system.token_bytes

    def recording(size: int | None = None) -> bytes:
        made = draw(size)
        if len(made) == 32:
            keys.append(made)
        return made

    monkeypatch.setattr(system, "token_bytes", recording)
    return keys


@pytest.fixture(params=["memory", "file"])
def lab(request: pytest.FixtureRequest, drawn: list[bytes], tmp_path: Path) -> Iterator[Lab]:
    store = None if request.param == "memory" else f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store=store) as lab:
        yield lab


class Exposed:
    """All that was seen, under the name of where."""

    def __init__(self) -> None:
        self._seen: list[tuple[str, bytes]] = []

    def add(self, where: str, what: str | bytes) -> None:
        self._seen.append((where, what if isinstance(what, bytes) else what.encode()))

    def add_shown(self, where: str, value: Any) -> None:
        """A value in all the ways in which Python, a notebook or a log makes text of it."""
        self.add(f"{where}: repr", repr(value))
        self.add(f"{where}: str", str(value))
        self.add(f"{where}: f-string", f"{value} {value!r} {value!s}")
        self.add(f"{where}: %", "%s %r" % (value, value))  # noqa: UP031
        self.add(f"{where}: pprint", pprint.pformat(value))
        self.add(f"{where}: JSON", json.dumps(value, default=repr))
        for name in ("_repr_markdown_", "_repr_html_", "_repr_pretty_"):
            if show := getattr(value, name, None):
                self.add(f"{where}: {name}", str(show()))

    def add_error(self, where: str, error: KMSError) -> None:
        self.add_shown(where, error)
        self.add_shown(f"{where}: response", error.response)
        self.add(f"{where}: notebook", "\n".join(error._render_traceback_()))
        self.add(f"{where}: traceback", "".join(traceback.format_exception(error)))
        self.add(f"{where}: attributes", repr(vars(error)))
        self.add(f"{where}: pickle", pickle.dumps(error))

    def search(self, planted: dict[str, bytes]) -> None:
        for name, secret in planted.items():
            forms = set(disguises(secret))
            found = [where for where, what in self._seen if any(form in what for form in forms)]
            assert not found, f"{name} is in {found}"


def test_the_search_finds_what_is_there() -> None:
    secret = system.token_bytes(32)
    for shown in (
        secret,
        b"x" + secret[3:20],
        repr(secret).encode(),
        secret.hex().encode(),
        base64.b64encode(b"a" + secret),
        base64.b64encode(b"ab" + secret),
        base64.urlsafe_b64encode(b"abc" + secret + b"d"),
        str(list(secret)).encode(),
        json.dumps({"k": list(secret)}).encode(),
    ):
        exposed = Exposed()
        exposed.add("shown", shown)
        with pytest.raises(AssertionError, match="is in"):
            exposed.search({"secret": secret})


# ---------------------------------------------------------------------------------------- the story


def test_no_secret_is_shown_anywhere(
    lab: Lab,
    drawn: list[bytes],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy").setLevel(logging.DEBUG)
    exposed, planted = Exposed(), {}
    try:
        planted = tell_story(lab, exposed)
    finally:
        logging.getLogger("sqlalchemy").setLevel(logging.NOTSET)

    assert len(drawn) >= 6, "root, domain, two backing and two data keys at least"
    planted |= {f"drawn key {number}": key for number, key in enumerate(drawn)}
    exposed.add("logs", caplog.text + "".join(repr(vars(record)) for record in caplog.records))
    exposed.add("output", "".join(capfd.readouterr()))
    written = read_files(tmp_path)
    lab.close()
    for name, content in itertools.chain(written, read_files(tmp_path)):
        exposed.add(f"file {name}", content)
    exposed.search(planted)


def read_files(folder: Path) -> list[tuple[str, bytes]]:
    """The store, its log and its index; the root key's own file is the one place where it is."""
    files = [path for path in folder.iterdir() if path.suffix != ".key"]
    return [(path.name, path.read_bytes()) for path in files]


def tell_story(lab: Lab, exposed: Exposed) -> dict[str, bytes]:
    """Use every operation that touches a secret, rightly and wrongly; returns what was planted."""
    kms, user = lab.kms, lab.user("alice")
    cmk, other = lab.create_cmk("orders"), lab.create_cmk()
    plaintext = plant()
    context = {"order": "17"}
    blob = cmk.encrypt(plaintext, context)
    data_key = cmk.generate_data_key(context)
    random = kms.generate_random(NumberOfBytes=48)
    answers = {
        "Encrypt": kms.encrypt(KeyId=cmk.id, Plaintext=plaintext),
        "Decrypt": user.kms.decrypt(CiphertextBlob=blob, EncryptionContext=context),
        "ReEncrypt": kms.re_encrypt(
            CiphertextBlob=blob, SourceEncryptionContext=context, DestinationKeyId=other.id
        ),
        "GenerateDataKey": kms.generate_data_key(KeyId=cmk.id, KeySpec="AES_256"),
        "GenerateDataKeyWithoutPlaintext": kms.generate_data_key_without_plaintext(
            KeyId=cmk.id, NumberOfBytes=64
        ),
        "GenerateRandom": random,
    }
    for name, answer in answers.items():
        exposed.add_shown(name, answer)
    for name, error in mistakes(lab, cmk.id, blob, plaintext):
        exposed.add_error(name, error)
    for thing in (lab, user, kms, cmk, data_key, data_key.plaintext, cmk.metadata):
        exposed.add_shown(type(thing).__name__, thing)
    for part in (lab._service, lab._store, *alive(Hsm)):
        exposed.add_shown(f"inside {type(part).__name__}", part)
        exposed.add_shown(f"inside {type(part).__name__}: attributes", vars(part))
    exposed.add_shown("trail", lab.trail)
    exposed.add_shown("trail, as data", [dict(event) for event in lab.trail])
    exposed.add("trail, with material ids", repr(lab.trail.table(material_ids=True)))
    return {
        "plaintext": plaintext,
        "data key": bytes(data_key.plaintext),
        "data key of lab.kms": bytes(answers["GenerateDataKey"]["Plaintext"]),
        "random bytes": bytes(random["Plaintext"]),
    }


def alive(kind: type) -> list[Any]:
    found = [thing for thing in gc.get_objects() if isinstance(thing, kind)]
    assert found
    return found


def mistakes(lab: Lab, key: str, blob: bytes, plaintext: bytes) -> Iterator[tuple[str, KMSError]]:
    """Calls that fail with a secret in their hands."""
    kms = lab.kms
    calls: dict[str, Callable[[], Any]] = {
        "too long": lambda: kms.encrypt(KeyId=key, Plaintext=plaintext * 200),
        "wrong key": lambda: kms.encrypt(KeyId="alias/nobody", Plaintext=plaintext),
        "wrong algorithm": lambda: kms.encrypt(
            KeyId=key, Plaintext=plaintext, EncryptionAlgorithm="RSAES_OAEP_SHA_1"
        ),
        "dry run": lambda: kms.encrypt(KeyId=key, Plaintext=plaintext, DryRun=True),
        "dry run of decrypt": lambda: kms.decrypt(
            CiphertextBlob=blob, EncryptionContext={"order": "17"}, DryRun=True
        ),
        "dry run of a data key": lambda: kms.generate_data_key(
            KeyId=key, KeySpec="AES_256", DryRun=True
        ),
        "list for a blob": lambda: kms.encrypt(KeyId=key, Plaintext=[plaintext]),
        "dict for a blob": lambda: kms.encrypt(KeyId=key, Plaintext={"a": plaintext}),
        "number for a blob": lambda: kms.encrypt(
            KeyId=key, Plaintext=int.from_bytes(plaintext, "big")
        ),
        "secret for a key id": lambda: kms.encrypt(KeyId=plaintext, Plaintext=plaintext),
        "secret for a context": lambda: kms.encrypt(
            KeyId=key, Plaintext=plaintext, EncryptionContext=plaintext
        ),
        "secret in a context": lambda: kms.encrypt(
            KeyId=key, Plaintext=plaintext, EncryptionContext={"a": plaintext}
        ),
        "plaintext decrypted": lambda: kms.decrypt(CiphertextBlob=plaintext),
        "plaintext decrypted, too long": lambda: kms.decrypt(CiphertextBlob=plaintext * 200),
        "wrong context": lambda: kms.decrypt(CiphertextBlob=blob),
        "secret for a grant token": lambda: kms.encrypt(
            KeyId=key, Plaintext=plaintext, GrantTokens=[plaintext]
        ),
    }
    for name, call in calls.items():
        with pytest.raises(KMSError) as caught:
            call()
        yield name, caught.value


# -------------------------------------------------------------------------------- a few more places


def test_error_survives_a_pickle(lab: Lab, refused: Any) -> None:
    with refused("InvalidCiphertextException", "") as caught:
        lab.kms.decrypt(CiphertextBlob=b"x")
    copy = pickle.loads(pickle.dumps(caught.value))
    assert type(copy) is type(caught.value)
    assert copy.response == caught.value.response


def test_cause_of_an_internal_error_holds_no_secret(lab: Lab, drawn: list[bytes]) -> None:
    """The store has lost a record, and Encrypt stumbles over it."""
    cmk, plaintext = lab.create_cmk(), plant()
    store = lab._store
    store.commit(remove=store.page(DomainKey, ""))
    with pytest.raises(lab.kms.exceptions.KMSInternalException) as caught:
        cmk.encrypt(plaintext)
    exposed = Exposed()
    exposed.add_error("internal error", caught.value)
    exposed.search({"plaintext": plaintext} | {str(n): key for n, key in enumerate(drawn)})


def test_ipython_shows_no_secret(lab: Lab) -> None:
    pretty = pytest.importorskip("IPython.lib.pretty")
    answer = lab.kms.generate_data_key(KeyId=lab.create_cmk().id, KeySpec="AES_256")
    exposed = Exposed()
    exposed.add("IPython", pretty.pretty(answer))
    exposed.search({"data key": bytes(answer["Plaintext"])})
    assert "<SecretBytes 32 bytes>" in pretty.pretty(answer)


def test_context_is_in_the_trail_in_clear(lab: Lab) -> None:
    """It is no secret, and lessons say so."""
    lab.create_cmk().encrypt(b"x", {"patient": "R-017"})
    assert "patient=R-017" in repr(lab.trail)
