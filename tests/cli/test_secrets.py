"""A served lab, all that it writes and every command that looks at it show no secret.

`tests/kms/test_secrets.py` searches what the service shows in process. Here are the secrets that
only a served lab has: passphrase, access keys, session tokens, passwords of key stores.
"""

import json
import logging
from base64 import b64decode, b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from kmslab import Lab
from kmslab.cli.app import app
from kmslab.crypto.wrapping import wrap
from kmslab.endpoint.server import Endpoint, running
from kmslab.kms import wire
from kmslab.kms.access import allow
from kmslab.kms.backing.access_keys import AccessKeyPair
from kmslab.kms.backing.passphrase import Passphrase
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.model import MODEL
from kmslab.kms.contract.records import DomainKey
from kmslab.kms.contract.shapes import Shape
from tests.endpoint.signing import signed
from tests.endpoint.test_application import JSON, exchange, written
from tests.kms.exposed import Exposed, plant

pytestmark = pytest.mark.usefixtures("bare")
CHEAP = (1, 1, 64)  # Argon2id, for tests


class Story:
    """What is done with a lab, the secrets that it holds, and everything that it shows."""

    def __init__(self, lab: Lab, endpoint: Endpoint, passphrase: str) -> None:
        self.lab = lab
        self.endpoint = endpoint
        self.exposed = Exposed()
        self.planted: dict[str, bytes] = {"passphrase": passphrase.encode()}
        self.key = lab.create_cmk("orders").arn
        self.statuses: set[int] = set()

    def plant(self, name: str, secret: bytes) -> str:
        self.planted[name] = secret
        return secret.decode()

    def send(
        self, pair: AccessKeyPair, operation: str, body: Mapping[str, Any], **changed: Any
    ) -> dict[str, Any]:
        """The answer. One that is an error is searched; of others the secrets are the purpose."""
        headers = JSON | {"X-Amz-Target": f"TrentService.{operation}"} | changed.pop("headers", {})
        given = {"key_id": pair.id, "secret": pair.secret.decode(), "token": pair.token or None}
        sent = written(signed(wire.dump(dict(body)), **given | changed | {"headers": headers}))
        status, answered, content = exchange(self.endpoint, sent)
        self.statuses.add(status)
        if status != 200:
            self.exposed.add(f"{operation}: error", content)
            self.exposed.add_shown(f"{operation}: headers", answered)
        return dict(json.loads(content)) if content.startswith(b"{") else {}

    def tell_of_access_keys(self) -> None:
        root = self.endpoint.access_key
        alice = self.lab.user("alice", allow("kms:*"))
        pairs = [root, alice.access_key(), self.lab.role("auditor", allow("kms:*")).access_key()]
        for number, pair in enumerate(pairs):
            self.planted[f"secret access key {number}"] = bytes(pair.secret)
            if pair.token:
                self.planted["session token"] = pair.token.encode()
            assert "Keys" in self.send(pair, "ListKeys", {})
            self.send(pair, "ListKeys", {}, token=pair.secret.decode())
            self.send(pair, "ListKeys", {}, secret=pair.secret.decode()[:-1])
            self.send(pair, "ListKeys", {}, service=pair.secret.decode().replace("/", "x"))
            self.send(pair, "ListKeys", {"Limit": pair.secret.decode()})
            self.send(pair, "ListKeys", {pair.secret.decode(): 1})
            self.exposed.add_shown("access key", pair)
        for thing in (self.endpoint, self.lab.iam, self.lab.iam.access_keys, alice):
            self.exposed.add_shown(type(thing).__name__, thing)

    def tell_of_every_operation(self) -> None:
        """Each member that may hold a secret holds one: rightly, wrongly, and too much of it."""
        root = self.endpoint.access_key
        for name, operation in MODEL.operations.items():
            if operation.input is None:
                continue
            secret = self.plant(f"secret of {name}", plant())
            for shape_secret in (secret, [secret], {"a": secret}, int(secret, 16), secret * 300):
                members = {
                    member: self.value(member, shape, shape_secret)
                    for member, shape in operation.input.members.items()
                    if member not in ("DryRun", "Recipient")
                }
                self.send(root, name, members)
                needed = {each: members[each] for each in operation.input.required}
                self.send(root, name, needed)

    def value(self, member: str, shape: Shape, secret: Any) -> Any:
        if shape.kind == "blob" or shape.secret or member == "GrantToken":
            return secret
        if member == "GrantTokens":
            return [secret]
        if shape.kind == "structure":
            return {name: self.value(name, each, secret) for name, each in shape.members.items()}
        if member in ("KeyId", "TargetKeyId", "SourceKeyId", "DestinationKeyId"):
            return self.key
        if shape.enum:
            return next(iter(shape.enum))
        simple = {"integer": 1, "boolean": False, "timestamp": 1, "map": {}, "list": []}
        return simple.get(shape.kind, "alias/x")

    def tell_of_key_stores(self) -> None:
        root, clusters = self.endpoint.access_key, self.lab._integrations.clusters
        for right in (True, False):
            cluster, password = clusters.create(2, self.lab.clock.now(), self.lab.caller.account)
            typed = password if right else plant().decode()[:32]
            self.plant(f"password {right}", typed.encode())
            store = self.send(
                root,
                "CreateCustomKeyStore",
                {
                    "CustomKeyStoreName": f"store {right}",
                    "CloudHsmClusterId": cluster.id,
                    "TrustAnchorCertificate": cluster.trust_anchor,
                    "KeyStorePassword": typed,
                },
            )
            self.send(root, "ConnectCustomKeyStore", store)
            self.send(root, "UpdateCustomKeyStore", store | {"KeyStorePassword": typed * 9})
            self.exposed.add_shown("cluster", cluster)
        credential = ("AKIAPROXYPROXYPROXY1", self.plant("proxy's secret", plant()))
        with pytest.raises(KMSError) as caught:
            self.lab.create_key_store("x", "http://127.0.0.1:9/kms/xks/v1", credential)
        self.exposed.add_error("proxy", caught.value)

    def tell_of_data_keys(self) -> None:
        """They are in answers, which are not searched, and must be nowhere else."""
        root = self.endpoint.access_key
        made = self.send(root, "GenerateDataKey", {"KeyId": self.key, "KeySpec": "AES_256"})
        self.planted["data key"] = b64decode(made["Plaintext"])
        random = self.send(root, "GenerateRandom", {"NumberOfBytes": 48})
        self.planted["random bytes"] = b64decode(random["Plaintext"])
        grant = {"GranteePrincipal": self.lab.caller.principal, "Operations": ["Decrypt"]}
        token = self.send(root, "CreateGrant", {"KeyId": self.key, **grant})["GrantToken"]
        self.planted["grant token"] = token.encode()[:20]  # the rest is the grant's name
        self.send(
            root, "Decrypt", {"CiphertextBlob": made["CiphertextBlob"], "GrantTokens": [token]}
        )
        self.send(root, "RetireGrant", {"GrantToken": token})
        self.send(root, "RetireGrant", {"GrantToken": token})
        own = self.send(root, "CreateKey", {"Origin": "EXTERNAL"})["KeyMetadata"]["KeyId"]
        wrapping = {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}
        given = self.send(root, "GetParametersForImport", {"KeyId": own, **wrapping})
        material = self.planted["material"] = plant()[:32]
        public = b64decode(given["PublicKey"])
        wrapped = bytes(wrap(public, material, "RSAES_OAEP_SHA_256"))
        self.planted["import token"] = b64decode(given["ImportToken"])[-48:]
        members = {
            "KeyId": own,
            "ImportToken": given["ImportToken"],
            "EncryptedKeyMaterial": b64encode(wrapped).decode(),
            "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        }
        assert not self.send(root, "ImportKeyMaterial", members).get("__type")
        wrong = {"EncryptedKeyMaterial": b64encode(material).decode()}
        self.send(root, "ImportKeyMaterial", members | wrong)

    def tell_of_a_fault(self) -> None:
        """The service fails inside, because its store has lost a record."""
        key = self.lab.create_cmk().arn
        self.lab._store.commit(remove=self.lab._store.page(DomainKey, ""))
        secret = b64encode(self.plant("plaintext in a fault", plant()).encode()).decode()
        root = self.endpoint.access_key
        told = self.send(root, "Encrypt", {"KeyId": key, "Plaintext": secret})
        assert told["__type"] == "KMSInternalException"


def commands(store: list[str]) -> Iterator[list[str]]:
    """Those that look at a lab. `serve` and `sheet` show access keys, because that is their use."""
    yield from (["trail", *store], ["trail", "--json", *store], ["keys", *store], ["bill", *store])
    yield ["describe", "alias/orders", *store]
    yield ["explain", "--action", "kms:Decrypt", "--key", "alias/orders", *store]


def run(exposed: Exposed, arguments: list[str]) -> int:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    exposed.add(f"{arguments}: output", result.output)
    if isinstance(result.exception, Exception):
        exposed.add_error(f"{arguments}: error", result.exception)
    return result.exit_code


@pytest.mark.long  # some 6 seconds; the story in process is quick
def test_a_served_lab_and_its_commands_show_no_secret(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    passphrase, url = plant().decode(), f"sqlite:///{tmp_path / 'my.db'}"
    root_key = Passphrase(passphrase, cost_for_tests=CHEAP)
    # The test's own signer logs its work. The last level is the one that caplog itself has.
    with caplog.at_level(logging.WARNING, "botocore"), caplog.at_level(1, "sqlalchemy"):
        caplog.set_level(1)
        with Lab(store=url, root_key=root_key, trail=tmp_path / "trail.json") as lab:
            with running(lab) as endpoint:
                story = Story(lab, endpoint, passphrase)
                exposed = story.exposed
                story.planted["root key"] = bytes(lab.iam.access_keys._hsm.domain_keys._root_key)
                story.tell_of_access_keys()
                story.tell_of_data_keys()
                story.tell_of_key_stores()
                story.tell_of_every_operation()
                for name, value in endpoint.environment.items():
                    monkeypatch.setenv(name, value)
                assert [run(exposed, each) for each in commands([])] == [0] * 6
                story.tell_of_a_fault()
            exposed.add_shown("trail", lab.trail)
            exposed.add("trail, as data", json.dumps(lab.trail, default=repr))
            exposed.add_shown("root key", root_key)
            add_files(exposed, tmp_path)
    assert story.statuses >= {200, 400, 500}
    monkeypatch.setenv("KMSLAB_PASSPHRASE", passphrase)
    assert [run(exposed, each) for each in commands(["--store", url])] == [0] * 6
    run(exposed, ["backup", "--store", url, str(tmp_path / "my.backup")])
    add_files(exposed, tmp_path)
    loggers = {record.name.partition(".")[0] for record in caplog.records}
    assert {"kmslab", "sqlalchemy"} <= loggers
    exposed.add("logs", caplog.text + "".join(repr(vars(record)) for record in caplog.records))
    exposed.add("output", "".join(capfd.readouterr()))
    assert len(story.planted) > 60
    exposed.search(story.planted)


def add_files(exposed: Exposed, folder: Path) -> None:
    """The store, its log and its index, the trail's file, the backup."""
    for path in folder.iterdir():
        if path.is_file():
            exposed.add(f"file {path.name}", path.read_bytes())
