"""A small client: signs with botocore, keeps one connection, and says what became of a request."""

import http.client
import json
from typing import Any, NamedTuple

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

ID, SECRET = "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
PATIENCE = 90  # seconds


class Lost(Exception):
    """There is no answer: what was asked may have happened or not."""


class Answer(NamedTuple):
    status: int
    members: dict[str, Any]
    request_id: str

    @property
    def code(self) -> str:
        return str(self.members.get("__type", "")) if self.status != 200 else ""


class Client:
    """For one thread."""

    def __init__(self, port: int) -> None:
        self._host = f"127.0.0.1:{port}"
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
        self._signer = SigV4Auth(Credentials(ID, SECRET), "kms", "us-east-1")

    def call(self, operation: str, **members: Any) -> Answer:
        """Raises `Lost`, unless the server has answered."""
        body = json.dumps(members)
        headers = {"X-Amz-Target": f"TrentService.{operation}"}
        headers |= {"Content-Type": "application/x-amz-json-1.1"}
        request = AWSRequest("POST", f"http://{self._host}/", headers, body)
        self._signer.add_auth(request)
        try:
            self._connection.request("POST", "/", body, dict(request.headers.items()))
            answer = self._connection.getresponse()
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise Lost from error
        parsed = json.loads(text) if text else {}
        return Answer(answer.status, parsed, answer.headers["x-amzn-RequestId"])

    def ask(self, operation: str, **members: Any) -> dict[str, Any]:
        """The members of an answer that must not be an error."""
        answer = self.call(operation, **members)
        assert answer.status == 200, (operation, members, answer)
        return answer.members

    def close(self) -> None:
        self._connection.close()
