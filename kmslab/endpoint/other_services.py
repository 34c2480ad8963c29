"""Answers requests to other services: GetCallerIdentity of AWS STS, and an error for all the rest.

Many tools that use KMS first ask STS who they are. The error names the service that the request was
meant for, in a form that the service's clients can read.
Source: AWS STS API reference, "GetCallerIdentity" and "Common Error Types".
"""

import re
from urllib.parse import parse_qs
from xml.sax import saxutils

from kmslab.endpoint.claims import Request
from kmslab.endpoint.sigv4 import Signer, Verifier
from kmslab.kms.access.principals import user_id
from kmslab.kms.arn import known_arn
from kmslab.kms.contract.errors import KMSError
from kmslab.kms.contract.events import new_request_id
from kmslab.kms.wire import Answer, answer, dump

STS = b"sts"
VERSION = "2011-06-15"
NAMESPACE = f"https://sts.amazonaws.com/doc/{VERSION}/"
# The common layer's errors as services of the query protocol name them, and their HTTP statuses.
CODES = {
    "ExpiredTokenException": ("ExpiredToken", 403),
    "IncompleteSignatureException": ("IncompleteSignature", 400),
    "InvalidSignatureException": ("SignatureDoesNotMatch", 403),
    "MissingAuthenticationTokenException": ("MissingAuthenticationToken", 403),
    "UnrecognizedClientException": ("InvalidClientTokenId", 403),
}
TEXTS = {"MissingAuthenticationTokenException": "Request is missing Authentication Token"}
FIELDS = 100  # of a form: more than any that STS knows
FORM = 16 * 1024  # bytes: reading a longer one would hold up others, and it may be a stranger's
XML = "text/xml"
NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
XML_SERVICES = frozenset({"cloudfront", "route53", "s3", "s3-outposts", "s3express"})
UNWRAPPED = frozenset({"s3", "s3express"})  # their errors stand alone (Smithy's noErrorWrapping)
NOT_IMPLEMENTED = "NotImplemented"
NOT_SERVED = (
    "This endpoint serves AWS KMS (and GetCallerIdentity of AWS STS), but not {0}. To send only "
    "KMS requests here, set AWS_ENDPOINT_URL_KMS to it and not AWS_ENDPOINT_URL."
)


def is_for_sts(request: Request, service: str) -> bool:
    return service == "sts" or (not service and action(request) == "GetCallerIdentity")


def action(request: Request) -> str:
    """The operation that a request of the query protocol names."""
    return _parameter(request, "Action")


def answer_sts(verifier: Verifier, request: Request, now: float) -> Answer:
    """Who is calling. As on AWS, this needs no permission."""
    request_id = new_request_id()
    try:
        signer = verifier.verify(request, STS, now)
    except KMSError as error:
        code, status = CODES[error.code]
        return _error(status, code, TEXTS.get(error.code, error.message), request_id)
    if action(request) != "GetCallerIdentity":
        text = f"Could not find operation {action(request)} for version "
        return _error(400, "InvalidAction", text + _parameter(request, "Version"), request_id)
    return answer(200, request_id, _identity(signer, request_id).encode(), XML)


def not_served(request: Request, service: str) -> Answer:
    """The answer to a request for any other service: status 501, which no client retries."""
    text, request_id = NOT_SERVED.format(service), new_request_id()
    if service in UNWRAPPED:
        body = f"<Error><Code>{NOT_IMPLEMENTED}</Code><Message>{escape(text)}</Message></Error>"
        return answer(501, request_id, body.encode(), XML)
    if service in XML_SERVICES or b"form" in request.headers.get(b"content-type", b""):
        return _error(501, NOT_IMPLEMENTED, text, request_id)
    return answer(501, request_id, dump({"__type": NOT_IMPLEMENTED, "message": text}))


def _identity(signer: Signer, request_id: str) -> str:
    principal = signer.key.principal
    account = known_arn(principal).account
    return (
        f'<GetCallerIdentityResponse xmlns="{NAMESPACE}"><GetCallerIdentityResult>'
        f"<Arn>{escape(principal)}</Arn><UserId>{escape(user_id(principal))}</UserId>"
        f"<Account>{account}</Account></GetCallerIdentityResult><ResponseMetadata>"
        f"<RequestId>{request_id}</RequestId></ResponseMetadata></GetCallerIdentityResponse>"
    )


def _error(status: int, code: str, text: str, request_id: str) -> Answer:
    body = (
        f'<ErrorResponse xmlns="{NAMESPACE}"><Error><Type>Sender</Type><Code>{code}</Code>'
        f"<Message>{escape(text)}</Message></Error><RequestId>{request_id}</RequestId>"
        "</ErrorResponse>"
    )
    refusal = answer(status, request_id, body.encode(), XML)
    return refusal._replace(headers={**refusal.headers, "x-amzn-ErrorType": code})


def escape(text: str) -> str:
    """For XML; characters that XML cannot hold are replaced."""
    return saxutils.escape(NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text))


def _parameter(request: Request, name: str) -> str:
    form = request.query or request.body
    if len(form) > FORM:
        return ""
    try:
        fields = parse_qs(form.decode("utf-8", "replace"), max_num_fields=FIELDS)
    except ValueError:  # too many
        return ""
    return fields.get(name, [""])[0]
