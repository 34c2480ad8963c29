"""An external key store proxy: it stands between AWS KMS and the key manager beside it.

    python xks_proxy.py serve                                  # until Ctrl+C: "unplugged"
    python xks_proxy.py serve --port 8701 --cert c.pem --key k.pem

It prints its address, and a credential, which it keeps in `proxy.json` (or what PROXY_FILE names),
in the form in which the KMS console reads it. Each request that KMS sends leaves a line: the same
request id is in KMS's trail.
Source: AWS KMS External Key Store Proxy API Specification, version 1.
"""

import argparse
import contextlib
import json
import os
import secrets
import ssl
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from key_manager import (
    IV,
    TAG,
    KeyManager,
    KeyManagerError,
    Sealed,
    from_environment,
    write_privately,
)
from signature_check import is_signed

PATH = "/kms/xks/v1"
LONGEST = 64 * 1024  # bytes of a request; the API's longest has some 17 KiB
PATIENCE = 10  # seconds for a client to send its request
AAD = "additionalAuthenticatedData"
STATUS = {
    "AuthenticationFailedException": 401,
    "KeyNotFoundException": 404,
    "InvalidUriPathException": 404,
    "InternalException": 500,
}
VERSION = b"1"  # of the way in which this proxy binds what it seals; 20 bytes at most
Log = Callable[[str], None]


class Proxy:
    """Answers the four requests of the API. `credentials`: secrets by their ids."""

    def __init__(self, keys: KeyManager, credentials: Mapping[str, str], log: Log = print) -> None:
        self.keys = keys
        self.credentials = credentials
        self.log = log

    def answer(
        self, path: str, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> tuple[int, dict[str, Any]]:
        """The HTTP status and the body of the answer to a POST."""
        about: Mapping[str, Any] = {}
        try:
            if not is_signed("POST", path, headers, body, self.credentials, now):
                text = "The signature is not that of a credential of this proxy."
                raise KeyManagerError("AuthenticationFailedException", text)
            request = _parsed(body)
            about = request.get("requestMetadata", {})
            status, answer = 200, self._run(path, request)
        except KeyManagerError as error:
            status = STATUS.get(error.name, 400)
            answer = {"errorName": error.name, "errorMessage": str(error)}
        except Exception as error:
            status, answer = 500, {"errorName": "InternalException"}
            print(f"{type(error).__name__}: {error}", file=sys.stderr)
        # No plaintext and no ciphertext, only who wanted what.
        known = [str(about.get(name, "-")) for name in ("kmsOperation", "awsPrincipalArn")]
        outcome = answer.get("errorName", "ok")
        self.log(" ".join([path, *known, str(about.get("kmsRequestId", "-")), outcome]))
        return status, answer

    def _run(self, path: str, request: dict[str, Any]) -> dict[str, Any]:
        match path.removeprefix(PATH).split("/") if path.startswith(PATH) else []:
            case ["", "health"]:
                return self._health()
            case ["", "keys", name, "metadata"]:
                return self._metadata(name)
            case ["", "keys", name, "encrypt"]:
                return self._encrypt(name, request)
            case ["", "keys", name, "decrypt"]:
                return self._decrypt(name, request)
        raise KeyManagerError("InvalidUriPathException", f"This proxy answers below {PATH}.")

    def _health(self) -> dict[str, Any]:
        self.keys.statuses()  # which fails if the keys cannot be read
        return {
            "xksProxyFleetSize": 1,
            "xksProxyVendor": "kmslab's example",
            "xksProxyModel": "xks_proxy.py",
            "ekmVendor": "kmslab's example",
            "ekmFleetDetails": [{"id": "1", "model": "key_manager.py", "healthStatus": "ACTIVE"}],
        }

    def _metadata(self, name: str) -> dict[str, Any]:
        status = self.keys.status(name)
        return {"keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": status}

    def _encrypt(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        plaintext, aad = _bytes(request, "plaintext"), _bytes(request, AAD, optional=True)
        sealed = self.keys.encrypt(name, plaintext, _bound(aad, VERSION))
        answer = {
            "ciphertext": sealed.ciphertext,
            "ciphertextMetadata": VERSION,
            "initializationVector": sealed.iv,
            "authenticationTag": sealed.tag,
        }
        if "ciphertextDataIntegrityValueAlgorithm" in request:
            answer["ciphertextDataIntegrityValue"] = integrity(aad, VERSION, sealed)
            # Computed first and then tried: a value is never sent for what would not open.
            if self.keys.decrypt(name, sealed, _bound(aad, VERSION)) != plaintext:
                raise KeyManagerError("InternalException", "What was sealed does not open.")
        return {member: b64encode(value).decode() for member, value in answer.items()}

    def _decrypt(self, name: str, request: dict[str, Any]) -> dict[str, Any]:
        iv, tag = _bytes(request, "initializationVector"), _bytes(request, "authenticationTag")
        if (len(iv), len(tag)) != (IV, TAG):
            raise KeyManagerError("InvalidCiphertextException", "The IV or the tag is too short.")
        sealed = Sealed(iv, _bytes(request, "ciphertext"), tag)
        metadata = _bytes(request, "ciphertextMetadata", optional=True)
        aad = _bound(_bytes(request, AAD, optional=True), metadata)
        return {"plaintext": b64encode(self.keys.decrypt(name, sealed, aad)).decode()}


def _bound(aad: bytes, metadata: bytes) -> bytes:
    """With their lengths: otherwise the end of one could pass for the beginning of the other."""
    return len(aad).to_bytes(2, "big") + aad + len(metadata).to_bytes(1, "big") + metadata


def integrity(aad: bytes, metadata: bytes, sealed: Sealed) -> bytes:
    """By which KMS sees that nothing was damaged on the way (the specification's Appendix C)."""
    return sha256(aad + metadata + sealed.iv + sealed.ciphertext + sealed.tag).digest()


def _parsed(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
        if isinstance(found, dict) and isinstance(found.get("requestMetadata"), dict):
            return found
    except (ValueError, RecursionError):
        pass
    raise KeyManagerError("ValidationException", "The body is not a request in JSON.")


def _bytes(request: dict[str, Any], member: str, optional: bool = False) -> bytes:
    if optional and member not in request:
        return b""
    try:
        return b64decode(request[member], validate=True)
    except (KeyError, TypeError, ValueError):
        text = f"The member {member} is missing, or is not base64."
        raise KeyManagerError("ValidationException", text) from None


# ----------------------------------------------------------------------------------------- HTTP


class Server(ThreadingHTTPServer):
    daemon_threads = True
    proxy: Proxy
    tls: ssl.SSLContext | None = None

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake belongs to the connection's own thread: a slow client stops nobody."""
        request.settimeout(PATIENCE)
        with contextlib.suppress(OSError):
            if self.tls is None:
                super().finish_request(request, client_address)
                return
            with self.tls.wrap_socket(request, server_side=True) as secured:
                super().finish_request(secured, client_address)

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http{'s' if self.tls else ''}://{host}:{port}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # head and body in one packet: two would wait for each other
    server: Server

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > LONGEST:
            self._send(400, {"errorName": "ValidationException"}, close=True)
            return
        body = self.rfile.read(int(length))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self._send(*self.server.proxy.answer(self.path, headers, body, datetime.now(UTC)))

    def do_GET(self) -> None:
        self._send(405, {"errorName": "UnsupportedOperationException"})

    def _send(self, status: int, answer: dict[str, Any], close: bool = False) -> None:
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if close:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """The proxy's own line says more."""


def server(
    proxy: Proxy, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
) -> Server:
    made = Server((host, port), Handler)
    made.proxy, made.tls = proxy, tls
    return made


@contextlib.contextmanager
def running(proxy: Proxy, port: int = 0, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Within `with running(proxy) as server:` a thread serves it. The end of it: unplugged."""
    with server(proxy, port=port, tls=tls) as found:
        thread = Thread(target=found.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        try:
            yield found
        finally:
            found.shutdown()
            thread.join()


# -------------------------------------------------------------------------------- the command


def new_credential() -> tuple[str, str]:
    """An id and a secret in the forms that KMS accepts, the secret with 256 random bits."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    name = "".join(secrets.choice(letters) for _ in range(20))
    return name, b64encode(secrets.token_bytes(32)).decode()


def credential_in(path: Path) -> tuple[str, str]:
    """The credential that the file keeps, in the KMS console's form; made if it is not there."""
    if not path.exists():
        name, secret = new_credential()
        credential = {"AccessKeyId": name, "RawSecretAccessKey": secret}
        kept = {"XksProxyUriPath": PATH, "XksProxyAuthenticationCredential": credential}
        write_privately(path, json.dumps(kept, indent=2))
    kept = json.loads(path.read_text(encoding="ascii"))["XksProxyAuthenticationCredential"]
    return kept["AccessKeyId"], kept["RawSecretAccessKey"]


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8700)
    parser.add_argument("--cert", help="a certificate in PEM: serve HTTPS, as AWS demands")
    parser.add_argument("--key", help="the certificate's private key in PEM")
    options = parser.parse_args(arguments)
    tls = None
    if options.cert:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(options.cert, options.key)
    name, secret = credential_in(Path(os.environ.get("PROXY_FILE", "proxy.json")))
    proxy = Proxy(from_environment(), {name: secret}, lambda line: print(line, flush=True))
    with server(proxy, options.host, options.port, tls) as found:
        print(f"{found.url}{PATH}\naccess key id  {name}\nsecret         {secret}", flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            found.serve_forever()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
