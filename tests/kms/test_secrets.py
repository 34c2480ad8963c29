"""The tests search everything that a lab shows, logs or writes for secrets that they know.

They know plaintexts and messages, every key that the service draws (root, domain, backing and data
keys), the secret numbers of every private key, and the shared secrets of key agreements.
"""

import base64
import gc
import itertools
import json
import logging
import pickle
import secrets as system
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_der_private_key

from kmslab import CMK, Lab
from kmslab.crypto import pyca
from kmslab.kms.access import allow
from kmslab.kms.backing.hsm import Hsm
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.records import DomainKey, Material
from tests.cases import for_every
from tests.kms.exposed import Exposed, plant


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """More than 16 random bytes that the service draws at once are a key; nonces are shorter."""
    keys: list[bytes] = []
    draw = system.token_bytes

    def recording(size: int | None = None) -> bytes:
        made = draw(size)
        if len(made) > 16:
            keys.append(made)
        return made

    monkeypatch.setattr(system, "token_bytes", recording)
    return keys


@pytest.fixture(params=["file", pytest.param("memory", marks=pytest.mark.long)])
def lab(request: pytest.FixtureRequest, drawn: list[bytes], tmp_path: Path) -> Iterator[Lab]:
    store = None if request.param == "memory" else f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store=store) as lab:
        yield lab


@for_every(
    "show",
    [
        lambda secret: secret,
        lambda secret: b"x" + secret[3:20],
        lambda secret: secret[::-1],
        lambda secret: repr(secret),
        lambda secret: secret.hex(),
        lambda secret: secret.hex().upper(),
        lambda secret: secret.hex(":"),
        lambda secret: secret[::-1].hex(),
        lambda secret: base64.b64encode(b"a" + secret),
        lambda secret: base64.b64encode(b"ab" + secret),
        lambda secret: base64.urlsafe_b64encode(b"abc" + secret + b"d"),
        lambda secret: base64.b32encode(b"abcd" + secret + b"e"),
        lambda secret: str(list(secret)),
        lambda secret: json.dumps({"k": list(secret)}),
        lambda secret: json.dumps({"k": list(secret)}, indent=0),
        lambda secret: json.dumps(secret.decode("latin-1")),
        lambda secret: secret.decode("latin-1"),
        lambda secret: " ".join(map(hex, secret)),
        lambda secret: quote(secret),
        lambda secret: str(int.from_bytes(secret, "big")),
        lambda secret: f"{int.from_bytes(secret, 'little')}",
    ],
    ids=map(str, range(21)),
)
@pytest.mark.parametrize("place", ["text", "value", "error", "cause"])
def test_the_search_finds_what_is_there(place: str, show: Callable[[bytes], Any]) -> None:
    secret = bytes(each | 16 for each in system.token_bytes(32))
    shown, exposed = show(secret), Exposed()
    told = shown.decode("latin-1") if isinstance(shown, bytes) else shown
    try:
        raise ValueError("x") from ValueError(told if place == "cause" else "y")
    except ValueError as error:
        match place:
            case "text":
                exposed.add("shown", shown)
            case "value":
                exposed.add_shown("shown", shown)
            case "error":
                exposed.add_error("shown", ValueError(told))
            case "cause":
                exposed.add_error("shown", error)
    with pytest.raises(AssertionError, match="shown"):
        exposed.search({"secret": secret})


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_the_search_finds_wide_letters(encoding: str) -> None:
    secret, exposed = system.token_bytes(32), Exposed()
    exposed.add("shown", b"x" + secret.decode("latin-1").encode(encoding))
    with pytest.raises(AssertionError, match="shown"):
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

    assert len(drawn) >= 8, "root, domain, two backing, two MAC and two data keys at least"
    planted |= {f"drawn key {number}": key for number, key in enumerate(drawn)}
    private = private_keys(lab)
    assert len(private) >= 5, "RSA has several secret numbers"
    planted |= private
    exposed.add("logs", caplog.text + "".join(repr(vars(record)) for record in caplog.records))
    exposed.add("output", "".join(capfd.readouterr()))
    written = read_files(tmp_path)
    lab.close()
    for name, content in itertools.chain(written, read_files(tmp_path)):
        exposed.add(f"file {name}", content)
    exposed.search(planted)


def read_files(folder: Path) -> list[tuple[str, bytes]]:
    """The store, its log and its index. Only the root key's own file may hold the root key."""
    files = [path for path in folder.iterdir() if path.suffix != ".key"]
    return [(path.name, path.read_bytes()) for path in files]


def private_keys(lab: Lab) -> dict[str, bytes]:
    """The secret numbers of the lab's asymmetric keys, opened behind the boundary."""
    (hsm,) = [hsm for hsm in alive(Hsm) if hsm.domain_keys._records is lab._store]
    return {
        f"{material.spec} {number}": secret
        for material in lab._store.page(Material, "")
        if material.public
        for number, secret in enumerate(secret_numbers(hsm._secret(material)))
    }


def secret_numbers(pkcs8: bytes) -> list[bytes]:
    """Only these are secret: the public key has the other numbers too."""
    key = load_der_private_key(pkcs8, None)
    match key:
        case rsa.RSAPrivateKey():
            n = key.private_numbers()
            parts = (n.d, n.p, n.q, n.dmp1, n.dmq1, n.iqmp)
            whole = [part.to_bytes((part.bit_length() + 7) // 8, "big") for part in parts]
            return [number[:48] for number in whole]  # a leak of a number includes its beginning
        case ec.EllipticCurvePrivateKey():
            return [key.private_numbers().private_value.to_bytes((key.key_size + 7) // 8, "big")]
        case _:
            return [key.private_bytes_raw()]  # the seed


def test_secret_numbers_are_not_in_the_public_key() -> None:
    for spec in sorted(pyca.KEY_SPECS - {"RSA_3072", "RSA_4096"}):
        private = pyca.generate_key(spec)
        for secret in secret_numbers(private):
            assert len(secret) >= 32
            assert secret in private
            assert secret not in pyca.public_key(private)


def tell_story(lab: Lab, exposed: Exposed) -> dict[str, bytes]:
    """Use every operation that handles a secret, also wrongly; returns the secrets."""
    planted = tell_of_symmetric_keys(lab, exposed) | tell_of_other_keys(lab, exposed)
    planted |= tell_of_imported_keys(lab, exposed)
    show_the_inside(lab, exposed)
    return planted


def tell_of_other_keys(lab: Lab, exposed: Exposed) -> dict[str, bytes]:
    keys = {
        spec: lab.create_cmk(spec=spec, usage=usage)
        for spec, usage in (
            ("RSA_2048", "ENCRYPT_DECRYPT"),
            ("ECC_NIST_P256", "SIGN_VERIFY"),
            ("ECC_NIST_P384", "KEY_AGREEMENT"),
            ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
            ("ML_DSA_44", "SIGN_VERIFY"),
            ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE"),
            ("HMAC_224", "GENERATE_VERIFY_MAC"),
            ("HMAC_512", "GENERATE_VERIFY_MAC"),
        )
    }
    message, plaintext = plant(), plant()
    for spec in ("ECC_NIST_P256", "ML_DSA_44"):
        keys[spec].verify(message, keys[spec].sign(message))
    keys["HMAC_224"].verify_mac(message, keys["HMAC_224"].mac(message))
    rsa_blob = keys["RSA_2048"].encrypt(plaintext)
    assert keys["RSA_2048"].decrypt(rsa_blob) == plaintext
    curve, lattice = keys["ECC_NIST_P384"], keys["ML_KEM_768"]
    encapsulated = lattice.encapsulate()
    pairs = [lab.create_cmk().generate_data_key_pair(spec) for spec in DATA_KEY_PAIRS]
    answers = {
        "Sign": lab.kms.sign(
            KeyId=keys["ECC_NIST_EDWARDS25519"].id,
            Message=message,
            SigningAlgorithm="ED25519_SHA_512",
        ),
        "Encrypt (RSA)": lab.kms.encrypt(
            KeyId=keys["RSA_2048"].id, Plaintext=plaintext, EncryptionAlgorithm="RSAES_OAEP_SHA_1"
        ),
        "DeriveSharedSecret": lab.kms.derive_shared_secret(
            KeyId=curve.id, KeyAgreementAlgorithm="ECDH", PublicKey=curve.public_key().der
        ),
        "Encapsulate": lab.kms.encapsulate(KeyId=lattice.id, EncapsulationAlgorithm="ML_KEM"),
        "Decapsulate": lab.kms.decapsulate(
            KeyId=lattice.id,
            EncapsulationAlgorithm="ML_KEM",
            SharedSecretCiphertextBlob=encapsulated.ciphertext,
        ),
        "GenerateDataKeyPair": lab.kms.generate_data_key_pair(
            KeyId=lab.create_cmk().id, KeyPairSpec="ECC_NIST_P256"
        ),
        "GenerateDataKeyPairWithoutPlaintext": lab.kms.generate_data_key_pair_without_plaintext(
            KeyId=lab.create_cmk().id, KeyPairSpec="ECC_NIST_P521"
        ),
    }
    for name, answer in answers.items():
        exposed.add_shown(name, answer)
    for name, error in other_mistakes(lab, keys, message):
        exposed.add_error(name, error)
    for thing in (*keys.values(), *pairs, encapsulated, curve.public_key()):
        exposed.add_shown(type(thing).__name__, thing)
    private = [pair.private for pair in pairs]
    private += [answers["GenerateDataKeyPair"]["PrivateKeyPlaintext"]]
    numbers = [number for key in private for number in secret_numbers(key)]
    return {
        "message": message,
        "plaintext for RSA": plaintext,
        "agreed": bytes(answers["DeriveSharedSecret"]["SharedSecret"]),
        "encapsulated by a CMK": bytes(encapsulated.secret),
        "encapsulated": bytes(answers["Encapsulate"]["SharedSecret"]),
        **{f"number {n} of data key pairs": number for n, number in enumerate(numbers)},
    }


def tell_of_imported_keys(lab: Lab, exposed: Exposed) -> dict[str, bytes]:
    own = lab.create_cmk(origin="EXTERNAL")
    signer = lab.create_cmk(spec="ECC_NIST_P256", usage="SIGN_VERIFY", origin="EXTERNAL")
    brought, longer = plant()[:32], plant()
    private = pyca.generate_key("ECC_NIST_P256")
    given, other = own.import_parameters(), signer.import_parameters()
    (hsm,) = [hsm for hsm in alive(Hsm) if hsm.domain_keys._records is lab._store]
    token = hsm.domain_keys.unprotect(f"import token of {own.arn}", given.token)
    wrapping = secret_numbers(bytes(token).partition(b"\n")[2])
    imports = {
        "material that is too long": lambda: own.import_material(longer),
        "material for a private key": lambda: signer.import_material(brought),
        "material as its own wrapping": lambda: own.import_wrapped(brought, given.token),
        "material for a token": lambda: own.import_wrapped(given.wrap(brought), brought),
        "another key's token": lambda: own.import_wrapped(given.wrap(brought), other.token),
        "too long to wrap": lambda: given.wrap(longer * 9),
        "material for an algorithm": lambda: own.import_parameters(brought),
    }
    for name, error in raised(imports):
        exposed.add_error(name, error)
    exposed.add_shown("import parameters", given)
    exposed.add_shown("wrapped", given.wrap(brought))
    exposed.add_shown("imported", own.import_wrapped(given.wrap(brought), given.token))
    exposed.add_shown("imported too", signer.import_material(private))
    exposed.add_shown("rotations", own.rotations)
    return {
        "brought": brought,
        "too long": longer,
        **{f"number {n} of a wrapping key": number for n, number in enumerate(wrapping)},
        **{f"number {n} brought": number for n, number in enumerate(secret_numbers(private))},
    }


DATA_KEY_PAIRS = ("RSA_2048", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "ML_KEM_768")


def other_mistakes(
    lab: Lab, keys: dict[str, CMK], secret: bytes
) -> Iterator[tuple[str, Exception]]:
    kms, signer, mac = lab.kms, keys["ECC_NIST_P256"], keys["HMAC_512"]
    ecdsa = {"KeyId": signer.id, "SigningAlgorithm": "ECDSA_SHA_256"}
    hmac = {"KeyId": mac.id, "MacAlgorithm": "HMAC_SHA_512"}
    yield from raised(
        {
            "message too long": lambda: kms.sign(Message=secret * 200, **ecdsa),
            "message that is no digest": lambda: kms.sign(
                Message=secret, MessageType="DIGEST", **ecdsa
            ),
            "list for a message": lambda: kms.sign(Message=[secret], **ecdsa),
            "secret for an algorithm": lambda: kms.sign(
                KeyId=signer.id, Message=secret, SigningAlgorithm=secret
            ),
            "signed with a MAC key": lambda: mac.sign(secret),
            "signature of nobody": lambda: signer.verify(secret, b"nonsense"),
            "secret for a signature": lambda: signer.verify(secret, secret),
            "dry run of a signature": lambda: kms.sign(Message=secret, DryRun=True, **ecdsa),
            "MAC message too long": lambda: mac.mac(secret * 200),
            "secret for a MAC": lambda: mac.verify_mac(secret, secret),
            "dry run of a MAC": lambda: kms.generate_mac(Message=secret, DryRun=True, **hmac),
            "too long for RSA": lambda: keys["RSA_2048"].encrypt(secret * 10),
            "secret for an RSA ciphertext": lambda: keys["RSA_2048"].decrypt(secret),
            "secret for a public key": lambda: keys["ECC_NIST_P384"].derive_shared_secret(secret),
            "secret for a ciphertext": lambda: keys["ML_KEM_768"].decapsulate(secret),
            "dry run of a pair": lambda: kms.generate_data_key_pair(
                KeyId=lab.create_cmk().id, KeyPairSpec="ECC_NIST_P256", DryRun=True
            ),
        }
    )


def tell_of_symmetric_keys(lab: Lab, exposed: Exposed) -> dict[str, bytes]:
    kms, user = lab.kms, lab.user("alice", allow("kms:Decrypt"))
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
    return {
        "plaintext": plaintext,
        "data key": bytes(data_key.plaintext),
        "data key of lab.kms": bytes(answers["GenerateDataKey"]["Plaintext"]),
        "random bytes": bytes(random["Plaintext"]),
    }


def show_the_inside(lab: Lab, exposed: Exposed) -> None:
    for part in (lab.service, lab._store, *alive(Hsm)):
        exposed.add_shown(f"inside {type(part).__name__}", part)
        exposed.add_shown(f"inside {type(part).__name__}: attributes", vars(part))
    exposed.add_shown("trail", lab.trail)
    exposed.add_shown("trail, as data", [dict(event) for event in lab.trail])
    exposed.add("trail, with material ids", repr(lab.trail.table(material_ids=True)))


def alive(kind: type) -> list[Any]:
    found = [thing for thing in gc.get_objects() if isinstance(thing, kind)]
    assert found
    return found


def mistakes(lab: Lab, key: str, blob: bytes, plaintext: bytes) -> Iterator[tuple[str, Exception]]:
    """Calls that fail while they handle a secret."""
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
    yield from raised(calls)


def raised(calls: dict[str, Callable[[], Any]]) -> Iterator[tuple[str, Exception]]:
    for name, call in calls.items():
        # TypeError and ValueError: not even a request
        with pytest.raises((KMSError, TypeError, ValueError)) as caught:
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
    """Encrypt fails because the store has lost a record."""
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
    """It is not a secret, and lessons say so."""
    lab.create_cmk().encrypt(b"x", {"patient": "R-017"})
    assert "patient=R-017" in repr(lab.trail)
