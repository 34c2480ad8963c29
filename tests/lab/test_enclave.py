"""Answers for an enclave: only the enclave reads them, and policies see only what was verified.

Sources: AWS KMS developer guide, "Cryptographic attestation support", "Condition keys for attested
platforms", "Monitoring requests for Nitro enclaves".
"""

import base64
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha384
from pathlib import Path
from typing import Any

import boto3
import pytest

import kmslab.enclave
from kmslab import Clock, Lab, allow
from kmslab.crypto import attestation, pyca
from kmslab.crypto.attestation import Attested
from kmslab.enclave import Enclave
from kmslab.endpoint.server import running
from kmslab.errors import AccessDeniedException, KMSInternalException, ValidationException
from kmslab.kms.backing.root_key import RootKeyError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import Setting
from kmslab.kms.store import Damaged
from kmslab.kms.table import TABLE
from tests.cases import for_every
from tests.crypto import rfc5652
from tests.crypto.test_cms import loaded

NOW = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)
IMAGE = b"a program that nobody looks into"
MEASURED = sha384(IMAGE).hexdigest()
ZERO = "00" * 48
ATTESTED = sorted(name for name, row in TABLE.items() if row.secret)
WOULD = "The request would have succeeded, but the DryRun option is set."


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(clock=Clock.frozen(NOW)) as lab:
        yield lab


@pytest.fixture(scope="module")
def enclave(lab: Lab) -> Enclave:
    """One for the whole module: each makes an RSA key."""
    return Enclave(lab, IMAGE)


@pytest.fixture(scope="module")
def debugged(lab: Lab) -> Enclave:
    return Enclave(lab, IMAGE, debug=True)


def call(lab: Lab, operation: str, **request: Any) -> dict[str, Any]:
    answer: dict[str, Any] = getattr(lab.kms, MODEL.operations[operation].snake_name)(**request)
    return answer


# ------------------------------------------------------------------------------- the five answers


def test_the_five_operations_of_the_contract_take_a_recipient() -> None:
    inputs = {name: operation.input for name, operation in MODEL.operations.items()}
    taking = {name for name, each in inputs.items() if each and "Recipient" in each.members}
    assert taking == set(ATTESTED)
    for name in ATTESTED:
        output = MODEL.operations[name].output
        assert output
        assert set(TABLE[name].secret) <= output.members.keys()


@for_every("operation", ATTESTED)
def test_answer_for_an_enclave_holds_its_secret_sealed_and_nowhere_else(
    lab: Lab, enclave: Enclave, new_scene: Any, example: Any, operation: str
) -> None:
    request = example(new_scene(lab, operation), operation)
    plain = call(lab, operation, **request)
    answer = call(lab, operation, **request, Recipient=enclave.recipient)

    secret, *left_out = TABLE[operation].secret
    opened = enclave.open(answer["CiphertextForRecipient"])
    assert answer.keys() == plain.keys() - {secret, *left_out} | {"CiphertextForRecipient"}
    assert opened == rfc5652.opened(answer["CiphertextForRecipient"], loaded(enclave._private))
    assert bytes(opened) not in b"".join(v for v in answer.values() if isinstance(v, bytes))
    if operation in ("Decrypt", "DeriveSharedSecret"):
        assert opened == plain[secret]
    else:
        assert opened != plain[secret]


def test_material_ids_are_left_out_where_the_model_says_so(lab: Lab, enclave: Enclave) -> None:
    assert {name for name in ATTESTED if "KeyMaterialId" in TABLE[name].secret} == {
        "Decrypt",
        "GenerateDataKey",
    }


def test_data_keys_for_an_enclave_are_those_in_the_blobs(lab: Lab, enclave: Enclave) -> None:
    key = lab.create_cmk()
    made = lab.kms.generate_data_key(KeyId=key.arn, NumberOfBytes=64, Recipient=enclave.recipient)
    assert lab.decrypt(made["CiphertextBlob"]) == enclave.open(made["CiphertextForRecipient"])
    made = lab.kms.generate_data_key_pair(
        KeyId=key.arn, KeyPairSpec="ECC_NIST_P256", Recipient=enclave.recipient
    )
    private = enclave.open(made["CiphertextForRecipient"])
    assert lab.decrypt(made["PrivateKeyCiphertextBlob"]) == private
    assert pyca.public_key(private) == made["PublicKey"]


def test_another_enclave_opens_nothing(lab: Lab, enclave: Enclave, debugged: Enclave) -> None:
    answer = lab.kms.generate_random(NumberOfBytes=32, Recipient=enclave.recipient)
    for enclosed in (answer["CiphertextForRecipient"], b"", b"\x30\x80"):
        with pytest.raises(ValueError, match="not a CiphertextForRecipient for this enclave's key"):
            debugged.open(enclosed)


@for_every("operation", [name for name in ATTESTED if name != "GenerateRandom"])
def test_dry_run_with_a_recipient_would_succeed(
    lab: Lab, enclave: Enclave, new_scene: Any, example: Any, refused: Any, operation: str
) -> None:
    request = example(new_scene(lab, operation), operation)
    with refused("DryRunOperationException", WOULD):
        call(lab, operation, **request, Recipient=enclave.recipient, DryRun=True)


def test_a_document_may_be_used_again(lab: Lab, enclave: Enclave) -> None:
    """As was seen of AWS: a document lives as long as its certificate."""
    recipient = enclave.recipient
    first, second = (
        lab.kms.generate_random(NumberOfBytes=32, Recipient=recipient) for _ in range(2)
    )
    opened = {bytes(enclave.open(each["CiphertextForRecipient"])) for each in (first, second)}
    assert len(opened) == 2


# ---------------------------------------------------------------------------------------- refused

FORGED = "its signature does not verify"
TOO_LONG = "it is longer than an attestation document can be"
UNREADABLE = "it is not a COSE_Sign1 message by ES384 around CBOR"


@for_every(
    ("spoil", "why"),
    [
        (lambda document: document[:-1] + bytes([document[-1] ^ 1]), FORGED),
        (lambda document: b"document", UNREADABLE),
        (lambda document: b"\x81" * 16_000, UNREADABLE),
        (lambda document: bytes(262_144), TOO_LONG),
    ],
    ids=repr,
)
def test_wrong_document_is_refused_by_each_operation(
    lab: Lab, enclave: Enclave, refused: Any, spoil: Callable[[bytes], bytes], why: str
) -> None:
    key = lab.create_cmk()
    recipient = enclave.recipient | {"AttestationDocument": spoil(enclave.attest())}
    for request in (
        lambda: lab.kms.generate_random(NumberOfBytes=8, Recipient=recipient),
        lambda: lab.kms.generate_data_key(KeyId=key.arn, KeySpec="AES_256", Recipient=recipient),
        lambda: lab.kms.decrypt(CiphertextBlob=key.encrypt(b"x"), Recipient=recipient),
    ):
        with refused("ValidationException", f"The attestation document is not valid: {why}."):
            request()


def test_document_beyond_awss_limit_is_refused(lab: Lab, enclave: Enclave) -> None:
    recipient = enclave.recipient | {"AttestationDocument": bytes(262_145)}
    with pytest.raises(ValidationException, match="length less than or equal to 262144"):
        lab.kms.generate_random(NumberOfBytes=8, Recipient=recipient)


@for_every("missing", ["AttestationDocument", "KeyEncryptionAlgorithm"])
def test_recipient_without_one_of_its_members_is_refused(
    lab: Lab, enclave: Enclave, refused: Any, missing: str
) -> None:
    recipient = {name: value for name, value in enclave.recipient.items() if name != missing}
    for given in (recipient, recipient | {missing: None}):
        with refused("ValidationException", f"Recipient must specify {missing}."):
            lab.kms.generate_random(NumberOfBytes=8, Recipient=given)


def test_empty_recipient_is_not_ignored(lab: Lab, refused: Any) -> None:
    with refused("ValidationException", "Recipient must specify KeyEncryptionAlgorithm."):
        lab.kms.generate_random(NumberOfBytes=8, Recipient={})


@for_every("spec", [None, "ECC_NIST_P384", "ECC_NIST_EDWARDS25519"])
def test_document_without_an_rsa_key_is_refused(lab: Lab, refused: Any, spec: str | None) -> None:
    public = pyca.public_key(pyca.generate_key(spec)) if spec else None
    root = lab.service.recipients.root()
    document = attestation.issue(Attested("i-0-enc0", {0: bytes(48)}, public), root, NOW)
    recipient = {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}
    with refused("ValidationException", "The attestation document has no RSA public key."):
        lab.kms.generate_random(NumberOfBytes=8, Recipient=recipient)


def test_enclave_of_another_lab_is_a_stranger(enclave: Enclave, refused: Any) -> None:
    text = "its certificates do not begin with the root that is trusted here"
    with Lab(clock=Clock.frozen(NOW)) as other:
        for _ in range(2):  # before that lab has a root, and with one
            with refused("ValidationException", f"The attestation document is not valid: {text}."):
                other.kms.generate_random(NumberOfBytes=8, Recipient=enclave.recipient)
            other.service.recipients.root()


def test_old_document_is_refused_by_the_labs_clock(enclave: Enclave, refused: Any) -> None:
    with Lab(clock=Clock.frozen(NOW)) as lab:
        inside = Enclave(lab, IMAGE)
        recipient = inside.recipient
        lab.clock.advance(hours=3)
        lab.kms.generate_random(NumberOfBytes=8, Recipient=recipient)
        lab.clock.advance(seconds=1)
        text = "its certificate has expired or is not valid yet"
        with refused("ValidationException", f"The attestation document is not valid: {text}."):
            lab.kms.generate_random(NumberOfBytes=8, Recipient=recipient)
        lab.kms.generate_random(NumberOfBytes=8, Recipient=inside.recipient)


# --------------------------------------------------------------------------------------- policies


def guarded(lab: Lab, **conditions: str) -> Any:
    """A key that the user `host` may decrypt with if a request has these measurements."""
    key = lab.create_cmk()
    host = lab.user("host").caller.principal
    condition = {f"kms:RecipientAttestation:{name}": value for name, value in conditions.items()}
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"AWS": lab.caller.principal},
            "Action": ["kms:Encrypt", "kms:PutKeyPolicy"],
            "Resource": "*",
        },
        {
            "Effect": "Allow",
            "Principal": {"AWS": host},
            "Action": "kms:Decrypt",
            "Resource": "*",
            "Condition": {"StringEqualsIgnoreCase": condition},
        },
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    lab.kms.put_key_policy(KeyId=key.arn, Policy=policy)
    return key


@for_every("name", ["ImageSha384", "PCR0"])
def test_only_the_enclave_with_the_measured_image_may_decrypt(
    lab: Lab, enclave: Enclave, debugged: Enclave, name: str
) -> None:
    key = guarded(lab, **{name: MEASURED})
    blob, host = key.encrypt(b"card 4242"), lab.user("host").kms

    answer = host.decrypt(CiphertextBlob=blob, Recipient=enclave.recipient)
    assert enclave.open(answer["CiphertextForRecipient"]) == b"card 4242"
    with pytest.raises(AccessDeniedException):
        host.decrypt(CiphertextBlob=blob)  # the instance itself
    with pytest.raises(AccessDeniedException):
        host.decrypt(CiphertextBlob=blob, Recipient=debugged.recipient)


def test_a_forged_document_gets_no_permission(lab: Lab, enclave: Enclave) -> None:
    """The policy's condition would be met if the document were believed unread."""
    blob = guarded(lab, PCR0=MEASURED).encrypt(b"card 4242")
    said = Attested("i-0-enc0", {0: bytes.fromhex(MEASURED)}, pyca.public_key(enclave._private))
    forged = attestation.issue(said, attestation.new_root(), NOW)
    recipient = enclave.recipient | {"AttestationDocument": forged}
    with pytest.raises(ValidationException):
        lab.user("host").kms.decrypt(CiphertextBlob=blob, Recipient=recipient)


def test_debugged_enclave_measures_nothing(debugged: Enclave, enclave: Enclave) -> None:
    assert debugged.pcrs == dict.fromkeys(range(16), ZERO)
    assert enclave.pcrs[0] == enclave.image_sha384 == MEASURED


def test_every_register_is_a_condition_key(lab: Lab, enclave: Enclave) -> None:
    host = lab.user("host").kms
    blob = guarded(lab, **{f"PCR{n}": each for n, each in enclave.pcrs.items()}).encrypt(b"x")
    assert host.decrypt(CiphertextBlob=blob, Recipient=enclave.recipient)
    for index in (3, 15):
        blob = guarded(lab, **{f"PCR{index}": "ab" * 48}).encrypt(b"x")
        with pytest.raises(AccessDeniedException):
            host.decrypt(CiphertextBlob=blob, Recipient=enclave.recipient)


def test_registers_measure_the_role_and_the_instance(lab: Lab) -> None:
    role, other = (
        Enclave(lab.role("host", allow("kms:Decrypt")), IMAGE),
        Enclave(lab, IMAGE),
    )
    zeros = bytes(48)
    arn = b"arn:aws:iam::111122223333:role/host"
    assert role.pcrs[3] == sha384(zeros + arn).hexdigest()
    assert other.pcrs[3] == ZERO
    instance = role.module_id.partition("-enc")[0].encode()
    assert role.pcrs[4] == sha384(zeros + instance).hexdigest()
    assert role.pcrs[4] != other.pcrs[4]


def test_iam_policy_may_ask_for_an_enclave_too(lab: Lab, enclave: Enclave) -> None:
    condition = {"StringEquals": {"kms:RecipientAttestation:ImageSha384": MEASURED}}
    statement = {"Effect": "Allow", "Action": "kms:GenerateRandom", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}
    dicer = lab.user("dicer", policy).kms
    assert dicer.generate_random(NumberOfBytes=8, Recipient=enclave.recipient)
    with pytest.raises(AccessDeniedException):
        dicer.generate_random(NumberOfBytes=8)


# -------------------------------------------------------------------------------------- the trail


def test_trail_names_the_enclave_and_holds_neither_document_nor_ciphertext(
    lab: Lab, enclave: Enclave
) -> None:
    key = lab.create_cmk()
    blob = key.encrypt(b"card 4242")
    recipient = enclave.recipient
    answer = lab.kms.decrypt(CiphertextBlob=blob, Recipient=recipient)
    event = lab.trail[-1]

    def shown(index: int) -> str:
        return base64.b64encode(bytes.fromhex(enclave.pcrs[index])).decode()

    assert event["additionalEventData"]["recipient"] == {
        "attestationDocumentModuleId": enclave.module_id,
        "attestationDocumentEnclaveImageDigest": shown(0),
        **{f"attestationDocumentEnclavePCR{index}": shown(index) for index in (1, 2, 3, 4, 8)},
    }
    assert event["requestParameters"] == {"encryptionAlgorithm": "SYMMETRIC_DEFAULT"}
    text = json.dumps(lab.trail)
    for secret in (recipient["AttestationDocument"], answer["CiphertextForRecipient"]):
        assert base64.b64encode(secret[:30]).decode() not in text
        assert secret[:20].hex() not in text


def test_event_of_a_refused_call_names_no_enclave(lab: Lab, debugged: Enclave) -> None:
    blob = guarded(lab, PCR0=MEASURED).encrypt(b"x")
    with pytest.raises(AccessDeniedException):
        lab.user("host").kms.decrypt(CiphertextBlob=blob, Recipient=debugged.recipient)
    assert "recipient" not in lab.trail[-1].get("additionalEventData", {})


# ---------------------------------------------------------------------------------------- ways in


def test_enclave_asks_through_boto3_and_over_http(lab: Lab, enclave: Enclave) -> None:
    key = lab.create_cmk()
    clients = [lab.boto3()]
    with running(lab) as endpoint:
        keys = endpoint.access_key
        clients.append(
            boto3.session.Session().client(
                "kms",
                endpoint_url=endpoint.url,
                region_name=endpoint.region,
                aws_access_key_id=keys.id,
                aws_secret_access_key=keys.secret.decode(),
            )
        )
        for client in clients:
            made = client.generate_data_key(
                KeyId=key.arn, KeySpec="AES_256", Recipient=enclave.recipient
            )
            assert not {"Plaintext", "KeyMaterialId"} & made.keys()
            opened = enclave.open(made["CiphertextForRecipient"])
            assert lab.decrypt(made["CiphertextBlob"]) == opened


def test_a_labs_root_is_kept_with_its_store(tmp_path: Path) -> None:
    def opened() -> Lab:
        return Lab(store=f"sqlite:///{tmp_path / 'my.db'}", clock=Clock.frozen(NOW))

    with opened() as lab:
        inside = Enclave(lab, IMAGE)
        recipient = inside.recipient
    with opened() as lab:
        answer = lab.kms.generate_random(NumberOfBytes=8, Recipient=recipient)
        assert len(inside.open(answer["CiphertextForRecipient"])) == 8
    content = (tmp_path / "my.db").read_bytes()
    assert b"PRIVATE KEY" not in content


def test_processes_on_one_store_share_one_root(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store, Clock.frozen(NOW)) as first, Lab(store, Clock.frozen(NOW)) as second:
        assert first.service.recipients.root() == second.service.recipients.root()


def test_lab_with_an_enclave_and_no_key_needs_its_root_key(tmp_path: Path) -> None:
    store = f"sqlite:///{tmp_path / 'my.db'}"
    with Lab(store) as lab:
        lab.service.recipients.root()
    (tmp_path / "my.db.key").write_text("00" * 32 + "\n")
    with pytest.raises(RootKeyError, match="is not the one"):
        Lab(store)


def test_exchanged_root_is_a_damaged_store_and_no_permission(enclave: Enclave, lab: Lab) -> None:
    """Someone who can write to the store, and lacks the root key, cannot make enclaves."""
    foreign = lab._store.get(Setting, "attestation root")
    assert foreign
    with Lab(clock=Clock.frozen(NOW)) as other:
        other.service.recipients.root()
        for value in (foreign.value, "?", ""):
            own = other._store.get(Setting, "attestation root")
            assert own
            other._store.commit(put=[replace(own, value=value)])
            with pytest.raises(KMSInternalException) as caught:
                other.kms.generate_random(NumberOfBytes=8, Recipient=enclave.recipient)
            assert isinstance(caught.value.__cause__, Damaged)


def test_a_document_carries_what_its_enclave_adds(lab: Lab, enclave: Enclave) -> None:
    root = attestation.root_certificate(lab.service.recipients.root())
    found = attestation.verify(enclave.attest(b"data", b"nonce"), root, NOW)
    assert (found.user_data, found.nonce) == (b"data", b"nonce")
    for wrong in ({"user_data": bytes(513)}, {"nonce": bytes(513)}):
        with pytest.raises(ValueError, match="at most 512 bytes"):
            enclave.attest(**wrong)


def test_enclave_says_that_it_is_simulated(enclave: Enclave, debugged: Enclave) -> None:
    assert repr(enclave) == f"<Enclave {enclave.module_id}, simulated>"
    assert repr(debugged).endswith(", simulated, debug>")
    assert "simulat" in (kmslab.enclave.__doc__ or "")


def test_the_documents_example_does_what_it_says() -> None:
    page = (Path(__file__).parents[2] / "docs" / "enclaves.md").read_text("utf-8")
    (block,) = re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(block, names)
    with pytest.raises(AccessDeniedException):
        names["host"].kms.decrypt(CiphertextBlob=names["blob"])
    names["lab"].close()
